/* This follows a run of entries of the ledger, for replica_follow.c and replica_verify.c only. */
#pragma once

#include "ledger/ahead.h"
#include "replica_private.h"

/* Answers for one entry; the state is that before it. */
typedef struct choice {
	emr_replica *replica;
	emr_chain *chain;
	const emr_batch *batch; /* of the entry, for domains that it makes; NULL = none */
	emr_header header;
	emr_id16 last;
	bool has_last;
	bool last_is_mine;
	emr_status status; /* why state could not be read */
} choice;

typedef struct following {
	emr_replica *replica;
	emr_chain *chain;	  /* entries go here */
	emr_ahead *ahead;	  /* those that come next */
	size_t portion;		  /* of them, as many as found room before */
	emr_chain_fetch_fn fetch; /* where private parts come from: the ledger, until changed */
	void *fetch_arg;
	choice choice;
	emr_chain_parts parts;
	emr_batch batch;
	emr_ledger_trouble trouble;
	emr_replica_change *changes; /* NULL cap 0 = not wanted */
	size_t n_changes;
	size_t cap_changes;
	size_t n_items;	   /* of the entries of the transaction */
	uint64_t bad_part; /* entry whose part did not fit its hash; 0 = none */
	bool wants_changes;
	bool is_far; /* behind the ledger: the transaction before was full */
} following;

/* Entries will go to CHAIN; NULL when there is no memory. */
following *following_new(emr_replica *replica, emr_chain *chain);
void following_free(following **f);
#define AUTO_FOLLOWING __attribute__((cleanup(following_free))) following *
/* Verifies ENTRY and appends it: an emr_ahead_fn on a following. */
emr_status follow_one(void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked);
/* FN, with ARG, on at most MAX entries of the ledger from FROM; *OUT_N = how many times it was
 * EMR_OK, *OUT_IS_END: the ledger has no more. */
emr_status follow_ahead(following *f, uint64_t from, size_t max, emr_ahead_fn fn, void *arg,
	size_t *out_n, bool *out_is_end);
/* Which parts are kept; its argument is &following->choice. */
emr_chain_keep_fn keep_of(const emr_replica *replica);
/* EMR_NEWER_RULES: the copy of SIZE entries may be read as before, behind it nothing can
 * be judged here, and from now on nothing is sent (emr_ledger_outgrows). */
emr_status replica_check_rules(emr_replica *r, uint64_t size, emr_ledger_trouble *out);
emr_status give_trouble(
	emr_ledger_trouble *out, emr_status status, uint64_t seq, const char *cause);
