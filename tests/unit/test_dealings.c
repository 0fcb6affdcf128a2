/* These tests are about the log of what the owner gave and took back: names of that time,
 * choosing, the order, the page. */
#include "log_kit.h"

#include "report/fhir.h"
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

static void publish_name(const char *from, const char *to)
{
	emr_moved moved = {0};

	assert_ok(emr_view_move(s.k.view, &(emr_move){.from = from, .to = to}, &moved));
	emr_moved_free(&moved);
	kit_publish_all(&s.k);
}

TEST(what_was_given_and_taken_back_has_the_name_of_then)
{
	const emr_deeds_wish wish = {.now_unix_s = story_now(&s)};
	emr_grant_made made;
	const json_t *shared, *ended, *with;
	AUTO(auto_json_decref) json_t *all;

	made = story_share(&s, &s.eve, 0, true);
	publish_name("Imaging", "Pictures");
	assert_ok(emr_share_revoke(s.ana, s.imaging, made.grant));
	publish_name("Pictures", "Imaging");
	all = entries(&wish);
	shared = nth(all, "shared", 0);
	ended = nth(all, "ended", 0);
	assert_non_null(shared);
	assert_non_null(ended);
	assert_null(nth(all, "shared", 1));
	assert_null(nth(all, "ended", 1));
	assert_string_equal(text_of(shared, "path"), "Imaging");
	assert_string_equal(text_of(ended, "path"), "Pictures");
	assert_string_equal(text_of(shared, "who"), "you");
	assert_string_equal(text_of(shared, "type"), "directory");
	assert_string_equal(text_of(shared, "rights"), "read");
	assert_string_equal(text_of(shared, "purpose"), "treatment");
	assert_int_equal(strlen(text_of(shared, "until")), strlen("2026-12-20T14:05:00Z"));
	assert_true(json_is_true(json_object_get(shared, "proven")));
	with = json_object_get(shared, "with");
	assert_string_equal(text_of(with, "who"), "eve.clinic@org0");
	assert_string_equal(text_of(with, "organisation"), "org0");
	assert_string_equal(text_of(with, "kind"), "person");
	line_has(shared, "shared   Imaging with ");
	line_has(shared, ", org0, to read until ");
	line_has(shared, ", for treatment   proven");
	line_has(ended, "ended    the share of Pictures with ");
}

/* The past is hidden from the next person whom she gives it: all is sealed again, and directories
 * are described again by META. */
TEST(a_new_epoch_is_no_deed)
{
	const emr_deeds_wish wish = {.now_unix_s = story_now(&s)};
	const emr_attr mode = {.mode = 0750};
	uint64_t wrapped = story_share(&s, &s.lima, 0, true).wrapped_again;
	emr_attr attr;
	json_t *all = entries(&wish);

	assert_true(wrapped > 0);
	assert_null(nth(all, "changed", 0));
	json_decref(all);
	assert_ok(emr_view_set_attr(
		s.k.view, kit_attr(&s.k, "Imaging/Old").node, EMR_SET_MODE, &mode, &attr));
	kit_publish_all(&s.k);
	all = entries(&wish);
	assert_string_equal(
		text_of(nth(all, "changed", 0), "path"), "Imaging/Old"); /* and this is one */
	assert_null(nth(all, "changed", 1));
	json_decref(all);
}

