/* These are the rules for teams: who may make one, let people in and out, and close it (50
 * DATASET_NEW, 52 DATASET_ADMIT, 53 DATASET_DROP, 57 DATASET_CLOSE). Only its leader lets
 * somebody in; everybody may leave. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/hashsig.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

#define TERMS_PART_MIN (32 + 1) /* salt, title and terms */
#define TERMS_PART_MAX (32 + 131072)
#define MEMBER_PART (32 + EMR_HPKE_BYTES + 32) /* salt, HPKE of the team's secret */

bool emr_judge_dataset(struct judge *judge, const uint8_t dataset[16], emr_row_dataset *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_by_object("DS", dataset, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_dataset_parse(value, out_row));
}

static bool is_steward(struct judge *judge, const uint8_t dataset[16])
{
	emr_row_dataset row;

	return emr_judge_dataset(judge, dataset, &row) && emr_judge_is_of_chain(judge, row.steward);
}

/* ---- 50 DATASET_NEW ---- */

static emr_result new_form(struct judge *judge)
{
	uint32_t purposes = emr_pub_dataset_new_of(judge->pub).purposes;

	return purposes != 0 && (purposes & ~EMR_PURPOSES_ALL) == 0 ? EMR_RESULT_APPLIED
								    : EMR_RESULT_FORMAT;
}

