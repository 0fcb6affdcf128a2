/* These tests show how an organisation comes into a network that others run. */

#include "contract/codes.h"
#include "ledger/act_send.h"
#include "ledger/admission.h"
#include "ledger/network.h"
#include "ledger/welcome.h"
#include "ledger_kit.h"
#include "replica/people.h"

static kit k;
static emr_keyring *newcomer;
static emr_buf bytes;
static emr_application application;

static uint64_t now(void)
{
	return emr_clock_unix_s(&k.clock.clock);
}

AROUND(begin)
{
	emr_network_new network = {.handle = "org-AAAA", .name = "Sao Lucas"};

	kit_begin(&k);
	network.path = k.network;
	network.keyring = k.keyring;
	network.clock = &k.clock.clock;
	assert_ok(emr_network_create(&network, &k.net_id, NULL));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &newcomer));
	assert_ok(emr_application_make(
		newcomer, k.net_id, "Aurora", NULL, now(), now() + 600, &bytes, &application));
}

AROUND(end)
{
	emr_buf_free(&bytes);
	emr_keyring_free(newcomer);
	kit_end(&k);
}

static void open_as(const emr_keyring *keyring)
{
	emr_ledger_options o = {.path = k.network, .submitter = keyring, .clock = &k.clock.clock};

	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_ok(emr_ledger_open(&o, &k.ledger));
}

/* ---- the bytes ---- */

TEST_IN(begin, end, an_application_says_who_asks)
{
	emr_application read;
	emr_public public;

	assert_ok(emr_application_read(emr_buf_view(&bytes), &read));
	assert_ok(emr_keyring_public(newcomer, &public));
	assert_string_equal(read.name, "Aurora");
	assert_memory_equal(read.net_id.b, k.net_id.b, 16);
	assert_memory_equal(read.admin_pk, public.pk, 32);
	assert_false(emr_id16_is_zero(read.org));
	assert_int_equal(read.expires, now() + 600);
}

TEST_IN(begin, end, whatever_is_changed_gives_another_number_or_no_application)
{
	char number[EMR_APPLICATION_NUMBER_CHARS], other[EMR_APPLICATION_NUMBER_CHARS];
	emr_application read;

	emr_application_number(emr_buf_view(&bytes), number);
	assert_int_equal(strlen(number), EMR_APPLICATION_NUMBER_CHARS - 1);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 1;
		emr_application_number(emr_buf_view(&bytes), other);
		assert_string_not_equal(number, other);
		(void)emr_application_read(emr_buf_view(&bytes), &read);
		bytes.data[i] ^= 1;
	}
	for (size_t len = 0; len < bytes.len; len++)
		assert_status(
			EMR_DAMAGED, emr_application_read(emr_bytes_of(bytes.data, len), &read));
	bytes.data[4] = 2;
	assert_status(EMR_NEWER_FORMAT, emr_application_read(emr_buf_view(&bytes), &read));
	bytes.data[4] = 1;
}

TEST_IN(begin, end, a_name_must_be_one_that_can_be_shown)
{
	EMR_AUTO_BUF out = {0};
	emr_application made;
	char long_name[EMR_APPLICATION_NAME_MAX + 2];

	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = '\0';
	assert_status(EMR_INVALID,
		emr_application_make(newcomer, k.net_id, "", NULL, now(), now() + 1, &out, &made));
	assert_status(EMR_INVALID, emr_application_make(newcomer, k.net_id, long_name, NULL, now(),
					   now() + 1, &out, &made));
	assert_status(EMR_INVALID, emr_application_make(newcomer, k.net_id, "Au\nrora", NULL, now(),
					   now() + 1, &out, &made));
}

