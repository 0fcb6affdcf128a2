/* This file makes one whole chain out of one or two that may be damaged in different places, a
 * member's copy out of one that came back, and compares a chain with what its own entries give.
 * Nothing goes in that a replay of the rules does not accept, so neither chain has to be believed.
 */
#include "chain_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/ahead.h"
#include "ledger/copy.h"
#include "ledger/hash.h"
#include "ledger/network.h"

#define RUN_ENTRIES 4096u /* in one transaction */

typedef struct uniting {
	emr_chain *first, *second; /* the second may be NULL */
	emr_chain *united;
	emr_chain_keep_fn keep; /* of FIRST; NULL: the parts of every domain */
	emr_chain_parts parts;
	emr_buf entry, items; /* of the second */
	emr_ledger_trouble *trouble;
} uniting;

static void uniting_free(uniting **u)
{
	if (*u == NULL)
		return;
	emr_chain_parts_free(&(*u)->parts);
	emr_buf_free(&(*u)->entry);
	emr_buf_free(&(*u)->items);
	free(*u);
}

static emr_status bad(uniting *u, emr_status status, uint64_t seq, const char *cause)
{
	*u->trouble = (emr_ledger_trouble){.status = status, .seq = seq};
	(void)snprintf(u->trouble->cause, sizeof u->trouble->cause, "%s", cause);
	return status;
}

/* Each part is given as both chains have it; who takes it keeps what fits its item. */
static emr_status fetch_both(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	uniting *u = arg;

	EMR_TRY(emr_chain_fetch(u->first, keys, n, fn, fn_arg));
	return u->second != NULL ? emr_chain_fetch(u->second, keys, n, fn, fn_arg) : EMR_OK;
}

static emr_status follow(
	uniting *u, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	EMR_TRY(emr_chain_parts_of(entry, fetch_both, u, u->keep, u->first, &u->parts));
	return emr_chain_follow(
		u->united, entry, checked, u->parts.spans, u->keep, u->first, u->trouble);
}

/* EMR_NOT_FOUND, also of one that is not whole. */
static emr_status read_second(uniting *u, uint64_t seq)
{
	emr_status status = u->second == NULL
				    ? EMR_NOT_FOUND
				    : emr_chain_entry_in_tree(u->second, seq, &u->entry, &u->items);

	return status == EMR_DAMAGED ? EMR_NOT_FOUND : status;
}

static emr_status follow_second(uniting *u, uint64_t seq)
{
	emr_ledger_entry entry = {
		.seq = seq, .entry = emr_buf_view(&u->entry), .items = emr_buf_view(&u->items)};

	return follow(u, &entry, NULL);
}

/* An entry that a replay takes, beside another one that its own tree does not contradict, means two
 * histories; beside a damaged one it means damage. */
static emr_status unite_one(
	void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	uniting *u = arg;
	emr_status status = follow(u, entry, checked);
	emr_status other;

	if (status != EMR_OK && status != EMR_DAMAGED)
		return status;
	other = read_second(u, entry->seq);
	if (other != EMR_OK)
		return other == EMR_NOT_FOUND ? status : other;
	if (status == EMR_DAMAGED)
		return follow_second(u, entry->seq);
	return emr_bytes_equal(entry->entry, emr_buf_view(&u->entry))
		       ? EMR_OK
		       : bad(u, EMR_FORK, entry->seq,
				 "the entry is not the one that this computer has verified");
}

/* Where the first has no whole one. */
static emr_status take_second(uniting *u, uint64_t seq)
{
	emr_status status = read_second(u, seq);

	if (status == EMR_NOT_FOUND)
		return bad(u, EMR_DAMAGED, seq, "the entry cannot be read");
	return status == EMR_OK ? follow_second(u, seq) : status;
}

static emr_status unite_all(uniting *u, emr_bytes descriptor, uint64_t from, uint64_t size)
{
	EMR_AUTO_AHEAD ahead = emr_ahead_new(u->united);
	EMR_AUTO_BUF first = {0};
	emr_status status = ahead != NULL ? EMR_OK : EMR_NO_MEMORY;
	size_t n = 0;

	for (uint64_t seq = from; status == EMR_OK && seq < size; seq += n) {
		emr_status last = emr_ahead_read(ahead, u->first, seq, size);

		status = emr_ahead_each(ahead, unite_one, u, &n);
		if (status == EMR_OK && emr_required(last) == EMR_DAMAGED) {
			last = take_second(u, seq + n);
			n++;
		}
		status = status == EMR_OK ? last : status;
	}
	if (status == EMR_OK)
		status = emr_chain_entry(u->united, 0, &first, NULL);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&first), descriptor))
		status = EMR_FORK;
	if (status == EMR_OK)
		*u->trouble = (emr_ledger_trouble){.status = EMR_OK};
	return emr_required(status);
}

static emr_status unite_run(uniting *u, emr_bytes descriptor, uint64_t from, uint64_t size)
{
	EMR_TRY(emr_chain_begin(u->united));
	return emr_chain_end(u->united, unite_all(u, descriptor, from, size));
}

emr_status emr_chain_unite(emr_chain *first, emr_chain *second, emr_bytes descriptor, uint64_t size,
	emr_chain *united, emr_ledger_trouble *out_trouble)
{
	__attribute__((cleanup(uniting_free))) uniting *u = calloc(1, sizeof *u);
	uint64_t from = 0;

	EMR_TRY(u ? emr_chain_size(united, &from) : EMR_NO_MEMORY);
	*u = (uniting){.first = first, .second = second, .united = united, .trouble = out_trouble};
	return unite_run(u, descriptor, from, size);
}

emr_status emr_chain_verify(
	emr_chain *chain, emr_bytes descriptor, bool is_members, emr_ledger_trouble *out)
{
	EMR_AUTO_CHAIN truth = NULL;
	EMR_AUTO_BUF first = {0};
	uint64_t size = 0;
	emr_status status = emr_chain_open_temporary(&truth);

	if (status == EMR_OK)
		status = emr_chain_size(chain, &size);
	if (status == EMR_OK)
		status = emr_chain_entry(chain, 0, &first, NULL);
	if (status == EMR_OK && !emr_bytes_equal(emr_buf_view(&first), descriptor))
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_chain_unite(chain, NULL, descriptor, size, truth, out);
	if (status == EMR_OK)
		status = emr_chain_compare(truth, chain, is_members, out);
	if (status == EMR_OK)
		status = emr_chain_check_file(chain);
	if (status == EMR_DAMAGED && out->status == EMR_OK)
		*out = (emr_ledger_trouble){
			.status = EMR_DAMAGED, .cause = "the ledger file itself is damaged"};
	return status;
}

/* With what comes before an entry that is not whole. */
static emr_status unite_runs(uniting *u, emr_bytes descriptor, uint64_t size)
{
	emr_ledger_trouble none;
	uint64_t whole;
	emr_status status = EMR_OK;

	for (uint64_t from = 0; status == EMR_OK && from < size; from += RUN_ENTRIES)
		status = unite_run(
			u, descriptor, from, size - from > RUN_ENTRIES ? from + RUN_ENTRIES : size);
	if (status != EMR_DAMAGED || u->trouble->status != EMR_DAMAGED)
		return status;
	whole = u->trouble->seq;
	u->trouble = &none;
	status = unite_run(u, descriptor, whole - whole % RUN_ENTRIES, whole);
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
	*u = (uniting){
		.first = from, .united = own, .keep = emr_chain_has_parts, .trouble = out_trouble};
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
