/* These are the rules for asking somebody for access, and for the yes, the no and taking the
 * question back (40 REQUEST, 41 APPROVE, 42 DENY, 43 WITHDRAW). A yes must name a folder that
 * its author manages. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

#define REASON_PART_MAX (32 + EMR_HPKE_BYTES + 16384)

static emr_row_request row_of(struct judge *judge)
{
	emr_row_request row = {0};

	if (judge->is_row_present)
		(void)emr_judge_parsed(judge, emr_row_request_parse(judge->row, &row));
	return row;
}

static void put_request(struct judge *judge, emr_row_request *row, uint8_t state)
{
	uint8_t value[EMR_ROW_REQUEST_BYTES];

	row->head = emr_judge_head(judge, EMR_FAMILY_REQUEST, state, 0, 0);
	emr_row_request_encode(row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static bool names_domain(const struct judge *judge)
{
	return !is_zero(judge->item.domain_id, 16);
}

/* ---- 40 REQUEST ---- */

/* To a person whom nobody else can name; to a domain with a number of the asker's own, so that he
 * can ask it twice. The name of a request follows from both: an asker who chose it would take the
 * name of a grant that stands, and be answered with that one. */
static emr_result request_form(struct judge *judge)
{
	uint8_t object[16];

	emr_object_request(judge->pub.data, judge->signer_id, object);
	return !is_zero(judge->pub.data, 32) && memcmp(judge->item.object_id, object, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static emr_result anyone(struct judge *judge)
{
	return emr_judge_registered(judge, 0);
}

static void request_write(struct judge *judge)
{
	emr_row_request row = {0};

	memcpy(row.signer, judge->signer_id, 32);
	memcpy(row.to, judge->pub.data, 32);
	put_request(judge, &row, EMR_REQUEST_OPEN);
}

/* ---- what ends a request ---- */

static emr_result open_state(struct judge *judge)
{
	return judge->head.state == EMR_REQUEST_OPEN ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

/* ---- 41 APPROVE ---- */

static void approve_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_approve approve = emr_pub_approve_of(pub);
	emr_key_text key;

	emr_key_domain(approve.grant_domain, &key);
	emr_declare(set, &key);
	emr_key_writer(approve.grant_domain, item->signer_id, &key);
	emr_declare(set, &key);
	emr_key_grant(approve.grant_domain, approve.grant, &key);
	emr_declare(set, &key);
}

/* The manager of what is granted approves; and where the request names a domain, the manager of
 * that one, too: nobody else's grant answers it. */
static emr_result approve_authority(struct judge *judge)
{
	bool may = emr_judge_manages(judge, emr_pub_approve_of(judge->pub).grant_domain) &&
		   (!names_domain(judge) || judge->is_manager);

	return may ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static bool owns(struct judge *judge, const uint8_t domain[16])
{
	emr_row_domain row;
	emr_key_text key;
	emr_span value;

	emr_key_domain(domain, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_domain_parse(value, &row)) &&
	       memcmp(row.owner_pk, judge->header.signer_pk, 32) == 0;
}

static emr_result approve_last(struct judge *judge)
{
	emr_pub_approve pub = emr_pub_approve_of(judge->pub);
	emr_row_grant grant;
	emr_result result;

	if (!emr_judge_grant(judge, pub.grant_domain, pub.grant, &grant))
		return EMR_RESULT_NO_GRANT;
	if (grant.head.state != EMR_GRANT_ACTIVE || judge->now >= grant.not_after_unix_s)
		return EMR_RESULT_GRANT_DEAD;
	result = names_domain(judge) ? emr_judge_signer_in_force(judge) : EMR_RESULT_APPLIED;
	if (result == EMR_RESULT_APPLIED && !owns(judge, pub.grant_domain))
		result = emr_judge_key_in_force(judge);
	return result;
}

static void approve_write(struct judge *judge)
{
	emr_row_request row = row_of(judge);

	memcpy(row.grant, emr_pub_approve_of(judge->pub).grant, 16);
	put_request(judge, &row, EMR_REQUEST_APPROVED);
}

/* ---- 42 DENY ---- */

static emr_result deny_authority(struct judge *judge)
{
	emr_row_request row = row_of(judge);
	uint8_t to[32];

	if (names_domain(judge))
		return emr_judge_manager(judge);
	if (!judge->is_row_present) /* nobody's: open_state says GONE */
		return EMR_RESULT_APPLIED;
	emr_request_to(judge->pub.data, judge->signer_id, to);
	return memcmp(row.to, to, 32) == 0 ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result deny_last(struct judge *judge)
{
	return names_domain(judge) ? emr_judge_signer_in_force(judge)
				   : emr_judge_key_in_force(judge);
}

static void deny_write(struct judge *judge)
{
	emr_row_request row = row_of(judge);

	put_request(judge, &row, EMR_REQUEST_DENIED);
}

/* ---- 43 WITHDRAW ---- */

static emr_result withdraw_authority(struct judge *judge)
{
	emr_row_request row = row_of(judge);

	return !judge->is_row_present || memcmp(row.signer, judge->signer_id, 32) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

static void withdraw_write(struct judge *judge)
{
	emr_row_request row = row_of(judge);

	put_request(judge, &row, EMR_REQUEST_WITHDRAWN);
}

const op_rule emr_rules_request[4] = {
	{
		.op = EMR_OP_REQUEST,
		.domain = DOMAIN_EITHER,
		.part_min = EMR_SEALED_PART(1),
		.part_max = EMR_SEALED_PART(32),
		.part_step = 512,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"Q", KEYED_IN_DOMAIN},
		.form = request_form,
		.authority = anyone,
		.state = emr_judge_is_new,
		.last = emr_judge_key_in_force,
		.write = request_write,
	},
	{
		.op = EMR_OP_APPROVE,
		.domain = DOMAIN_EITHER,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"Q", KEYED_IN_DOMAIN},
		.names = approve_names,
		.authority = approve_authority,
		.state = open_state,
		.last = approve_last,
		.write = approve_write,
	},
	{
		.op = EMR_OP_DENY,
		.domain = DOMAIN_EITHER,
		.part_min = 32 + EMR_HPKE_BYTES,
		.part_max = REASON_PART_MAX,
		.part_step = 1,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"Q", KEYED_IN_DOMAIN},
		.authority = deny_authority,
		.state = open_state,
		.last = deny_last,
		.write = deny_write,
	},
	{
		.op = EMR_OP_WITHDRAW,
		.domain = DOMAIN_EITHER,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"Q", KEYED_IN_DOMAIN},
		.authority = withdraw_authority,
		.state = open_state,
		.last = emr_judge_key_in_force,
		.write = withdraw_write,
	},
};
