/* This file lets SQL ask a chain: one view for each family of rows, with the columns of the
 * contract's own tables of fields, one for items, and each question as a statement that is prepared
 * once.
 *
 * A view reads a row through `checked`, which ends the statement as damaged where the row's sum
 * does not fit. The other columns are cut out of the bytes without a look at the sum: they find
 * rows, and nothing is decided by them. A view stands in the text of each question that names it,
 * so no file has one. */
#include "chain_private.h"

#include <string.h>

#include "base/codec.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"

/* A family of rows: the letters before its key, the bytes of the ids in it, and its fields. */
typedef struct view {
	const char *name, *letters;
	struct {
		const char *name;
		size_t size;
	} ids[2];
	const emr_field *(*fields)(void);
} view;

/* No view has the name of a table: it would stand before it. */
static const view views[] = {
	{"people", "K", {{"signer", 32}}, emr_row_key_fields},
	{"orgs", "M", {{"org", 16}}, emr_row_org_fields},
	{"proposals", "P", {{"proposal", 16}}, NULL},
	{"teams", "DS", {{"team", 16}}, emr_row_dataset_fields},
	{"members", "DM", {{"object", 16}}, emr_row_member_fields},
	{"folders", "D", {{"domain", 16}}, emr_row_domain_fields},
	{"objects", "O", {{"domain", 16}, {"object", 16}}, emr_row_object_fields},
	{"writers", "W", {{"domain", 16}, {"object", 16}}, emr_row_writer_fields},
	{"grants", "G", {{"domain", 16}, {"object", 16}}, emr_row_grant_fields},
	{"requests", "Q", {{"domain", 16}, {"object", 16}}, emr_row_request_fields},
	{"releases", "R", {{"domain", 16}, {"object", 16}}, emr_row_access_fields},
	{"reports", "X", {{"domain", 16}, {"object", 16}}, emr_row_signed_fields},
	{"listkeys", "L", {{"domain", 16}, {"object", 16}}, emr_row_listkey_fields},
	{"states", "SN", {{"object", 16}}, NULL},
	{"trusts", "TR", {{"trustees", 16}}, emr_row_trustees_fields},
	{"recoveries", "RQ", {{"request", 16}}, emr_row_recovery_fields},
	{"joins", "J", {{"domain", 16}, {"team", 16}}, emr_row_join_fields},
	/* By whom a grant or a writer's right is found; it has no value. */
	{"named", "gx", {{"named", 32}, {"domain", 16}}, NULL},
};

/* ---- functions ---- */

/* checked(key, value): the value without its sum. */
static void checked(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *key = (const char *)sqlite3_value_text(arguments[0]);
	const void *value = sqlite3_value_blob(arguments[1]);
	emr_bytes row;

	(void)n;
	if (key == NULL ||
		emr_sql_unseal(key, emr_bytes_of(value, (size_t)sqlite3_value_bytes(arguments[1])),
			&row) != EMR_OK)
		sqlite3_result_error_code(context, SQLITE_CORRUPT);
	else
		sqlite3_result_blob64(context, row.data, row.len, SQLITE_TRANSIENT);
}

/* number(bytes): a big-endian one of at most eight bytes. */
static void number(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const uint8_t *bytes = sqlite3_value_blob(arguments[0]);
	uint64_t value = 0;

	(void)n;
	for (int i = 0, len = sqlite3_value_bytes(arguments[0]); i < len; i++)
		value = value << 8 | bytes[i];
	sqlite3_result_int64(context, (sqlite3_int64)value);
}

/* joined(...): each number as eight bytes, big-endian, all else as it is. */
static void joined(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	EMR_AUTO_BUF all = {0};
	emr_writer w = {.buf = &all, .status = emr_buf_reserve(&all, 256)};

	for (int i = 0; i < n; i++)
		if (sqlite3_value_type(arguments[i]) == SQLITE_INTEGER)
			emr_write_u64(&w, (uint64_t)sqlite3_value_int64(arguments[i]));
		else
			emr_write_bytes(&w, sqlite3_value_blob(arguments[i]),
				(size_t)sqlite3_value_bytes(arguments[i]));
	if (w.status == EMR_OK)
		sqlite3_result_blob64(context, all.data, all.len, SQLITE_TRANSIENT);
	else
		sqlite3_result_error_nomem(context);
}

/* row_sum(key, value): the sum that `checked` wants behind the value. */
static void row_sum(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	EMR_AUTO_BUF sealed = {0};
	const void *value = sqlite3_value_blob(arguments[1]);
	const size_t len = (size_t)sqlite3_value_bytes(arguments[1]);

	(void)n;
	if (emr_sql_seal((const char *)sqlite3_value_text(arguments[0]), emr_bytes_of(value, len),
		    &sealed) == EMR_OK)
		sqlite3_result_blob64(context, sealed.data + len, EMR_SQL_SUM, SQLITE_TRANSIENT);
	else
		sqlite3_result_error_nomem(context);
}

