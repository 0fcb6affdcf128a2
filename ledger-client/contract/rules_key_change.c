/* These are the rules for exchanging a key for a new one, for taking one or a certificate out of
 * use, or a name's certificates, for a key's receiving key, and for the key of an organisation's
 * host (02 KEY_ROTATE, 03 KEY_REVOKE, 08 CERT_REVOKE, 09 ENROL_REVOKE, 06 KEY_KX, 0A HOST_KEY). The
 * new key must agree, and only the key itself, who vouched for it, or its organisation's
 * administrator may end it. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/hashsig.h"

#include "bytes.h"
#include "declare.h"

static void put_key(struct judge *judge, const uint8_t signer[32], const emr_row_key *row)
{
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;

	emr_key_signer(signer, &key);
	emr_row_key_encode(row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static emr_row_key own_row(struct judge *judge)
{
	emr_row_key row = {0};

	(void)emr_judge_key(judge, judge->signer_id, &row);
	return row;
}

static emr_result object_is_the_signer(struct judge *judge)
{
	return memcmp(judge->item.object_id, judge->signer_id, 16) == 0 ? EMR_RESULT_APPLIED
									: EMR_RESULT_FORMAT;
}

/* ---- 02 KEY_ROTATE ---- */

static void rotate_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	uint8_t new_id[32];

	(void)item;
	emr_signer_id(emr_pub_key_rotate_of(pub).new_pk, new_id);
	emr_declare_signer(set, new_id);
}

/* The new key says yes, and whoever holds it knows the secret of its B.  A device takes no other
 * key: its person has endorsed this one, and ends it when the computer is stolen. */
static emr_result rotate_authority(struct judge *judge)
{
	emr_pub_key_rotate pub = emr_pub_key_rotate_of(judge->pub);
	uint8_t message[EMR_ROTATE_MESSAGE_BYTES], new_id[32];

	emr_signer_id(pub.new_pk, new_id);
	if (own_row(judge).how == EMR_HOW_DEVICE ||
		emr_rotate_message(judge->caller->net_id, judge->signer_id, judge->pub, message) !=
			EMR_CONTRACT_OK ||
		!emr_ed25519_verify(pub.new_pk, message, sizeof message, pub.new_sig) ||
		!emr_pre_pop_verify(pub.B, judge->caller->net_id, new_id, pub.pop))
		return EMR_RESULT_NOT_AUTHORISED;
	return EMR_RESULT_APPLIED;
}

/* None, or what leads the new key to those before it: 4 bytes and 32 of each, sealed. */
static bool rotate_part_fits(struct judge *judge)
{
	const uint32_t len = judge->item.priv_len, least = 32 + 24 + 4 + 32 + 16;

	return len == 0 || (len >= least && (len - least) % 32 == 0);
}

static emr_result rotate_state(struct judge *judge)
{
	emr_row_key row;
	uint8_t new_id[32];

	emr_signer_id(emr_pub_key_rotate_of(judge->pub).new_pk, new_id);
	return emr_judge_key(judge, new_id, &row) ? EMR_RESULT_EXISTS : EMR_RESULT_APPLIED;
}

static void rotate_write(struct judge *judge)
{
	emr_pub_key_rotate pub = emr_pub_key_rotate_of(judge->pub);
	emr_row_key old = own_row(judge), new = old;
	uint8_t new_id[32];

	emr_signer_id(pub.new_pk, new_id);
	old.head = emr_judge_head(judge, EMR_FAMILY_KEY, EMR_KEY_ROTATED, old.head.flags, 0);
	memcpy(old.next, new_id, 32);
	put_key(judge, judge->signer_id, &old);
	/* Version and item of the new row are those of the item that made it, as everywhere. */
	new.head = emr_judge_head(judge, EMR_FAMILY_KEY, EMR_KEY_ACTIVE, 0, 0);
	memcpy(new.pk, pub.new_pk, 32);
	memcpy(new.x25519, pub.x25519, 32);
	memcpy(new.B, pub.B, 32);
	memcpy(new.log_pk, pub.log_pk, 32);
	put_key(judge, new_id, &new);
}

/* ---- 03 KEY_REVOKE ---- */

static bool target_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	(void)item;
	emr_key_signer(pub.data, out);
	return true;
}

/* The certificate that a device's row names; false where it names none, or is no device's. */
static bool certificate_of(const emr_row_key *row, emr_key_text *out)
{
	static const uint8_t none[32] = {0};

	if (row->how != EMR_HOW_DEVICE || memcmp(row->next, none, sizeof none) == 0)
		return false;
	emr_key_certificate(row->org, row->next, out);
	return true;
}

