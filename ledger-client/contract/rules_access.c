/* These are the rules for asking the agents for keys, for their answers, and for the report of
 * what was opened (48 ACCESS_REQ, 49 ACCESS_SERVED, 4A READ_REPORT). Only who has a grant in
 * force may ask, and a key is released only while the grant stands. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

#define ANSWER_S 86400u /* how long a request may be answered */
#define READERS_MAX 32	/* keys under which one request is sealed */
/* salt, epk, then of the mbox: nr, kcom, nonce, nr x (rid, HPKE of a key), body and tag; body: 8
 * bytes and slots of 32 */
#define REQUEST_PART(readers, slots)                                                               \
	(32 + 32 + 8 + 32 + 24 + 112 * (readers) + 8 + 32 * (slots) + 16)
/* salt, wrap for the owner, letter of 512 k */
#define ANSWER_PART(k) (32 + 80 + EMR_HPKE_BYTES + 512 * (k))
/* salt, HPKE of count and entries of 72 bytes */
#define REPORT_PART(entries) (32 + EMR_HPKE_BYTES + 2 + 72 * (entries))

/* ---- who a grant is for ---- */

/* The M row of a team or dataset that the signer acts in: for his own id, in case his key is
 * registered in the same batch, and in the second pass for the first key of his chain. */
static void declare_member(struct key_set *set, const uint8_t via[16], const uint8_t member[32])
{
	uint8_t object[16];
	emr_key_text key;

	emr_object_member(via, member, object);
	emr_key_by_object("DM", object, &key);
	emr_declare(set, &key);
}

void emr_declare_member_of_signer(struct key_set *set, const emr_item *item, const uint8_t via[16])
{
	emr_row_key signer;
	emr_key_text key;
	emr_span value;

	if (is_zero(via, 16))
		return;
	emr_key_signer(item->signer_id, &key);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_key_parse(value, &signer) == EMR_CONTRACT_OK)
		declare_member(set, via, signer.root);
}

static bool is_member(
	struct judge *judge, const uint8_t via[16], const uint8_t root[32], bool may_be_over)
{
	emr_row_member row;
	emr_key_text key;
	uint8_t object[16];
	emr_span value;

	emr_object_member(via, root, object);
	emr_key_by_object("DM", object, &key);
	if (!emr_judge_get(judge, key.text, &value) ||
		!emr_judge_parsed(judge, emr_row_member_parse(value, &row)))
		return false;
	if (memcmp(row.dataset, via, 16) != 0 || memcmp(row.member, root, 32) != 0)
		return false;
	return may_be_over ||
	       (row.head.state == EMR_MEMBER_ACTIVE && judge->now < row.not_after_unix_s);
}

/* The grantee himself (any key of his chain), or as a member of the team or dataset VIA. */
bool emr_judge_is_grantee(
	struct judge *judge, const emr_row_grant *grant, const uint8_t via[16], bool may_be_over)
{
	uint8_t dataset[32];
	emr_row_key signer;

	if (!emr_judge_key(judge, judge->signer_id, &signer))
		return false;
	if (is_zero(via, 16))
		return memcmp(grant->grantee, signer.root, 32) == 0;
	emr_grantee_dataset(via, dataset);
	return memcmp(grant->grantee, dataset, 32) == 0 &&
	       is_member(judge, via, signer.root, may_be_over);
}

static emr_result anyone(struct judge *judge)
{
	return emr_judge_registered(judge, 0);
}

/* ---- what two must open (rules_emergency.c) ---- */

static void emergency_key(const uint8_t domain[16], const uint8_t grant[16], emr_key_text *out)
{
	emr_key_in_domain("EM", domain, grant, out);
}

/* Two clinicians have said why, one of whom signs now, and the day is not over. */
static bool emergency_is_open(
	struct judge *judge, const uint8_t domain[16], const uint8_t grant[16])
{
	emr_row_emergency row;
	emr_row_key signer;
	emr_key_text key;
	emr_span value;

	emergency_key(domain, grant, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_emergency_parse(value, &row)) &&
	       judge->now < row.until_unix_s && emr_judge_key(judge, judge->signer_id, &signer) &&
	       (memcmp(signer.root, row.first, 32) == 0 ||
		       memcmp(signer.root, row.second, 32) == 0);
}

/* ---- 48 ACCESS_REQ ---- */

void emr_declare_grantee(
	struct key_set *set, const emr_item *item, const uint8_t grant[16], const uint8_t via[16])
{
	emr_key_text key;

