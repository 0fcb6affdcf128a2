/* This file compares two states of a ledger, row by row: the one that was stored, and one that was
 * computed again. It tells the first difference. It mends nothing. */
#include "chain_private.h"

#include <stdio.h>

typedef struct table {
	chain_statement statement;
	int columns; /* compared; the next one names the entry */
	const char *cause;
} table;

static const table tables[] = {
	{ALL_ENTRIES, 4, "an entry"},
	{ALL_NODES, 3, "a hash of the tree"},
	{ALL_DOMAINS, 2, "the index of domains"},
	{ALL_ITEMS, 3, "the index of items"},
	{ALL_STATE, 4, "a state row"},
	{ALL_PLACES, 7, "the index of versions"},
	{ALL_META, 2, "the digest of state"},
};

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	if (sqlite3_column_type(a, column) != sqlite3_column_type(b, column))
		return false;
	if (sqlite3_column_type(a, column) == SQLITE_INTEGER)
		return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
	return emr_bytes_equal(emr_sql_bytes(a, column), emr_sql_bytes(b, column));
}

static emr_status damaged(emr_ledger_trouble *out, uint64_t seq, const char *cause)
{
	*out = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = seq};
	(void)snprintf(out->cause, sizeof out->cause, "%s is not what the entries give", cause);
	return EMR_DAMAGED;
}

/* Both are ordered by their first column: where these differ, one of the tables lacks the row that
 * comes first. */
static bool comes_first(sqlite3_stmt *a, sqlite3_stmt *b)
{
	emr_bytes x, y;
	int order;

	if (sqlite3_column_type(a, 0) == SQLITE_INTEGER)
		return sqlite3_column_int64(a, 0) < sqlite3_column_int64(b, 0);
	x = emr_sql_bytes(a, 0);
	y = emr_sql_bytes(b, 0);
	order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
	return order < 0 || (order == 0 && x.len < y.len);
}

/* Steps both; the status of the first that failed for another reason than its end. */
static emr_status step_both(sqlite3_stmt *a, sqlite3_stmt *b, bool *has_a, bool *has_b)
{
	emr_status one = emr_sql_step(a), two = emr_sql_step(b);

	*has_a = one == EMR_OK;
	*has_b = two == EMR_OK;
	if (one != EMR_OK && one != EMR_NOT_FOUND)
		return one;
	return two == EMR_NOT_FOUND ? EMR_OK : two;
}

static emr_status compare_table(
	emr_chain *truth, emr_chain *copy, const table *t, emr_ledger_trouble *out)
{
	sqlite3_stmt *a = NULL, *b = NULL;
	bool has_a = true, has_b = true;
	emr_status status = emr_sql_use(&truth->sql, (int)t->statement, &a);

	if (status == EMR_OK)
		status = emr_sql_use(&copy->sql, (int)t->statement, &b);
	while (status == EMR_OK) {
		status = step_both(a, b, &has_a, &has_b);
		if (status != EMR_OK || (!has_a && !has_b))
			break;
		if (!has_a || !has_b)
			status = damaged(out, emr_sql_u64(has_a ? a : b, t->columns), t->cause);
		for (int i = 0; status == EMR_OK && i < t->columns; i++)
			if (!same_column(a, b, i))
				status = damaged(out,
					emr_sql_u64(
						i == 0 && comes_first(b, a) ? b : a, t->columns),
					t->cause);
	}
	(void)sqlite3_reset(a); /* NULL is fine */
	(void)sqlite3_reset(b);
	return status;
}

/* A list that cannot be read counts as having them, so that they are missed. */
bool emr_chain_has_parts(void *arg, const uint8_t domain[16])
{
	emr_chain *chain = arg;
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, PART_IN, &s);

	if (status != EMR_OK)
		return true;
	emr_sql_bind(s, 1, domain, 16);
	status = emr_sql_step(s);
	(void)sqlite3_reset(s);
	return status != EMR_NOT_FOUND;
}

static bool is_kept(sqlite3_stmt *s, emr_chain_keep_fn keep, void *keep_arg)
{
	emr_bytes domain = emr_sql_bytes(s, 1);

	return keep == NULL || (domain.len == 16 && keep(keep_arg, domain.data));
}

/* The next row of TRUTH whose domain COPY must hold. */
static emr_status next_kept(sqlite3_stmt *s, emr_chain_keep_fn keep, void *keep_arg)
{
	emr_status status;

	do
		status = emr_sql_step(s);
	while (status == EMR_OK && !is_kept(s, keep, keep_arg));
	return status;
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

static bool part_fits(sqlite3_stmt *s, bool may_lack)
{
	emr_bytes part = emr_sql_bytes(s, 5);
	emr_bytes hash = emr_sql_bytes(s, 4);
	uint8_t found[32];

	if (part.len == 0 && may_lack)
		return true;
	emr_item_priv_hash(span_of(part), found);
	return hash.len == 32 && memcmp(found, hash.data, 32) == 0;
}

/* A part stands where an applied item put one, until something purges it; TRUTH may lack what COPY
 * could still give. */
static emr_status compare_parts(emr_chain *truth, emr_chain *copy, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out)
{
	sqlite3_stmt *a = NULL, *b = NULL;
	bool may_lack = false;
	emr_status status = parts_may_lack(truth, &may_lack);

	if (status == EMR_OK)
		status = emr_sql_use(&truth->sql, ALL_PARTS, &a);
	if (status == EMR_OK)
		status = emr_sql_use(&copy->sql, ALL_PARTS, &b);
	while (status == EMR_OK) {
		emr_status one = next_kept(a, keep, keep_arg);
		emr_status two = emr_sql_step(b);

		if (one == EMR_NOT_FOUND && two == EMR_NOT_FOUND)
			break;
		if (one != EMR_OK && one != EMR_NOT_FOUND)
			status = one;
		else if (two != EMR_OK && two != EMR_NOT_FOUND)
			status = two;
		else if (one != EMR_OK || two != EMR_OK)
			status = damaged(out, emr_sql_u64(one == EMR_OK ? a : b, 6),
				"the list of private parts");
		for (int i = 0; status == EMR_OK && i < 4; i++)
			if (!same_column(a, b, i))
				status = damaged(
					out, emr_sql_u64(a, 6), "the list of private parts");
		if (status == EMR_OK && (!part_fits(b, may_lack) || !same_column(a, b, 4)))
			status = damaged(out, emr_sql_u64(a, 6), "a private part");
	}
	(void)sqlite3_reset(a); /* NULL is fine */
	(void)sqlite3_reset(b);
	return status;
}

emr_status emr_chain_compare(emr_chain *truth, emr_chain *copy, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out_trouble)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		EMR_TRY(compare_table(truth, copy, &tables[i], out_trouble));
	return compare_parts(truth, copy, keep, keep_arg, out_trouble);
}
