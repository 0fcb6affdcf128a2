/* This file makes one whole chain out of two that were damaged in different places, and puts a
 * damaged one right in place. Nothing goes in that a replay of the rules does not accept, so
 * neither chain has to be believed. */
#include "chain_private.h"

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

static void uniting_end(uniting *u)
{
	emr_chain_parts_free(&u->parts);
	emr_buf_free(&u->a.entry);
	emr_buf_free(&u->a.items);
	emr_buf_free(&u->b.entry);
	emr_buf_free(&u->b.items);
}

static void uniting_free(uniting **u)
{
	if (*u != NULL)
		uniting_end(*u);
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

static bool is_same(const emr_buf *a, const emr_buf *b)
{
	return emr_bytes_equal(emr_buf_view(a), emr_buf_view(b));
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
		return u->b.is_there && !is_same(&u->a.entry, &u->b.entry) ? other_history(u, seq)
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
	if (status == EMR_OK) {
		*u->trouble = (emr_ledger_trouble){.status = EMR_OK};
		return emr_chain_commit(u->united);
	}
	emr_chain_rollback(u->united);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
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

typedef struct table {
	const char *name, *where; /* of a row that is the same in all columns */
	const char *columns, *marks, *order;
	int n;
} table;

/* Every column of every table: what a row says is compared whole and written whole. */
static const table tables[] = {
	{"entries", "seq=?1 AND batch_id IS ?2 AND entry IS ?3 AND items IS ?4",
		"seq, batch_id, entry, items", "?1,?2,?3,?4", "1", 4},
	{"nodes", "level=?1 AND idx=?2 AND hash IS ?3", "level, idx, hash", "?1,?2,?3", "1, 2", 3},
	{"domains", "domain=?1 AND seq=?2", "domain, seq", "?1,?2", "1, 2", 2},
	{"items", "prefix=?1 AND seq=?2 AND idx=?3", "prefix, seq, idx", "?1,?2,?3", "1, 2, 3", 3},
	{"state", "key=?1 AND value IS ?2 AND seq IS ?3 AND time IS ?4", "key, value, seq, time",
		"?1,?2,?3,?4", "1", 4},
	{"places",
		"family=?1 AND domain=?2 AND object=?3 AND version=?4 AND seq IS ?5 AND idx IS ?6 "
		"AND purged IS ?7",
		"family, domain, object, version, seq, idx, purged", "?1,?2,?3,?4,?5,?6,?7",
		"1, 2, 3, 4", 7},
	{"parts",
		"domain=?2 AND object=?3 AND family=?1 AND version=?4 AND seq IS ?5 AND hash IS ?6 "
		"AND part IS ?7",
		"family, domain, object, version, seq, hash, part", "?1,?2,?3,?4,?5,?6,?7",
		"2, 3, 1, 4", 7},
	{"meta", "name=?1 AND value IS ?2", "name, value", "?1,?2", "1", 2},
};
#define N_TABLES (sizeof tables / sizeof tables[0])
#define PARTS_DOMAIN 1
#define PARTS_PART 6

typedef struct mending {
	emr_chain *chain, *truth;
	const table *t;
	emr_chain_keep_fn keep;
	void *keep_arg;
	uint64_t n;
} mending;

static void finalize(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
}
#define AUTO_STATEMENT __attribute__((cleanup(finalize))) sqlite3_stmt *

static emr_status prepare(emr_chain *chain, const char *text, sqlite3_stmt **out)
{
	return emr_sql_status(
		chain->sql.db, sqlite3_prepare_v2(chain->sql.db, text, -1, out, NULL));
}

static emr_status bind_all(sqlite3_stmt *to, sqlite3_stmt *from, int n)
{
	for (int i = 0; i < n; i++)
		if (sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i)) != SQLITE_OK)
			return EMR_NO_MEMORY;
	return EMR_OK;
}

static bool is_parts(const mending *m)
{
	return strcmp(m->t->name, "parts") == 0;
}

static bool is_kept_here(const mending *m, sqlite3_stmt *s)
{
	emr_bytes domain = emr_sql_bytes(s, PARTS_DOMAIN);

	return !is_parts(m) || m->keep == NULL ||
	       (domain.len == 16 && m->keep(m->keep_arg, domain.data));
}

/* A part that the truth lacks is nobody's to change; a note is not what entries give. */
static bool is_judged(const mending *m, sqlite3_stmt *s)
{
	if (is_parts(m))
		return emr_sql_bytes(s, PARTS_PART).len > 0 && is_kept_here(m, s);
	if (strcmp(m->t->name, "meta") == 0)
		return strcmp((const char *)sqlite3_column_text(s, 0), "digest") == 0;
	return true;
}

