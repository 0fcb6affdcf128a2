/* This file makes one whole chain out of two that were damaged in different places, and a member's
 * copy out of one that came back. Nothing goes in that a replay of the rules does not accept, so
 * neither chain has to be believed. */
#include "chain_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/copy.h"
#include "ledger/hash.h"
#include "ledger/network.h"

#define RUN_ENTRIES 4096u /* in one transaction */

typedef struct row {
	emr_buf entry, items;
	bool is_there;
} row;

typedef struct uniting {
	emr_chain *first, *second; /* the second may be NULL */
	emr_chain *united;
	emr_chain_keep_fn keep; /* of FIRST; NULL: the parts of every domain */
	emr_chain_parts parts;
	row a, b;
	emr_ledger_trouble *trouble;
} uniting;

static void uniting_free(uniting **u)
{
	if (*u == NULL)
		return;
	emr_chain_parts_free(&(*u)->parts);
	emr_buf_free(&(*u)->a.entry);
	emr_buf_free(&(*u)->a.items);
	emr_buf_free(&(*u)->b.entry);
	emr_buf_free(&(*u)->b.items);
	free(*u);
}

/* Not there, or not to be read: the other chain is asked. */
static emr_status read_row(emr_chain *chain, uint64_t seq, row *out)
{
	emr_status status = EMR_NOT_FOUND;

	if (chain != NULL)
		status = emr_chain_entry_in_tree(chain, seq, &out->entry, &out->items);
	out->is_there = status == EMR_OK;
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

/* Each part is given as both chains have it; who takes it keeps what fits its item. */
static emr_status fetch_both(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	uniting *u = arg;

	EMR_TRY(emr_chain_fetch(u->first, keys, n, fn, fn_arg));
	if (u->second != NULL)
		EMR_TRY(emr_chain_fetch(u->second, keys, n, fn, fn_arg));
	return EMR_OK;
}

static emr_status follow_row(uniting *u, uint64_t seq, const row *r)
{
	emr_ledger_entry entry = {
		.seq = seq, .entry = emr_buf_view(&r->entry), .items = emr_buf_view(&r->items)};

	EMR_TRY(emr_chain_parts_of(&entry, fetch_both, u, u->keep, u->first, &u->parts));
	return emr_chain_follow(
		u->united, &entry, NULL, u->parts.spans, u->keep, u->first, u->trouble);
}

static emr_status other_history(uniting *u, uint64_t seq)
{
	*u->trouble = (emr_ledger_trouble){.status = EMR_FORK, .seq = seq};
	(void)snprintf(u->trouble->cause, sizeof u->trouble->cause,
		"the entry is not the one that this computer has verified");
	return EMR_FORK;
}

/* An entry that a replay takes, beside another one that its own tree does not contradict, means two
 * histories; beside a damaged one it means damage. */
static emr_status unite_one(uniting *u, uint64_t seq)
{
	emr_status status = read_row(u->first, seq, &u->a);

	if (status == EMR_OK)
		status = read_row(u->second, seq, &u->b);
	if (status != EMR_OK)
		return status;
	if (u->a.is_there)
		status = follow_row(u, seq, &u->a);
	if (u->a.is_there && status == EMR_OK)
		return u->b.is_there && !emr_bytes_equal(emr_buf_view(&u->a.entry),
						emr_buf_view(&u->b.entry))
			       ? other_history(u, seq)
			       : EMR_OK;
	if (u->b.is_there && (status == EMR_OK || status == EMR_DAMAGED))
		return follow_row(u, seq, &u->b);
	if (!u->a.is_there) {
		*u->trouble = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = seq};
		(void)snprintf(
			u->trouble->cause, sizeof u->trouble->cause, "the entry cannot be read");
		return EMR_DAMAGED;
	}
	return status;
}

static emr_status unite_all(uniting *u, emr_bytes descriptor, uint64_t from, uint64_t size)
{
	EMR_AUTO_BUF first = {0};
	emr_status status = emr_chain_begin(u->united);

	for (uint64_t seq = from; status == EMR_OK && seq < size; seq++)
		status = unite_one(u, seq);
	if (status == EMR_OK)
		status = emr_chain_entry(u->united, 0, &first, NULL);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&first), descriptor))
		status = EMR_FORK;
	if (status == EMR_OK)
		*u->trouble = (emr_ledger_trouble){.status = EMR_OK};
	return emr_chain_end(u->united, emr_required(status));
}

emr_status emr_chain_unite(emr_chain *first, emr_chain *second, emr_bytes descriptor, uint64_t size,
	emr_chain *united, emr_ledger_trouble *out_trouble)
{
	__attribute__((cleanup(uniting_free))) uniting *u = calloc(1, sizeof *u);
	uint64_t from = 0;

	EMR_TRY(u ? emr_chain_size(united, &from) : EMR_NO_MEMORY);
	u->first = first;
	u->second = second;
	u->united = united;
	u->trouble = out_trouble;
	return unite_all(u, descriptor, from, size);
}

/* With what comes before an entry that is not whole. */
static emr_status unite_runs(uniting *u, emr_bytes descriptor, uint64_t size)
{
	emr_ledger_trouble none;
	uint64_t whole;
	emr_status status = EMR_OK;

	for (uint64_t from = 0; status == EMR_OK && from < size; from += RUN_ENTRIES)
		status = unite_all(
			u, descriptor, from, size - from > RUN_ENTRIES ? from + RUN_ENTRIES : size);
	if (status != EMR_DAMAGED || u->trouble->status != EMR_DAMAGED)
		return status;
	whole = u->trouble->seq;
	u->trouble = &none;
	status = unite_all(u, descriptor, whole - whole % RUN_ENTRIES, whole);
	return status == EMR_OK ? EMR_DAMAGED : status;
}

emr_status emr_ledger_copy_make_own(
	int ledger_dirfd, int state_dirfd, emr_ledger_trouble *out_trouble)
{
	__attribute__((cleanup(uniting_free))) uniting *u = calloc(1, sizeof *u);
	EMR_AUTO_CHAIN from = NULL;
	EMR_AUTO_CHAIN own = NULL;
	EMR_AUTO_BUF descriptor = {0};
	EMR_AUTO_BUF note = {0};
	uint64_t size = 0;
	emr_status status;

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	EMR_TRY(u ? emr_chain_open(
			    ledger_dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 0, &from)
		  : EMR_NO_MEMORY);
	EMR_TRY(emr_chain_size(from, &size));
	EMR_TRY(emr_required(emr_chain_entry(from, 0, &descriptor, NULL)));
	EMR_TRY(emr_chain_open(state_dirfd, CHAIN_OWN_COPY, EMR_CHAIN_PRIVATE, true, 0, &own));
	u->first = from;
	u->united = own;
	u->keep = emr_chain_has_parts;
	u->trouble = out_trouble;
	status = unite_runs(u, emr_buf_view(&descriptor), size);
	if (status == EMR_OK && emr_chain_note(from, &note) == EMR_OK)
		status = emr_chain_put_note(own, emr_buf_view(&note));
	return status;
}

emr_status emr_chain_each_missing(emr_chain *chain, emr_chain_missing_fn fn, void *arg)
{
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, ALL_PARTS, &s);

	while (status == EMR_OK) {
		emr_part_key key;

		status = emr_sql_step(s);
		if (status != EMR_OK || emr_sql_bytes(s, 5).len != 0)
			continue;
		key = chain_part_key_of_row(s);
		status = fn(arg, &key, emr_sql_u64(s, 6));
	}
	(void)sqlite3_reset(s);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
