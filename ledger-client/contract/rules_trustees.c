/* These are the rules for trustees, who together could restore an identity (68 TRUSTEE_SET), for
 * asking them (69 RECOVER_REQ), for stopping that (6A RECOVER_CANCEL), and for what agents answer
 * when the delay is over (6B RECOVER_SHARE). Only the identity itself names trustees, not one of
 * its computers; each of these stops a request, and no agent answers before its time. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

/* salt, t commitments, n x (id, HPKE of place and share), nonce, sealed seed; of the trustees, and
 * behind them of the agents */
#define TRUSTEES_PART(t, n) (32 + 32 * (t) + (32 + EMR_HPKE_BYTES + 33) * (n) + 24 + 48)

static emr_result form(struct judge *judge)
{
	emr_pub_trustee_set pub = emr_pub_trustee_set_of(judge->pub);

	return pub.t >= 1 && pub.t <= pub.n && pub.n <= EMR_TRUSTEES_MAX &&
			       pub.agents <= EMR_TRUSTEES_MAX && pub.agents_t <= pub.agents &&
			       (pub.agents_t == 0) == (pub.agents == 0) &&
			       pub.delay_s >= EMR_TRUSTEE_DELAY_MIN_S
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static bool part_fits(struct judge *judge)
{
	emr_pub_trustee_set pub = emr_pub_trustee_set_of(judge->pub);

	return judge->item.priv_len ==
	       TRUSTEES_PART((uint32_t)pub.t + pub.agents_t, (uint32_t)pub.n + pub.agents);
}

/* The identity itself: a device cannot hand out its owner's seed. */
static emr_result authority(struct judge *judge)
{
	emr_row_key key;

	return emr_judge_key(judge, judge->signer_id, &key) && key.how == EMR_HOW_CERTIFICATE &&
			       (key.roles & EMR_ROLE_DEVICE) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

static void write(struct judge *judge)
{
	emr_pub_trustee_set pub = emr_pub_trustee_set_of(judge->pub);
	emr_row_trustees row = {
		.head = emr_judge_head(judge, EMR_FAMILY_TRUSTEES, EMR_STATE_PRESENT, 0, 0),
		.t = pub.t,
		.n = pub.n,
		.agents_t = pub.agents_t,
		.agents = pub.agents,
		.delay_s = pub.delay_s};
	uint8_t value[EMR_ROW_TRUSTEES_BYTES];

	memcpy(row.identity, judge->signer_id, 32);
	emr_row_trustees_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 69 RECOVER_REQ ---- */

static bool trustees_of(struct judge *judge, emr_row_trustees *out)
{
	emr_key_text key;
	emr_span value;

	emr_key_by_object("TR", emr_pub_recover_req_of(judge->pub).trustees, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_row_trustees_parse(value, out) == EMR_CONTRACT_OK;
}

static void request_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)item;
	emr_key_by_object("TR", emr_pub_recover_req_of(pub).trustees, &key);
	emr_declare(set, &key);
}

static void request_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;
	emr_row_trustees row;
	emr_span value;

	(void)item;
	emr_key_by_object("TR", emr_pub_recover_req_of(pub).trustees, &key);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_trustees_parse(value, &row) == EMR_CONTRACT_OK)
		emr_declare_signer(set, row.identity);
}

static emr_result request_form(struct judge *judge)
{
	return is_zero(emr_pub_recover_req_of(judge->pub).box, 32) ? EMR_RESULT_FORMAT
								   : EMR_RESULT_APPLIED;
}

/* Somebody who lost all keys has none to sign with: a member asks for him. */
static emr_result request_authority(struct judge *judge)
{
	return emr_judge_registered(judge, 0);
}

static emr_result request_state(struct judge *judge)
{
	emr_result result = emr_judge_is_new(judge);
	emr_row_trustees row;

	return result != EMR_RESULT_APPLIED || trustees_of(judge, &row) ? result : EMR_RESULT_GONE;
}

/* The trustees of a key that was followed give nothing any more. Its certificate may have ended:
 * she cannot renew it without her key. */
static bool is_key(struct judge *judge, const uint8_t identity[32])
{
	emr_row_key person;

	return emr_judge_key(judge, identity, &person) && person.head.state == EMR_KEY_ACTIVE;
}

static emr_result request_last(struct judge *judge)
{
	emr_row_trustees row;

	return trustees_of(judge, &row) && is_key(judge, row.identity)
		       ? emr_judge_key_in_force(judge)
		       : EMR_RESULT_KEY_DEAD;
}

static void request_write(struct judge *judge)
{
	emr_pub_recover_req pub = emr_pub_recover_req_of(judge->pub);
	emr_row_recovery row = {
		.head = emr_judge_head(judge, EMR_FAMILY_RECOVERY, EMR_RECOVERY_WAITS, 0, 0)};
	uint8_t value[EMR_ROW_RECOVERY_BYTES];
	emr_row_trustees trustees;

	if (!trustees_of(judge, &trustees))
		return;
	memcpy(row.signer, judge->signer_id, 32);
	memcpy(row.trustees, pub.trustees, 16);
	memcpy(row.identity, trustees.identity, 32);
	memcpy(row.box, pub.box, 32);
	row.earliest_unix_s = judge->now + trustees.delay_s;
	emr_row_recovery_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 6A RECOVER_CANCEL ---- */

static bool recovery_of(struct judge *judge, const uint8_t request[16], emr_row_recovery *out)
{
	emr_key_text key;
	emr_span value;

	emr_key_by_object("RQ", request, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_row_recovery_parse(value, out) == EMR_CONTRACT_OK;
}

/* Of the request that a stop or an answer is about: whose key it asks for. */
static void recovery_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;
	emr_row_recovery row;
	emr_span value;

	emr_key_by_object("RQ",
		item->op == EMR_OP_RECOVER_SHARE ? emr_pub_recover_share_of(pub).request
						 : item->object_id,
		&key);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_recovery_parse(value, &row) == EMR_CONTRACT_OK)
		emr_declare_signer(set, row.identity);
}

