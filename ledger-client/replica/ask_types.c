/* This file knows the types of the rows that a question can give: how the columns of its statement,
 * and what stands in entries, become the struct that a caller sees. */
#include "ask_private.h"

#include <string.h>

#include "base/codec.h"
#include "ledger/sql.h"

/* ---- columns ---- */

/* Rows of the state by the names of their readers. */
#define ROW_FORMS(FORM)                                                                            \
	FORM(KEY, key)                                                                             \
	FORM(ORG, org)                                                                             \
	FORM(PROPOSAL, proposal)                                                                   \
	FORM(DATASET, dataset)                                                                     \
	FORM(MEMBER, member)                                                                       \
	FORM(TRUSTEES, trustees)                                                                   \
	FORM(RECOVERY, recovery)                                                                   \
	FORM(DOMAIN, domain)                                                                       \
	FORM(WRITER, writer)                                                                       \
	FORM(GRANT, grant)                                                                         \
	FORM(REQUEST, request)                                                                     \
	FORM(LISTKEY, listkey)

#define FORM(form, name) ROW_##form,
typedef enum value_form { HEX, NUMBER, ROW_HEAD, ROW_FORMS(FORM) } value_form;
#undef FORM

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "for numbers of less than eight bytes");

#define COLUMN(form, type, member)                                                                 \
	{                                                                                          \
		form, offsetof(type, member), sizeof(((type *)0)->member)                          \
	}