/* Rows of the truth that the chain has otherwise, or not at all. */
static emr_status put_right(mending *m)
{
	AUTO_STATEMENT all = NULL;
	AUTO_STATEMENT same = NULL;
	AUTO_STATEMENT put = NULL;
	char text[700];
	emr_status status;

	(void)snprintf(text, sizeof text, "SELECT %s FROM %s ORDER BY %s", m->t->columns,
		m->t->name, m->t->order);
	status = prepare(m->truth, text, &all);
	(void)snprintf(text, sizeof text, "SELECT 1 FROM %s WHERE %s", m->t->name, m->t->where);
	if (status == EMR_OK)
		status = prepare(m->chain, text, &same);
	(void)snprintf(text, sizeof text, "INSERT OR REPLACE INTO %s(%s) VALUES(%s)", m->t->name,
		m->t->columns, m->t->marks);
	if (status == EMR_OK)
		status = prepare(m->chain, text, &put);
	while (status == EMR_OK && (status = emr_sql_step(all)) == EMR_OK) {
		if (!is_judged(m, all))
			continue;
		status = bind_all(same, all, m->t->n);
		if (status == EMR_OK)
			status = emr_sql_step(same);
		(void)sqlite3_reset(same);
		if (status != EMR_NOT_FOUND)
			continue;
		status = bind_all(put, all, m->t->n);
		if (status == EMR_OK)
			status = emr_sql_done(put);
		m->n++;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status count_rows(emr_chain *chain, const char *name, uint64_t *out)
{
	AUTO_STATEMENT s = NULL;
	char text[80];

	(void)snprintf(text, sizeof text, "SELECT count(*) FROM %s NOT INDEXED", name);
	EMR_TRY(prepare(chain, text, &s));
	EMR_TRY(emr_sql_step(s));
	*out = emr_sql_u64(s, 0);
	return EMR_OK;
}

/* The statement that removes the row under ROW's key: the first columns of a table, up to N. */
static int key_columns(const table *t)
{
	if (strcmp(t->name, "places") == 0 || strcmp(t->name, "parts") == 0)
		return 4;
	if (strcmp(t->name, "items") == 0)
		return 3;
	return strcmp(t->name, "nodes") == 0 || strcmp(t->name, "domains") == 0 ? 2 : 1;
}

/* Rows of the chain that the truth does not have under that key. */
static emr_status remove_strays(mending *m)
{
	AUTO_STATEMENT all = NULL;
	AUTO_STATEMENT known = NULL;
	AUTO_STATEMENT drop = NULL;
	char keys[200] = "", text[400];
	int n = key_columns(m->t);
	emr_status status;

	for (int i = 0, at = 0; i < n; i++) {
		const char *name = m->t->columns;
		size_t len;

		for (int skip = 0; skip < i; skip++)
			name = strchr(name, ',') + 2;
		len = strcspn(name, ",");
		at += snprintf(keys + at, sizeof keys - (size_t)at, "%s%.*s=?%d",
			i > 0 ? " AND " : "", (int)len, name, i + 1);
	}
	(void)snprintf(text, sizeof text, "SELECT %s FROM %s", m->t->columns, m->t->name);
	status = prepare(m->chain, text, &all);
	(void)snprintf(text, sizeof text, "SELECT 1 FROM %s WHERE %s", m->t->name, keys);
	if (status == EMR_OK)
		status = prepare(m->truth, text, &known);
	(void)snprintf(text, sizeof text, "DELETE FROM %s WHERE %s", m->t->name, keys);
	if (status == EMR_OK)
		status = prepare(m->chain, text, &drop);
	while (status == EMR_OK && (status = emr_sql_step(all)) == EMR_OK) {
		status = bind_all(known, all, n);
		if (status == EMR_OK)
			status = emr_sql_step(known);
		(void)sqlite3_reset(known);
		if (status == EMR_OK && is_kept_here(m, all))
			continue;
		if (status != EMR_OK && status != EMR_NOT_FOUND)
			break;
		status = bind_all(drop, all, n);
		if (status == EMR_OK)
			status = emr_sql_done(drop);
		m->n++;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* A note that cannot be read is left again by the next member who signs one. */
static emr_status drop_bad_note(mending *m)
{
	EMR_AUTO_BUF note = {0};
	emr_status status = emr_chain_note(m->chain, &note);

	if (status != EMR_DAMAGED)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	m->n++;
	return emr_sql_run(&m->chain->sql, "DELETE FROM meta WHERE name='note'");
}

static emr_status mend_table(mending *m)
{
	uint64_t here = 0, there = 0;
	emr_status status = put_right(m);

	if (strcmp(m->t->name, "meta") == 0)
		return status == EMR_OK ? drop_bad_note(m) : status;
	if (status == EMR_OK)
		status = count_rows(m->chain, m->t->name, &here);
	if (status == EMR_OK)
		status = count_rows(m->truth, m->t->name, &there);
	return status == EMR_OK && (here > there || m->keep != NULL) ? remove_strays(m) : status;
}

emr_status emr_chain_mend(
	emr_chain *chain, emr_chain *truth, emr_chain_keep_fn keep, void *keep_arg, uint64_t *out_n)
{
	mending m = {.chain = chain, .truth = truth, .keep = keep, .keep_arg = keep_arg};
	emr_status status = EMR_OK;

	/* An index that disagrees with its table hides rows from the look for equal ones. */
	if (emr_chain_check_file(chain) == EMR_DAMAGED)
		status = emr_sql_run(&chain->sql, "REINDEX");
	for (size_t i = 0; status == EMR_OK && i < N_TABLES; i++) {
		m.t = &tables[i];
		status = mend_table(&m);
	}
	if (status == EMR_OK)
		status = emr_chain_check_file(chain);
	*out_n = m.n;
	return status;
}