/* Its CA's word about itself binds it, for everybody who follows the channel. */
TEST_IN(begin, end, on_fabric_it_says_of_which_msp_it_is)
{
	static const char *const bad[] = {"", "Org B", "Org\"B", "Org/B", "Örg",
		"OrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOrgOr"};
	EMR_AUTO_BUF out = {0};
	emr_application made;
	emr_cert_facts ca;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_status(EMR_INVALID, emr_application_make(newcomer, k.net_id, "Aurora",
						   bad[i], now(), now() + 1, &out, &made));
	assert_int_equal(out.len, 0);
	assert_string_equal(application.msp, "");
	assert_ok(emr_application_make(
		newcomer, k.net_id, "Aurora", "Org_B.1-x", now(), now() + 1, &out, &made));
	assert_string_equal(made.msp, "Org_B.1-x");
	assert_ok(emr_cert_read(made.ca_der, &ca));
	assert_string_equal(ca.msp, "Org_B.1-x");
}

/* A root that emrfs did not make names no MSP: the id is that of both. */
TEST_IN(begin, end, with_an_authority_of_its_own_it_is_called_after_root_and_msp)
{
	EMR_AUTO_BUF out = {0};
	EMR_AUTO_BUF again = {0};
	EMR_AUTO_BUF own = {0};
	emr_application of_msp, made;
	emr_bytes root = application.ca_der; /* as a Fabric CA's, it names no MSP */

	assert_ok(emr_application_by(
		newcomer, k.net_id, "Boreal", "OrgB", root, now() + 600, &out, &made));
	assert_string_equal(made.name, "Boreal"); /* which the root is not called */
	assert_string_equal(made.msp, "OrgB");
	assert_false(emr_application_is_own(&made));
	assert_true(emr_application_is_own(&application));
	assert_ok(emr_application_again(&made, now() + 900, &again, &of_msp));
	assert_true(emr_id16_equal(of_msp.org, made.org));
	for (size_t i = 24; i < 40; i++) { /* the id */
		out.data[i] ^= 1;
		assert_status(EMR_DAMAGED, emr_application_read(emr_buf_view(&out), &of_msp));
		out.data[i] ^= 1;
	}
	/* One that names its MSP is nobody else's. */
	assert_ok(emr_application_make(
		newcomer, k.net_id, "Aurora", "OrgA", now(), now() + 1, &own, &of_msp));
	emr_buf_clear(&out);
	assert_status(EMR_INVALID, emr_application_by(newcomer, k.net_id, "Boreal", "OrgB",
					   of_msp.ca_der, now() + 600, &out, &made));
}

/* ---- the ledger ---- */

static void register_newcomer(emr_status wanted)
{
	EMR_AUTO_BUF cert = {0};

	assert_ok(emr_application_certify(newcomer, &application, "org-BBBB", now(), &cert));
	open_as(newcomer);
	assert_status(wanted, emr_application_register(newcomer, &application, emr_buf_view(&cert),
				      "Aurora", k.ledger, &k.clock.clock));
}

/* The one that the network began with. */
static emr_id16 org_of_the_beginning(emr_replica *replica)
{
	emr_known_org org;
	emr_id16 home = {{0}};

	EMR_ASK(asked, replica, ORGS);
	while (emr_next(&asked, &org))
		if (org.row.head.version == 0)
			home = org.org;
	assert_ok(asked.status);
	return home;
}

static int owner_says(emr_replica *replica, emr_act act, emr_bytes part)
{
	uint8_t code = 255;
	emr_public me;

	assert_ok(emr_keyring_public(k.keyring, &me));
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_follow(replica, me.signer_id, &act));
	assert_ok(emr_act_send(k.keyring, k.ledger, &act, part, &k.clock.clock, &code));
	return code;
}

static void admit(void)
{
	EMR_AUTO_BUF part = {0};
	emr_id16 home, proposal = emr_id16_random();
	emr_pub_org_propose what;
	emr_id32 admin;
	AUTO(emr_replica_auto) emr_replica *replica;

	open_as(k.keyring);
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	home = org_of_the_beginning(replica);
	emr_signer_id(application.admin_pk, admin.b);
	what = emr_proposal_admit(application.org, admin, application.ca_der, now() + 86400);
	assert_ok(emr_proposal_admit_part("Aurora", "", application.ca_der, &part));
	assert_int_equal(
		owner_says(replica, emr_act_propose(proposal, &what), emr_buf_view(&part)), 0);
	assert_int_equal(
		owner_says(replica, emr_act_approve_proposal(proposal, home), (emr_bytes){0}), 0);
}

