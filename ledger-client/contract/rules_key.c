/* These are the rules for registering a key and for renewing its certificate (01 KEY_REG, 07
 * KEY_CERT). A key comes onto the ledger only with a certificate of a member organisation or
 * with the signature of a registered key of the same person. */
#include "judge.h"

#include "contract/pubs.h"
#include "contract/rows_share.h"
#include "crypto/hashsig.h"

#include "bytes.h"
#include "declare.h"

/* salt, cert_len u16, DER, name_len u8, name */
#define KEY_PART_MIN (32 + 2 + 1)
#define KEY_PART_MAX (32 + 2 + 65535 + 1 + 255)

static emr_result object_is_the_signer(struct judge *judge)
{
	return memcmp(judge->item.object_id, judge->signer_id, 16) == 0 ? EMR_RESULT_APPLIED
									: EMR_RESULT_FORMAT;
}

static emr_result reg_form(struct judge *judge)
{
	emr_pub_key_reg pub;

	if (!emr_pub_key_reg_parse(judge->pub, &pub) ||
		(pub.roles & ~(EMR_ROLE_ALL | EMR_ROLE_READER)) != 0 ||
		((pub.roles & EMR_ROLE_READER) != 0 &&
			(judge->rules < 2 || pub.how != EMR_HOW_DEVICE)))
		return EMR_RESULT_FORMAT;
	if (pub.how != EMR_HOW_CERTIFICATE && pub.how != EMR_HOW_DEVICE)
		return EMR_RESULT_FORMAT;
	return object_is_the_signer(judge);
}

/* Does the certificate that the host verified say REF, ORG and all of ROLES, for at least so long,
 * and did its key sign the binding?  One with the role device is for computers of somebody who is
 * registered, and makes nobody. */
static bool cert_vouches(struct judge *judge, const uint8_t ref[32], const uint8_t bind_sig[64],
	uint64_t not_after, const uint8_t org[16], uint16_t roles)
{
	const emr_caller_cert *cert = &judge->caller->cert;
	uint8_t message[EMR_BIND_MESSAGE_BYTES];

	if (!cert->is_present || memcmp(cert->ref, ref, 32) != 0 ||
		memcmp(cert->org, org, 16) != 0 || (roles & ~cert->roles) != 0 ||
		((roles ^ cert->roles) & EMR_ROLE_DEVICE) != 0 ||
		not_after > cert->not_after_unix_s)
		return false;
	if (!emr_judge_org_is_member(judge, org))
		return false;
	if (emr_bind_message(judge->caller->net_id, judge->signer_id, judge->pub, message) !=
		EMR_CONTRACT_OK)
		return false;
	if (cert->key_alg == 1)
		return cert->key.len == 32 &&
		       emr_ed25519_verify(cert->key.data, message, sizeof message, bind_sig);
	return cert->key_alg == 2 &&
	       emr_p256_verify(cert->key.data, cert->key.len, message, sizeof message, bind_sig);
}

/* Has its organisation taken the certificate that the host verified out of use, or the name in it?
 * A person who was revoked still has it, and its private key, and may have others of that name that
 * no ledger has seen. */
