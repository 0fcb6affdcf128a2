/* This file asks the verified copy: it runs the statement of a question, makes each row of it the
 * struct that the question's type names, and opens the entries that a question is about. It asks
 * the ledger nothing. */
#include "replica/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "ledger/sql.h"

#include "opened_private.h"

_Static_assert(EMR_QUESTIONS <= EMR_CHAIN_QUESTIONS, "room for each statement");

/* ---- types of rows ---- */

typedef enum value_form {
	HEX,
	NUMBER,
	ROW_KEY,
	ROW_ORG,
	ROW_PROPOSAL,
	ROW_DATASET,
	ROW_MEMBER,
	ROW_DOMAIN,
	ROW_HEAD,
	ROW_WRITER,
	ROW_GRANT,
	ROW_REQUEST,
	ROW_LISTKEY
} value_form;

/* Where a column of the statement goes, in the order of its SELECT. */
typedef struct column {
	value_form form;
	uint16_t at, size; /* of the member; of the last one behind the columns 0 */
} column;

#define COLUMN(form, type, member)                                                                 \
	{                                                                                          \
		form, offsetof(type, member), sizeof(((type *)0)->member)                          \
	}

typedef struct row_type {
	size_t size;
	column columns[5];
	/* The rest of the row, which stands in an entry; NULL: nothing. */
	emr_status (*complete)(emr_asking *asked, void *row);
	/* By entry: the next item of the opened one; EMR_NOT_FOUND at its end. NULL: the row is of
	 * the statement. */
	emr_status (*next_item)(emr_asking *asked, void *row);
} row_type;

static emr_contract_status parse_head(emr_span value, emr_replica_head *out)
{
	emr_row_object row;
	emr_contract_status status = emr_row_object_parse(value, &row);

	if (status != EMR_CONTRACT_OK)
		return status;
	out->version = row.head.version;
	out->pversion = row.pversion;
	out->epoch = row.head.epoch;
	out->flags = row.head.flags;
	out->state = row.head.state;
	out->item_id = EMR_ID32_AT(row.head.item);
	out->creator = EMR_ID32_AT(row.creator);
	out->pitem = EMR_ID32_AT(row.pitem);
	return EMR_CONTRACT_OK;
}

static emr_contract_status parse_row(value_form form, emr_span value, void *out)
{
	switch (form) {
	case ROW_KEY:
		return emr_row_key_parse(value, out);
	case ROW_ORG:
		return emr_row_org_parse(value, out);
	case ROW_PROPOSAL:
		return emr_row_proposal_parse(value, out);
	case ROW_DATASET:
		return emr_row_dataset_parse(value, out);
	case ROW_MEMBER:
		return emr_row_member_parse(value, out);
	case ROW_DOMAIN:
		return emr_row_domain_parse(value, out);
	case ROW_HEAD:
		return parse_head(value, out);
	case ROW_WRITER:
		return emr_row_writer_parse(value, out);
	case ROW_GRANT:
		return emr_row_grant_parse(value, out);
	case ROW_REQUEST:
		return emr_row_request_parse(value, out);
	case ROW_LISTKEY:
		return emr_row_listkey_parse(value, out);
	case HEX:
	case NUMBER:
		break;
	}
	return EMR_CONTRACT_ARGUMENT;
}

