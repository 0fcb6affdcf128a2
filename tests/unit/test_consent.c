/* These tests say what a FHIR Consent has to say before it becomes a request, and what it must
 * not say: each Consent here is a good one that was changed in one place. */
#include <time.h>

#include <jansson.h>

#include "emr_test.h"

#include "consent/consent.h"

#define NOW UINT64_C(1795000000) /* 2026-11-18T11:06:40Z */
#define FOLDER "urn:uuid:00112233-4455-6677-8899-aabbccddeeff"

static const char good[] =
	"{'resourceType':'Consent','id':'c1','status':'active',"
	"'scope':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/consentscope',"
	"'code':'patient-privacy'}]},"
	"'category':[{'coding':[{'system':'http://loinc.org','code':'59284-0'}]}],"
	"'patient':{'identifier':{'value':'ana@saolucas'},'display':'Ana Silva'},"
	"'dateTime':'2026-11-17',"
	"'policyRule':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/v3-ActCode',"
	"'code':'OPTIN'}]},"
	"'provision':{'type':'permit','period':{'start':'2026-11-17T10:00:00+01:00',"
	"'end':'2026-12-17'},"
	"'actor':[{'role':{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/"
	"v3-ParticipationType','code':'IRCP'}]},"
	"'reference':{'identifier':{'value':'nuno@saolucas'},'display':'Dr Nuno Reis'}}],"
	"'action':[{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/consentaction',"
	"'code':'access'}]}],"
	"'purpose':[{'system':'http://terminology.hl7.org/CodeSystem/v3-ActReason',"
	"'code':'TREAT'}],"
	"'data':[{'meaning':'related','reference':{'identifier':{'system':'urn:ietf:rfc:3986',"
	"'value':'" FOLDER "'},'display':'Imaging'}}]}}";

/* With ' for ", which C would have to escape. */
static void quote(char *text)
{
	for (; *text != '\0'; text++)
		*text = *text == '\'' ? '"' : *text;
}

/* GOOD with the first OLD in it as NEW. */
static const char *changed(const char *old, const char *new)
{
	static char text[8192];
	const char *at = strstr(good, old);

	assert_non_null(at);
	(void)snprintf(
		text, sizeof text, "%.*s%s%s", (int)(at - good), good, new, at + strlen(old));
	quote(text);
	return text;
}

static const char *refusal(const char *text)
{
	emr_consent consent = {.patient = "untouched"};
	const char *why = NULL;
	emr_status status = emr_consent_read(emr_bytes_of(text, strlen(text)), NOW, &consent, &why);

	if (status == EMR_OK)
		return "(none)";
	assert_status(EMR_INVALID, status);
	assert_string_equal(consent.patient, "untouched");
	assert_non_null(why);
	return why;
}

static emr_consent read_ok(const char *text)
{
	emr_consent consent;
	const char *why = "";

	if (emr_consent_read(emr_bytes_of(text, strlen(text)), NOW, &consent, &why) != EMR_OK)
		fail_msg("refused: %s", why);
	return consent;
}

TEST(a_consent_says_who_may_see_what_until_when_and_for_what)
{
	emr_consent c;

	setenv("TZ", "XST-3", 1); /* a day is one here, as in share --until */
	tzset();
	c = read_ok(changed("", ""));
	assert_string_equal(c.patient, "ana@saolucas");
	assert_string_equal(c.grantee, "nuno@saolucas");
	assert_string_equal(c.path, "Imaging");
	assert_true(c.has_folder);
	assert_int_equal(c.folder.b[15], 0xff);
	assert_int_equal(c.since_unix_s, 1794906000);	      /* 09:00 in UTC */
	assert_int_equal(c.until_unix_s, 1797551999 - 10800); /* the end of that day */
	assert_int_equal(c.purposes, 1);
	assert_false(c.may_change);
	c = read_ok(changed("'code':'access'", "'code':'correct'"));
	assert_true(c.may_change);
}

TEST(the_same_words_laid_out_otherwise_are_the_same_request)
{
	emr_consent one = read_ok(changed("", "")),
		    laid_out = read_ok(changed("'resourceType':'Consent','id':'c1'",
			    "\n 'id' : 'c1',\t'resourceType':'Consent'")),
		    other = read_ok(changed("'id':'c1'", "'id':'c2'"));

	assert_memory_equal(one.request.b, laid_out.request.b, sizeof one.request.b);
	assert_memory_not_equal(one.request.b, other.request.b, sizeof one.request.b);
}