TEST_IN(begin, end, nobody_registers_before_he_is_admitted)
{
	register_newcomer(EMR_REFUSED);
}

TEST_IN(begin, end, after_admission_its_administrator_registers_invites_and_renews)
{
	EMR_AUTO_BUF invitation_bytes = {0};
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF next = {0};
	EMR_AUTO_BUF part = {0};
	AUTO(emr_keyring_auto_free) emr_keyring *doctor = NULL;
	emr_invitation invitation;
	emr_known_person person;
	AUTO(emr_replica_auto) emr_replica *replica;
	emr_public public;
	emr_id32 signer_id;
	uint8_t code = 255;
	emr_act act;

	admit();
	register_newcomer(EMR_OK);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &doctor));
	assert_ok(emr_keyring_public(doctor, &public));
	assert_ok(emr_welcome_invite(newcomer, application.org, emr_ledger_descriptor(k.ledger),
		"file:/x", NULL, EMR_ROLE_CLINICIAN, now() + 600, &invitation_bytes, &invitation));
	assert_ok(emr_invitation_read(emr_buf_view(&invitation_bytes), &invitation));
	assert_ok(emr_welcome_reply(doctor, &invitation, "asked", &reply));
	assert_ok(emr_welcome_certify(newcomer, application.ca_der, &invitation,
		emr_buf_view(&reply), "lima", now(), 86400, &cert, &signer_id));
	open_as(doctor);
	assert_ok(emr_welcome_register(
		doctor, &invitation, emr_buf_view(&cert), "Lima", k.ledger, &k.clock.clock));
	/* Another certificate for the same key: later, and nothing else changes. */
	assert_ok(emr_welcome_certify(newcomer, application.ca_der, &invitation,
		emr_buf_view(&reply), "lima", now(), 10 * 86400, &next, &signer_id));
	assert_ok(emr_welcome_renewal(
		doctor, &invitation, emr_buf_view(&next), "Lima", &k.clock.clock, &act, &part));
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_follow(replica, public.signer_id, &act));
	assert_ok(emr_act_send(doctor, k.ledger, &act, emr_buf_view(&part), &k.clock.clock, &code));
	assert_int_equal(code, EMR_RESULT_APPLIED);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, public.signer_id, &person));
	assert_memory_equal(person.row.org, application.org.b, 16);
	assert_int_equal(person.row.roles, EMR_ROLE_CLINICIAN);
	assert_true(person.row.not_after_unix_s >= now() + 10 * 86400 - 1);
}

TEST_IN(begin, end, another_ca_than_the_admitted_one_certifies_nobody)
{
	EMR_AUTO_BUF invitation_bytes = {0};
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF forged = {0};
	AUTO(emr_keyring_auto_free) emr_keyring *doctor = NULL, *forger = NULL;
	emr_application false_one;
	emr_invitation invitation;
	emr_id32 signer_id;

	admit();
	register_newcomer(EMR_OK);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &doctor));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &forger));
	/* Says that he is Aurora, with a CA of his own. */
	assert_ok(emr_application_make(
		forger, k.net_id, "Aurora", NULL, now(), now() + 600, &forged, &false_one));
	assert_ok(emr_welcome_invite(forger, application.org, emr_ledger_descriptor(k.ledger),
		"file:/x", NULL, EMR_ROLE_CLINICIAN, now() + 600, &invitation_bytes, &invitation));
	assert_ok(emr_invitation_read(emr_buf_view(&invitation_bytes), &invitation));
	assert_ok(emr_welcome_reply(doctor, &invitation, "asked", &reply));
	assert_ok(emr_welcome_certify(forger, false_one.ca_der, &invitation, emr_buf_view(&reply),
		"lima", now(), 86400, &cert, &signer_id));
	open_as(doctor);
	assert_status(EMR_REFUSED, emr_welcome_register(doctor, &invitation, emr_buf_view(&cert),
					   "Lima", k.ledger, &k.clock.clock));
}

TESTS(NULL, NULL)
