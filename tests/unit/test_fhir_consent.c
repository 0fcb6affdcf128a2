/* These tests show what a Consent says of a share: who, until when, for what; and of which
 * shares there is none. */

#include "emr_test.h"

#include "kit/text.h"
#include "report/fhir.h"

AUTO_OF(json_decref, json_t *)

#define ID "00112233445566778899aabbccddeeff"

/* As emr_share_json and emr_share_json_ids make it. */
static json_t *share(const char *rights, const char *state, const char *kind, json_int_t until)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}",
		"id", "g-abcd", "path", "Imaging", "who", "lima", "name", "Paula Lima", "rights",
		rights, "purpose", "treatment, research", "state", state, "since_unix",
		(json_int_t)1795000000, "until_unix", until, "grant_id", ID, "folder_id", ID,
		"grantee_id", ID ID, "owner_id", ID ID, "kind", kind);
}

static json_t *consent_of(json_t *grant)
{
	json_t *consent = emr_fhir_consent(grant, "Ana Silva");

	json_decref(grant);
	assert_non_null(consent);
	return consent;
}

static const char *at(const json_t *value, const char *path)
{
	char name[200];

	for (; *path != '\0'; path += strcspn(path, ".") + (path[strcspn(path, ".")] == '.')) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "."), path);
		value = json_is_array(value) ? json_array_get(value, (size_t)(name[0] - '0'))
					     : json_object_get(value, name);
	}
	return json_is_string(value) ? json_string_value(value) : "(none)";
}

TEST(a_share_says_who_and_until_when_and_for_what)
{
	AUTO(auto_json_decref)
	json_t *consent = consent_of(share("write", "confirmed", "person", 1795086400));

	assert_string_equal(at(consent, "status"), "active");
	assert_string_equal(
		at(consent, "identifier.0.value"), "urn:uuid:00112233-4455-6677-8899-aabbccddeeff");
	assert_string_equal(at(consent, "patient.display"), "Ana Silva");
	assert_string_equal(at(consent, "policyRule.coding.0.code"), "OPTIN");
	assert_string_equal(at(consent, "provision.period.end"), "2026-11-19T11:06:40Z");
	assert_string_equal(at(consent, "provision.actor.0.reference.type"), "Practitioner");
	assert_string_equal(at(consent, "provision.actor.0.reference.display"), "Paula Lima");
	assert_string_equal(at(consent, "provision.purpose.0.code"), "TREAT");
	assert_string_equal(at(consent, "provision.purpose.1.code"), "HRESCH");
	assert_string_equal(at(consent, "provision.purpose.2.code"), "(none)");
	assert_string_equal(at(consent, "provision.action.1.coding.0.code"), "correct");
}

TEST(for_ever_has_no_end_and_a_team_is_no_person)
{
	AUTO(auto_json_decref)
	json_t *consent =
		consent_of(share("read", "confirmed", "team", (json_int_t)EMR_FOREVER_UNIX_S));

	assert_string_equal(at(consent, "provision.period.start"), at(consent, "dateTime"));
	assert_string_equal(at(consent, "provision.period.end"), "(none)");
	assert_string_equal(at(consent, "provision.actor.0.reference.type"), "Organization");
	assert_string_equal(at(consent, "provision.action.1.coding.0.code"), "(none)");
}

TEST(what_is_over_is_inactive_and_what_is_ending_is_not_yet)
{
	AUTO(auto_json_decref)
	json_t *over = consent_of(share("read", "over", "person", 1795086400));
	AUTO(auto_json_decref)
	json_t *ending = consent_of(share("read", "ending", "person", 1795086400));

	assert_string_equal(at(over, "status"), "inactive");
	assert_string_equal(at(ending, "status"), "active");
}

static void assert_none(json_t *grant)
{
	json_t *consent = consent_of(grant);

	assert_true(json_is_null(consent));
}

TEST(there_is_none_of_a_deposit_nor_of_what_the_ledger_does_not_have)
{
	json_t *failed = share("read", "failed no key", "person", 1795086400);

	assert_none(share("deposit", "confirmed", "person", 1795086400));
	assert_none(share("read", "queued", "person", 1795086400));
	assert_int_equal(json_object_set_new(failed, "grant_id", json_string("")), 0);
	assert_none(failed);
}

TESTS(NULL, NULL)