TEST(deeds_towards_somebody_are_chosen_by_him_too)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who eve, lima, me;
	emr_deeds_wish wish = {.who = &eve, .now_unix_s = story_now(&s)};
	json_t *all;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_of(&crowd, s.eve.public.signer_id, &eve));
	assert_ok(emr_who_of(&crowd, s.lima.public.signer_id, &lima));
	assert_ok(emr_who_of(&crowd, session.identity.signer_id, &me));
	assert_int_equal(count(&wish), 2);
	wish.who = &lima;
	all = entries(&wish);
	assert_null(nth(all, "ended", 0));
	json_decref(all);
	wish.who = &me;
	all = entries(&wish);
	assert_non_null(nth(all, "ended", 0));
	assert_non_null(nth(all, "saved", 0));
	assert_null(nth(all, "opened", 0));
	json_decref(all);
	wish = (emr_deeds_wish){.who = &eve, .purposes = 1u << RESEARCH};
	assert_int_equal(count(&wish), 0);
	wish.purposes = 1u << CONSULT;
	assert_int_equal(count(&wish), 2);
	wish = (emr_deeds_wish){.who = &eve, .only_software = true};
	assert_int_equal(count(&wish), 0);
	wish = (emr_deeds_wish){.who = &eve, .since_unix_s = story_now(&s) + 1};
	assert_int_equal(count(&wish), 0);
	wish = (emr_deeds_wish){
		.who = &eve, .path = "Imaging/Old"}; /* it lies in what was shared */
	assert_int_equal(count(&wish), 2);
	wish.path = "Inbox";
	assert_int_equal(count(&wish), 0);
}

/* Its time stands in no entry: it is told once the ledger has gone on, or the clocks agree that it
 * is over. */
TEST(the_end_of_a_time_comes_before_what_was_later)
{
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH,
		.not_after_unix_s = story_now(&s) + 3600};
	emr_deeds_wish wish = {.purposes = 1u << RESEARCH};
	json_t *all;

	assert_ok(story_try_share(&s, &s.eve, &order, true, &made));
	story_pass(&s, 3600 + 60);
	wish.now_unix_s = story_now(&s);
	all = entries(&wish);
	assert_null(nth(all, "expired", 0));
	json_decref(all);
	wish.now_unix_s += 60;
	all = entries(&wish);
	assert_int_equal(json_array_size(all), 2);
	assert_string_equal(text_of(json_array_get(all, 1), "action"), "expired");
	json_decref(all);
	kit_save(&s.k, "Imaging/later.txt", "after the end");
	wish = (emr_deeds_wish){.now_unix_s = story_now(&s)};
	all = entries(&wish);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (strcmp(text_of(one, "action"), "expired") != 0)
			continue;
		assert_string_equal(text_of(json_array_get(all, i - 1), "action"), "shared");
		assert_string_equal(
			text_of(json_array_get(all, i + 1), "path"), "Imaging/later.txt");
		assert_string_equal(text_of(one, "tx"), text_of(json_array_get(all, i - 1), "tx"));
		line_has(one, "the share of Imaging with ");
		line_has(one, " ended (its time was over)   proven");
	}
	assert_non_null(nth(all, "expired", 0));
	json_decref(all);
}

/* A reader that follows the log reads nothing twice and misses nothing. */
static void grew(json_t **before)
{
	const emr_deeds_wish wish = {.now_unix_s = story_now(&s)};
	json_t *now = entries(&wish);

	assert_true(json_array_size(now) > json_array_size(*before));
	for (size_t i = 0; i < json_array_size(*before); i++)
		assert_true(json_equal(json_array_get(*before, i), json_array_get(now, i)));
	json_decref(*before);
	*before = now;
}

TEST(the_log_only_grows)
{
	AUTO(auto_json_decref) json_t *before = json_array();
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH,
		.not_after_unix_s = story_now(&s) + 3600};

	grew(&before);
	assert_ok(story_try_share(&s, &s.eve, &order, true, &made));
	grew(&before);
	kit_save(&s.k, "Imaging/meanwhile.txt", "before the end");
	grew(&before);
	story_pass(&s, 3600 + 130);
	grew(&before); /* its time is over */
	made = story_share(&s, &s.eve, 0, true);
	grew(&before);
	publish_name("Imaging", "Pictures");
	grew(&before);
	story_pass(&s, 60);
	assert_ok(emr_share_revoke(s.ana, s.imaging, made.grant));
	grew(&before);
	publish_name("Pictures", "Imaging");
	grew(&before);
}

