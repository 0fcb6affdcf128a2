/* This file finds the rows in which a chain is not what a replay of its entries gave, and puts them
 * right. A comparison tells the first of them and writes nothing. */
#include "chain_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* In the order in which they are told. */
static const struct table {
	const char *name, *cause;
} tables[] = {
	{"entries", "an entry"},
	{"nodes", "a hash of the tree"},
	{"domains", "the index of domains"},
	{"items", "the index of items"},
	{"state", "a state row"},
	{"places", "the index of versions"},
	{"meta WHERE name='digest'", "the digest of state"},
	{"parts", "the list of private parts"},
};

typedef struct differing {
	emr_chain *chain, *truth;
	emr_chain_keep_fn keep;
	void *keep_arg;
	emr_ledger_trouble *trouble; /* NULL: what differs is put right */
	uint64_t n;		     /* rows that were */
} differing;

static bool is_kept(const differing *d, sqlite3_stmt *s)
{
	emr_bytes domain = emr_sql_bytes(s, 1);

	return d->keep == NULL || (domain.len == 16 && d->keep(d->keep_arg, domain.data));
}

static emr_status damaged(emr_ledger_trouble *out, uint64_t seq, const char *cause)
{
	*out = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = seq};
	(void)snprintf(out->cause, sizeof out->cause, "%s is not what the entries give", cause);
	return EMR_DAMAGED;
}

