/* This is the rule for naming trustees, who together could restore an identity (68 TRUSTEE_SET).
 * Only the identity itself may name them, not one of its computers. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"

/* salt, t commitments, n x (trustee, HPKE of index and share), nonce, sealed seed */
#define TRUSTEES_PART(t, n) (32 + 32 * (t) + (32 + EMR_HPKE_BYTES + 33) * (n) + 24 + 48)

static emr_result form(struct judge *judge)
{
	emr_pub_trustee_set pub = emr_pub_trustee_set_of(judge->pub);

	return pub.t >= 1 && pub.t <= pub.n && pub.n <= EMR_TRUSTEES_MAX &&
			       pub.delay_s >= EMR_TRUSTEE_DELAY_MIN_S
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static bool part_fits(struct judge *judge)
{
	emr_pub_trustee_set pub = emr_pub_trustee_set_of(judge->pub);

	return judge->item.priv_len == TRUSTEES_PART((uint32_t)pub.t, (uint32_t)pub.n);
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
		.delay_s = pub.delay_s};
	uint8_t value[EMR_ROW_TRUSTEES_BYTES];

	memcpy(row.identity, judge->signer_id, 32);
	emr_row_trustees_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

const op_rule emr_rules_trustees[1] = {
	{
		.op = EMR_OP_TRUSTEE_SET,
		.part_min = TRUSTEES_PART(1, 1),
		.part_max = TRUSTEES_PART(EMR_TRUSTEES_MAX, EMR_TRUSTEES_MAX),
		.part_step = 1,
		.reserved_at = 2,
		.reserved_len = 2,
		.needs = NEED_SIGNER,
		.row = {"TR", KEYED_BY_OBJECT},
		.part_fits = part_fits,
		.form = form,
		.authority = authority,
		.state = emr_judge_is_new,
		.last = emr_judge_key_in_force,
		.write = write,
	},
};
