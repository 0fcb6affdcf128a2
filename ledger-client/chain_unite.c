/* This file makes one whole chain out of two that were damaged in different places, and puts a
 * damaged one right in place. Nothing goes in that a replay of the rules does not accept, so
 * neither chain has to be believed. */
#include "chain_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/hash.h"

typedef struct row {
	emr_buf entry, items;
	bool is_there;
} row;

typedef struct uniting {
	emr_chain *first, *second; /* the second may be NULL */
	emr_chain *united;
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

	EMR_TRY(emr_chain_parts_of(&entry, fetch_both, u, NULL, NULL, &u->parts));
	return emr_chain_follow(u->united, &entry, NULL, u->parts.spans, NULL, NULL, u->trouble);
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

/* ---- putting right in place ---- */

typedef struct mending {
	emr_chain *chain, *truth;
	emr_chain_keep_fn keep;
	void *keep_arg;
	uint64_t n;
} mending;

static bool is_kept_here(const mending *m, sqlite3_stmt *s)
{
	emr_bytes domain = emr_sql_bytes(s, 1);

	return m->keep == NULL || (domain.len == 16 && m->keep(m->keep_arg, domain.data));
}

static void finalize(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}
#define AUTO_STATEMENT __attribute__((cleanup(finalize))) sqlite3_stmt *

__attribute__((format(printf, 3, 4))) static emr_status prepare(
	emr_chain *chain, sqlite3_stmt **out, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return emr_sql_status(
		chain->sql.db, sqlite3_prepare_v2(chain->sql.db, text, -1, out, NULL));
}

/* The condition of a row that is OF's in every column. */
static void write_same(sqlite3_stmt *of, bool part_may_lack, char out[400])
{
	int at = 0;

	for (int i = 0; i < sqlite3_column_count(of); i++) {
		const char *name = sqlite3_column_name(of, i);

		at += snprintf(out + at, (size_t)(400 - at), "%s(%s IS ?%d%s)",
			i > 0 ? " AND " : "", name, i + 1,
			part_may_lack && strcmp(name, "part") == 0 ? " OR length(part)=0" : "");
	}
}

static emr_status run_with(sqlite3_stmt *s, sqlite3_stmt *from)
{
	emr_status status = EMR_OK;

	for (int i = 0; status == EMR_OK && i < sqlite3_column_count(from); i++)
		if (sqlite3_bind_value(s, i + 1, sqlite3_column_value(from, i)) != SQLITE_OK)
			status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = emr_sql_step(s);
	(void)sqlite3_reset(s);
	return status;
}

/* REMOVES: rows of the chain that the truth does not have so, where it knows better than that a
 * part is lacking. Else rows of the truth that the chain does not have are put there, but over no
 * such part. */
static emr_status change_rows(mending *m, const char *name, bool removes)
{
	AUTO_STATEMENT all = NULL;
	AUTO_STATEMENT same = NULL;
	AUTO_STATEMENT change = NULL;
	const bool is_parts = strcmp(name, "parts") == 0;
	char where[400];
	int before = sqlite3_total_changes(m->chain->sql.db);
	emr_status status;

	EMR_TRY(prepare(removes ? m->chain : m->truth, &all, "SELECT * FROM %s%s", name,
		strcmp(name, "meta") == 0 ? " WHERE name='digest'" : ""));
	write_same(all, removes && is_parts, where);
	EMR_TRY(prepare(
		removes ? m->truth : m->chain, &same, "SELECT 1 FROM %s WHERE %s", name, where));
	if (removes)
		EMR_TRY(prepare(m->chain, &change, "DELETE FROM %s WHERE %s", name, where));
	else
		EMR_TRY(prepare(m->chain, &change, "INSERT OR IGNORE INTO %s VALUES(%.*s)", name,
			3 * sqlite3_column_count(all) - 1, "?1,?2,?3,?4,?5,?6,?7"));
	while ((status = emr_sql_step(all)) == EMR_OK) {
		bool is_wanted = !is_parts || is_kept_here(m, all);

		if (!is_wanted && !removes)
			continue;
		status = run_with(same, all);
		if (status == EMR_OK && is_wanted)
			continue;
		if (status == EMR_OK || status == EMR_NOT_FOUND)
			status = run_with(change, all);
		if (status != EMR_NOT_FOUND) /* as a statement without rows ends */
			break;
	}
	m->n += (uint64_t)(sqlite3_total_changes(m->chain->sql.db) - before);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_mend(
	emr_chain *chain, emr_chain *truth, emr_chain_keep_fn keep, void *keep_arg, uint64_t *out_n)
{
	static const char *const names[] = {
		"entries", "nodes", "domains", "items", "state", "places", "parts", "meta"};
	mending m = {.chain = chain, .truth = truth, .keep = keep, .keep_arg = keep_arg};
	EMR_AUTO_BUF note = {0};

	/* An index that disagrees with its table hides rows from the look for equal ones. */
	if (emr_chain_check_file(chain) == EMR_DAMAGED)
		EMR_TRY(emr_sql_run(&chain->sql, "REINDEX"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		EMR_TRY(change_rows(&m, names[i], true));
		EMR_TRY(change_rows(&m, names[i], false));
	}
	/* A note that cannot be read is left again by the next member who signs one. */
	if (emr_chain_note(chain, &note) == EMR_DAMAGED) {
		EMR_TRY(emr_sql_run(&chain->sql, "DELETE FROM meta WHERE name='note'"));
		m.n++;
	}
	*out_n = m.n;
	return emr_chain_check_file(chain);
}