/* grantee(team): as grants to it name who reads. */
static void grantee(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *text = (const char *)sqlite3_value_text(arguments[0]);
	uint8_t team[16], id[32];

	(void)n;
	if (text == NULL || strlen(text) != 2 * sizeof team ||
		emr_unhex(text, team, sizeof team) != EMR_OK) {
		sqlite3_result_error_code(context, SQLITE_CORRUPT);
		return;
	}
	emr_grantee_dataset(team, id);
	sqlite3_result_blob64(context, id, sizeof id, SQLITE_TRANSIENT);
}

emr_status chain_make_functions(emr_chain *chain)
{
	static const struct {
		const char *name;
		int arguments;
		void (*call)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{"checked", 2, checked},
		{"number", 1, number},
		{"joined", -1, joined},
		{"row_sum", 2, row_sum},
		{"grantee", 1, grantee},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
		code = sqlite3_create_function_v2(chain->sql.db, functions[i].name,
			functions[i].arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
			functions[i].call, NULL, NULL, NULL);
	return emr_sql_status(chain->sql.db, code);
}

/* ---- views ---- */

static void add_fields(sqlite3_str *text, const emr_field *fields)
{
	for (const emr_field *f = fields; f != NULL && f->size != 0; f++)
		sqlite3_str_appendf(text,
			f->is_number || f->size == 1 ? ",number(substr(value,%d,%d)) AS \"%s\""
						     : ",substr(value,%d,%d) AS \"%s\"",
			f->at + 1, f->size, f->name);
}

/* The ids of a key are hexadecimal text, as keys are made of. */
static void add_view(sqlite3_str *text, const view *v)
{
	int from = (int)strlen(v->letters) + 2;

	sqlite3_str_appendf(
		text, "%s AS NOT MATERIALIZED(SELECT key,seq,time," CHAIN_ROW " AS row", v->name);
	for (size_t i = 0; i < 2 && v->ids[i].name != NULL; i++) {
		const int len = 2 * (int)v->ids[i].size;

		sqlite3_str_appendf(
			text, ",substr(key,%d,%d) AS \"%s\"", from, len, v->ids[i].name);
		from += len + 1;
	}
	add_fields(text, emr_row_head_fields());
	if (v->fields != NULL)
		add_fields(text, v->fields());
	sqlite3_str_appendf(text, " FROM state WHERE substr(key,1,%d)='%s/'),",
		(int)strlen(v->letters) + 1, v->letters);
}

/* ---- questions ---- */

/* Before the question stand the views that it names: to make all of them in each connection takes
 * longer than to open a small folder. */
static emr_status prepare(emr_chain *chain, const char *question, sqlite3_stmt **out)
{
	sqlite3_str *text = sqlite3_str_new(chain->sql.db);
	char *all;
	int code;

	sqlite3_str_appendall(text, "WITH ");
	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		if (strstr(question, views[i].name) != NULL)
			add_view(text, &views[i]);
	sqlite3_str_appendall(text, chain_items);
	sqlite3_str_appendall(text, question);
	all = sqlite3_str_finish(text);
	if (all == NULL)
		return EMR_NO_MEMORY;
	code = sqlite3_prepare_v3(chain->sql.db, all, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	sqlite3_free(all);
	return emr_sql_status(chain->sql.db, code);
}

emr_status emr_chain_ask(
	emr_chain *chain, size_t question, const char *text, struct sqlite3_stmt **out_statement)
{
	sqlite3_stmt *own = NULL;
	sqlite3_stmt **statement = chain->is_asked[question] ? &own : &chain->asked[question];

	if (*statement == NULL)
		EMR_TRY(prepare(chain, text, statement));
	sqlite3_clear_bindings(*statement);
	chain->is_asked[question] = true;
	*out_statement = *statement;
	return EMR_OK;
}

void emr_chain_asked(emr_chain *chain, struct sqlite3_stmt *statement)
{
	size_t i = 0;

	while (i < EMR_CHAIN_QUESTIONS && chain->asked[i] != statement)
		i++;
	if (i < EMR_CHAIN_QUESTIONS)
		chain->is_asked[i] = false;
	(void)(i < EMR_CHAIN_QUESTIONS ? sqlite3_reset(statement) : sqlite3_finalize(statement));
}

void chain_forget_questions(emr_chain *chain)
{
	for (size_t i = 0; i < EMR_CHAIN_QUESTIONS; i++)
		(void)sqlite3_finalize(chain->asked[i]); /* NULL is fine */
}
