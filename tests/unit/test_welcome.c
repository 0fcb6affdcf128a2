/* These tests bring a new member into a network: only a person who has the secret gets a
 * certificate, and only the right one is registered. */

#include "contract/codes.h"
#include "contract/item.h"
#include "ledger/network.h"
#include "invite_kit.h"
#include "ledger_kit.h"
#include "replica/people.h"

#define TEN_YEARS ((uint64_t)10 * 365 * 86400)

static kit k;
static emr_keyring *invited, *stranger;
static emr_invitation invitation;
static emr_buf invitation_bytes;

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
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &invited));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(), &stranger));
}

AROUND(end)
{
	emr_buf_free(&invitation_bytes);
	emr_keyring_free(invited);
	emr_keyring_free(stranger);
	kit_end(&k);
}

/* The network's ledger as the invited opens it. */
static void open_as(const emr_keyring *keyring)
{
	emr_ledger_options o = {.path = k.network, .submitter = keyring, .clock = &k.clock.clock};

	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_ok(emr_ledger_open(&o, &k.ledger));
}

static void invite(uint16_t roles)
{
	emr_buf_clear(&invitation_bytes);
	open_as(k.keyring);
	assert_ok(invite_by_first(k.keyring, emr_ledger_descriptor(k.ledger), roles, now() + 600,
		&invitation_bytes, &invitation));
	assert_ok(emr_invitation_read(emr_buf_view(&invitation_bytes), &invitation));
}

static void certify(emr_buf *out_cert, const char *handle)
{
	EMR_AUTO_BUF reply = {0};
	emr_public public;
	emr_id32 signer_id;

	assert_ok(emr_welcome_reply(invited, &invitation, "patient-CODE", &reply));
	assert_ok(certify_by_first(k.keyring, &invitation, emr_buf_view(&reply), handle, now(),
		TEN_YEARS, out_cert, &signer_id));
	assert_ok(emr_keyring_public(invited, &public));
	assert_memory_equal(signer_id.b, public.signer_id.b, 32);
}

TEST_IN(begin, end, who_is_invited_becomes_a_member_with_that_role)
{
	EMR_AUTO_BUF cert = {0};
	emr_known_person person;
	emr_cert_facts facts;
	emr_public public;
	AUTO(emr_replica_auto) emr_replica *replica;
	bool is_active = false;

	invite(EMR_ROLE_PATIENT);
	assert_string_equal(invitation.network, "Sao Lucas");
	certify(&cert, NULL);
	assert_ok(emr_cert_read(emr_buf_view(&cert), &facts));
	assert_string_equal(facts.handle, "patient-CODE");
	open_as(invited);
	assert_ok(emr_welcome_register(
		invited, &invitation, emr_buf_view(&cert), "", k.ledger, &k.clock.clock));
	assert_ok(emr_keyring_public(invited, &public));
	replica = kit_replica(&k);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, public.signer_id, &person));
	assert_int_equal(person.row.roles, EMR_ROLE_PATIENT);
	assert_memory_equal(person.row.org, invitation.org.b, 16);
	assert_ok(emr_replica_person_is_active(replica, &person, now(), &is_active));
	assert_true(is_active);
}

TEST_IN(begin, end, who_does_not_know_the_secret_gets_no_certificate)
{
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	emr_invitation guessed;
	emr_id32 signer_id;

	invite(EMR_ROLE_PATIENT);
	guessed = invitation;
	guessed.secret[31] ^= 1;
	assert_ok(emr_welcome_reply(stranger, &guessed, "patient-CODE", &reply));
	assert_status(EMR_DAMAGED, certify_by_first(k.keyring, &invitation, emr_buf_view(&reply),
					   NULL, now(), TEN_YEARS, &cert, &signer_id));
	assert_int_equal(cert.len, 0);
}

TEST_IN(begin, end, a_certificate_of_another_key_role_or_authority_is_not_registered)
{
	EMR_AUTO_BUF cert = {0};
	emr_invitation promised;

	invite(EMR_ROLE_PATIENT);
	certify(&cert, "somebody");
	promised = invitation;
	assert_ok(emr_welcome_check(invited, &invitation, emr_buf_view(&cert), &k.clock.clock));
	assert_status(EMR_BAD_SIGNATURE,
		emr_welcome_check(stranger, &invitation, emr_buf_view(&cert), &k.clock.clock));
	assert_status(EMR_DAMAGED, emr_welcome_check(invited, &invitation,
					   emr_bytes_of("garbage\n", 8), &k.clock.clock));
	open_as(stranger);
	assert_status(
		EMR_BAD_SIGNATURE, emr_welcome_register(stranger, &invitation, emr_buf_view(&cert),
					   "", k.ledger, &k.clock.clock));
	promised.roles = EMR_ROLE_CLINICIAN;
	open_as(invited);
	assert_status(
		EMR_BAD_SIGNATURE, emr_welcome_register(invited, &promised, emr_buf_view(&cert), "",
					   k.ledger, &k.clock.clock));
	for (size_t at = 0; at < cert.len; at += 7) {
		cert.data[at] ^= 1;
		assert_int_not_equal(
			EMR_OK, emr_welcome_register(invited, &invitation, emr_buf_view(&cert), "",
					k.ledger, &k.clock.clock));
		cert.data[at] ^= 1;
	}
}

TEST_IN(begin, end, a_key_that_was_not_registered_writes_nothing)
{
	uint64_t before = 0, after = 0;
	EMR_AUTO_BUF cert = {0};
	emr_invitation elsewhere;

	invite(EMR_ROLE_PATIENT);
	certify(&cert, NULL);
	open_as(stranger);
	assert_ok(emr_ledger_size(k.ledger, &before));
	elsewhere = invitation;
	elsewhere.net_id.b[0] ^= 1;
	assert_int_not_equal(EMR_OK, emr_welcome_register(stranger, &elsewhere, emr_buf_view(&cert),
					     "", k.ledger, &k.clock.clock));
	assert_ok(emr_ledger_size(k.ledger, &after));
	assert_int_equal(before, after);
}

TESTS(NULL, NULL)
