/* This header declares what the rules of grants share with those of requests and releases. It
 * refuses to read a grant that was not declared. */
#pragma once

#include "judge.h"

/* False when the grant is absent. */
bool emr_judge_grant(struct judge *judge, const uint8_t domain[16], const uint8_t grant[16],
	emr_row_grant *out_row);
/* GRANT_DEAD when it is revoked, not yet in force, or over at the ledger's time. */
emr_result emr_judge_grant_in_force(const struct judge *judge, const emr_row_grant *grant);
/* Ends GRANT, whose row is ROW with its new head already, and the fragments of it. */
void emr_judge_revoke(struct judge *judge, const uint8_t grant[16], const emr_row_grant *row);
/* Writes the row LETTERS/domain/object that says no more than who signed the item. */
void emr_judge_put_signed(struct judge *judge, const char *letters, uint8_t family);
