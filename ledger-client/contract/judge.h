/* The rules see these things while they judge an item: the batch, the rows, and who the signer
 * is in the item's domain. The order of checks is also here: first the whole batch, then item by
 * item. It refuses to go on behind the first check that fails, and reads of rows that were not
 * declared: `failed` is then set and nothing of the batch counts. */
#pragma once

#include "rules.h"
#include "table.h"

struct judge {
	/* the batch */
	const emr_batch *batch;
	const emr_caller *caller;
	uint64_t now; /* the entry's time */
	emr_contract_arena *arena;
	emr_header header;
	uint32_t rules; /* their number, as row N has it before the batch */
	uint8_t batch_id[32];
	uint8_t signer_id[32]; /* of header.signer_pk */
	struct table rows;
	emr_write *writes;
	size_t writes_count;
	size_t writes_cap;
	emr_contract_status failed; /* first thing that makes the whole run void */

	/* the item in hand */
	size_t index;
	emr_item item;
	emr_span pub;
	emr_span part;
	uint8_t id[32];
	const op_rule *rule;
	bool has_row; /* the operation moves a row of its own */
	bool is_row_present;
	emr_span row;
	emr_row_head head; /* zeros when the row is absent */
	bool has_domain;
	emr_row_domain domain;
	bool is_owner;
	bool is_manager; /* owner, or writer with MANAGE */
	bool is_depositor;
	uint16_t rights; /* of an active writer; 0 otherwise */
};

/* Value of a declared row; false when absent.  An undeclared key sets `failed`. */
/* Returns what CHECK says from the function that asks it, unless it allows the operation. */
#define EMR_JUDGE_TRY(check)                                                                       \
	do {                                                                                       \
		const emr_result emr_judged = (check);                                             \
		if (emr_judged != EMR_RESULT_APPLIED)                                              \
			return emr_judged;                                                         \
	} while (0)

bool emr_judge_get(struct judge *judge, const char *key, emr_span *out_value);
/* Notes the status of a row's parser; true when it parsed. */
bool emr_judge_parsed(struct judge *judge, emr_contract_status status);
/* Row of a signer's key.  False when absent. */
bool emr_judge_key(struct judge *judge, const uint8_t signer[32], emr_row_key *out_key);
/* The M row of an organisation.  False when absent. */
bool emr_judge_org(struct judge *judge, const uint8_t org[16], emr_row_org *out_org);
bool emr_judge_org_is_member(struct judge *judge, const uint8_t org[16]);
/* Is the signer a key of the chain that begins with ROOT? */
bool emr_judge_is_of_chain(struct judge *judge, const uint8_t root[32]);
/* State active, in time, and its organisation a member. */
bool emr_judge_key_is_active(struct judge *judge, const emr_row_key *key);
/* The same for the signer of the item. */
bool emr_judge_signer_is_active(struct judge *judge);

/* KEY_DEAD when he is not, except for the domain's owner: his keys are pseudonyms of one domain and
 * stand in no K row. */
emr_result emr_judge_signer_in_force(struct judge *judge);
/* Has the signer a K row, with one of ROLES (0 = any)?  NOT_AUTHORISED. */
emr_result emr_judge_registered(struct judge *judge, uint16_t roles);
/* KEY_DEAD unless the signer's K row is active. */
emr_result emr_judge_key_in_force(struct judge *judge);
/* Two checks that many operations share: NOT_AUTHORISED unless the signer manages the item's
 * domain, EXISTS when its row is there. */
emr_result emr_judge_manager(struct judge *judge);
emr_result emr_judge_is_new(struct judge *judge);
/* Is the signer owner or manager of DOMAIN, whose D and W rows are declared? */
bool emr_judge_manages(struct judge *judge, const uint8_t domain[16]);
/* The signer's W row of DOMAIN; false unless it is active, in time, and that of his whole id. */
bool emr_judge_writer(struct judge *judge, const uint8_t domain[16], emr_row_writer *out_row);
/* The O row of the item in hand; zeros when absent. */
emr_row_object emr_judge_object(struct judge *judge);

/* Loads row, domain and standing of the signer for the item in hand. */
void emr_judge_load(struct judge *judge);

/* Head of the row that the item in hand writes: its version and id, and these. */
emr_row_head emr_judge_head(
	const struct judge *judge, uint8_t family, uint8_t state, uint16_t flags, uint32_t epoch);
/* A state row becomes VALUE (copied). */
void emr_judge_put(struct judge *judge, const char *key, const uint8_t *value, size_t len);
/* The row that the item moves. */
void emr_judge_put_own(struct judge *judge, const uint8_t *value, size_t len);
/* The same for a value that lies in the arena; data NULL means that it did not fit. */
void emr_judge_put_owned(struct judge *judge, const char *key, emr_span value);
/* The supplied private part goes under FAMILY and VERSION of the item's domain and object. */
void emr_judge_put_part(struct judge *judge, uint8_t family, uint64_t version);
void emr_judge_purge(struct judge *judge, uint8_t family, uint64_t first, uint64_t last);
/* The same of another OBJECT of the item's domain. */
void emr_judge_purge_of(struct judge *judge, uint8_t family, const uint8_t object[16],
	uint64_t first, uint64_t last);
/* The item stands at this place (an i row) too. */
void emr_judge_put_place(
	struct judge *judge, uint8_t family, const uint8_t object[16], uint64_t version);

/* The order of checks, one place for all hosts: first the whole batch, then item by item.
 * It refuses to go on behind the first check that fails; which rows a check may read is
 * declare.c's. */

/* Have the rules in force all its operations?  UNKNOWN_OP for the whole batch: a program that knows
 * these rules and no later ones cannot split it. */
emr_result emr_check_operations(const struct judge *judge);
/* Is the batch for this network?  NETWORK. */
emr_result emr_check_network(struct judge *judge);
/* Signature, submitter, times and what the signer has seen, root: a refusal writes no entry. */
emr_result emr_check_batch(struct judge *judge);
/* Checks the share of the submitter's day that the whole batch takes (contract/quota.h), which is
 * counted behind this. LETTERS_SPENT, BYTES_SPENT, also without an entry. */
emr_result emr_check_quota(struct judge *judge);
/* Judges item I on the rows as the items before it left them, and writes what it does. */
emr_result emr_check_item(struct judge *judge, size_t i);
