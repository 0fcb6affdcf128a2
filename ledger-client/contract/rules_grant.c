/* These are the rules for grants: giving, taking back, the fragments for agents, and letters (30
 * GRANT, 31 REVOKE, 32 KFRAGS, 33 LETTER, 34 AGENT_ACK). Only who manages the folder may give;
 * fragments are of its owner alone, and as many as the grant names agents. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "rules.h"

/* salt, B, n agents, note, letter_len, HPKE letter; with what is behind it 512 k of text */
#define GRANT_PART(n, k) (32 + 32 + 32 * (n) + 96 + 2 + EMR_HPKE_BYTES + 512 * (k))
/* salt, X, n and zeros, n x (agent, U, signature, HPKE of a scalar) */
#define KFRAGS_PART(n) (32 + 32 + 8 + 208 * (n))
/* salt, letter: grantee, record, cver, L', CID, DEK, r_pid, card, meta */
#define LETTER_PART_MIN (32 + EMR_HPKE_BYTES + 32 + 16 + 8 + 8 + 36 + 32 + 32 + 2 + 512)
#define RIGHTS_SHOWN (EMR_GRANT_LIST | EMR_GRANT_READ)

bool emr_judge_grant(struct judge *judge, const uint8_t domain[16], const uint8_t grant[16],
	emr_row_grant *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_grant(domain, grant, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_grant_parse(value, out_row));
}

emr_result emr_judge_grant_in_force(const struct judge *judge, const emr_row_grant *grant)
{
	bool is_alive = grant->head.state == EMR_GRANT_ACTIVE &&
			judge->now >= grant->not_before_unix_s &&
			judge->now < grant->not_after_unix_s;

	return is_alive ? EMR_RESULT_APPLIED : EMR_RESULT_GRANT_DEAD;
}

static emr_row_grant row_of(struct judge *judge)
{
	emr_row_grant row = {0};

	if (judge->is_row_present)
		(void)emr_judge_parsed(judge, emr_row_grant_parse(judge->row, &row));
	return row;
}