static bool cert_is_revoked(struct judge *judge)
{
	const emr_caller_cert *cert = &judge->caller->cert;
	emr_row_enrolment enrolment;
	emr_key_text key;
	emr_span value;

	if (!cert->is_present)
		return false;
	emr_key_certificate(cert->org, cert->ref, &key);
	if (emr_judge_get(judge, key.text, &value))
		return true;
	emr_key_enrolment(cert->org, cert->enrolment, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_row_enrolment_parse(value, &enrolment) == EMR_CONTRACT_OK &&
	       cert->not_after_unix_s <= enrolment.through_unix_s;
}

/* A device speaks for the person who endorsed it: the same organisation, and no role but device and
 * reader. */
static bool endorser_vouches(struct judge *judge, const uint8_t ref[32], const uint8_t bind_sig[64],
	const uint8_t org[16], uint16_t roles)
{
	uint8_t message[EMR_BIND_MESSAGE_BYTES];
	emr_row_key endorser;

	if ((roles & ~EMR_ROLE_READER) != EMR_ROLE_DEVICE || !emr_judge_key(judge, ref, &endorser))
		return false;
	if (endorser.how != EMR_HOW_CERTIFICATE || (endorser.roles & EMR_ROLE_DEVICE) != 0 ||
		memcmp(endorser.org, org, 16) != 0)
		return false;
	return emr_bind_message(judge->caller->net_id, judge->signer_id, judge->pub, message) ==
		       EMR_CONTRACT_OK &&
	       emr_ed25519_verify(endorser.pk, message, sizeof message, bind_sig);
}

/* A computer stays its person's, also when her key was followed by another. */
static bool is_same_person(struct judge *judge, const uint8_t ref[32], const uint8_t other[32])
{
	emr_row_key one, two;

	return emr_judge_key(judge, ref, &one) && emr_judge_key(judge, other, &two) &&
	       memcmp(one.root, two.root, 32) == 0;
}

/* A person who goes on under another key vouches on for the computer that the former one endorsed
 * once; for nothing new. */
static bool endorser_goes_on(struct judge *judge, const uint8_t ref[32])
{
	emr_row_key endorser;

	return emr_judge_key(judge, ref, &endorser) && endorser.head.state == EMR_KEY_ROTATED;
}

static bool endorser_is_active(struct judge *judge, const uint8_t ref[32])
{
	emr_row_key endorser;

	return emr_judge_key(judge, ref, &endorser) && emr_judge_key_is_active(judge, &endorser);
}

static emr_result reg_authority(struct judge *judge)
{
	emr_pub_key_reg pub;
	bool vouched;

	if (!emr_pub_key_reg_parse(judge->pub, &pub))
		return EMR_RESULT_FORMAT;
	if (pub.how == EMR_HOW_CERTIFICATE)
		vouched = (pub.roles & EMR_ROLE_DEVICE) == 0 &&
			  cert_vouches(judge, pub.ref, pub.bind_sig, pub.not_after_unix_s, pub.org,
				  pub.roles);
	else
		vouched = endorser_vouches(judge, pub.ref, pub.bind_sig, pub.org, pub.roles);
	if (!vouched ||
		!emr_pre_pop_verify(pub.B, judge->caller->net_id, judge->signer_id, pub.pop))
		return EMR_RESULT_NOT_AUTHORISED;
	return EMR_RESULT_APPLIED;
}

static emr_result reg_state(struct judge *judge)
{
	return judge->is_row_present ? EMR_RESULT_EXISTS : EMR_RESULT_APPLIED;
}

static emr_result reg_last(struct judge *judge)
{
	emr_pub_key_reg pub;

	if (!emr_pub_key_reg_parse(judge->pub, &pub))
		return EMR_RESULT_FORMAT;
	if (pub.how == EMR_HOW_DEVICE ? !endorser_is_active(judge, pub.ref)
				      : cert_is_revoked(judge))
		return EMR_RESULT_KEY_DEAD;
	return EMR_RESULT_APPLIED;
}

static void put_key(struct judge *judge, const emr_row_key *row)
{
	uint8_t value[EMR_ROW_KEY_BYTES];

	emr_row_key_encode(row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

static void reg_write(struct judge *judge)
{
	emr_row_key row = {.head = emr_judge_head(judge, EMR_FAMILY_KEY, EMR_KEY_ACTIVE, 0, 0)};
	emr_row_key endorser;
	emr_pub_key_reg pub;

	if (!emr_pub_key_reg_parse(judge->pub, &pub))
		return;
	memcpy(row.pk, judge->header.signer_pk, 32);
	row.roles = pub.roles;
	row.how = pub.how;
	memcpy(row.org, pub.org, 16);
	memcpy(row.x25519, pub.x25519, 32);
	memcpy(row.B, pub.B, 32);
	memcpy(row.log_pk, pub.log_pk, 32);
	memcpy(row.ref, pub.ref, 32);
	row.not_after_unix_s = pub.not_after_unix_s;
	memcpy(row.root, judge->signer_id, 32);
	if (pub.how == EMR_HOW_CERTIFICATE)
		memcpy(row.account, judge->caller->cert.enrolment, 32);
	else if (emr_judge_key(judge, pub.ref, &endorser))
		memcpy(row.account, endorser.account, 32);
	put_key(judge, &row);
}

/* Does 07 name the certificate that the host verified?  Otherwise it is an endorser's. */
static bool names_certificate(const struct judge *judge, const emr_pub_key_cert *pub)
{
	const emr_caller_cert *cert = &judge->caller->cert;

	return cert->is_present && memcmp(cert->ref, pub->ref, 32) == 0;
}

static emr_result cert_authority(struct judge *judge)
{
	emr_pub_key_cert pub;
	emr_row_key row;
	bool vouched;

	if (!judge->is_row_present) /* nothing to be entitled to: cert_last says KEY_DEAD */
		return EMR_RESULT_APPLIED;
	if (!emr_pub_key_cert_parse(judge->pub, &pub) ||
		!emr_judge_key(judge, judge->signer_id, &row))
		return EMR_RESULT_FORMAT;
	if (row.how == EMR_HOW_CERTIFICATE || names_certificate(judge, &pub))
		vouched = cert_vouches(
			judge, pub.ref, pub.bind_sig, pub.not_after_unix_s, row.org, row.roles);
	else
		vouched = is_same_person(judge, row.ref, pub.ref) &&
			  endorser_vouches(judge, pub.ref, pub.bind_sig, row.org, row.roles);
	return vouched ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

/* Past not_after is fine, that is what the operation is for; rotated and revoked keys stay dead. */
static emr_result cert_last(struct judge *judge)
{
	emr_pub_key_cert pub;
	emr_row_key row;

	if (!judge->is_row_present || judge->head.state != EMR_KEY_ACTIVE)
		return EMR_RESULT_KEY_DEAD;
	if (!emr_pub_key_cert_parse(judge->pub, &pub) ||
		!emr_judge_key(judge, judge->signer_id, &row))
		return EMR_RESULT_FORMAT;
	if (names_certificate(judge, &pub) && cert_is_revoked(judge))
		return EMR_RESULT_KEY_DEAD;
	if (row.how != EMR_HOW_DEVICE)
		return EMR_RESULT_APPLIED;
	if (names_certificate(judge, &pub)
			? !endorser_is_active(judge, row.ref) && !endorser_goes_on(judge, row.ref)
			: !endorser_is_active(judge, pub.ref))
		return EMR_RESULT_KEY_DEAD;
	return EMR_RESULT_APPLIED;
}

/* Whose computer it is. */
static void cert_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;
	emr_row_key row;
	emr_span value;

	(void)pub;
	emr_key_signer(item->signer_id, &key);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_key_parse(value, &row) == EMR_CONTRACT_OK)
		emr_declare_signer(set, row.ref);
}

/* A device stays its endorser's, whatever certificate it has, and its quota that person's. */
static void cert_write(struct judge *judge)
{
	emr_pub_key_cert pub;
	emr_row_key row;
	bool is_named;

	if (!emr_pub_key_cert_parse(judge->pub, &pub) ||
		!emr_judge_key(judge, judge->signer_id, &row))
		return;
	is_named = row.how == EMR_HOW_DEVICE && names_certificate(judge, &pub);
	row.head = emr_judge_head(judge, EMR_FAMILY_KEY, row.head.state, row.head.flags, 0);
	memcpy(is_named ? row.next : row.ref, pub.ref, 32);
	if (row.how == EMR_HOW_CERTIFICATE)
		memcpy(row.account, judge->caller->cert.enrolment, 32);
	row.not_after_unix_s = pub.not_after_unix_s;
	put_key(judge, &row);
}

const op_rule emr_rules_key[2] = {
	{
		.op = EMR_OP_KEY_REG,
		.part_min = KEY_PART_MIN,
		.part_max = KEY_PART_MAX,
		.part_step = 1,
		.reserved_at = 3,
		.reserved_len = 5,
		.needs = NEED_SIGNER | NEED_ORG | NEED_REF,
		.row = {"K", KEYED_BY_SIGNER},
		.form = reg_form,
		.authority = reg_authority,
		.state = reg_state,
		.last = reg_last,
		.write = reg_write,
	},
	{
		.op = EMR_OP_KEY_CERT,
		.part_min = KEY_PART_MIN,
		.part_max = KEY_PART_MAX,
		.part_step = 1,
		.needs = NEED_SIGNER | NEED_REF,
		.row = {"K", KEYED_BY_SIGNER},
		.follows = cert_follows,
		.form = object_is_the_signer,
		.authority = cert_authority,
		.last = cert_last,
		.write = cert_write,
	},
};