/* The entry that a row is of, or that a hash of the tree ends with; 0: of all. */
static uint64_t seq_of(sqlite3_stmt *s)
{
	if (strcmp(sqlite3_column_name(s, 0), "level") == 0)
		return ((emr_sql_u64(s, 1) + 1) << (emr_sql_u64(s, 0) & 63)) - 1;
	for (int i = 0; i < sqlite3_column_count(s); i++)
		if (strcmp(sqlite3_column_name(s, i), "seq") == 0)
			return emr_sql_u64(s, i);
	return 0;
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

/* The condition of a row that is OF's in every column. A comparison looks at private parts by their
 * hashes; what is put right is not where the truth lacks a part. */
static void write_same(const differing *d, sqlite3_stmt *of, bool of_chain, char out[400])
{
	int at = 0;

	for (int i = 0; i < sqlite3_column_count(of); i++) {
		const char *name = sqlite3_column_name(of, i);
		bool is_part = strcmp(name, "part") == 0;

		if (is_part && d->trouble != NULL)
			continue;
		at += snprintf(out + at, (size_t)(400 - at), "%s(%s IS ?%d%s)",
			i > 0 ? " AND " : "", name, i + 1,
			is_part && of_chain ? " OR length(part)=0" : "");
	}
}

static emr_status run_with(sqlite3_stmt *s, sqlite3_stmt *from)
{
	emr_status status = EMR_OK;

	for (int i = 0; status == EMR_OK && i < sqlite3_bind_parameter_count(s); i++)
		if (sqlite3_bind_value(s, i + 1, sqlite3_column_value(from, i)) != SQLITE_OK)
			status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = emr_sql_step(s);
	(void)sqlite3_reset(s);
	return status;
}

/* OF_CHAIN: rows of the chain that the truth does not have so, which go. Else rows of the truth
 * that the chain does not have, which come, but over no part that the truth lacks. */
static emr_status each_row(differing *d, const struct table *t, bool of_chain)
{
	AUTO_STATEMENT all = NULL;
	AUTO_STATEMENT same = NULL;
	AUTO_STATEMENT change = NULL;
	const bool is_parts = strcmp(t->name, "parts") == 0;
	const int name_len = (int)strcspn(t->name, " ");
	char where[400];
	int before = sqlite3_total_changes(d->chain->sql.db);
	emr_status status;

	EMR_TRY(prepare(of_chain ? d->chain : d->truth, &all, "SELECT * FROM %s", t->name));
	write_same(d, all, of_chain, where);
	EMR_TRY(prepare(of_chain ? d->truth : d->chain, &same, "SELECT 1 FROM %.*s WHERE %s",
		name_len, t->name, where));
	if (of_chain)
		EMR_TRY(prepare(
			d->chain, &change, "DELETE FROM %.*s WHERE %s", name_len, t->name, where));
	else
		EMR_TRY(prepare(d->chain, &change, "INSERT OR IGNORE INTO %.*s VALUES(%.*s)",
			name_len, t->name, 3 * sqlite3_column_count(all) - 1,
			"?1,?2,?3,?4,?5,?6,?7"));
	while ((status = emr_sql_step(all)) == EMR_OK) {
		bool is_wanted = !is_parts || is_kept(d, all);

		if (!is_wanted && !of_chain)
			continue;
		status = run_with(same, all);
		if (status == EMR_OK && is_wanted)
			continue;
		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
		if (d->trouble != NULL)
			return damaged(d->trouble, seq_of(all), t->cause);
		status = run_with(change, all);
		if (status != EMR_NOT_FOUND) /* as a statement without rows ends */
			break;
	}
	d->n += (uint64_t)(sqlite3_total_changes(d->chain->sql.db) - before);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Peers of Fabric bring a part to each other after its block, or never. An empty place stands for
 * it, and no accident makes such a one. */
static emr_status parts_may_lack(emr_chain *truth, bool *out)
{
	enum emr_host host = EMR_HOST_EMBEDDED;
	uint64_t size = 0;
	emr_status status = emr_chain_size(truth, &size);

	if (status == EMR_OK && size > 0)
		status = emr_chain_host(truth, &host);
	*out = status == EMR_OK && host == EMR_HOST_FABRIC;
	return status;
}

/* Each part that is kept has the hash that its item says. */
static emr_status check_parts(emr_chain *chain, bool may_lack, emr_ledger_trouble *out)
{
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, ALL_PARTS, &s);

	while (status == EMR_OK && (status = emr_sql_step(s)) == EMR_OK) {
		emr_bytes part = emr_sql_bytes(s, 5), hash = emr_sql_bytes(s, 4);
		uint8_t found[32];

		emr_item_priv_hash(span_of(part), found);
		if ((part.len > 0 || !may_lack) && !emr_bytes_equal(hash, emr_bytes_of(found, 32)))
			status = damaged(out, emr_sql_u64(s, 6), "a private part");
	}
	(void)sqlite3_reset(s); /* NULL is fine */
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_compare(emr_chain *truth, emr_chain *copy, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out_trouble)
{
	differing d = {.chain = copy,
		.truth = truth,
		.keep = keep,
		.keep_arg = keep_arg,
		.trouble = out_trouble};
	bool may_lack = false;

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		EMR_TRY(each_row(&d, &tables[i], false));
		EMR_TRY(each_row(&d, &tables[i], true));
	}
	EMR_TRY(parts_may_lack(truth, &may_lack));
	return check_parts(copy, may_lack, out_trouble);
}

emr_status emr_chain_mend(
	emr_chain *chain, emr_chain *truth, emr_chain_keep_fn keep, void *keep_arg, uint64_t *out_n)
{
	differing d = {.chain = chain, .truth = truth, .keep = keep, .keep_arg = keep_arg};
	EMR_AUTO_BUF note = {0};

	/* An index that disagrees with its table hides rows from the look for equal ones. */
	if (emr_chain_check_file(chain) == EMR_DAMAGED)
		EMR_TRY(emr_sql_run(&chain->sql, "REINDEX"));
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		EMR_TRY(each_row(&d, &tables[i], true));
		EMR_TRY(each_row(&d, &tables[i], false));
	}
	/* A note that cannot be read is left again by the next member who signs one. */
	if (emr_chain_note(chain, &note) == EMR_DAMAGED) {
		EMR_TRY(emr_sql_run(&chain->sql, "DELETE FROM meta WHERE name='note'"));
		d.n++;
	}
	*out_n = d.n;
	return emr_chain_check_file(chain);
}