static void revoke_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;
	emr_row_key row;
	emr_span value;

	(void)target_row(item, pub, &key);
	if (!emr_declared_value(set, &key, &value) ||
		emr_row_key_parse(value, &row) != EMR_CONTRACT_OK)
		return;
	if (row.how == EMR_HOW_DEVICE)
		emr_declare_signer(set, row.ref);
	if (emr_pub_key_revoke_of(pub).certificate != 0 && certificate_of(&row, &key))
		emr_declare(set, &key);
}

static emr_result revoke_form(struct judge *judge)
{
	emr_pub_key_revoke pub = emr_pub_key_revoke_of(judge->pub);

	return pub.certificate <= 1 && memcmp(judge->item.object_id, pub.target, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static emr_row_key target_of(struct judge *judge)
{
	emr_row_key row = {0};

	(void)emr_judge_key(judge, emr_pub_key_revoke_of(judge->pub).target, &row);
	return row;
}

static bool revokes_himself(struct judge *judge)
{
	return memcmp(emr_pub_key_revoke_of(judge->pub).target, judge->signer_id, 32) == 0;
}

/* Is SIGNER of the chain of the person whose computer TARGET is, or of that of TARGET, which was
 * followed? */
static bool is_its_person(struct judge *judge, const emr_row_key *target, const emr_row_key *signer)
{
	emr_row_key person;

	if (target->how != EMR_HOW_DEVICE)
		return target->head.state == EMR_KEY_ROTATED &&
		       memcmp(target->root, signer->root, 32) == 0;
	return emr_judge_key(judge, target->ref, &person) &&
	       memcmp(person.root, signer->root, 32) == 0;
}

/* The key itself, who endorsed it by any key of the chain, the key that followed it, or the
 * administrator of its organisation. */
static emr_result revoke_authority(struct judge *judge)
{
	emr_row_key target = target_of(judge), signer;
	emr_key_text key;
	bool may;

	if (!judge->is_row_present) /* revoke_state says GONE */
		return EMR_RESULT_APPLIED;
	if (emr_pub_key_revoke_of(judge->pub).certificate != 0 && !certificate_of(&target, &key))
		return EMR_RESULT_NOT_AUTHORISED;
	if (revokes_himself(judge))
		return EMR_RESULT_APPLIED;
	if (!emr_judge_key(judge, judge->signer_id, &signer))
		return EMR_RESULT_NOT_AUTHORISED;
	may = is_its_person(judge, &target, &signer) ||
	      ((signer.roles & EMR_ROLE_ORG_ADMIN) != 0 && memcmp(signer.org, target.org, 16) == 0);
	return may ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result revoke_state(struct judge *judge)
{
	return judge->is_row_present ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

/* A key may take itself out of use even past its date, but not when another has followed it: who
 * stole it has no say.  Others act with a key in force only. */
static emr_result revoke_last(struct judge *judge)
{
	if (judge->head.state == EMR_KEY_REVOKED)
		return EMR_RESULT_KEY_DEAD;
	return revokes_himself(judge) && judge->head.state == EMR_KEY_ACTIVE
		       ? EMR_RESULT_APPLIED
		       : emr_judge_key_in_force(judge);
}

/* The certificate is out of use.  Where it was before, its row stays whose it is. */
static void put_certificate(struct judge *judge, const emr_key_text *key)
{
	emr_row_signed row = {
		.head = emr_judge_head(judge, EMR_FAMILY_CERTIFICATE, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_SIGNED_BYTES];
	emr_span there;

	if (emr_judge_get(judge, key->text, &there))
		return;
	memcpy(row.signer, judge->signer_id, 32);
	emr_row_signed_encode(&row, value);
	emr_judge_put(judge, key->text, value, sizeof value);
}

static void revoke_write(struct judge *judge)
{
	emr_pub_key_revoke pub = emr_pub_key_revoke_of(judge->pub);
	emr_row_key row = target_of(judge);
	emr_key_text key;

	row.head = emr_judge_head(judge, EMR_FAMILY_KEY, EMR_KEY_REVOKED, row.head.flags, 0);
	row.invalid_since_unix_s = pub.invalid_since_unix_s;
	put_key(judge, pub.target, &row);
	if (pub.certificate != 0 && certificate_of(&row, &key))
		put_certificate(judge, &key);
}

/* ---- 08 CERT_REVOKE ---- */

static bool cert_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_pub_cert_revoke named = emr_pub_cert_revoke_of(pub);

	(void)item;
	emr_key_certificate(named.org, named.ref, out);
	return true;
}

/* Of both operations: the object is the beginning of what is named behind the organisation. */
static emr_result cert_form(struct judge *judge)
{
	return memcmp(judge->item.object_id, judge->pub.data + 16, 16) == 0 ? EMR_RESULT_APPLIED
									    : EMR_RESULT_FORMAT;
}

/* Its organisation is in the row's key, so that nobody can take one of another's out of use.  The
 * three operations begin with it. */
static emr_result cert_authority(struct judge *judge)
{
	EMR_JUDGE_TRY(emr_judge_registered(judge, EMR_ROLE_ORG_ADMIN));
	return memcmp(own_row(judge).org, judge->pub.data, 16) == 0 ? EMR_RESULT_APPLIED
								    : EMR_RESULT_NOT_AUTHORISED;
}

static void cert_write(struct judge *judge)
{
	emr_key_text key;

	(void)cert_row(&judge->item, judge->pub, &key);
	put_certificate(judge, &key);
}

/* ---- 09 ENROL_REVOKE ---- */

static bool enrol_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_pub_enrol_revoke named = emr_pub_enrol_revoke_of(pub);

	(void)item;
	emr_key_enrolment(named.org, named.enrolment, out);
	return true;
}

static void enrol_write(struct judge *judge)
{
	emr_row_enrolment row = {
		.head = emr_judge_head(judge, EMR_FAMILY_ENROLMENT, EMR_STATE_PRESENT, 0, 0),
		.through_unix_s = emr_pub_enrol_revoke_of(judge->pub).through_unix_s};
	uint8_t value[EMR_ROW_ENROLMENT_BYTES];

	memcpy(row.signer, judge->signer_id, 32);
	emr_row_enrolment_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 0A HOST_KEY ---- */

static emr_result host_form(struct judge *judge)
{
	const emr_pub_host_key pub = emr_pub_host_key_of(judge->pub);

	return memcmp(judge->item.object_id, pub.org, 16) == 0 && !is_zero(pub.key, 32)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static void host_write(struct judge *judge)
{
	const emr_pub_host_key pub = emr_pub_host_key_of(judge->pub);
	emr_row_host_key row = {
		.head = emr_judge_head(judge, EMR_FAMILY_HOST_KEY, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_HOST_KEY_BYTES];

	memcpy(row.signer, judge->signer_id, 32);
	memcpy(row.key, pub.key, 32);
	emr_row_host_key_encode(&row, value);
	emr_judge_put_own(judge, value, sizeof value);
}

/* ---- 06 KEY_KX ---- */

static void kx_write(struct judge *judge)
{
	emr_row_key row = own_row(judge);

	row.head = emr_judge_head(judge, EMR_FAMILY_KEY, row.head.state, row.head.flags, 0);
	memcpy(row.x25519, judge->pub.data, 32);
	put_key(judge, judge->signer_id, &row);
}

const op_rule emr_rules_key_change[6] = {
	{
		.op = EMR_OP_KEY_ROTATE,
		.part_max = 32 + 24 + 4 + 32 * 32 + 16,
		.part_step = 4,
		.part_fits = rotate_part_fits,
		.needs = NEED_SIGNER,
		.row = {"K", KEYED_BY_SIGNER},
		.names = rotate_names,
		.form = object_is_the_signer,
		.authority = rotate_authority,
		.state = rotate_state,
		.last = emr_judge_key_in_force,
		.write = rotate_write,
	},
	{
		.op = EMR_OP_KEY_REVOKE,
		.reserved_at = 42,
		.reserved_len = 6,
		.needs = NEED_SIGNER,
		.row_key = target_row,
		.follows = revoke_follows,
		.form = revoke_form,
		.authority = revoke_authority,
		.state = revoke_state,
		.last = revoke_last,
		.write = revoke_write,
	},
	{
		.op = EMR_OP_CERT_REVOKE,
		.needs = NEED_SIGNER,
		.row_key = cert_row,
		.form = cert_form,
		.authority = cert_authority,
		.state = emr_judge_is_new,
		.last = emr_judge_key_in_force,
		.write = cert_write,
	},
	{
		.op = EMR_OP_ENROL_REVOKE,
		.needs = NEED_SIGNER,
		.row_key = enrol_row,
		.form = cert_form,
		.authority = cert_authority,
		.last = emr_judge_key_in_force,
		.write = enrol_write,
	},
	{
		.op = EMR_OP_KEY_KX,
		.needs = NEED_SIGNER,
		.row = {"K", KEYED_BY_SIGNER},
		.form = object_is_the_signer,
		.last = emr_judge_key_in_force,
		.write = kx_write,
	},
	{
		.op = EMR_OP_HOST_KEY,
		.needs = NEED_SIGNER,
		.row = {"MH", KEYED_BY_OBJECT},
		.form = host_form,
		.authority = cert_authority,
		.last = emr_judge_key_in_force,
		.write = host_write,
	},
};
