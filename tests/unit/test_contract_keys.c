/* These tests are about registration and renewal of keys: which vouch and which state of the K row
 * they need. */
#include "newcomer_kit.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "crypto/hashsig.h"

TEST(a_certificate_makes_a_key)
{
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	registers(&it, "KEY_REG of a newcomer", EMR_RESULT_APPLIED);
	it.reg.not_after_unix_s--;
	registers(&it, "KEY_REG for less time than the certificate", EMR_RESULT_APPLIED);
	it.reg.roles = EMR_ROLE_AGENT;
	registers(&it, "KEY_REG with one of two roles", EMR_RESULT_APPLIED);
}

TEST(a_p256_certificate_makes_a_key)
{
	/* Only what the contract hands on is tested here: the check itself has vectors of its own.
	 */

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	it.world.caller.cert.key_alg = 2;
	registers(&it, "KEY_REG with an Ed25519 signature and a P-256 certificate",
		EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.key_alg = 3;
	registers(&it, "KEY_REG with an unknown kind of certificate", EMR_RESULT_NOT_AUTHORISED);
}

TEST(a_certificate_vouches_for_no_more_than_it_says)
{
	kit_signer other = kit_signer_of("someone else");

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	registers_by(&it, "KEY_REG bound by another key", &other, EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles |= EMR_ROLE_ORG_ADMIN;
	registers(&it, "KEY_REG with a role too many", EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles = EMR_ROLE_CLINICIAN;
	it.reg.not_after_unix_s = UNTIL + 1;
	registers(&it, "KEY_REG beyond the certificate", EMR_RESULT_NOT_AUTHORISED);
	it.reg.not_after_unix_s = UNTIL;
	it.reg.pop[3] ^= 1;
	registers(&it, "KEY_REG without proof of B", EMR_RESULT_NOT_AUTHORISED);
	it.reg.pop[3] ^= 1;
	it.world.caller.cert.org[0] ^= 1;
	registers(&it, "KEY_REG in another organisation", EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.org[0] ^= 1;
	kit_put_org(&it.world.state, it.world.org, EMR_ORG_REMOVED);
	registers(&it, "KEY_REG in a removed organisation", EMR_RESULT_NOT_AUTHORISED);
	kit_put_org(&it.world.state, it.world.org, EMR_ORG_MEMBER);
	it.reg.roles = 0x2000;
	registers(&it, "KEY_REG with a role that is none", EMR_RESULT_FORMAT);
	it.reg.roles = EMR_ROLE_CLINICIAN;
	it.reg.how = 3;
	memcpy(it.world.caller.submitter_id, it.world.identity.id, 32);
	registers(&it, "KEY_REG vouched for by nothing known", EMR_RESULT_FORMAT);
	it.reg.how = EMR_HOW_CERTIFICATE;
	registers(&it, "KEY_REG after all", EMR_RESULT_APPLIED);
}

/* The newcomer's own submission stands on the certificate that the host verified, and on that only.
 */
TEST(a_newcomer_submits_with_his_own_certificate_only)
{
	SCENE(newcomer, it, newcomer_make, newcomer_end);
	it.world.caller.cert.ref[0] ^= 1;
	registers(&it, "KEY_REG with another certificate", 1000 + EMR_RESULT_SUBMITTER);
	it.world.caller.cert.ref[0] ^= 1;
	memset(it.world.caller.submitter_id, 0x77, 32);
	registers(&it, "KEY_REG brought by a key unknown", 1000 + EMR_RESULT_SUBMITTER);
	memcpy(it.world.caller.submitter_id, it.key.id, 32);
	it.reg.how = EMR_HOW_DEVICE;
	registers(&it, "KEY_REG of a device with a certificate", 1000 + EMR_RESULT_SUBMITTER);
	it.reg.how = EMR_HOW_CERTIFICATE;
	it.world.caller.cert.is_present = false;
	registers(&it, "KEY_REG without a certificate", 1000 + EMR_RESULT_SUBMITTER);
	memcpy(it.world.caller.submitter_id, it.world.identity.id, 32);
	registers(&it, "KEY_REG brought by another, without a certificate",
		EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.is_present = true;
	registers(&it, "KEY_REG brought by another", EMR_RESULT_APPLIED);
}

/* Nothing else rides on the exception: a registration with a companion needs a submitter in force.
 */
TEST(a_newcomer_brings_one_item)
{
	static kit_run run;
	emr_item item = {.op = EMR_OP_KEY_REG, .version = 1};
	uint8_t pub[288];
	kit_batch batch;
	emr_span bytes;

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	memcpy(item.object_id, it.key.id, 16);
	emr_pub_key_reg_encode(&it.reg, pub);
	newcomer_bind(&it, &it.cert_key, pub, 288, 216);
	kit_begin(&batch, &it.key, it.world.net_id);
	kit_add(&batch, item, kit_span(pub, 288), kit_part(1, 40));
	kit_add(&batch, item, kit_span(pub, 288), kit_part(2, 40));
	bytes = kit_end(&batch);
	kit_judge(&run, "two KEY_REG of a newcomer", bytes, &it.world.caller, KIT_NOW,
		&it.world.state, NULL);
	assert_int_equal(kit_answer(&run), 1000 + EMR_RESULT_SUBMITTER);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
}

TEST(reserved_bytes_are_zero)
{
	uint8_t pub[288];

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	for (size_t at = 3; at < 8; at++) {
		emr_pub_key_reg_encode(&it.reg, pub);
		pub[at] = 1;
		newcomer_bind(&it, &it.cert_key, pub, 288, 216);
		assert_int_equal(newcomer_send(&it, "KEY_REG with a reserved byte", EMR_OP_KEY_REG,
					 pub, 288, kit_part(1, 400)),
			EMR_RESULT_FORMAT);
	}
}

TEST(a_key_is_registered_once)
{
	newcomer it;

	for (uint8_t key_state = EMR_KEY_ACTIVE; key_state <= EMR_KEY_REVOKED; key_state++) {
		newcomer_make(&it);
		newcomer_put_key(&it, EMR_HOW_CERTIFICATE, key_state, UNTIL);
		registers(&it, "KEY_REG of a key that is there", EMR_RESULT_EXISTS);
		kit_world_free(&it.world);
	}
}

TEST(a_certificate_is_renewed_while_the_key_stands)
{
	static const struct {
		uint8_t key_state;
		int days, expected;
	} cases[] = {
		{EMR_KEY_ACTIVE, 9, EMR_RESULT_APPLIED},
		{EMR_KEY_ACTIVE, -9, EMR_RESULT_APPLIED},
		{EMR_KEY_ROTATED, 9, EMR_RESULT_KEY_DEAD},
		{EMR_KEY_REVOKED, 9, EMR_RESULT_KEY_DEAD},
	};
	kit_signer other = kit_signer_of("someone else");

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	renews(&it, "KEY_CERT of no key", EMR_RESULT_KEY_DEAD);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		newcomer_put_key(&it, EMR_HOW_CERTIFICATE, cases[i].key_state,
			KIT_NOW + (uint64_t)(int64_t)cases[i].days * KIT_DAY);
		renews(&it, "KEY_CERT by state", cases[i].expected);
	}
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, KIT_NOW);
	renews_by(&it, "KEY_CERT bound by another key", &other, EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.roles = EMR_ROLE_AGENT;
	renews(&it, "KEY_CERT of a certificate that lost a role", EMR_RESULT_NOT_AUTHORISED);
}

/* ---- devices ---- */

/* The newcomer's device is renewed by NEXT, the key behind that of FIRST. */
static void put_next_of(newcomer *it, const kit_signer *next, const kit_signer *first)
{
	emr_row_key row;
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;
	const kit_row *there;

	emr_key_signer(next->id, &key);
	there = kit_get(&it->world.state, key.text);
	assert_int_equal(
		emr_row_key_parse(kit_span(there->value, there->len), &row), EMR_CONTRACT_OK);
	memcpy(row.root, first->id, 32);
	emr_row_key_encode(&row, value);
	kit_put(&it->world.state, key.text, value, sizeof value);
}

TEST(a_person_endorses_a_device)
{
	static const uint8_t none[32] = {0};

	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	registers_by(&it, "KEY_REG of a device", &it.world.identity, EMR_RESULT_APPLIED);
	registers(&it, "KEY_REG of a device bound by another", EMR_RESULT_NOT_AUTHORISED);
	newcomer_put_device(&it, EMR_KEY_ACTIVE, KIT_NOW, none);
	renews_by(&it, "KEY_CERT of a device", &it.world.identity, EMR_RESULT_APPLIED);
	renews(&it, "KEY_CERT of a device bound by another", EMR_RESULT_NOT_AUTHORISED);
}

/* Else whoever stole it could make it his, and she could not end it any more. */
TEST(a_device_stays_its_person_s)
{
	static const uint8_t none[32] = {0};
	kit_signer other = kit_signer_of("somebody of the same organisation");

	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	newcomer_put_device(&it, EMR_KEY_ACTIVE, UNTIL, none);
	kit_put_key(&it.world.state, &other, it.world.org, EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE,
		EMR_KEY_ACTIVE, UNTIL);
	memcpy(it.renewal.ref, other.id, 32);
	renews_by(
		&it, "KEY_CERT of a device for another person", &other, EMR_RESULT_NOT_AUTHORISED);
	put_next_of(&it, &other, &it.world.identity);
	renews_by(&it, "KEY_CERT of a device by its person's next key", &other, EMR_RESULT_APPLIED);
}

TEST(a_device_gets_no_other_role_or_organisation)
{
	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	it.reg.roles = EMR_ROLE_DEVICE | EMR_ROLE_ORG_ADMIN;
	registers_by(
		&it, "KEY_REG of a device as admin", &it.world.identity, EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles = EMR_ROLE_ORG_ADMIN;
	registers_by(&it, "KEY_REG of an admin as device", &it.world.identity,
		EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles = EMR_ROLE_DEVICE;
	kit_id16("clinic", it.reg.org);
	kit_put_org(&it.world.state, it.reg.org, EMR_ORG_MEMBER);
	registers_by(&it, "KEY_REG of a device elsewhere", &it.world.identity,
		EMR_RESULT_NOT_AUTHORISED);
}

static void put_rules(newcomer *it, uint32_t number)
{
	emr_row_network row = {.head = {.family = EMR_FAMILY_ORG, .state = 1},
		.contract = number,
		.quorum = 1,
		.norg = 1};
	uint8_t value[EMR_ROW_NETWORK_BYTES];

	emr_row_network_encode(&row, value);
	kit_put(&it->world.state, "N", value, sizeof value);
}

TEST(a_computer_that_only_reads_is_a_device_of_the_second_rules)
{
	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	it.reg.roles = EMR_ROLE_DEVICE | EMR_ROLE_READER;
	registers_by(&it, "KEY_REG of a reader, rules 1", &it.world.identity, EMR_RESULT_FORMAT);
	put_rules(&it, 2);
	registers_by(&it, "KEY_REG of a reader", &it.world.identity, EMR_RESULT_APPLIED);
	registers(&it, "KEY_REG of a reader bound by another", EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles = EMR_ROLE_READER;
	registers_by(&it, "KEY_REG of a reader that is no device", &it.world.identity,
		EMR_RESULT_NOT_AUTHORISED);
	it.reg.roles = EMR_ROLE_DEVICE | EMR_ROLE_READER | 0x4000;
	registers_by(&it, "KEY_REG of a reader with a role that is none", &it.world.identity,
		EMR_RESULT_FORMAT);
	it.reg.roles = EMR_ROLE_CLINICIAN | EMR_ROLE_READER;
	it.reg.how = EMR_HOW_CERTIFICATE;
	registers(&it, "KEY_REG of a reader by a certificate", EMR_RESULT_FORMAT);
}

TEST(an_endorser_is_a_person_in_force)
{
	kit_signer endorser = kit_signer_of("laptop");
	static const struct {
		uint16_t roles;
		uint8_t how, key_state;
		int days, expected;
	} cases[] = {
		{EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, 9, EMR_RESULT_APPLIED},
		{EMR_ROLE_DEVICE, EMR_HOW_DEVICE, EMR_KEY_ACTIVE, 9, EMR_RESULT_NOT_AUTHORISED},
		{EMR_ROLE_DEVICE, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, 9,
			EMR_RESULT_NOT_AUTHORISED},
		{EMR_ROLE_PATIENT, EMR_HOW_DEVICE, EMR_KEY_ACTIVE, 9, EMR_RESULT_NOT_AUTHORISED},
		{EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE, EMR_KEY_REVOKED, 9, EMR_RESULT_KEY_DEAD},
		{EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE, EMR_KEY_ROTATED, 9, EMR_RESULT_KEY_DEAD},
		{EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, 0, EMR_RESULT_KEY_DEAD},
	};

	SCENE(newcomer, it, newcomer_make_device, newcomer_end);
	memcpy(it.reg.ref, endorser.id, 32);
	registers_by(&it, "KEY_REG endorsed by nobody", &endorser, EMR_RESULT_NOT_AUTHORISED);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kit_put_key(&it.world.state, &endorser, it.world.org, cases[i].roles, cases[i].how,
			cases[i].key_state, KIT_NOW + (uint64_t)cases[i].days * KIT_DAY);
		registers_by(&it, "KEY_REG by endorser", &endorser, cases[i].expected);
	}
}

/* ---- a device with a certificate ---- */

static void put_identity(newcomer *it, uint8_t key_state)
{
	kit_put_key(&it->world.state, &it->world.identity, it->world.org, EMR_ROLE_PATIENT,
		EMR_HOW_CERTIFICATE, key_state, UNTIL);
}

TEST(a_device_names_a_certificate_of_its_own)
{
	SCENE(newcomer, it, newcomer_make_certified_device, newcomer_end);
	renews(&it, "KEY_CERT of a device with a certificate", EMR_RESULT_APPLIED);
	renews_by(&it, "KEY_CERT of a device, bound by its endorser", &it.world.identity,
		EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.roles = EMR_ROLE_DEVICE | EMR_ROLE_CLINICIAN;
	it.world.caller.cert.org[0] ^= 1;
	renews(&it, "KEY_CERT of a device with a certificate from elsewhere",
		EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.org[0] ^= 1;
	it.world.caller.cert.roles = EMR_ROLE_CLINICIAN;
	renews(&it, "KEY_CERT of a device with the certificate of a person",
		EMR_RESULT_NOT_AUTHORISED);
	it.world.caller.cert.roles = EMR_ROLE_DEVICE;
	put_identity(&it, EMR_KEY_REVOKED);
	renews(&it, "KEY_CERT of a device whose person is out", EMR_RESULT_KEY_DEAD);
	put_identity(&it, EMR_KEY_ACTIVE);
	newcomer_put_device(&it, EMR_KEY_REVOKED, UNTIL, it.world.caller.cert.ref);
	renews(&it, "KEY_CERT of a device that was removed", EMR_RESULT_KEY_DEAD);
}

TEST(a_device_s_certificate_makes_nobody)
{
	static const uint16_t roles[] = {0, EMR_ROLE_DEVICE, EMR_ROLE_CLINICIAN};

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	it.world.caller.cert.roles = EMR_ROLE_DEVICE | EMR_ROLE_CLINICIAN;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		it.reg.roles = roles[i];
		registers(
			&it, "KEY_REG with the certificate of a device", EMR_RESULT_NOT_AUTHORISED);
	}
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	renews(&it, "KEY_CERT of a person with the certificate of a device",
		EMR_RESULT_NOT_AUTHORISED);
}

/* DOMAIN_NEW, which whoever may submit may bring. */
static int bring_something(const newcomer *it, const char *name)
{
	emr_item item = {.op = EMR_OP_DOMAIN_NEW, .epoch = 1, .version = 1};
	uint8_t pub[64] = {1};

	kit_id16("a folder of the device", item.domain_id);
	memcpy(item.object_id, item.domain_id, 16);
	return kit_answer_item(&it->world, name, &it->key, item, kit_span(pub, sizeof pub),
		(emr_span){NULL, 0}, NULL);
}

TEST(on_fabric_a_device_brings_what_it_signs_while_its_key_is_in_force)
{
	SCENE(newcomer, it, newcomer_make_certified_device, newcomer_end);
	assert_int_equal(bring_something(&it, "fabric, a device that named no certificate"), 0);
	newcomer_put_device(&it, EMR_KEY_REVOKED, UNTIL, it.world.caller.cert.ref);
	assert_int_equal(bring_something(&it, "fabric, a device that was removed"),
		1000 + EMR_RESULT_SUBMITTER);
}

/* Its certificate is in a part that is not kept: an entry of it would stop all who follow. */
TEST(a_refused_registration_gets_no_entry)
{
	const uint8_t recorded = EMR_RESULT_EXISTS;

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	newcomer_put_key(&it, EMR_HOW_CERTIFICATE, EMR_KEY_ACTIVE, UNTIL);
	registers(&it, "KEY_REG that gets no entry", EMR_RESULT_EXISTS);
	it.world.caller.recorded = kit_span(&recorded, 1);
	registers(&it, "KEY_REG that was refused in an earlier entry", EMR_RESULT_EXISTS);
}

TEST(every_flip_in_a_registration_is_refused)
{
	static kit_run run;
	emr_item item = {.op = EMR_OP_KEY_REG, .version = 1};
	uint8_t pub[288];
	kit_batch batch;
	emr_span bytes;

	SCENE(newcomer, it, newcomer_make, newcomer_end);
	memcpy(item.object_id, it.key.id, 16);
	emr_pub_key_reg_encode(&it.reg, pub);
	newcomer_bind(&it, &it.cert_key, pub, 288, 216);
	for (size_t at = 0; at < 288; at++) {
		pub[at] ^= 0x10;
		kit_begin(&batch, &it.key, it.world.net_id);
		kit_add(&batch, item, kit_span(pub, 288), kit_part(1, 40));
		bytes = kit_end(&batch);
		kit_judge(&run, NULL, bytes, &it.world.caller, KIT_NOW, &it.world.state, NULL);
		assert_int_not_equal(kit_answer(&run), EMR_RESULT_APPLIED);
		kit_run_free(&run);
		free((void *)(uintptr_t)bytes.data);
		pub[at] ^= 0x10;
	}
}

TESTS(NULL, NULL)
