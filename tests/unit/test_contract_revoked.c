/* These tests are about certificates, names and computers that were revoked: with them nobody
 * registers a key any more, and with another certificate the revoked person comes back. */
#include "newcomer_kit.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

/* The answer to BY, who says ITEM there; what was accepted holds from then on when IS_KEPT. */
static int said_by(newcomer *it, const char *name, const kit_signer *by, emr_item item,
	emr_span pub, bool is_kept)
{
	kit_state parts = {0};
	static kit_run run;
	kit_batch batch;
	emr_span sent;
	int answer;

	memcpy(it->world.caller.submitter_id, by->id, 32);
	kit_begin(&batch, by, it->world.net_id);
	kit_add(&batch, item, pub, (emr_span){NULL, 0});
	sent = kit_end(&batch);
	kit_judge(&run, name, sent, &it->world.caller, KIT_NOW, &it->world.state, NULL);
	answer = kit_answer(&run);
	if (answer == EMR_RESULT_APPLIED && is_kept)
		kit_commit(&run, &it->world.state, &parts);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(sent);
	memcpy(it->world.caller.submitter_id, it->key.id, 32);
	return answer;
}

/* The answer to an administrator of ORG who says ITEM, about the row KEY, there. */
static int administer(newcomer *it, const char *name, const uint8_t org[16], emr_item item,
	emr_span pub, const emr_key_text *key)
{
	kit_signer admin = kit_signer_of("administrator");

	memcpy(item.object_id, pub.data + 16, 16);
	if (key != NULL)
		kit_follow(&it->world.state, key->text, &item);
	kit_put_org(&it->world.state, org, EMR_ORG_MEMBER);
	kit_put_key(&it->world.state, &admin, org, EMR_ROLE_ORG_ADMIN, EMR_HOW_CERTIFICATE,
		EMR_KEY_ACTIVE, UNTIL);
	return said_by(it, name, &admin, item, pub, true);
}

/* Takes the certificate REF out of use. */
static int revoke_cert(newcomer *it, const char *name, const uint8_t org[16], const uint8_t ref[32])
{
	emr_pub_cert_revoke pub;
	uint8_t bytes[48];

	memcpy(pub.org, org, 16);
	memcpy(pub.ref, ref, 32);
	emr_pub_cert_revoke_encode(&pub, bytes);
	return administer(it, name, org, (emr_item){.op = EMR_OP_CERT_REVOKE, .version = 1},
		kit_span(bytes, sizeof bytes), NULL);
}

/* Takes those out of use that WHO has there and that end at THROUGH or before. */
static int revoke_name(
	newcomer *it, const char *name, const uint8_t org[16], const char *who, uint64_t through)
{
	emr_pub_enrol_revoke pub = {.through_unix_s = through};
	uint8_t bytes[56];
	emr_key_text key;

	memcpy(pub.org, org, 16);
	emr_enrolment_id(org, who, pub.enrolment);
	emr_key_enrolment(org, pub.enrolment, &key);
	emr_pub_enrol_revoke_encode(&pub, bytes);
	return administer(it, name, org, (emr_item){.op = EMR_OP_ENROL_REVOKE},
		kit_span(bytes, sizeof bytes), &key);
}

static void name_is(newcomer *it, const char *who)
{
	emr_enrolment_id(it->world.caller.cert.org, who, it->world.caller.cert.enrolment);
}

/* He enrolled twice, and kept the other certificate aside. */
TEST(with_a_revoked_name_no_certificate_registers_another_key)
{
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	name_is(&it, "lima");
	assert_int_equal(revoke_name(&it, "ENROL_REVOKE", it.world.org, "lima", UINT64_MAX), 0);
	registers(&it, "KEY_REG with a revoked name", EMR_RESULT_KEY_DEAD);
	name_is(&it, "LiMA");
	registers(&it, "KEY_REG with a revoked name in capitals", EMR_RESULT_KEY_DEAD);
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	renews(&it, "KEY_CERT with a revoked name", EMR_RESULT_KEY_DEAD);
	it.world.caller.host = EMR_HOST_FABRIC;
	renews(&it, "fabric, KEY_CERT with a revoked name", EMR_RESULT_KEY_DEAD);
	name_is(&it, "lim\xc3\xa1");
	renews(&it, "fabric, KEY_CERT with another name", EMR_RESULT_APPLIED);
}