static void cancel_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	(void)item;
	emr_declare_signer(set, emr_pub_recover_cancel_of(pub).person);
}

/* Any key of the person's chain, and each of her computers. */
static emr_result cancel_authority(struct judge *judge)
{
	emr_pub_recover_cancel pub = emr_pub_recover_cancel_of(judge->pub);
	emr_row_recovery row;
	emr_row_key signer, person, lost;
	bool may;

	if (!recovery_of(judge, judge->item.object_id, &row)) /* waits() says GONE */
		return EMR_RESULT_APPLIED;
	may = emr_judge_key(judge, pub.person, &person) &&
	      emr_judge_key(judge, row.identity, &lost) &&
	      memcmp(person.root, lost.root, 32) == 0 &&
	      emr_judge_key(judge, judge->signer_id, &signer) &&
	      (memcmp(pub.person, judge->signer_id, 32) == 0 ||
		      (signer.how == EMR_HOW_DEVICE && memcmp(signer.ref, pub.person, 32) == 0));
	return may ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result waits(struct judge *judge)
{
	return judge->is_row_present && judge->head.state == EMR_RECOVERY_WAITS ? EMR_RESULT_APPLIED
										: EMR_RESULT_GONE;
}

static void cancel_write(struct judge *judge)
{
	emr_row_recovery row;
	uint8_t value[EMR_ROW_RECOVERY_BYTES];

	if (!recovery_of(judge, judge->item.object_id, &row))
		return;
	row.head =
		emr_judge_head(judge, EMR_FAMILY_RECOVERY, EMR_RECOVERY_STOPPED, row.head.flags, 0);
	emr_row_recovery_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 6B RECOVER_SHARE ---- */

/* salt, HPKE of place and share */
#define SHARE_PART (32 + EMR_HPKE_BYTES + 33)

static void share_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)item;
	emr_key_by_object("RQ", emr_pub_recover_share_of(pub).request, &key);
	emr_declare(set, &key);
}

static emr_result share_form(struct judge *judge)
{
	uint8_t object[16];

	emr_object_recovery(emr_pub_recover_share_of(judge->pub).request, judge->signer_id, object);
	return memcmp(object, judge->item.object_id, 16) == 0 ? EMR_RESULT_APPLIED
							      : EMR_RESULT_FORMAT;
}

static emr_result share_authority(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_AGENT);
}

static emr_result share_state(struct judge *judge)
{
	emr_result result = emr_judge_is_new(judge);
	emr_row_recovery row;

	return result != EMR_RESULT_APPLIED ||
			       (recovery_of(judge, emr_pub_recover_share_of(judge->pub).request,
					&row) &&
				       row.head.state == EMR_RECOVERY_WAITS)
		       ? result
		       : EMR_RESULT_GONE;
}

static emr_result share_last(struct judge *judge)
{
	emr_row_recovery row;

	if (!recovery_of(judge, emr_pub_recover_share_of(judge->pub).request, &row) ||
		judge->now < row.earliest_unix_s)
		return EMR_RESULT_LIMIT;
	return is_key(judge, row.identity) ? emr_judge_key_in_force(judge) : EMR_RESULT_KEY_DEAD;
}

static void share_write(struct judge *judge)
{
	emr_row_share row = {
		.head = emr_judge_head(judge, EMR_FAMILY_SHARE, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_SHARE_BYTES];

	memcpy(row.request, emr_pub_recover_share_of(judge->pub).request, 16);
	emr_row_share_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

const op_rule emr_rules_trustees[4] = {
	{
		.op = EMR_OP_TRUSTEE_SET,
		.part_min = TRUSTEES_PART(1, 1),
		.part_max = TRUSTEES_PART(2 * EMR_TRUSTEES_MAX, 2 * EMR_TRUSTEES_MAX),
		.part_step = 1,
		.needs = NEED_SIGNER,
		.row = {"TR", KEYED_BY_OBJECT},
		.part_fits = part_fits,
		.form = form,
		.authority = authority,
		.state = emr_judge_is_new,
		.last = emr_judge_key_in_force,
		.write = write,
	},
	{
		.op = EMR_OP_RECOVER_REQ,
		.needs = NEED_SIGNER,
		.row = {"RQ", KEYED_BY_OBJECT},
		.names = request_names,
		.follows = request_follows,
		.form = request_form,
		.authority = request_authority,
		.state = request_state,
		.last = request_last,
		.write = request_write,
	},
	{
		.op = EMR_OP_RECOVER_CANCEL,
		.needs = NEED_SIGNER,
		.row = {"RQ", KEYED_BY_OBJECT},
		.names = cancel_names,
		.follows = recovery_follows,
		.authority = cancel_authority,
		.state = waits,
		.last = emr_judge_key_in_force,
		.write = cancel_write,
	},
	{
		.op = EMR_OP_RECOVER_SHARE,
		.part_min = SHARE_PART,
		.part_max = SHARE_PART,
		.part_step = 1,
		.needs = NEED_SIGNER,
		.row = {"RS", KEYED_BY_OBJECT},
		.names = share_names,
		.follows = recovery_follows,
		.form = share_form,
		.authority = share_authority,
		.state = share_state,
		.last = share_last,
		.write = share_write,
	},
};