TEST(each_thing_that_a_share_could_not_keep_is_refused_with_its_reason)
{
	static const struct {
		const char *old, *new, *why;
	} cases[] = {
		{"'Consent'", "'Contract'", "no FHIR Consent"},
		{"'status':'active'", "'status':'active','grantee':[]", "another release"},
		{"'status':'active'", "'status':'active','implicitRules':'http://x'",
			"changes its own meaning"},
		{"'meaning':'related'", "'meaning':'authoredby'", "exceptions or limits"},
		{"'meaning':'related'", "'meaning':'related','modifierExtension':[{'url':'x'}]",
			"changes its own meaning"},
		{"'status':'active'", "'status':'inactive'", "status is not active"},
		{"'status':'active'", "'status':'draft'", "status is not active"},
		{"'status':'active'", "'status':'active','decision2':1", "no place for"},
		{"patient-privacy", "research", "scope is not"},
		{"'category':[{'coding':[{'system':'http://loinc.org','code':'59284-0'}]}],", "",
			"no category"},
		{"'2026-11-17',", "'2026-11-19T00:00:00Z',", "a time to come"},
		{"'2026-11-17',", "'2026-11-17T10:00:00',", "a time to come"},
		{"OPTIN", "OPTOUT", "OPTIN"},
		{"'policyRule'", "'policy':[],'policyRules'", "no place for"},
		{"'identifier':{'value':'ana@saolucas'},", "", "whose records"},
		{"'value':'ana@saolucas'", "'value':''", "whose records"},
		{"'type':'permit'", "'type':'deny'", "permits nothing"},
		{"'type':'permit'", "'type':'permit','provision':[{'type':'deny'}]", "exceptions"},
		{"'type':'permit'", "'type':'permit','securityLabel':[{'code':'R'}]", "exceptions"},
		{"'type':'permit'", "'type':'permit','dataPeriod':{'start':'2020'}", "exceptions"},
		{",'end':'2026-12-17'", "", "from when until when"},
		{",'end':'2026-12-17'", ",'end':'forever'", "not in days"},
		{"'end':'2026-12-17'", "'end':'2026-12'", "not in days"},
		{"'end':'2026-12-17'", "'end':'2026-02-31'", "not in days"},
		{"'end':'2026-12-17'", "'end':'2026-12-17T10:00:00'", "not in days"},
		{"'end':'2026-12-17'", "'end':'2026-11-01'", "ends before it begins"},
		{"'end':'2026-12-17'", "'end':'2026-11-18T11:06:40Z'", "period is over"},
		{"'2026-11-17T10:00:00+01:00'", "'2026-11-20'", "has not begun"},
		{"'actor':[", "'actor':[{},", "exactly one person"},
		{"IRCP", "CST", "receives the records"},
		{"'identifier':{'value':'nuno@saolucas'},", "", "by an identifier who"},
		{"'code':'access'", "'code':'disclose'", "something else"},
		{"'action':[{'coding':[{'system':'http://terminology.hl7.org/CodeSystem/"
		 "consentaction','code':'access'}]}],",
			"", "what may be done"},
		{"'TREAT'", "'FOO'", "not known here"},
		{"'purpose':[{'system':'http://terminology.hl7.org/CodeSystem/v3-ActReason',"
		 "'code':'TREAT'}],",
			"'purpose':[],", "for which purpose"},
		{"'data':[", "'data':[{},", "exactly one folder"},
		{"'display':'Imaging'", "'reference':'Media/1'", "exactly one folder"},
		{FOLDER, "urn:uuid:00112233", "not of an emrfs folder"},
		{"'urn:ietf:rfc:3986'", "'http://pacs'", "not of an emrfs folder"},
		{"'id':'c1'", "'id':'c1','id':'c2'", "no JSON"},
		{"'id':'c1'", "'id':'\\u0000'", "no JSON"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *why = refusal(changed(cases[i].old, cases[i].new));

		if (strstr(why, cases[i].why) == NULL)
			fail_msg("%s as %s: %s", cases[i].old, cases[i].new, why);
	}
}

TEST(a_policy_that_is_named_otherwise_is_one_too)
{
	static char text[8192];
	const char *rule = "'policyRule':{'coding':[{'system':'http://terminology.hl7.org/"
			   "CodeSystem/v3-ActCode','code':'OPTIN'}]}";

	(void)read_ok(changed(rule, "'policy':[{'uri':'https://saolucas.example/consent'}]"));
	(void)snprintf(text, sizeof text, "%s", changed(rule, "'policy':[{}]"));
	assert_non_null(strstr(refusal(text), "no policy"));
}

/* Windows writes all three. */
TEST(a_mark_of_utf8_and_other_ends_of_lines_are_taken_and_utf16_is_refused)
{
	static char text[8192];
	static uint8_t wide[2 * 8192] = {0xff, 0xfe};
	const char *why = NULL;
	emr_consent plain = read_ok(changed("", "")), c;
	size_t n = 2;

	(void)snprintf(text, sizeof text, "\xef\xbb\xbf%s\r\n", changed(",'id'", ",\r\n'id'"));
	c = read_ok(text);
	assert_memory_equal(c.request.b, plain.request.b, sizeof c.request.b);
	for (const char *at = text + 3; *at != '\0'; at++, n += 2)
		wide[n] = (uint8_t)*at;
	for (size_t from = 0; from < 3;
		from++) { /* with a mark; without, the high byte first, or last */
		assert_status(EMR_INVALID,
			emr_consent_read(emr_bytes_of(wide + from, n - from), NOW, &c, &why));
		assert_non_null(strstr(why, "UTF-16"));
		wide[1] = 0;
	}
}

TEST(what_is_no_json_or_too_deep_or_too_large_is_refused)
{
	static char deep[200001];
	EMR_AUTO_FREE char *large = calloc(1, EMR_CONSENT_BYTES_MAX + 2);

	assert_non_null(large);
	assert_non_null(strstr(refusal(""), "empty"));
	assert_non_null(strstr(refusal("\xef\xbb\xbf\r\n"), "empty"));
	assert_non_null(strstr(refusal("<Consent xmlns=\"http://hl7.org/fhir\"/>"), "no JSON"));
	assert_non_null(strstr(refusal("%PDF-1.7"), "no JSON"));
	assert_non_null(strstr(refusal("[]"), "no JSON"));
	memset(deep, '[', sizeof deep - 1);
	assert_non_null(strstr(refusal(deep), "no JSON"));
	memset(large, ' ', EMR_CONSENT_BYTES_MAX + 1);
	assert_non_null(strstr(refusal(large), "larger"));
}

TESTS(NULL, NULL)