static emr_status fill_column(sqlite3_stmt *s, int i, const column *c, uint8_t *row)
{
	uint64_t value;
	const char *hex;

	if (c->form == NUMBER) {
		value = emr_sql_u64(s, i);
		memcpy(row + c->at, &value, sizeof value);
		return EMR_OK;
	}
	if (c->form != HEX)
		return replica_parsed(
			parse_row(c->form, span_of(emr_sql_bytes(s, i)), row + c->at));
	hex = (const char *)sqlite3_column_text(s, i);
	return hex != NULL && strlen(hex) == (size_t)c->size * 2 &&
			       emr_unhex(hex, row + c->at, c->size) == EMR_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* ---- what stands in an entry ---- */

/* The item at version 1 of FAMILY, and its public part. */
static emr_status first_item(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	emr_buf *bytes, emr_replica_item *out_item, emr_span *out_pub)
{
	emr_part_key key = {.family = family, .domain = domain, .object = object, .version = 1};
	emr_status status = emr_replica_item_get(replica, &key, bytes, out_item);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	*out_pub = (emr_span){
		out_item->bytes.data + EMR_ITEM_BYTES, out_item->bytes.len - EMR_ITEM_BYTES};
	return EMR_OK;
}

static emr_status complete_release(emr_asking *asked, void *row)
{
	emr_known_release *release = row;
	EMR_AUTO_BUF bytes = {0};
	emr_pub_access_req pub;
	emr_replica_item item;
	emr_span public;

	EMR_TRY(first_item(asked->about.replica, EMR_FAMILY_ACCESS, release->domain,
		release->access, &bytes, &item, &public));
	if (!emr_pub_access_req_parse(public, &pub))
		return EMR_DAMAGED;
	release->req = item.item_id;
	release->signer = item.signer_id;
	release->grant = EMR_ID16_AT(pub.grant);
	release->via = EMR_ID16_AT(pub.via);
	release->asked = pub.count;
	release->names = pub.names;
	release->seq = item.seq;
	release->ledger_time = item.ledger_time;
	return EMR_OK;
}

static emr_status complete_report(emr_asking *asked, void *row)
{
	emr_known_report *report = row;
	EMR_AUTO_BUF bytes = {0};
	emr_pub_read_report pub;
	emr_replica_item item;
	emr_span public;

	EMR_TRY(first_item(asked->about.replica, EMR_FAMILY_REPORT, report->domain, report->report,
		&bytes, &item, &public));
	if (!emr_pub_read_report_parse(public, &pub))
		return EMR_DAMAGED;
	report->signer = item.signer_id;
	report->grant = EMR_ID16_AT(pub.grant);
	report->via = EMR_ID16_AT(pub.via);
	report->ledger_time = item.ledger_time;
	return EMR_OK;
}

static emr_status complete_state(emr_asking *asked, void *row)
{
	emr_known_state *state = row;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_span public;

	EMR_TRY(first_item(asked->about.replica, EMR_FAMILY_SNAPSHOT, (emr_id16){{0}}, state->state,
		&bytes, &item, &public));
	if (!emr_pub_dataset_snapshot_parse(public, &state->pub))
		return EMR_DAMAGED;
	state->seq = item.seq;
	state->ledger_time = item.ledger_time;
	return EMR_OK;
}

/* When the item that a row's head names was entered: the row may have been written again since. */
static emr_status time_of(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, uint64_t *out_time)
{
	emr_part_key key = {
		.family = family, .domain = domain, .object = object, .version = version};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	EMR_TRY(emr_replica_item_get(replica, &key, &bytes, &item));
	*out_time = item.ledger_time;
	return EMR_OK;
}

static emr_status complete_grant(emr_asking *asked, void *row)
{
	emr_known_grant *g = row;

	return time_of(asked->about.replica, EMR_FAMILY_GRANT, g->domain, g->grant,
		g->row.head.version, &g->ledger_time);
}

static emr_status complete_request(emr_asking *asked, void *row)
{
	emr_known_request *r = row;

	return time_of(asked->about.replica, EMR_FAMILY_REQUEST, r->domain, r->request,
		r->row.head.version, &r->ledger_time);
}

static emr_status complete_domain(emr_asking *asked, void *row)
{
	emr_known_domain *domain = row;

	return emr_replica_is_mine(asked->about.replica, domain->domain, &domain->is_mine);
}

/* ---- entries ---- */

static emr_status next_change(emr_asking *asked, void *row)
{
	const emr_opened_entry *of = &asked->opened->of;

	if (asked->index >= of->batch.count)
		return EMR_NOT_FOUND;
	replica_change_of(&of->entry, &of->batch, (uint16_t)asked->index++, row);
	return EMR_OK;
}

/* An index that is damaged names another's. */
static emr_status next_change_by(emr_asking *asked, void *row)
{
	return memcmp(asked->opened->of.entry.submitter_id, asked->about.who.b, 32) == 0
		       ? next_change(asked, row)
		       : EMR_DAMAGED;
}

static void list_item(const emr_asking *asked, uint16_t index, emr_replica_listing *out)
{
	const opened *o = asked->opened;
	emr_item item;
	emr_span pub;

	emr_batch_item_at(&o->of.batch, index, &item, &pub);
	*out = (emr_replica_listing){.result = o->of.entry.results.data[index],
		.domain = EMR_ID16_AT(item.domain_id),
		.object = EMR_ID16_AT(item.object_id),
		.prev_entry = EMR_ID32_AT(o->of.entry.prev_entry),
		.family = emr_chain_family(&item, pub)};
	replica_describe(asked->about.replica, o, index, &out->item);
}

/* The newest first. */
static emr_status next_listing(emr_asking *asked, void *row)
{
	uint32_t count = asked->opened->of.batch.count;

	if (asked->index >= count)
		return EMR_NOT_FOUND;
	list_item(asked, (uint16_t)(count - 1 - asked->index++), row);
	return EMR_OK;
}

static emr_status next_listing_in(emr_asking *asked, void *row)
{
	const emr_replica_listing *line = row;

	do
		EMR_TRY(next_listing(asked, row));
	while (!emr_id16_equal(line->domain, asked->about.domain));
	return EMR_OK;
}

static emr_status next_applied(emr_asking *asked, void *row)
{
	const emr_opened_entry *of = &asked->opened->of;

	while (asked->index < of->batch.count &&
		of->entry.results.data[asked->index] != EMR_RESULT_APPLIED)
		asked->index++;
	if (asked->index >= of->batch.count)
		return EMR_NOT_FOUND;
	list_item(asked, (uint16_t)asked->index++, row);
	return EMR_OK;
}

/* An index has no sums: the item that it names must be what was asked for. */
static emr_status complete_item(emr_asking *asked, void *row)
{
	uint64_t seq = emr_sql_u64(asked->statement, 0), index = emr_sql_u64(asked->statement, 1);
	emr_part_key key = {.family = asked->about.family,
		.domain = asked->about.domain,
		.object = asked->about.object,
		.version = emr_sql_u64(asked->statement, 2)};

	if (asked->lent == NULL || asked->lent->of.entry.seq != seq) {
		replica_return(asked->about.replica, asked->lent);
		asked->lent = NULL;
		EMR_TRY(replica_lend(asked->about.replica, asked->chain, seq, 0, &asked->lent));
	}
	return index <= UINT16_MAX ? replica_describe_placed(asked->about.replica, asked->lent,
					     (uint16_t)index, &key, row)
				   : EMR_DAMAGED;
}

/* ---- the types by their names in questions.def ---- */

static const row_type type_person = {.size = sizeof(emr_known_person),
	.columns = {
		COLUMN(HEX, emr_known_person, signer_id), COLUMN(ROW_KEY, emr_known_person, row)}};
static const row_type type_org = {.size = sizeof(emr_known_org),
	.columns = {COLUMN(HEX, emr_known_org, org), COLUMN(ROW_ORG, emr_known_org, row)}};
static const row_type type_proposal = {.size = sizeof(emr_known_proposal),
	.columns = {COLUMN(HEX, emr_known_proposal, proposal),
		COLUMN(ROW_PROPOSAL, emr_known_proposal, row)}};
static const row_type type_team = {.size = sizeof(emr_known_team),
	.columns = {COLUMN(HEX, emr_known_team, team), COLUMN(ROW_DATASET, emr_known_team, row)}};
static const row_type type_member = {
	.size = sizeof(emr_row_member), .columns = {{ROW_MEMBER, 0, sizeof(emr_row_member)}}};
static const row_type type_domain = {.size = sizeof(emr_known_domain),
	.columns = {COLUMN(HEX, emr_known_domain, domain),
		COLUMN(ROW_DOMAIN, emr_known_domain, row)},
	.complete = complete_domain};
static const row_type type_head = {.size = sizeof(emr_replica_head),
	.columns = {COLUMN(HEX, emr_replica_head, domain), COLUMN(HEX, emr_replica_head, object),
		COLUMN(NUMBER, emr_replica_head, seq),
		COLUMN(NUMBER, emr_replica_head, ledger_time),
		{ROW_HEAD, 0, sizeof(emr_replica_head)}}};
static const row_type type_writer = {.size = sizeof(emr_known_writer),
	.columns = {
		COLUMN(HEX, emr_known_writer, domain), COLUMN(ROW_WRITER, emr_known_writer, row)}};
static const row_type type_grant = {.size = sizeof(emr_known_grant),
	.columns = {COLUMN(HEX, emr_known_grant, domain), COLUMN(HEX, emr_known_grant, grant),
		COLUMN(ROW_GRANT, emr_known_grant, row)},
	.complete = complete_grant};
static const row_type type_request = {.size = sizeof(emr_known_request),
	.columns = {COLUMN(HEX, emr_known_request, domain), COLUMN(HEX, emr_known_request, request),
		COLUMN(ROW_REQUEST, emr_known_request, row)},
	.complete = complete_request};
static const row_type type_release = {.size = sizeof(emr_known_release),
	.columns = {COLUMN(HEX, emr_known_release, domain), COLUMN(HEX, emr_known_release, access)},
	.complete = complete_release};
static const row_type type_report = {.size = sizeof(emr_known_report),
	.columns = {COLUMN(HEX, emr_known_report, domain), COLUMN(HEX, emr_known_report, report)},
	.complete = complete_report};
static const row_type type_listkey = {.size = sizeof(emr_known_listkey),
	.columns = {COLUMN(HEX, emr_known_listkey, object),
		COLUMN(ROW_LISTKEY, emr_known_listkey, row)}};
static const row_type type_state = {.size = sizeof(emr_known_state),
	.columns = {COLUMN(HEX, emr_known_state, state)},
	.complete = complete_state};
static const row_type type_named_object = {.size = sizeof(emr_named_object),
	.columns = {COLUMN(HEX, emr_named_object, domain), COLUMN(HEX, emr_named_object, object)}};
static const row_type type_change = {.size = sizeof(emr_replica_change), .next_item = next_change};
static const row_type type_change_by = {
	.size = sizeof(emr_replica_change), .next_item = next_change_by};
static const row_type type_applied = {
	.size = sizeof(emr_replica_listing), .next_item = next_applied};
static const row_type type_listing = {
	.size = sizeof(emr_replica_listing), .next_item = next_listing};
static const row_type type_listing_in = {
	.size = sizeof(emr_replica_listing), .next_item = next_listing_in};
static const row_type type_item = {.size = sizeof(emr_replica_item), .complete = complete_item};

static const struct question {
	const row_type *type;
	const char *text;
} questions[] = {
#define QUESTION(name, type, text) [EMR_QUESTION_##name] = {&type_##type, text},
#include "replica/questions.def"
#undef QUESTION
};

/* ---- asking ---- */

static void bind_hex(sqlite3_stmt *s, const char *name, const void *id, size_t len)
{
	int at = sqlite3_bind_parameter_index(s, name);
	char text[65];

	if (at == 0)
		return;
	emr_hex(id, len, text);
	(void)sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_bytes(sqlite3_stmt *s, const char *name, const void *id, size_t len)
{
	int at = sqlite3_bind_parameter_index(s, name);

	if (at != 0)
		(void)sqlite3_bind_blob64(s, at, id, len, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *s, const char *name, uint64_t value)
{
	int at = sqlite3_bind_parameter_index(s, name);

	if (at != 0)
		(void)sqlite3_bind_int64(s, at, (sqlite3_int64)value);
}

static void bind_about(sqlite3_stmt *s, const emr_ask_about *about)
{
	bind_hex(s, ":domain", about->domain.b, 16);
	bind_hex(s, ":who", about->who.b, 32);
	bind_bytes(s, ":x_domain", about->domain.b, 16);
	bind_bytes(s, ":x_object", about->object.b, 16);
	bind_bytes(s, ":x_team", about->team.b, 16);
	bind_bytes(s, ":x_who", about->who.b, 32);
	bind_number(s, ":at", about->at);
	bind_number(s, ":family", about->family);
}

static emr_status begin(emr_asking *asked)
{
	const struct question *q = &questions[asked->question];
	reading r = {.replica = asked->about.replica};

	EMR_TRY(replica_reading_begin(&r));
	asked->chain = r.chain;
	asked->is_lent = r.is_lent;
	if (q->type->next_item != NULL &&
		(asked->opened = calloc(1, sizeof *asked->opened)) == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_chain_ask(
		asked->chain, asked->question, q->text, &asked->statement, &asked->is_own));
	bind_about(asked->statement, &asked->about);
	return EMR_OK;
}

emr_asking emr_asking_of(emr_question question, emr_ask_about about)
{
	emr_asking asked = {.question = question, .about = about};

	asked.status = begin(&asked);
	return asked;
}

/* The statement is not left running while the entry is looked at: what comes meanwhile is seen, and
 * the log of the database can be taken in. */
static emr_status next_entry(emr_asking *asked)
{
	uint64_t seq;

	EMR_TRY(emr_sql_step(asked->statement));
	seq = emr_sql_u64(asked->statement, 0);
	(void)sqlite3_reset(asked->statement);
	EMR_TRY(open_entry(asked->chain, seq, asked->opened));
	asked->index = 0;
	bind_number(asked->statement, ":at",
		questions[asked->question].type->next_item == next_change ||
				questions[asked->question].type->next_item == next_applied
			? seq + 1
			: seq);
	return EMR_OK;
}

static emr_status next_row(emr_asking *asked, const row_type *type, void *out)
{
	emr_status status;

	if (type->next_item != NULL) {
		status = asked->opened->of.bytes.len > 0 ? type->next_item(asked, out)
							 : EMR_NOT_FOUND;
		while (status == EMR_NOT_FOUND) {
			EMR_TRY(next_entry(asked));
			status = type->next_item(asked, out);
		}
		return status;
	}
	EMR_TRY(emr_sql_step(asked->statement));
	emr_chain_has_read(asked->chain);
	memset(out, 0, type->size);
	for (int i = 0; i < 5 && type->columns[i].size != 0; i++)
		EMR_TRY(fill_column(asked->statement, i, &type->columns[i], out));
	status = type->complete != NULL ? type->complete(asked, out) : EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

bool emr_asked_next(emr_asking *asked, void *out_row, size_t size)
{
	const row_type *type = questions[asked->question].type;
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
		emr_chain_asked(asked->chain, asked->statement, asked->is_own);
	if (asked->chain != NULL && !asked->is_lent)
		replica_give(asked->about.replica, asked->chain);
	opened_free(&asked->opened);
	replica_return(asked->about.replica, asked->lent);
	asked->lent = NULL;
	asked->statement = NULL;
	asked->chain = NULL;
	asked->is_over = true;
}

emr_status emr_asked_all(emr_question question, emr_ask_about about, emr_buf *out)
{
	const size_t size = questions[question].type->size;
	__attribute__((cleanup(emr_asked_end))) emr_asking asked = emr_asking_of(question, about);

	while (asked.status == EMR_OK && !asked.is_over) {
		EMR_TRY(emr_buf_append_zeros(out, size));
		if (!emr_asked_next(&asked, out->data + out->len - size, size))
			out->len -= size;
	}
	return asked.status;
}