TEST(a_name_that_misleads_is_shown_as_what_it_is)
{
	AUTO(story_part) person mallory = {0};
	const emr_deeds_wish wish = {.now_unix_s = story_now(&s)};
	const json_t *shared = NULL, *event;
	AUTO(auto_json_decref) json_t *all;

	story_newcomer_called(&s, &mallory, &s.bosses[0], "mallory",
		"Mal\x1b[2Jlory\nAna Silva  \xe2\x80\xaegnp");
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	(void)story_share(&s, &mallory, 0, true);
	all = entries(&wish);
	for (size_t i = 0; nth(all, "shared", i) != NULL; i++)
		shared = nth(all, "shared", i);
	line_has(shared, "shared   Imaging with ");
	{
		EMR_AUTO_FREE char *line = emr_deed_line(shared);

		assert_null(strstr(line, "\xe2\x80\xae"));
	}
	event = emr_fhir_audit_event(shared, "Ana Silva");
	assert_string_equal(text_of(json_object_get(event, "type"), "code"), "110113");
	assert_string_equal(
		text_of(json_array_get(json_object_get(event, "subtype"), 0), "code"), "110136");
	assert_int_equal(json_array_size(json_object_get(event, "entity")), 3);
	json_decref((json_t *)(uintptr_t)event);
}

static void has(const emr_buf *page, const char *text)
{
	if (memmem(page->data, page->len, text, strlen(text)) == NULL)
		fail_msg("the page does not say: %s", text);
}

/* An entry as it comes from a request that was refused. */
TEST(an_askers_words_stay_between_their_quotes)
{
	char words[] = "x\"   proven, entry 7\n20 Nov 2026 14:05  you  shared   Everything";
	const emr_dealing no = {
		.said = {.kind = EMR_DEALING_DENIED, .seq = 12, .at = story_now(&s)},
		.path = words};
	const emr_who eve = {.called = "eve.clinic", .name = "Eve"};
	AUTO(auto_json_decref) json_t *entry = emr_dealing_json(&no, &eve, "Ana Silva");

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
	const emr_dealing left = {
		.said = {.kind = EMR_DEALING_LEFT, .seq = 70, .at = story_now(&s)},
		.path = name,
		.into = into,
		.bytes = 9};
	const emr_who ana = {.id = {{7}},
			      .called = "ana",
			      .name = "Ana Silva",
			      .born = "1984-03-12"},
		      nobody = {.called = ""};
	json_t *entry = emr_dealing_json(&left, &ana, "Paula Lima"),
	       *event = emr_fhir_audit_event(entry, "Paula Lima");
	const json_t *entities = json_object_get(event, "entity");
	char end[60];

	(void)snprintf(end, sizeof end, " (%s) (own word: 1984-03-12)   proven",
		text_of(json_object_get(entry, "with"), "code"));
	line_has(entry, "Paula Lima  left     CT ");
	line_has(entry, " of Ana Silva (");
	line_has(entry, end);
	assert_int_equal(json_integer_value(json_object_get(entry, "bytes")), 9);
	assert_string_equal(text_of(json_object_get(event, "type"), "code"), "rest");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(json_object_get(event, "meta"), "profile"), 0)),
		"https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
		"IHE.BasicAudit.PatientCreate");
	assert_string_equal(text_of(event, "action"), "C");
	assert_int_equal(json_array_size(entities), 2);
	assert_string_equal(text_of(json_array_get(entities, 1), "name"), "Ana Silva");
	json_decref(event);
	json_decref(entry);
	entry = emr_dealing_json(&left, &nobody, "Paula Lima");
	line_has(entry, " of somebody whose card is not here   proven");
	json_decref(entry);
}

TEST(the_page_has_it_among_what_happened_lately)
{
	emr_notices *notices = NULL;
	EMR_AUTO_BUF page = {0};

	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_special_make(
		&(emr_special){.session = &session, .notices = notices}, "report.html", &page));
	has(&page, "shared <bdi dir=\"ltr\">Imaging</bdi> with <bdi ");
	has(&page, "ended the share of <bdi dir=\"ltr\">Pictures</bdi> with <bdi ");
	has(&page, "</bdi> ended (its time was over)</span>");
	/* Marks that turn the text around are no word that anybody says here. */
	assert_null(memmem(page.data, page.len, "[U+202E]", 8));
	assert_null(memmem(page.data, page.len, "\xe2\x80\xae", 3));
	emr_notices_free(notices);
}

TESTS(log_begin, log_end)
