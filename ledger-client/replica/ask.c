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
	BYTES,
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
	ROW_REQUEST
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
	column columns[12];
	/* The rest of the row, which stands in an entry; NULL: nothing. */
	emr_status (*complete)(emr_asking *asked, void *row);
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
	case HEX:
	case BYTES:
	case NUMBER:
		break;
	}
	return EMR_CONTRACT_ARGUMENT;
}

static emr_status fill_number(uint64_t value, size_t size, uint8_t *out)
{
	const uint16_t two = (uint16_t)value;

	if (size == sizeof value)
		memcpy(out, &value, sizeof value);
	else if (size == sizeof two)
		memcpy(out, &two, sizeof two);
	else
		*out = (uint8_t)value;
	return value >> 4 * size >> 4 * size == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status fill_bytes(emr_bytes id, size_t size, uint8_t *out)
{
	if (id.len != size)
		return EMR_DAMAGED;
	memcpy(out, id.data, size);
	return EMR_OK;
}

static emr_status fill_column(sqlite3_stmt *s, int i, const column *c, uint8_t *row)
{
	const char *hex;

	if (c->form == NUMBER)
		return fill_number(emr_sql_u64(s, i), c->size, row + c->at);
	if (c->form == BYTES)
		return fill_bytes(emr_sql_bytes(s, i), c->size, row + c->at);
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

/* When the item that a row's head names was entered: the row may have been written again since. */
static emr_status time_of(emr_chain *chain, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, uint64_t *out_time)
{
	emr_part_key key = {
		.family = family, .domain = domain, .object = object, .version = version};
	emr_chain_placed at = {0};

	EMR_TRY(emr_chain_place(chain, &key, &at));
	*out_time = at.time;
	return EMR_OK;
}

static emr_status complete_grant(emr_asking *asked, void *row)
{
	emr_known_grant *g = row;

	return time_of(asked->chain, EMR_FAMILY_GRANT, g->domain, g->grant, g->row.head.version,
		&g->ledger_time);
}

static emr_status complete_request(emr_asking *asked, void *row)
{
	emr_known_request *r = row;

	return time_of(asked->chain, EMR_FAMILY_REQUEST, r->domain, r->request, r->row.head.version,
		&r->ledger_time);
}

static emr_status complete_domain(emr_asking *asked, void *row)
{
	emr_known_domain *domain = row;

	return emr_replica_is_mine(asked->about.replica, domain->domain, &domain->is_mine);
}

/* Opens the entry that the statement names; of many rows, one after the other, it is the same. */
static emr_status open_named(emr_asking *asked, uint16_t *out_index)
{
	uint64_t seq = emr_sql_u64(asked->statement, 0);

	*out_index = (uint16_t)emr_sql_u64(asked->statement, 1);
	if (asked->opened == NULL || asked->opened->of.entry.seq != seq) {
		replica_return(asked->about.replica, asked->opened);
		asked->opened = NULL;
		EMR_TRY(replica_lend(asked->about.replica, asked->chain, seq, 0, &asked->opened));
	}
	return *out_index < asked->opened->of.batch.count ? EMR_OK : EMR_DAMAGED;
}

static emr_status complete_listing(emr_asking *asked, void *row)
{
	emr_replica_listing *line = row;
	const emr_opened_entry *of;
	uint16_t index;
	emr_item item;
	emr_span pub;

	EMR_TRY(open_named(asked, &index));
	of = &asked->opened->of;
	emr_batch_item_at(&of->batch, index, &item, &pub);
	*line = (emr_replica_listing){.result = of->entry.results.data[index],
		.domain = EMR_ID16_AT(item.domain_id),
		.object = EMR_ID16_AT(item.object_id),
		.prev_entry = EMR_ID32_AT(of->entry.prev_entry),
		.family = emr_chain_family(&item, pub)};
	replica_describe(asked->about.replica, asked->opened, index, &line->item);
	return EMR_OK;
}

static emr_status complete_item(emr_asking *asked, void *row)
{
	emr_part_key key = {.family = asked->about.family,
		.domain = asked->about.domain,
		.object = asked->about.object,
		.version = emr_sql_u64(asked->statement, 2)};
	uint16_t index;

	EMR_TRY(open_named(asked, &index));
	return replica_describe_placed(asked->about.replica, asked->opened, index, &key, row);
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
static const row_type type_change = {.size = sizeof(emr_replica_change),
	.columns = {COLUMN(BYTES, emr_replica_change, domain),
		COLUMN(BYTES, emr_replica_change, object),
		COLUMN(BYTES, emr_replica_change, signer_id),
		COLUMN(BYTES, emr_replica_change, item_id),
		COLUMN(NUMBER, emr_replica_change, version),
		COLUMN(NUMBER, emr_replica_change, seq), COLUMN(NUMBER, emr_replica_change, index),
		COLUMN(NUMBER, emr_replica_change, flags), COLUMN(NUMBER, emr_replica_change, op),
		COLUMN(NUMBER, emr_replica_change, family),
		COLUMN(NUMBER, emr_replica_change, ledger_time),
		COLUMN(NUMBER, emr_replica_change, result)}};
static const row_type type_listing = {
	.size = sizeof(emr_replica_listing), .complete = complete_listing};
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

static emr_status next_row(emr_asking *asked, const row_type *type, void *out)
{
	emr_status status;

	EMR_TRY(emr_sql_step(asked->statement));
	emr_chain_has_read(asked->chain);
	memset(out, 0, type->size);
	for (int i = 0; i < 12 && type->columns[i].size != 0; i++)
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
	replica_return(asked->about.replica, asked->opened);
	asked->opened = NULL;
	asked->statement = NULL;
	asked->chain = NULL;
	asked->is_over = true;
}