	emr_key_grant(item->domain_id, grant, &key);
	emr_declare(set, &key);
	if (!is_zero(via, 16))
		declare_member(set, via, item->signer_id);
}

static void req_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_access_req req = emr_pub_access_req_of(pub);

	emr_key_text key;

	emr_declare_grantee(set, item, req.grant, req.via);
	emergency_key(item->domain_id, req.grant, &key);
	emr_declare(set, &key);
}

static void req_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_declare_member_of_signer(set, item, emr_pub_access_req_of(pub).via);
}

static emr_result req_form(struct judge *judge)
{
	emr_pub_access_req pub = emr_pub_access_req_of(judge->pub);

	return pub.count != 0 && pub.names <= pub.count ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

static uint32_t slots_of(uint16_t count)
{
	uint32_t slots = 1;

	while (slots < count)
		slots *= 2;
	return slots;
}

/* A sealed body of as many slots as the count says, to at least one reader. */
static bool req_part_fits(struct judge *judge)
{
	uint32_t len = judge->item.priv_len,
		 slots = slots_of(emr_pub_access_req_of(judge->pub).count);

	return len >= REQUEST_PART(1, slots) && len <= REQUEST_PART(READERS_MAX, slots) &&
	       (len - REQUEST_PART(0, slots)) % 112 == 0;
}

static emr_result req_last(struct judge *judge)
{
	emr_pub_access_req pub = emr_pub_access_req_of(judge->pub);
	emr_row_grant grant;

	if (!emr_judge_grant(judge, judge->item.domain_id, pub.grant, &grant))
		return EMR_RESULT_NO_GRANT;
	EMR_JUDGE_TRY(emr_judge_grant_in_force(judge, &grant));
	if ((grant.rights & EMR_GRANT_TWO) != 0 &&
		!emergency_is_open(judge, judge->item.domain_id, pub.grant))
		return EMR_RESULT_GRANT_DEAD;
	if (!emr_judge_is_grantee(judge, &grant, pub.via, false))
		return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	return pub.count <= EMR_ACCESS_SLOTS_MAX ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static void req_write(struct judge *judge)
{
	emr_row_access row = {
		.head = emr_judge_head(judge, EMR_FAMILY_ACCESS, EMR_STATE_PRESENT, 0, 0),
		.time_unix_s = judge->item.time_unix_s};
	uint8_t value[EMR_ROW_ACCESS_BYTES];

	memcpy(row.signer, judge->signer_id, 32);
	memcpy(row.grant, emr_pub_access_req_of(judge->pub).grant, 16);
	emr_row_access_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 49 ACCESS_SERVED ---- */

static void key_of_request(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_key_in_domain("R", item->domain_id, emr_pub_access_served_of(pub).req_object, out);
}

static void served_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	key_of_request(item, pub, &key);
	emr_declare(set, &key);
}

static void served_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_access request;
	emr_key_text key;
	emr_span value;

	key_of_request(item, pub, &key);
	if (!emr_declared_value(set, &key, &value) ||
		emr_row_access_parse(value, &request) != EMR_CONTRACT_OK)
		return;
	emr_key_grant(item->domain_id, request.grant, &key);
	emr_declare(set, &key);
}

static emr_result served_form(struct judge *judge)
{
	emr_pub_access_served pub = emr_pub_access_served_of(judge->pub);
	bool is_refusal = pub.mode == EMR_SERVED_REFUSED;
	bool is_good = pub.mode >= EMR_SERVED_FRAGMENTS && pub.mode <= EMR_SERVED_REFUSED &&
		       is_refusal == (pub.reason != 0) && (!is_refusal || pub.count == 0);
	uint8_t object[16];

	emr_object_served(pub.req, judge->signer_id, object);
	return is_good && memcmp(judge->item.object_id, object, 16) == 0 ? EMR_RESULT_APPLIED
									 : EMR_RESULT_FORMAT;
}

static bool served_part_fits(struct judge *judge)
{
	uint32_t len = judge->item.priv_len;

	if (len == 0)
		return emr_pub_access_served_of(judge->pub).mode == EMR_SERVED_REFUSED;
	return len >= ANSWER_PART(1) && (len - ANSWER_PART(0)) % 512 == 0;
}

/* Fragments come from agents, keys from managers; both may refuse. */
static emr_result served_authority(struct judge *judge)
{
	bool is_agent = emr_judge_registered(judge, EMR_ROLE_AGENT) == EMR_RESULT_APPLIED;
	uint8_t mode = emr_pub_access_served_of(judge->pub).mode;
	bool may = (is_agent && mode != EMR_SERVED_OWNER) ||
		   (judge->is_manager && mode != EMR_SERVED_FRAGMENTS);

	return may ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static bool get_request(struct judge *judge, emr_row_access *out_row)
{
	emr_pub_access_served pub = emr_pub_access_served_of(judge->pub);
	emr_key_text key;
	emr_span value;

	key_of_request(&judge->item, judge->pub, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_access_parse(value, out_row)) &&
	       memcmp(out_row->head.item, pub.req, 32) == 0;
}

static emr_result served_state(struct judge *judge)
{
	emr_row_access request;

	if (judge->is_row_present)
		return EMR_RESULT_EXISTS;
	if (!get_request(judge, &request) ||
		(judge->now > request.time_unix_s && judge->now - request.time_unix_s > ANSWER_S))
		return EMR_RESULT_GONE;
	return EMR_RESULT_APPLIED;
}

/* A release of a key needs the grant alive at this moment, not only when it was asked for. */
static emr_result served_last(struct judge *judge)
{
	emr_row_access request;
	emr_row_grant grant;

	if (emr_pub_access_served_of(judge->pub).mode != EMR_SERVED_REFUSED) {
		if (!get_request(judge, &request) ||
			!emr_judge_grant(judge, judge->item.domain_id, request.grant, &grant))
			return EMR_RESULT_NO_GRANT;
		EMR_JUDGE_TRY(emr_judge_grant_in_force(judge, &grant));
	}
	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	return emr_pub_access_served_of(judge->pub).count <= EMR_ACCESS_SLOTS_MAX
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_LIMIT;
}

static void served_write(struct judge *judge)
{
	emr_judge_put_signed(judge, EMR_FAMILY_SERVED);
}

/* ---- 4A READ_REPORT ---- */

static void report_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_read_report report = emr_pub_read_report_of(pub);

	emr_declare_grantee(set, item, report.grant, report.via);
}

static void report_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_declare_member_of_signer(set, item, emr_pub_read_report_of(pub).via);
}

