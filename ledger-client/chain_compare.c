/* All that follows from entries is made by replaying them. This file finds the first row in which a
 * chain has something else, and then throws the whole of it away: the replay stands in its file, in
 * one transaction. */
#include "chain_private.h"

#include <stdio.h>

/* In the order in which they are told. The columns of their order come first, and last the entry
 * that a row is of, or that a hash of the tree ends with. */
static const struct table {
	const char *cause, *rows;
} tables[] = {
	{"an entry", "SELECT seq, batch_id, entry, items, seq FROM entries ORDER BY seq"},
	{"a hash of the tree",
		"SELECT level, idx, hash, ((idx+1)<<level)-1 FROM nodes ORDER BY level, idx"},
	{"the index of items",
		"SELECT i.seq, i.idx, i.family, i.id, op, d.id, object, version, s.id, b.id, time,"
		" result, flags, purged, sum, i.seq FROM item i LEFT JOIN ids d ON d.n=domain"
		" LEFT JOIN ids s ON s.n=signer LEFT JOIN ids b ON b.n=submitter"
		" ORDER BY i.seq, i.idx"},
	{"the index of ids", "SELECT n, id, 0 FROM ids ORDER BY n"},
	{"a state row", "SELECT key, value, time, seq FROM state ORDER BY key"},
	{"the digest of state", "SELECT value, 0 FROM meta WHERE name='digest'"},
	{"the list of private parts",
		"SELECT domain, object, family, version, hash, part, seq FROM parts"
		" ORDER BY domain, object, family, version"},
};
#define N_TABLES (sizeof tables / sizeof *tables)

typedef struct comparing {
	sqlite3_stmt *truth, *copy;
	emr_chain *members; /* the copy, of whose domains alone the rows are compared; NULL: of all
			     */
} comparing;

static void comparing_end(const comparing *c)
{
	(void)sqlite3_finalize(c->truth);
	(void)sqlite3_finalize(c->copy);
}

static emr_status prepare(emr_chain *chain, const char *rows, sqlite3_stmt **out)
{
	return emr_sql_status(
		chain->sql.db, sqlite3_prepare_v2(chain->sql.db, rows, -1, out, NULL));
}

static emr_status damaged(emr_ledger_trouble *out, uint64_t seq, const char *cause)
{
	*out = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = seq};
	(void)snprintf(out->cause, sizeof out->cause, "%s is not what the entries give", cause);
	return EMR_DAMAGED;
}

/* Below 0 where the truth's row comes first, above where the copy's does, by the first column that
 * is not the same.  A part that the truth lacks may be there. */
static int order(const comparing *c)
{
	int found = 0;

	for (int i = 0; found == 0 && i < sqlite3_column_count(c->truth); i++) {
		const emr_bytes a = emr_sql_bytes(c->truth, i), b = emr_sql_bytes(c->copy, i);
		const int64_t x = sqlite3_column_int64(c->truth, i),
			      y = sqlite3_column_int64(c->copy, i);

		found = sqlite3_column_type(c->truth, i) - sqlite3_column_type(c->copy, i);
		if (strcmp(sqlite3_column_name(c->truth, i), "part") == 0 && a.len == 0)
			continue;
		if (found == 0 && sqlite3_column_type(c->truth, i) == SQLITE_INTEGER)
			found = (x > y) - (x < y);
		else if (found == 0 && a.len > 0 && b.len > 0)
			found = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
		if (found == 0)
			found = (a.len > b.len) - (a.len < b.len);
	}
	return found;
}

/* The next row of the truth, but for parts that the copy need not have. */
static emr_status next_wanted(const comparing *c)
{
	emr_status status;

	do
		status = emr_sql_step(c->truth);
	while (status == EMR_OK && c->members != NULL &&
		!emr_chain_has_parts(c->members, emr_sql_bytes(c->truth, 0).data));
	return status;
}

/* Of two rows that differ the one that comes first is what the other chain has not. */
static emr_status compare_rows(const comparing *c, const char *cause, emr_ledger_trouble *out)
{
	for (;;) {
		const emr_status truth = next_wanted(c), copy = emr_sql_step(c->copy);
		int first = copy == EMR_NOT_FOUND ? -1 : 1;
		sqlite3_stmt *row;

		if (truth != EMR_OK && truth != EMR_NOT_FOUND)
			return truth;
		if (copy != EMR_OK && copy != EMR_NOT_FOUND)
			return copy;
		if (truth == copy)
			first = truth == EMR_OK ? order(c) : 0;
		row = first < 0 ? c->truth : c->copy;
		if (first != 0)
			return damaged(out, emr_sql_u64(row, sqlite3_column_count(row) - 1), cause);
		if (truth == EMR_NOT_FOUND)
			return EMR_OK;
	}
}

static emr_status compare_tables(
	emr_chain *truth, emr_chain *copy, bool is_members, emr_ledger_trouble *out)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < N_TABLES; i++) {
		__attribute__((cleanup(comparing_end)))
		comparing c = {.members = is_members && i == N_TABLES - 1 ? copy : NULL};

		status = prepare(truth, tables[i].rows, &c.truth);
		if (status == EMR_OK)
			status = prepare(copy, tables[i].rows, &c.copy);
		if (status == EMR_OK)
			status = compare_rows(&c, tables[i].cause, out);
	}
	return status;
}

