/* Rules declare the rows that they need with these functions: first those that an item's bytes
 * name, then those that the fetched rows point to. A set that overflows makes the whole pass
 * NO_ROOM. */
#pragma once

#include "contract/contract.h"

#include "table.h"

/* The keys of one pass, each once. */
struct key_set {
	emr_contract_arena *arena;
	struct table table;
	size_t first_new; /* keys before it were given by an earlier pass */
	size_t approvals; /* in the batch */
	bool is_full;
};

/* Each key once, however often it is declared. */
void emr_declare(struct key_set *set, const emr_key_text *key);
/* The K row of SIGNER; in the first pass its organisation's M row follows by itself. */
void emr_declare_signer(struct key_set *set, const uint8_t signer[32]);
/* Can the approvals of the batch be judged, or are they too many? */
bool emr_declares_approvals(const struct key_set *set);
/* Second pass: the value of a row that the first pass declared; false when it is absent or was not
 * declared. */
bool emr_declared_value(const struct key_set *set, const emr_key_text *key, emr_span *out_value);
/* The rows in which what BATCH brings of its submitter's day is counted; in the second pass.
 * STATE. */
emr_contract_status emr_declare_quota(
	struct key_set *set, const emr_batch *batch, const emr_caller *caller);
