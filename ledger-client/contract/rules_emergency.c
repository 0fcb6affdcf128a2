/* This is the rule for an emergency (4B EMERGENCY): a patient prepared a grant that opens only when
 * two clinicians have each said why, with the word on the patient's card, which the second may have
 * from the first one's operation. It is open for these two, for the hours that the patient chose.
 * One alone opens nothing, under however many keys, and who repeats it gains no time. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

/* salt, HPKE of the reason, padded */
#define REASON_PART (32 + EMR_HPKE_BYTES + 512)

/* The row as it counts: one that is over is as none. */
static emr_row_emergency row_of(struct judge *judge)
{
	emr_row_emergency row = {.until_unix_s = 0};

	if (!judge->is_row_present ||
		!emr_judge_parsed(judge, emr_row_emergency_parse(judge->row, &row)) ||
		(row.until_unix_s != 0 ? judge->now >= row.until_unix_s
				       : judge->now > row.first_unix_s + EMR_EMERGENCY_S))
		return (emr_row_emergency){.until_unix_s = 0};
	return row;
}

static void names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_emergency said = emr_pub_emergency_of(pub);

	emr_declare_grantee(set, item, said.grant, said.via);
}

static void follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_declare_member_of_signer(set, item, emr_pub_emergency_of(pub).via);
}

/* The card has the word by which the grant is called, and the owner chose the hours in its name. */
static emr_result form(struct judge *judge)
{
	emr_pub_emergency pub = emr_pub_emergency_of(judge->pub);
	uint8_t grant[16];

	emr_object_emergency(pub.word, pub.via, judge->item.domain_id, pub.hours, grant);
	return pub.hours >= 1 && pub.hours <= EMR_EMERGENCY_HOURS_MAX &&
			       memcmp(grant, pub.grant, 16) == 0 &&
			       memcmp(grant, judge->item.object_id, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static emr_result authority(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_CLINICIAN);
}

/* It is open already: nothing more is to be said. */
static emr_result state(struct judge *judge)
{
	return row_of(judge).until_unix_s != 0 ? EMR_RESULT_EXISTS : EMR_RESULT_APPLIED;
}

static emr_result last(struct judge *judge)
{
	emr_pub_emergency pub = emr_pub_emergency_of(judge->pub);
	emr_row_grant grant;

	if (!emr_judge_grant(judge, judge->item.domain_id, pub.grant, &grant))
		return EMR_RESULT_NO_GRANT;
	EMR_JUDGE_TRY(emr_judge_grant_in_force(judge, &grant));
	if ((grant.rights & EMR_GRANT_TWO) == 0)
		return EMR_RESULT_NO_GRANT;
	if (!emr_judge_is_grantee(judge, &grant, pub.via, false))
		return EMR_RESULT_NOT_GRANTEE;
	return emr_judge_key_in_force(judge);
}

/* Persons are counted, not keys: all keys of a chain are one person's, and all that the
 * certificates of one enrolment register, each of which begins a chain. */
static bool is_first(const emr_row_emergency *row, const emr_row_key *signer)
{
	return memcmp(row->first, signer->root, 32) == 0 ||
	       memcmp(row->account, signer->account, 32) == 0;
}

static void write(struct judge *judge)
{
	emr_row_emergency row = row_of(judge);
	uint8_t value[EMR_ROW_EMERGENCY_BYTES];
	emr_row_key signer;

	if (!emr_judge_key(judge, judge->signer_id, &signer))
		return;
	if (row.first_unix_s == 0) {
		memcpy(row.first, signer.root, 32);
		memcpy(row.account, signer.account, 32);
		row.first_unix_s = judge->now;
	} else if (!is_first(&row, &signer)) {
		memcpy(row.second, signer.root, 32);
		row.until_unix_s = judge->now + emr_pub_emergency_of(judge->pub).hours * 3600u;
	}
	row.head = emr_judge_head(judge, EMR_FAMILY_EMERGENCY, EMR_STATE_PRESENT, 0, 0);
	emr_row_emergency_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

const op_rule emr_rules_emergency[1] = {
	{
		.op = EMR_OP_EMERGENCY,
		.domain = DOMAIN_LIVES,
		.part_min = REASON_PART,
		.part_max = REASON_PART,
		.part_step = 1,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"EM", KEYED_IN_DOMAIN},
		.names = names,
		.follows = follows,
		.form = form,
		.authority = authority,
		.state = state,
		.last = last,
		.write = write,
	},
};