TEST(what_ends_later_than_a_revoked_name_comes_back)
{
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	name_is(&it, "lima");
	assert_int_equal(revoke_name(&it, "ENROL_REVOKE", it.world.org, "lima", UINT64_MAX), 0);
	assert_int_equal(
		revoke_name(&it, "ENROL_REVOKE of the earlier", it.world.org, "lima", UNTIL), 0);
	registers(&it, "KEY_REG with an earlier one of the name", EMR_RESULT_KEY_DEAD);
	assert_int_equal(
		revoke_name(&it, "ENROL_REVOKE of those before", it.world.org, "lima", UNTIL - 1),
		0);
	registers(&it, "KEY_REG with a later one of the name", EMR_RESULT_APPLIED);
	assert_int_equal(revoke_name(&it, "ENROL_REVOKE again", it.world.org, "lima", UNTIL), 0);
	assert_int_equal(revoke_name(&it, "ENROL_REVOKE of none", it.world.org, "lima", 0), 0);
	registers(&it, "KEY_REG with a name again", EMR_RESULT_APPLIED);
}

TEST(an_administrator_revokes_no_name_of_another_organisation)
{
	uint8_t clinic[16];

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	name_is(&it, "lima");
	kit_id16("clinic", clinic);
	assert_int_equal(revoke_name(&it, "ENROL_REVOKE elsewhere", clinic, "lima", UINT64_MAX), 0);
	registers(&it, "KEY_REG with a name that others revoked", EMR_RESULT_APPLIED);
}

TEST(with_a_revoked_certificate_nobody_registers_another_key)
{
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	assert_int_equal(revoke_cert(&it, "CERT_REVOKE", it.world.org, it.reg.ref), 0);
	registers(&it, "KEY_REG with a revoked certificate", EMR_RESULT_KEY_DEAD);
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	renews(&it, "KEY_CERT with a revoked certificate", EMR_RESULT_KEY_DEAD);
	it.world.caller.host = EMR_HOST_FABRIC;
	renews(&it, "fabric, KEY_CERT with a revoked certificate", EMR_RESULT_KEY_DEAD);
}

/* The way back, after a mistake: the authority gives another one. */
TEST(with_a_new_certificate_who_was_revoked_comes_back)
{
	uint8_t first[32];

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	memcpy(first, it.reg.ref, 32);
	assert_int_equal(revoke_cert(&it, "CERT_REVOKE of the first", it.world.org, first), 0);
	memset(it.reg.ref, 0xcf, 32);
	memcpy(it.world.caller.cert.ref, it.reg.ref, 32);
	registers(&it, "KEY_REG with another certificate than the revoked one", EMR_RESULT_APPLIED);
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	memcpy(it.renewal.ref, it.reg.ref, 32);
	renews(&it, "KEY_CERT with another certificate than the revoked one", EMR_RESULT_APPLIED);
}

TEST(an_administrator_revokes_no_certificate_of_another_organisation)
{
	uint8_t clinic[16];

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	kit_id16("clinic", clinic);
	assert_int_equal(
		revoke_cert(&it, "CERT_REVOKE of a certificate of others", clinic, it.reg.ref), 0);
	registers(&it, "KEY_REG with a certificate that others name", EMR_RESULT_APPLIED);
	assert_int_equal(revoke_cert(&it, "CERT_REVOKE behind that", it.world.org, it.reg.ref), 0);
	registers(&it, "KEY_REG with a certificate that its own organisation revoked",
		EMR_RESULT_KEY_DEAD);
}

/* Her computer's registration names no certificate, and so none is asked about. */
TEST(a_device_is_registered_whatever_certificate_brings_it)
{
	newcomer it;

	newcomer_make_device(&it);
	it.world.caller.cert.is_present = true;
	assert_int_equal(
		revoke_cert(&it, "CERT_REVOKE", it.world.org, it.world.caller.cert.ref), 0);
	memcpy(it.world.caller.submitter_id, it.world.identity.id, 32);
	registers_by(&it, "KEY_REG of a device beside a revoked certificate", &it.world.identity,
		EMR_RESULT_APPLIED);
	kit_world_free(&it.world);
	newcomer_make_certified_device(&it);
	it.world.caller.host = EMR_HOST_EMBEDDED;
	assert_int_equal(revoke_cert(&it, "CERT_REVOKE", it.world.org, it.renewal.ref), 0);
	renews(&it, "KEY_CERT of a device with a revoked certificate", EMR_RESULT_KEY_DEAD);
	kit_world_free(&it.world);
}

