/* This file asks the verified copy: it runs the statement of a question and gives its rows one by
 * one. It asks the ledger nothing. */
#include "ask_private.h"

#include <string.h>

#include "base/codec.h"
#include "ledger/sql.h"

_Static_assert(EMR_QUESTIONS <= EMR_CHAIN_QUESTIONS, "room for each statement");

/* A name that the question does not have is bound nowhere: SQLite refuses its index, which is 0. */
static void bind_hex(sqlite3_stmt *s, const char *name, const void *id, size_t len)
{
	char text[65];

	emr_hex(id, len, text);
	(void)sqlite3_bind_text(
		s, sqlite3_bind_parameter_index(s, name), text, -1, SQLITE_TRANSIENT);
}

static void bind_bytes(sqlite3_stmt *s, const char *name, const void *id, size_t len)
{
	(void)sqlite3_bind_blob64(
		s, sqlite3_bind_parameter_index(s, name), id, len, SQLITE_TRANSIENT);
}

static void bind_about(sqlite3_stmt *s, const emr_ask_about *about)
{
	bind_hex(s, ":domain", about->domain.b, 16);
	bind_hex(s, ":who", about->who.b, 32);
	bind_bytes(s, ":x_domain", about->domain.b, 16);
	bind_bytes(s, ":x_object", about->object.b, 16);
	bind_bytes(s, ":x_team", about->team.b, 16);
	bind_bytes(s, ":x_org", about->org.b, 16);
	bind_bytes(s, ":x_who", about->who.b, 32);
	bind_bytes(s, ":x_item", about->item.b, 32);
	(void)sqlite3_bind_int64(
		s, sqlite3_bind_parameter_index(s, ":at"), (sqlite3_int64)about->at);
	(void)sqlite3_bind_int(s, sqlite3_bind_parameter_index(s, ":family"), about->family);
}

/* Items of all entries that are there now. Entry 0 has none. */
static emr_status begin_all(emr_asking *asked, int step)
{
	uint64_t *at = &asked->about.at;

	asked->step = step;
	EMR_TRY(emr_chain_size(asked->chain, &asked->size));
	asked->size += asked->size == 0;
	if (step < 0 && *at - 1 >= asked->size) /* 0, or behind the end */
		*at = asked->size;
	*at += *at == 0;
	return EMR_OK;
}

static emr_status begin(emr_asking *asked)
{
	const replica_question *q = &replica_questions[asked->question];
	reading r = {.replica = asked->about.replica};

	EMR_TRY(replica_reading_begin(&r));
	asked->chain = r.chain;
	asked->is_lent = r.is_lent;
	if (asked->question == EMR_QUESTION_SINCE || asked->question == EMR_QUESTION_ITEMS)
		EMR_TRY(begin_all(asked, 1));
	if (asked->question == EMR_QUESTION_RECENT)
		EMR_TRY(begin_all(asked, -1));
	EMR_TRY(emr_chain_ask(asked->chain, asked->question, q->text, &asked->statement));
	bind_about(asked->statement, &asked->about);
	return EMR_OK;
}

emr_asking emr_asking_of(emr_question question, emr_ask_about about)
{
	emr_asking asked = {.question = question, .about = about};

	asked.status = replica_own(about.replica, begin(&asked));
	return asked;
}

/* Whether the row is the next item of all entries; no row: whether there is none. A hole is damage.
 * An entry is as long as its items are many. */
static bool is_next(emr_asking *asked, bool is_row)
{
	const bool is_up = asked->step > 0;
	const uint64_t seq = asked->about.at - !is_up, n_read = asked->n_read;
	uint64_t n;

	if (asked->step == 0)
		return true;
	if (!is_row)
		return n_read == 0 && (is_up ? seq >= asked->size : seq == 0);
	n = emr_sql_u64(asked->statement, sqlite3_column_count(asked->statement) - 1) -
	    EMR_ENTRY_BYTES;
	asked->n_read = n_read + 1 == n ? 0 : n_read + 1;
	asked->about.at += asked->n_read == 0 ? (uint64_t)asked->step : 0;
	return emr_sql_u64(asked->statement, 0) == seq &&
	       emr_sql_u64(asked->statement, 1) == (is_up ? n_read : n - 1 - n_read);
}

static emr_status next_row(emr_asking *asked, const row_type *type, void *out)
{
	emr_status status = emr_sql_step(asked->statement);

	if ((status == EMR_OK || status == EMR_NOT_FOUND) && !is_next(asked, status == EMR_OK))
		return EMR_DAMAGED;
	EMR_TRY(status);
	memset(out, 0, type->size);
	return emr_required(replica_fill_row(asked, type, out));
}

bool emr_asked_next(emr_asking *asked, void *out_row, size_t size)
{
	const row_type *type = replica_questions[asked->question].type;
	emr_status status;

	if (asked->status != EMR_OK || asked->is_over)
		return false;
	status = size == type->size ? next_row(asked, type, out_row) : EMR_INVALID;
	asked->is_over = status != EMR_OK;
	asked->status =
		status == EMR_NOT_FOUND ? EMR_OK : replica_own(asked->about.replica, status);
	return status == EMR_OK;
}

void emr_asked_end(emr_asking *asked)
{
	if (asked->statement != NULL)
		emr_chain_asked(asked->chain, asked->statement);
	if (asked->chain != NULL && !asked->is_lent)
		replica_give(asked->about.replica, asked->chain);
	replica_return(asked->about.replica, asked->lent);
	asked->lent = NULL;
	asked->statement = NULL;
	asked->chain = NULL;
	asked->is_over = true;
}

emr_status emr_asked_all(emr_question question, emr_ask_about about, emr_buf *out)
{
	const size_t size = replica_questions[question].type->size;
	__attribute__((cleanup(emr_asked_end))) emr_asking asked = emr_asking_of(question, about);

	while (asked.status == EMR_OK && !asked.is_over) {
		EMR_TRY(emr_buf_append_zeros(out, size));
		if (!emr_asked_next(&asked, out->data + out->len - size, size))
			out->len -= size;
	}
	return asked.status;
}

/* ---- answers of several rows ---- */

emr_status emr_replica_own_domains(emr_replica *replica, emr_buf *out)
{
	emr_known_domain known;

	EMR_ASK(asked, replica, DOMAINS);
	while (emr_next(&asked, &known))
		if (known.is_mine)
			EMR_TRY(emr_buf_append(out, &known.domain, sizeof known.domain));
	return asked.status;
}

emr_status emr_replica_oldest_part(
	emr_replica *replica, const emr_replica_head *head, uint64_t *out_version)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_ASK(asked, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = head->domain,
		.object = head->object);
	while (emr_next(&asked, &item)) {
		emr_part_key at = emr_part_of_object(head->domain, head->object, item.version);

		if (item.priv_len == 0 || emr_replica_part(replica, &at, &bytes) == EMR_NOT_FOUND)
			continue;
		*out_version = item.version;
		return EMR_OK;
	}
	if (asked.status == EMR_OK)
		*out_version = head->version;
	return asked.status;
}