static emr_status parse_row(value_form form, emr_span value, void *out)
{
#define FORM(form, name)                                                                           \
	case ROW_##form:                                                                           \
		return replica_parsed(emr_row_##name##_parse(value, out));

	switch (form) {
		ROW_FORMS(FORM)
	case ROW_HEAD:
		return replica_parse_head(value, out);
	case HEX:
	case NUMBER:
		break;
	}
#undef FORM
	return EMR_INVALID;
}

static emr_status fill_column(sqlite3_stmt *s, int i, const row_column *c, uint8_t *row)
{
	uint64_t value;
	const char *hex;

	if (c->form == NUMBER) {
		value = emr_sql_u64(s, i);
		memcpy(row + c->at, &value, c->size); /* its first bytes are the low ones */
		return value >> 4 * c->size >> 4 * c->size == 0 ? EMR_OK : EMR_DAMAGED;
	}
	if (c->form != HEX)
		return parse_row(c->form, emr_span_of(emr_sql_bytes(s, i)), row + c->at);
	hex = (const char *)sqlite3_column_text(s, i);
	return hex != NULL && strlen(hex) == (size_t)c->size * 2 &&
			       emr_unhex(hex, row + c->at, c->size) == EMR_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status replica_fill_row(emr_asking *asked, const row_type *type, void *out)
{
	for (int i = 0; i < ROW_COLUMNS && type->columns[i].size != 0; i++)
		EMR_TRY(fill_column(asked->statement, i, &type->columns[i], out));
	return type->complete != NULL ? type->complete(asked, out) : EMR_OK;
}

/* ---- what stands in an entry ---- */

static emr_status complete_release(emr_asking *asked, void *row)
{
	emr_known_release *release = row;
	EMR_AUTO_BUF bytes = {0};
	emr_pub_access_req pub;
	emr_replica_item item;

	EMR_TRY(replica_first_item(asked->about.replica, EMR_FAMILY_ACCESS, release->domain,
		release->access, &bytes, &item));
	if (!emr_pub_access_req_parse(pub_of(&item), &pub))
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

	EMR_TRY(replica_first_item(asked->about.replica, EMR_FAMILY_REPORT, report->domain,
		report->report, &bytes, &item));
	if (!emr_pub_read_report_parse(pub_of(&item), &pub))
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

	EMR_TRY(replica_first_item(asked->about.replica, EMR_FAMILY_SNAPSHOT, (emr_id16){{0}},
		state->state, &bytes, &item));
	if (!emr_pub_dataset_snapshot_parse(pub_of(&item), &state->pub))
		return EMR_DAMAGED;
	state->seq = item.seq;
	state->ledger_time = item.ledger_time;
	return EMR_OK;
}

static emr_status complete_grant(emr_asking *asked, void *row)
{
	return replica_complete_grant(asked->about.replica, row);
}

static emr_status complete_request(emr_asking *asked, void *row)
{
	emr_known_request *r = row;
	emr_chain_placed at = {0};
	emr_status status = replica_place_of(asked->about.replica, EMR_FAMILY_REQUEST, r->domain,
		r->request, r->row.head.version, &at);

	r->ledger_time = at.time;
	return status;
}

static emr_status complete_domain(emr_asking *asked, void *row)
{
	emr_known_domain *domain = row;

	domain->is_mine = replica_row_is_mine(
		asked->about.replica, domain->domain, emr_sql_bytes(asked->statement, 1));
	return EMR_OK;
}

/* Lends the entry that the statement names; of many rows, one after the other, it is the same. */
static emr_status lend_named(emr_asking *asked, uint16_t *out_index)
{
	uint64_t seq = emr_sql_u64(asked->statement, 0), index = emr_sql_u64(asked->statement, 1);

	if (asked->lent == NULL || asked->lent->of.entry.seq != seq) {
		replica_return(asked->about.replica, asked->lent);
		asked->lent = NULL;
		EMR_TRY(replica_lend(asked->about.replica, asked->chain, seq, 0, &asked->lent));
	}
	*out_index = (uint16_t)index;
	return index < asked->lent->of.batch.count ? EMR_OK : EMR_DAMAGED;
}

static emr_status complete_listing(emr_asking *asked, void *row)
{
	emr_replica_listing *line = row;
	const opened *o;
	uint16_t index;
	emr_item item;
	emr_span pub;

	EMR_TRY(lend_named(asked, &index));
	o = asked->lent;
	emr_batch_item_at(&o->of.batch, index, &item, &pub);
	line->result = o->of.entry.results.data[index];
	line->domain = EMR_ID16_AT(item.domain_id);
	line->object = EMR_ID16_AT(item.object_id);
	line->prev_entry = EMR_ID32_AT(o->of.entry.prev_entry);
	line->family = emr_chain_family(&item, pub);
	return replica_describe(
		asked->about.replica, o, index, emr_sql_id32(asked->statement, 2), &line->item);
}

static emr_status complete_item(emr_asking *asked, void *row)
{
	emr_part_key key = {.family = asked->about.family,
		.domain = asked->about.domain,
		.object = asked->about.object,
		.version = emr_sql_u64(asked->statement, 2)};
	uint16_t index;

	EMR_TRY(lend_named(asked, &index));
	return replica_describe_placed(asked->about.replica, asked->lent, index,
		emr_sql_id32(asked->statement, 3), &key, row);
}

/* An agent's is worth as many as it released. Operation 0 says that items are missing. */
static emr_status complete_merit(emr_asking *asked, void *row)
{
	emr_merit *merit = row;
	emr_pub_access_served pub;
	emr_replica_item item;
	uint16_t index;

	merit->count = 1;
	if (merit->op != EMR_OP_ACCESS_SERVED)
		return merit->op != 0 ? EMR_OK : EMR_DAMAGED;
	EMR_TRY(lend_named(asked, &index));
	EMR_TRY(replica_describe(asked->about.replica, asked->lent, index,
		emr_sql_id32(asked->statement, 4), &item));
	if (item.op != merit->op || !emr_pub_access_served_parse(pub_of(&item), &pub))
		return EMR_DAMAGED;
	merit->count = pub.mode == EMR_SERVED_FRAGMENTS ? pub.count : 0;
	return EMR_OK;
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
static const row_type type_trust = {.size = sizeof(emr_known_trust),
	.columns = {COLUMN(HEX, emr_known_trust, trustees),
		COLUMN(ROW_TRUSTEES, emr_known_trust, row)}};
static const row_type type_recovery = {.size = sizeof(emr_known_recovery),
	.columns = {COLUMN(HEX, emr_known_recovery, request),
		COLUMN(ROW_RECOVERY, emr_known_recovery, row)}};
static const row_type type_domain = {.size = sizeof(emr_known_domain),
	.columns = {COLUMN(HEX, emr_known_domain, domain),
		COLUMN(ROW_DOMAIN, emr_known_domain, row)},
	.complete = complete_domain};
static const row_type type_head = {.size = sizeof(emr_replica_head),
	.columns = {COLUMN(HEX, emr_replica_head, domain), COLUMN(HEX, emr_replica_head, object),
		COLUMN(NUMBER, emr_replica_head, seq),
		COLUMN(NUMBER, emr_replica_head, ledger_time),
		{ROW_HEAD, 0, sizeof(emr_replica_head)}}};
static const row_type type_content = {
	.size = sizeof(emr_id32), .columns = {{HEX, 0, sizeof(emr_id32)}}};
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
static const row_type type_change = {.size = sizeof(emr_replica_change),
	.columns = {COLUMN(NUMBER, emr_replica_change, seq),
		COLUMN(NUMBER, emr_replica_change, index), COLUMN(HEX, emr_replica_change, domain),
		COLUMN(HEX, emr_replica_change, object), COLUMN(HEX, emr_replica_change, signer_id),
		COLUMN(HEX, emr_replica_change, item_id),
		COLUMN(NUMBER, emr_replica_change, version),
		COLUMN(NUMBER, emr_replica_change, flags), COLUMN(NUMBER, emr_replica_change, op),
		COLUMN(NUMBER, emr_replica_change, family),
		COLUMN(NUMBER, emr_replica_change, ledger_time),
		COLUMN(NUMBER, emr_replica_change, result)}};
static const row_type type_listing = {
	.size = sizeof(emr_replica_listing), .complete = complete_listing};
static const row_type type_item = {.size = sizeof(emr_replica_item), .complete = complete_item};

static const row_type type_merit = {.size = sizeof(emr_merit),
	.columns = {COLUMN(NUMBER, emr_merit, seq), COLUMN(NUMBER, emr_merit, index),
		COLUMN(HEX, emr_merit, account), COLUMN(NUMBER, emr_merit, op)},
	.complete = complete_merit};

const replica_question replica_questions[EMR_QUESTIONS] = {
#define QUESTION(name, type, text) [EMR_QUESTION_##name] = {&type_##type, text},
#include "replica/questions.def"
#undef QUESTION
};
