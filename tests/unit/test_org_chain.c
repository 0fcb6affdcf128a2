/* These tests are about an organisation that runs authorities of its own: who comes in below
 * them, in everybody's copy of the ledger, and who does not. */
#include "cert_kit.h"
#include "folk_kit.h"

static cert_authority root, staff, other_root, other_staff;
static const char *chosen;		    /* NULL: the clinic's */
static uint16_t roles = EMR_ROLE_CLINICIAN; /* that are registered */

static const char *attributes(void)
{
	static char json[128];
	char org[33];

	if (chosen != NULL)
		return chosen;
	emr_hex(clinic.b, sizeof clinic.b, org);
	(void)snprintf(json, sizeof json,
		"{\"attrs\":{\"emr.org\":\"%s\",\"emr.roles\":\"clinician\"}}", org);
	return json;
}

static int begin(void **state)
{
	cert_wish wish;

	chosen = NULL;
	(void)folk_begin(state);
	wish = cert_authority_wish("Clinic CA", now - DAY);
	cert_begin(&root, &wish, NULL);
	cert_begin(&other_root, &wish, NULL);
	wish = cert_authority_wish("Staff", now - DAY);
	wish.until = now + 30 * DAY;
	cert_begin(&staff, &wish, &root);
	cert_begin(&other_staff, &wish, &other_root);
	emr_buf_clear(&clinic_ca);
	assert_ok(emr_buf_append(&clinic_ca, root.der.data, root.der.len));
	folk_admit_the_clinic();
	return 0;
}

static int end(void **state)
{
	cert_end(&root);
	cert_end(&staff);
	cert_end(&other_root);
	cert_end(&other_staff);
	return folk_end(state);
}

/* M comes in with a certificate of ISSUER, and BETWEEN, which may be none, behind it. */
static int come_in(member *m, const cert_authority *issuer, const cert_authority *between)
{
	const emr_register who = {.keyring = m->keyring,
		.net_id = k.net_id,
		.org = clinic,
		.roles = roles,
		.name = "lima"};
	cert_wish wish = cert_person_wish("lima.clinic", now - DAY);
	EMR_AUTO_BUF chain = {0};
	EMR_AUTO_BUF part = {0};
	emr_act act;

	wish.attrs = attributes();
	cert_certify(issuer, &wish, m->public.p256_spki, &chain);
	if (between != NULL)
		assert_ok(emr_buf_append(&chain, between->der.data, between->der.len));
	assert_ok(emr_register_certified(&who, emr_buf_view(&chain), &act, &part));
	return folk_say(m, act, emr_buf_view(&part));
}

static bool is_known_to(member *m, const member *who)
{
	emr_known_person person;
	emr_status status;

	folk_see(m);
	status = emr_replica_person(m->replica, who->public.signer_id, &person);
	assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
	return status == EMR_OK && memcmp(person.row.org, clinic.b, sizeof clinic.b) == 0;
}

TEST_IN(begin, end, who_is_below_its_authority_is_the_organisations)
{
	member later;

	assert_applied(come_in(&lima, &staff, &staff));
	assert_applied(come_in(&boss, &root, NULL));
	assert_true(is_known_to(&ana, &lima));
	assert_true(is_known_to(&ana, &boss));
	/* The authority ends; what it said before was said.  A newcomer replays it as of then. */
	folk_pass(40 * DAY);
	assert_int_equal(come_in(&agent, &staff, &staff), 1000 + EMR_RESULT_SUBMITTER);
	folk_create(&later, "later");
	assert_true(is_known_to(&later, &lima));
	assert_false(is_known_to(&later, &agent));
	folk_close_member(&later, false);
}

TEST_IN(begin, end, who_is_not_below_its_root_is_not)
{
	cert_wish wish = cert_person_wish("Staff", now - DAY);

	SCENE_OF(cert_authority, nobody, cert_end, cert_begin, &wish, &root);
	assert_int_equal(come_in(&lima, &staff, NULL), 1000 + EMR_RESULT_SUBMITTER);
	assert_int_equal(come_in(&lima, &staff, &other_staff), 1000 + EMR_RESULT_SUBMITTER);
	assert_int_equal(come_in(&lima, &other_staff, &other_staff), 1000 + EMR_RESULT_SUBMITTER);
	assert_int_equal(come_in(&lima, &other_root, &other_root), 1000 + EMR_RESULT_SUBMITTER);
	assert_int_equal(come_in(&lima, &nobody, &nobody), 1000 + EMR_RESULT_SUBMITTER);
	assert_false(is_known_to(&ana, &lima));
}

/* A Fabric CA's administrator and people of a directory have no id of ours in their certificates; a
 * peer, or who uses another program of the hospital, has nothing of ours. */
TEST_IN(begin, end, a_certificate_without_an_organisation_is_that_of_its_root)
{
	chosen = "{\"attrs\":{\"emr.roles\":\"clinician\"}}";
	assert_applied(come_in(&lima, &staff, &staff));
	assert_true(is_known_to(&ana, &lima));
	chosen = "{\"attrs\":{\"emr.org\":\"00112233445566778899aabbccddeeff\","
		 "\"emr.roles\":\"clinician\"}}";
	assert_int_equal(come_in(&agent, &staff, &staff), 1000 + EMR_RESULT_SUBMITTER);
	assert_false(is_known_to(&ana, &agent));
}

TEST_IN(begin, end, a_certificate_that_was_given_for_something_else_makes_nobody_a_member)
{
	static const char *const others[] = {"{\"attrs\":{}}",
		"{\"attrs\":{\"hf.Affiliation\":\"\",\"hf.Type\":\"peer\"}}",
		"{\"attrs\":{\"emr.roles\":\"\"}}"};

	roles = 0; /* it asks for none, so none is lacking */
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		chosen = others[i];
		assert_int_equal(come_in(&lima, &staff, &staff), 1000 + EMR_RESULT_SUBMITTER);
	}
	assert_false(is_known_to(&ana, &lima));
	roles = EMR_ROLE_CLINICIAN;
}

TESTS(NULL, NULL)