static emr_result new_authority(struct judge *judge)
{
	emr_pub_dataset_new pub = emr_pub_dataset_new_of(judge->pub);

	EMR_JUDGE_TRY(emr_judge_registered(
		judge, EMR_ROLE_RESEARCHER | EMR_ROLE_HOSPITAL | EMR_ROLE_ORG_ADMIN));
	return emr_pre_pop_verify(pub.B, judge->caller->net_id, judge->signer_id, pub.pop)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result in_force_until(struct judge *judge, uint64_t not_after)
{
	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	return judge->now < not_after ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static emr_result new_last(struct judge *judge)
{
	return in_force_until(judge, emr_pub_dataset_new_of(judge->pub).not_after_unix_s);
}

static void new_write(struct judge *judge)
{
	emr_pub_dataset_new pub = emr_pub_dataset_new_of(judge->pub);
	emr_row_dataset row = {
		.head = emr_judge_head(judge, EMR_FAMILY_DATASET, EMR_DATASET_OPEN, 0, 0),
		.price = pub.price,
		.not_after_unix_s = pub.not_after_unix_s,
		.purposes = pub.purposes};
	uint8_t value[EMR_ROW_DATASET_BYTES];
	emr_row_key signer = {0};

	/* As an account it is the person's, whose key may be followed by another. */
	(void)emr_judge_key(judge, judge->signer_id, &signer);
	memcpy(row.steward, signer.root, 32);
	memcpy(row.B, pub.B, 32);
	memcpy(row.terms, pub.terms, 32);
	emr_row_dataset_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 57 DATASET_CLOSE ---- */

static emr_result close_authority(struct judge *judge)
{
	return !judge->is_row_present || is_steward(judge, judge->item.object_id)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result close_state(struct judge *judge)
{
	return judge->head.state == EMR_DATASET_OPEN ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

static void close_write(struct judge *judge)
{
	uint8_t value[EMR_ROW_DATASET_BYTES];
	emr_row_dataset row;

	if (!emr_judge_dataset(judge, judge->item.object_id, &row))
		return;
	row.head = emr_judge_head(
		judge, EMR_FAMILY_DATASET, EMR_DATASET_CLOSED, row.head.flags, row.head.epoch);
	emr_row_dataset_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 52 DATASET_ADMIT ---- */

static void admit_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_dataset_admit admit = emr_pub_dataset_admit_of(pub);
	emr_key_text key;

	(void)item;
	emr_key_by_object("DS", admit.dataset, &key);
	emr_declare(set, &key);
	emr_declare_signer(set, admit.member);
}

static emr_result admit_form(struct judge *judge)
{
	emr_pub_dataset_admit pub = emr_pub_dataset_admit_of(judge->pub);
	uint8_t object[16];

	emr_object_member(pub.dataset, pub.member, object);
	return memcmp(judge->item.object_id, object, 16) == 0 ? EMR_RESULT_APPLIED
							      : EMR_RESULT_FORMAT;
}

static emr_result admit_authority(struct judge *judge)
{
	emr_row_dataset row;

	if (!emr_judge_dataset(judge, emr_pub_dataset_admit_of(judge->pub).dataset,
		    &row)) /* admit_state says GONE */
		return EMR_RESULT_APPLIED;
	return emr_judge_is_of_chain(judge, row.steward) ? EMR_RESULT_APPLIED
							 : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result admit_state(struct judge *judge)
{
	emr_row_dataset row;

	return emr_judge_dataset(judge, emr_pub_dataset_admit_of(judge->pub).dataset, &row) &&
			       row.head.state == EMR_DATASET_OPEN
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_GONE;
}

/* A person is admitted under the first key of his chain, in force or followed by another. */
static emr_result admit_last(struct judge *judge)
{
	emr_pub_dataset_admit pub = emr_pub_dataset_admit_of(judge->pub);
	emr_row_key member;
	bool is_there = emr_judge_key(judge, pub.member, &member);

	if (is_there && memcmp(member.root, pub.member, 32) != 0)
		return EMR_RESULT_NOT_GRANTEE;
	if (!is_there ||
		(member.head.state != EMR_KEY_ROTATED && !emr_judge_key_is_active(judge, &member)))
		return EMR_RESULT_KEY_DEAD;
	return in_force_until(judge, pub.not_after_unix_s);
}

static void put_member(struct judge *judge, const emr_row_member *row)
{
	uint8_t value[EMR_ROW_MEMBER_BYTES];

	emr_row_member_encode(row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static void admit_write(struct judge *judge)
{
	emr_pub_dataset_admit pub = emr_pub_dataset_admit_of(judge->pub);
	emr_row_member row = {
		.head = emr_judge_head(judge, EMR_FAMILY_MEMBER, EMR_MEMBER_ACTIVE, 0, 0),
		.not_after_unix_s = pub.not_after_unix_s};

	memcpy(row.dataset, pub.dataset, 16);
	memcpy(row.member, pub.member, 32);
	put_member(judge, &row);
}

/* ---- 53 DATASET_DROP ---- */

static emr_row_member row_of(struct judge *judge)
{
	emr_row_member row = {0};

	if (judge->is_row_present)
		(void)emr_judge_parsed(judge, emr_row_member_parse(judge->row, &row));
	return row;
}

static void drop_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_member row;
	emr_key_text key;
	emr_span value;

	(void)pub;
	emr_key_by_object("DM", item->object_id, &key);
	if (!emr_declared_value(set, &key, &value) ||
		emr_row_member_parse(value, &row) != EMR_CONTRACT_OK)
		return;
	emr_key_by_object("DS", row.dataset, &key);
	emr_declare(set, &key);
}

/* The steward, or the member himself. */
static emr_result drop_authority(struct judge *judge)
{
	emr_row_member row = row_of(judge);
	emr_row_key signer;

	if (!judge->is_row_present)
		return EMR_RESULT_APPLIED; /* nobody's: drop_state says GONE */
	if (emr_judge_key(judge, judge->signer_id, &signer) &&
		memcmp(signer.root, row.member, 32) == 0)
		return EMR_RESULT_APPLIED;
	return is_steward(judge, row.dataset) ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result drop_state(struct judge *judge)
{
	return judge->head.state == EMR_MEMBER_ACTIVE ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

static void drop_write(struct judge *judge)
{
	emr_row_member row = row_of(judge);

	row.head = emr_judge_head(judge, EMR_FAMILY_MEMBER, EMR_MEMBER_ENDED, row.head.flags, 0);
	put_member(judge, &row);
}

const op_rule emr_rules_dataset[4] = {
	{
		.op = EMR_OP_DATASET_NEW,
		.part_min = TERMS_PART_MIN,
		.part_max = TERMS_PART_MAX,
		.part_step = 1,
		.reserved_at = 116,
		.reserved_len = 4,
		.needs = NEED_SIGNER,
		.row = {"DS", KEYED_BY_OBJECT},
		.form = new_form,
		.authority = new_authority,
		.state = emr_judge_is_new,
		.last = new_last,
		.write = new_write,
	},
	{
		.op = EMR_OP_DATASET_CLOSE,
		.needs = NEED_SIGNER,
		.row = {"DS", KEYED_BY_OBJECT},
		.authority = close_authority,
		.state = close_state,
		.last = emr_judge_key_in_force,
		.write = close_write,
	},
	{
		.op = EMR_OP_DATASET_ADMIT,
		.part_min = MEMBER_PART,
		.part_max = MEMBER_PART,
		.part_step = 1,
		.reserved_at = 56,
		.reserved_len = 8,
		.needs = NEED_SIGNER,
		.row = {"DM", KEYED_BY_OBJECT},
		.names = admit_names,
		.form = admit_form,
		.authority = admit_authority,
		.state = admit_state,
		.last = admit_last,
		.write = admit_write,
	},
	{
		.op = EMR_OP_DATASET_DROP,
		.needs = NEED_SIGNER,
		.row = {"DM", KEYED_BY_OBJECT},
		.follows = drop_follows,
		.authority = drop_authority,
		.state = drop_state,
		.last = emr_judge_key_in_force,
		.write = drop_write,
	},
};
