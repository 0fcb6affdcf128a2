/* Accounts, tokens and vouchers, for the rules of points and of joining a dataset.  It refuses to
 * read a row that was not declared. */
#pragma once

#include "judge.h"

struct key_set;

/* The rows that emr_judge_account() of KEY will read, and who asks whether points may lie there. */
void emr_declare_account(struct key_set *set, const uint8_t key[32]);
/* Whose points those of KEY are: of a registered key the first of its chain, of another (a domain's
 * owner is in no K row) the key itself. */
void emr_judge_account(struct judge *judge, const uint8_t key[32], uint8_t out_account[32]);
/* False when it is spent, or never was. */
bool emr_judge_voucher(
	struct judge *judge, const uint8_t fund[16], uint32_t index, emr_row_voucher *out_row);
/* AMOUNT points for ACCOUNT: output INDEX of the item in hand. */
void emr_judge_put_token(
	struct judge *judge, const uint8_t account[32], uint8_t index, uint64_t amount);
