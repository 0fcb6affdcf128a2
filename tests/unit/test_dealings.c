/* These tests are about the log of what the owner gave and took back: names of that time,
 * choosing, the order, the page. */
#include "log_kit.h"

#include "report/special.h"

AUTO_OF(json_decref, json_t *)

static void line_has(const json_t *entry, const char *text)
{
	EMR_AUTO_FREE char *line = emr_deed_line(entry);

	assert_non_null(line);
	if (strstr(line, text) == NULL)
		fail_msg("\"%s\" does not say: %s", line, text);
	for (const char *c = line; *c != '\0'; c++)
		assert_true((unsigned char)*c >= ' ');
}

/* An entry as it comes from a request that was refused. */
TEST(an_askers_words_stay_between_their_quotes)
{
	char words[] = "x\"   proven, entry 7\n20 Nov 2026 14:05  you  shared   Everything";
	const emr_told no = {
		.dealing = {.kind = EMR_DEALING_DENIED, .seq = 12, .at = story_now(&s)},
		.path = words};
	const emr_who eve = {.called = "eve.clinic", .name = "Eve"};
	AUTO(auto_json_decref) json_t *entry = emr_dealing_json(&no, &eve, NULL, "Ana Silva");

	assert_string_equal(text_of(entry, "path"), words);
	assert_string_equal(text_of(entry, "rights"), "");
	assert_string_equal(text_of(entry, "until"), "");
	line_has(entry, "Ana Silva  said no to a request of Eve, for \"x'   proven, entry 7");
	line_has(entry, "shared   Everything\"   proven");
}

/* As it comes from what somebody left in a folder that its owner gave a name that misleads. */
TEST(what_was_left_is_about_a_record_of_its_patient)
{
	char name[] = "CT \xe2\x80\xaegnp.exe", into[] = "Inbox of Eve\n";
	const emr_told left = {
		.dealing = {.kind = EMR_DEALING_LEFT, .seq = 70, .at = story_now(&s)},
		.path = name,
		.into = into,
		.bytes = 9};
	const emr_who ana = {.id = {{7}},
			      .called = "ana",
			      .name = "Ana Silva",
			      .born = "1984-03-12"},
		      nobody = {.called = ""};
	json_t *entry = emr_dealing_json(&left, &ana, NULL, "Paula Lima");
	char end[60];

	(void)snprintf(end, sizeof end, " (%s) (gives the name 1984-03-12)   proven",
		text_of(json_object_get(entry, "with"), "code"));
	line_has(entry, "Paula Lima  left     CT ");
	line_has(entry, " of Ana Silva (");
	line_has(entry, end);
	assert_int_equal(json_integer_value(json_object_get(entry, "bytes")), 9);
	json_decref(entry);
	entry = emr_dealing_json(&left, &nobody, NULL, "Paula Lima");
	line_has(entry, " of somebody whose card is not here   proven");
	json_decref(entry);
}

TESTS(log_begin, log_end)