/* A report of an opening may come after the grant, or the membership, is over. */
static emr_result report_last(struct judge *judge)
{
	emr_pub_read_report pub = emr_pub_read_report_of(judge->pub);
	emr_row_grant grant;

	if (!emr_judge_grant(judge, judge->item.domain_id, pub.grant, &grant))
		return EMR_RESULT_NO_GRANT;
	if (!emr_judge_is_grantee(judge, &grant, pub.via, true))
		return EMR_RESULT_NOT_GRANTEE;
	return emr_judge_key_in_force(judge);
}

static void report_write(struct judge *judge)
{
	emr_judge_put_signed(judge, EMR_FAMILY_REPORT);
}

const op_rule emr_rules_access[3] = {
	{
		.op = EMR_OP_ACCESS_REQ,
		.domain = DOMAIN_LIVES,
		.part_min = REQUEST_PART(1, 1),
		.part_max = REQUEST_PART(READERS_MAX, EMR_ACCESS_SLOTS_MAX),
		.part_step = 16,
		.reserved_at = 36,
		.reserved_len = 4,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"R", KEYED_IN_DOMAIN},
		.names = req_names,
		.follows = req_follows,
		.part_fits = req_part_fits,
		.form = req_form,
		.authority = anyone,
		.state = emr_judge_is_new,
		.last = req_last,
		.write = req_write,
	},
	{
		.op = EMR_OP_ACCESS_SERVED,
		.domain = DOMAIN_LIVES,
		.part_max = ANSWER_PART(512),
		.part_step = 1,
		.reserved_at = 52,
		.reserved_len = 4,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"S", KEYED_IN_DOMAIN},
		.names = served_names,
		.follows = served_follows,
		.part_fits = served_part_fits,
		.form = served_form,
		.authority = served_authority,
		.state = served_state,
		.last = served_last,
		.write = served_write,
	},
	{
		.op = EMR_OP_READ_REPORT,
		.domain = DOMAIN_LIVES,
		.part_min = REPORT_PART(1),
		.part_max = REPORT_PART(1024),
		.part_step = 72,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"X", KEYED_IN_DOMAIN},
		.names = report_names,
		.follows = report_follows,
		.authority = anyone,
		.state = emr_judge_is_new,
		.last = report_last,
		.write = report_write,
	},
};