/* The answer to BY, who ends the newcomer's key, and with CERTIFICATE what its row names. */
static int remove_key(
	newcomer *it, const char *name, const kit_signer *by, uint8_t certificate, bool is_kept)
{
	emr_item item = {.op = EMR_OP_KEY_REVOKE};
	emr_pub_key_revoke pub = {.certificate = certificate};
	uint8_t bytes[48];
	emr_key_text key;

	memcpy(pub.target, it->key.id, 32);
	memcpy(item.object_id, it->key.id, 16);
	emr_pub_key_revoke_encode(&pub, bytes);
	emr_key_signer(it->key.id, &key);
	kit_follow(&it->world.state, key.text, &item);
	return said_by(it, name, by, item, kit_span(bytes, sizeof bytes), is_kept);
}

TEST(a_removed_computer_s_certificate_ends_with_it)
{
	kit_signer other = kit_signer_of("somebody of the same organisation");

	SCENE(newcomer, it, newcomer_make_certified_device, newcomer_end);
	it.world.caller.host = EMR_HOST_EMBEDDED;
	newcomer_put_device(&it, EMR_KEY_ACTIVE, UNTIL, it.world.caller.cert.ref);
	kit_put_key(&it.world.state, &other, it.world.org, EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE,
		EMR_KEY_ACTIVE, UNTIL);
	assert_int_equal(
		remove_key(&it, "another's computer, with its certificate", &other, 1, false),
		EMR_RESULT_NOT_AUTHORISED);
	assert_int_equal(
		remove_key(&it, "a computer without its certificate", &it.world.identity, 0, false),
		EMR_RESULT_APPLIED);
	assert_int_equal(remove_key(&it, "a computer that removes itself with its certificate",
				 &it.key, 1, false),
		EMR_RESULT_APPLIED);
	assert_int_equal(
		remove_key(&it, "a computer with its certificate", &it.world.identity, 1, true),
		EMR_RESULT_APPLIED);
	assert_int_equal(revoke_cert(&it, "CERT_REVOKE of a removed computer's", it.world.org,
				 it.renewal.ref),
		EMR_RESULT_CONFLICT);
	/* Nor does another computer, of the same person say, live on with it. */
	it.key = kit_signer_of("another computer");
	memcpy(it.world.caller.submitter_id, it.key.id, 32);
	newcomer_put_device(&it, EMR_KEY_ACTIVE, UNTIL, other.id);
	renews(&it, "KEY_CERT with a removed computer's certificate", EMR_RESULT_KEY_DEAD);
}

TEST(only_what_a_computer_named_ends_with_it)
{
	static const uint8_t none[32] = {0};

	SCENE(newcomer, it, newcomer_make_certified_device, newcomer_end);
	it.world.caller.host = EMR_HOST_EMBEDDED;
	assert_int_equal(remove_key(&it, "a computer that named no certificate", &it.world.identity,
				 1, false),
		EMR_RESULT_NOT_AUTHORISED);
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	assert_int_equal(remove_key(&it, "one's own key with its certificate", &it.key, 1, false),
		EMR_RESULT_NOT_AUTHORISED);
	/* The key that took it out of use before stays the one that did. */
	newcomer_put_device(&it, EMR_KEY_ACTIVE, UNTIL, none);
	newcomer_put_device(&it, EMR_KEY_ACTIVE, UNTIL, it.world.caller.cert.ref);
	assert_int_equal(
		revoke_cert(&it, "CERT_REVOKE of a computer's", it.world.org, it.renewal.ref), 0);
	assert_int_equal(remove_key(&it, "a computer whose certificate is out of use",
				 &it.world.identity, 1, true),
		EMR_RESULT_APPLIED);
}

TESTS(NULL, NULL)