/* Each part that is kept has the hash that its item says.  Peers of Fabric bring one to each other
 * after its block, or never: an empty place stands for it, and no accident makes such a one. */
static emr_status check_parts(emr_chain *chain, bool may_lack, emr_ledger_trouble *out)
{
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, ALL_PARTS, &s);

	while (status == EMR_OK && (status = emr_sql_step(s)) == EMR_OK) {
		emr_bytes part = emr_sql_bytes(s, 5), hash = emr_sql_bytes(s, 4);
		uint8_t found[32];

		emr_item_priv_hash(emr_span_of(part), found);
		if ((part.len > 0 || !may_lack) && !emr_bytes_equal(hash, emr_bytes_of(found, 32)))
			status = damaged(out, emr_sql_u64(s, 6), "a private part");
	}
	(void)sqlite3_reset(s); /* NULL is fine */
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_compare(
	emr_chain *truth, emr_chain *copy, bool is_members, emr_ledger_trouble *out_trouble)
{
	enum emr_host host = EMR_HOST_EMBEDDED;
	EMR_AUTO_BUF descriptor = {0};
	uint64_t size = 0;

	EMR_TRY(compare_tables(truth, copy, is_members, out_trouble));
	EMR_TRY(emr_chain_size(truth, &size));
	if (size > 0) {
		EMR_TRY(emr_required(emr_chain_entry(truth, 0, &descriptor, NULL)));
		host = emr_descriptor_host(emr_span_of(emr_buf_view(&descriptor)));
	}
	return check_parts(copy, host == EMR_HOST_FABRIC, out_trouble);
}

emr_status emr_chain_check_file(emr_chain *chain)
{
	sqlite3_stmt *s = NULL;
	const char *answer;
	emr_status status;
	int code = sqlite3_prepare_v2(chain->sql.db, "PRAGMA integrity_check(1)", -1, &s, NULL);

	if (code != SQLITE_OK)
		return emr_sql_status(chain->sql.db, code);
	status = emr_sql_step(s);
	if (status == EMR_OK) {
		answer = (const char *)sqlite3_column_text(s, 0);
		status = answer && strcmp(answer, "ok") == 0 ? EMR_OK : EMR_DAMAGED;
	}
	(void)sqlite3_finalize(s);
	return status;
}

/* ---- building again ---- */

/* The note that members left is not what entries give: a whole one goes along.  One that cannot be
 * read is left again by the next member who signs one. */
emr_status emr_chain_take_note(emr_chain *chain, emr_chain *from)
{
	EMR_AUTO_BUF note = {0};
	emr_status status = emr_chain_note(from, &note);

	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		return EMR_OK;
	return status == EMR_OK ? emr_chain_put_note(chain, emr_buf_view(&note)) : status;
}

/* EMR_DAMAGED when anything in the file is not as it should be. */
static emr_status differs(emr_chain *truth, emr_chain *as_it_is)
{
	EMR_AUTO_BUF note = {0};
	emr_ledger_trouble trouble;
	emr_status status = emr_chain_note(as_it_is, &note);

	if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = compare_tables(truth, as_it_is, false, &trouble);
	return status == EMR_OK ? emr_chain_check_file(as_it_is) : status;
}

/* BACKUP has locked CHAIN's file, and copies the truth over it. */
static emr_status build(emr_chain *chain, emr_chain *as_it_is, emr_chain *truth,
	sqlite3_backup *backup, bool *out_did)
{
	uint64_t size = 0, now = 0;
	emr_status status;

	EMR_TRY(emr_chain_in_place(chain));
	EMR_TRY(emr_chain_begin_read(as_it_is));
	EMR_TRY(emr_chain_size(truth, &size));
	EMR_TRY(emr_chain_size(as_it_is, &now));
	if (now > size)
		return EMR_CONFLICT;
	status = differs(truth, as_it_is);
	if (status != EMR_DAMAGED)
		return status;
	EMR_TRY(emr_chain_take_note(truth, as_it_is));
	*out_did = sqlite3_backup_step(backup, -1) == SQLITE_DONE;
	return EMR_OK; /* sqlite3_backup_finish says why not */
}

emr_status emr_chain_build_again(emr_chain *chain, emr_chain_use use, emr_chain *as_it_is,
	emr_chain *truth, bool *out_was_damaged)
{
	sqlite3 *db = chain->sql.db;
	sqlite3_backup *backup;
	bool has_built = false;
	emr_status status, ended;

	EMR_TRY(chain->sql.is_still	  ? EMR_READ_ONLY
		: use == EMR_CHAIN_SHARED ? emr_sql_run(&truth->sql, CHAIN_NAME_LEDGER)
					  : EMR_OK);
	emr_sql_rollback(&chain->sql);
	emr_sql_rollback(&as_it_is->sql);
	backup = sqlite3_backup_init(db, "main", truth->sql.db, "main");
	if (backup == NULL)
		return emr_sql_status(db, sqlite3_extended_errcode(db));
	/* No page: it only takes the lock, so that nobody appends from here on. */
	status = emr_sql_status(db, sqlite3_backup_step(backup, 0));
	if (status == EMR_OK)
		status = build(chain, as_it_is, truth, backup, &has_built);
	ended = emr_sql_status(db, sqlite3_backup_finish(backup));
	emr_sql_rollback(&as_it_is->sql);
	*out_was_damaged = has_built && ended == EMR_OK;
	return status == EMR_OK ? ended : status;
}