static void put_grant_of(struct judge *judge, const uint8_t grant[16], const emr_row_grant *row)
{
	uint8_t value[EMR_ROW_GRANT_BYTES];
	emr_key_text key;

	emr_key_grant(judge->item.domain_id, grant, &key);
	emr_row_grant_encode(row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static void put_grant(struct judge *judge, const emr_row_grant *row)
{
	put_grant_of(judge, judge->item.object_id, row);
}

void emr_judge_revoke(struct judge *judge, const uint8_t grant[16], const emr_row_grant *row)
{
	put_grant_of(judge, grant, row);
	if (row->kver > 0)
		emr_judge_purge_of(judge, EMR_FAMILY_KFRAGS, grant, 1, row->kver);
}

/* ---- 30 GRANT ---- */

static emr_result grant_form(struct judge *judge)
{
	emr_pub_grant pub = emr_pub_grant_of(judge->pub);
	/* A bit about agents says nothing where there is none. */
	uint16_t of_agents = pub.n > 0 ? EMR_GRANT_OWN_AGENTS : 0;
	/* Two clinicians who say why open it while nobody of the owner's is there. */
	uint16_t two = judge->rules >= 2 && pub.n > 0 && pub.purposes == EMR_PURPOSE_EMERGENCY
			       ? EMR_GRANT_TWO
			       : 0;
	/* A guardian reads everything, and not by the word of two. */
	uint16_t guardian =
		judge->rules >= 2 && (pub.rights & (RIGHTS_SHOWN | EMR_GRANT_TWO)) == RIGHTS_SHOWN
			? EMR_GRANT_GUARDIAN
			: 0;
	bool is_good = (pub.rights & RIGHTS_SHOWN) != 0 &&
		       (pub.rights & ~(RIGHTS_SHOWN | of_agents | two | guardian)) == 0 &&
		       pub.purposes != 0 && (pub.purposes & ~EMR_PURPOSES_ALL) == 0 &&
		       pub.not_before_unix_s < pub.not_after_unix_s && pub.t <= pub.n &&
		       (pub.t == 0) == (pub.n == 0) && !is_zero(pub.grantee, 32);

	return is_good ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

static bool grant_part_fits(struct judge *judge)
{
	uint32_t n = emr_pub_grant_of(judge->pub).n, len = judge->item.priv_len;

	return len >= GRANT_PART(n, 1) && len <= GRANT_PART(n, 32) &&
	       (len - GRANT_PART(n, 0)) % 512 == 0;
}

/* New terms are for the one who has the grant. */
static emr_result grant_state(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	return judge->is_row_present && memcmp(row.grantee, judge->pub.data, 32) != 0
		       ? EMR_RESULT_EXISTS
		       : EMR_RESULT_APPLIED;
}

static emr_result grant_last(struct judge *judge)
{
	emr_pub_grant pub = emr_pub_grant_of(judge->pub);

	if (judge->head.state == EMR_GRANT_REVOKED || judge->now >= pub.not_after_unix_s)
		return EMR_RESULT_GRANT_DEAD;
	EMR_JUDGE_TRY(emr_judge_signer_in_force(judge));
	return pub.n <= EMR_GRANT_AGENTS_MAX ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

/* Fragments of earlier terms keep their numbers: the next ones follow them. */
static void grant_write(struct judge *judge)
{
	emr_pub_grant pub = emr_pub_grant_of(judge->pub);
	emr_row_grant row = row_of(judge);
	emr_key_text key;

	row.head = emr_judge_head(
		judge, EMR_FAMILY_GRANT, EMR_GRANT_ACTIVE, judge->item.flags, judge->item.epoch);
	memcpy(row.grantee, pub.grantee, 32);
	row.not_before_unix_s = pub.not_before_unix_s;
	row.not_after_unix_s = pub.not_after_unix_s;
	row.from_time_unix_s = pub.from_time_unix_s;
	row.purposes = pub.purposes;
	row.rights = pub.rights;
	row.t = pub.t;
	row.n = pub.n;
	put_grant(judge, &row);
	emr_key_index(pub.grantee, judge->item.domain_id, judge->item.object_id, &key);
	emr_judge_put(judge, key.text, pub.grantee, 0);
}

/* ---- 31 REVOKE ---- */

/* A guardian leaves to the patient what was prepared for an emergency, and other guardians, and
 * gives no reason, which are those of the owner's computer. */
static emr_result revoke_authority(struct judge *judge)
{
	bool may_guardian = (judge->rights & EMR_RIGHT_GUARDIAN) != 0 && judge->pub.data[0] == 0 &&
			    (row_of(judge).rights & (EMR_GRANT_TWO | EMR_GRANT_GUARDIAN)) == 0;

	return may_guardian ? EMR_RESULT_APPLIED : emr_judge_manager(judge);
}

static emr_result revoke_last(struct judge *judge)
{
	if (!judge->is_row_present)
		return EMR_RESULT_NO_GRANT;
	if (judge->head.state != EMR_GRANT_ACTIVE)
		return EMR_RESULT_GRANT_DEAD;
	return emr_judge_signer_in_force(judge);
}

static void revoke_write(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	row.head = emr_judge_head(
		judge, EMR_FAMILY_GRANT, EMR_GRANT_REVOKED, row.head.flags, row.head.epoch);
	emr_judge_revoke(judge, judge->item.object_id, &row);
}

/* ---- 32 KFRAGS ---- */

/* Fragments have a chain of their own, so that replacing them moves no terms. */
static void kfrags_chain(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	judge->head.version = row.kver;
	memcpy(judge->head.item, row.kitem, 32);
}

/* Agents believe fragments that the owner's key signed, and no others.  How many there may be is
 * counted, so nobody else, a stolen computer of hers neither, uses up their numbers. */
static emr_result kfrags_authority(struct judge *judge)
{
	return judge->is_owner ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

/* As many fragments as the terms name agents. */
static bool kfrags_part_fits(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	return !judge->is_row_present || judge->item.priv_len == KFRAGS_PART((uint32_t)row.n);
}

static emr_result kfrags_last(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	if (!judge->is_row_present)
		return EMR_RESULT_NO_GRANT;
	if (row.head.state != EMR_GRANT_ACTIVE || judge->now >= row.not_after_unix_s)
		return EMR_RESULT_GRANT_DEAD;
	return judge->item.version <= EMR_GRANT_KVER_MAX ? EMR_RESULT_APPLIED : EMR_RESULT_LIMIT;
}

static void kfrags_write(struct judge *judge)
{
	emr_row_grant row = row_of(judge);

	row.kver = judge->item.version;
	memcpy(row.kitem, judge->id, 32);
	put_grant(judge, &row);
}

/* ---- 33 LETTER ---- */

void emr_judge_put_signed(struct judge *judge, uint8_t family)
{
	emr_row_signed row = {.head = emr_judge_head(judge, family, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_SIGNED_BYTES];

	memcpy(row.signer, judge->signer_id, 32);
	emr_row_signed_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static void letter_write(struct judge *judge)
{
	emr_judge_put_signed(judge, EMR_FAMILY_LETTER);
}

/* ---- 34 AGENT_ACK ---- */

static emr_result ack_form(struct judge *judge)
{
	emr_pub_agent_ack pub = emr_pub_agent_ack_of(judge->pub);
	uint8_t object[16];

	emr_object_ack(pub.subject, pub.what, judge->signer_id, object);
	return pub.what >= EMR_ACK_ENROLLED && pub.what <= EMR_ACK_REFUSED &&
			       memcmp(judge->item.object_id, object, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

/* Evidence, and only of a refusal. */
static bool ack_part_fits(struct judge *judge)
{
	bool is_refusal = emr_pub_agent_ack_of(judge->pub).what == EMR_ACK_REFUSED;

	return is_refusal ? judge->item.priv_len > 32 : judge->item.priv_len == 0;
}

static emr_result ack_authority(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_AGENT | EMR_ROLE_GATEWAY);
}

static void ack_write(struct judge *judge)
{
	emr_judge_put_signed(judge, EMR_FAMILY_ACK);
}

const op_rule emr_rules_grant[5] = {
	{
		.op = EMR_OP_GRANT,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = GRANT_PART(0, 1),
		.part_max = GRANT_PART(255, 32),
		.part_step = 32,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"G", KEYED_IN_DOMAIN},
		.part_fits = grant_part_fits,
		.form = grant_form,
		.authority = emr_judge_manager,
		.state = grant_state,
		.last = grant_last,
		.write = grant_write,
	},
	{
		.op = EMR_OP_REVOKE,
		.domain = DOMAIN_LIVES,
		.reserved_at = 1,
		.reserved_len = 7,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"G", KEYED_IN_DOMAIN},
		.authority = revoke_authority,
		.last = revoke_last,
		.write = revoke_write,
	},
	{
		.op = EMR_OP_KFRAGS,
		.domain = DOMAIN_LIVES,
		.epoch = EPOCH_CURRENT,
		.part_min = KFRAGS_PART(1),
		.part_max = KFRAGS_PART(EMR_GRANT_AGENTS_MAX),
		.part_step = 208,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"G", KEYED_IN_DOMAIN},
		.chain = kfrags_chain,
		.part_fits = kfrags_part_fits,
		.authority = kfrags_authority,
		.last = kfrags_last,
		.write = kfrags_write,
	},
	{
		.op = EMR_OP_LETTER,
		.domain = DOMAIN_LIVES,
		.part_min = LETTER_PART_MIN,
		.part_max = 65536,
		.part_step = 1,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"H", KEYED_IN_DOMAIN},
		.authority = emr_judge_manager,
		.state = emr_judge_is_new,
		.last = emr_judge_signer_in_force,
		.write = letter_write,
	},
	{
		.op = EMR_OP_AGENT_ACK,
		.domain = DOMAIN_LIVES,
		.part_max = 65536,
		.part_step = 1,
		.reserved_at = 33,
		.reserved_len = 7,
		.needs = NEED_DOMAIN | NEED_SIGNER,
		.row = {"Y", KEYED_IN_DOMAIN},
		.part_fits = ack_part_fits,
		.form = ack_form,
		.authority = ack_authority,
		.state = emr_judge_is_new,
		.last = emr_judge_key_in_force,
		.write = ack_write,
	},
};
