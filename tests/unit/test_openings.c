/* These tests are about the log of openings: the reader, paths and versions of that time, who
 * released the key, and the same as FHIR. */
#include "log_kit.h"

#include "report/special.h"

AUTO_OF(json_decref, json_t *)

/* Lima reads NAME as READER and her computer says so. */
static void lima_opens(emr_id16 grant, const char *name, story_fn answer, emr_reader_class reader)
{
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	story_found f;
	emr_report_row row = {.first = story_now(&s),
		.last = story_now(&s),
		.opens = 2,
		.reader = reader,
		.whole = true};

	story_see(&s.lima);
	assert_ok(emr_shared_open(
		s.lima.share, s.imaging, grant, CONSULT, reader, &shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	answer(&s);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
	f = story_find(shared, name);
	assert_ok(emr_shared_ask_records(shared, &f.object, 1, &ask, &trouble));
	answer(&s);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
	row.object_id = f.object;
	row.version = f.pversion;
	row.bytes = 11;
	assert_ok(emr_shared_report(shared, &row, 1));
	emr_shared_free(shared);
}

TEST(the_log_has_what_was_released_and_what_was_opened)
{
	const emr_deeds_wish wish = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	const json_t *released, *opened;
	EMR_AUTO_FREE char *line = NULL;
	emr_moved moved = {0};
	AUTO(auto_json_decref) json_t *all;
	json_int_t at;

	lima_opens(made.grant, "MRI.pdf", all_agents, EMR_READER_PERSON);
	/* what comes later changes nothing of what was then */
	assert_ok(emr_view_move(s.k.view,
		&(emr_move){.from = "Imaging/MRI.pdf", .to = "Imaging/Knee.pdf"}, &moved));
	emr_moved_free(&moved);
	kit_save(&s.k, "Imaging/Knee.pdf", "%PDF another knee");
	all = entries(&wish);
	assert_non_null(nth(all, "listed", 0));
	assert_string_equal(text_of(nth(all, "listed", 0), "path"), "Imaging");
	released = nth(all, "released", 0);
	opened = nth(all, "opened", 0);
	assert_non_null(released);
	assert_non_null(opened);
	assert_null(nth(all, "released", 1));
	assert_string_equal(text_of(released, "path"), "Imaging/MRI.pdf");
	assert_int_equal(json_integer_value(json_object_get(released, "version")), 1);
	assert_true(json_is_true(json_object_get(released, "proven")));
	assert_int_equal(json_array_size(json_object_get(released, "released_by")), 2);
	assert_string_equal(text_of(released, "who"), "lima.clinic@org0");
	assert_string_equal(text_of(released, "organisation"), "org0");
	assert_string_equal(text_of(released, "purpose"), "treatment");
	assert_string_equal(text_of(opened, "path"), "Imaging/MRI.pdf");
	assert_true(json_is_false(json_object_get(opened, "proven")));
	assert_true(json_is_true(json_object_get(opened, "whole")));
	assert_int_equal(json_integer_value(json_object_get(opened, "bytes")), 11);
	assert_int_equal(json_array_size(json_object_get(opened, "released_by")), 2);
	line = emr_deed_line(opened);
	assert_non_null(
		strstr(line, "opened Imaging/MRI.pdf v1 (whole)   reported; key proven, by org"));
	/* and with both times where the report came later, perhaps behind the share's end */
	at = json_integer_value(json_object_get(opened, "opened_at_unix"));
	assert_true(at > 1000000000 && at <= (json_int_t)story_now(&s));
	json_object_set_new((json_t *)(uintptr_t)opened, "at_unix", json_integer(at + 60));
	free(line);
	line = emr_deed_line(opened);
	assert_non_null(strstr(line, "v1 (whole), last on "));
	/* in the order of the ledger: before the rename */
	assert_string_equal(text_of(json_array_get(all, json_array_size(all) - 1), "who"), "you");
}

TEST(path_person_purpose_and_software_choose)
{
	emr_deeds_wish wish = {.path = "Imaging/Knee.pdf"};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	EMR_AUTO_CROWD crowd = {0};
	emr_who lima, eve;
	json_t *all;

	lima_opens(made.grant, "CT.pdf", all_agents, EMR_READER_SOFTWARE);
	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_of(&crowd, s.lima.public.signer_id, &lima));
	assert_ok(emr_who_of(&crowd, s.eve.public.signer_id, &eve));
	all = entries(&wish); /* under its former name, too */
	assert_non_null(nth(all, "opened", 0));
	assert_null(nth(all, "opened", 1));
	json_decref(all);
	wish = (emr_deeds_wish){.who = &lima};
	all = entries(&wish);
	assert_int_equal(
		json_array_size(all), 2 + 6); /* shared twice; and twice names, key and opening */
	json_decref(all);
	wish.who = &eve;
	assert_int_equal(count(&wish), 0);
	wish = (emr_deeds_wish){.purposes = 1u << RESEARCH};
	assert_int_equal(count(&wish), 0);
	wish.purposes = 1u << CONSULT;
	assert_int_equal(count(&wish), 2 + 6);
	wish = (emr_deeds_wish){.only_software = true};
	assert_int_equal(count(&wish), 3);
	wish = (emr_deeds_wish){.since_unix_s = story_now(&s) + 1};
	assert_int_equal(count(&wish), 0);
}

TEST(a_question_that_nobody_answered_is_told_after_a_while)
{
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	emr_deeds_wish wish = {.now_unix_s = story_now(&s) + 60};
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	json_t *all;

	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	emr_ask_free(ask);
	emr_shared_free(shared);
	all = entries(&wish);
	assert_null(nth(all, "asked", 0));
	json_decref(all);
	wish.now_unix_s += 120;
	all = entries(&wish);
	assert_non_null(nth(all, "asked", 0));
	assert_int_equal(json_array_size(json_object_get(nth(all, "asked", 0), "released_by")), 0);
	json_decref(all);
}

TEST(every_entry_becomes_an_audit_event)
{
	const emr_deeds_wish wish = {0};
	AUTO(auto_json_decref)
	json_t *listed = json_pack(
		"{s:b, s:s, s:o}", "ok", 1, "owner", "Ana Silva", "entries", entries(&wish));
	char path[420], command[1600];

	assert_true(json_array_size(json_object_get(listed, "entries")) > 8);
	(void)snprintf(path, sizeof path, "%s/listed", s.k.path);
	assert_int_equal(json_dump_file(listed, path, 0), 0);
	for (int again = 0; again < 2; again++) {
		(void)snprintf(command, sizeof command,
			"python3 %s/../../packaging/emrfs-fhir %s/fhir <%s && [ $(ls %s/fhir | wc "
			"-l) -eq %zu ] && python3 %s/fhir_audit_event.py %s/fhir",
			EMR_TEST_SUPPORT, s.k.path, path, s.k.path,
			json_array_size(json_object_get(listed, "entries")), EMR_TEST_SUPPORT,
			s.k.path);
		assert_int_equal(system(command), 0);
	}
	/* and it would not take just anything */
	(void)snprintf(command, sizeof command,
		"echo '{\"resourceType\":\"AuditEvent\",\"id\":\"bad\"}' >%s/fhir/bad.json && "
		"python3 %s/fhir_audit_event.py %s/fhir",
		s.k.path, EMR_TEST_SUPPORT, s.k.path);
	assert_int_not_equal(system(command), 0);
}

static void has(const emr_buf *page, const char *text)
{
	if (memmem(page->data, page->len, text, strlen(text)) == NULL)
		fail_msg("the page does not say: %s", text);
}

TEST(the_page_says_who_can_see_what_and_who_opened_it)
{
	emr_notices *notices = NULL;
	EMR_AUTO_BUF page = {0};

	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_special_make(
		&(emr_special){.session = &session, .notices = notices}, "report.html", &page));
	has(&page, "\"shares\":[{\"path\":\"Imaging\",\"who\":\"lima.clinic@org0\"");
	has(&page, "\"state\":\"confirmed\",\"opening\":\"");
	has(&page, "\"opened\":4,");
	has(&page, "\"action\":\"opened\",\"type\":\"file\",\"path\":\"Imaging/Old/CT.pdf\","
		   "\"from\":null,\"version\":1,\"whole\":true");
	assert_null(memmem(page.data, page.len, "\"tx\"", 4)); /* a page may be handed on */
	emr_notices_free(notices);
}

/* The names alone. */
static void eve_lists(emr_id16 grant)
{
	emr_shared_free(story_opened(&s, &s.eve, grant, all_agents));
}

TEST(who_saw_the_names_alone_is_said_to_have_seen_them)
{
	emr_grant_made made = story_share(&s, &s.eve, 0, true);
	emr_notices *notices = NULL;
	EMR_AUTO_BUF page = {0};

	eve_lists(made.grant);
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_special_make(
		&(emr_special){.session = &session, .notices = notices}, "report.html", &page));
	has(&page, "\"opened\":0,\"keys\":0,\"has_names\":true,\"is_refused\":false");
	emr_notices_free(notices);
}

TEST(an_auditor_sees_what_the_staff_asked_for_by_numbers)
{
	emr_session office = EMR_SESSION_CLOSED;
	emr_openings found = {0};
	emr_grant_made made;
	size_t records = 0, names = 0;

	story_auditor(&s);
	story_see(&s.lima);
	made = story_share(&s, &s.lima, 0, true);
	lima_opens(made.grant, "CT.pdf", all_agents, EMR_READER_PERSON);
	story_see(&s.auditor);
	office.keyring = s.auditor.keyring;
	office.ledger = s.auditor.ledger;
	office.replica = s.auditor.replica;
	office.records = s.auditor.records;
	office.state_fd = s.auditor.state_fd;
	assert_ok(emr_openings_collect(&office, false, 0, story_now(&s) + 600, &found));
	for (size_t i = 0; i < found.n; i++) {
		const emr_audit_entry *o = found.list[i].opening;

		if (!o->is_readable) /* from before he was an auditor */
			continue;
		assert_true(found.list[i].is_staff);
		assert_int_equal(o->kind, EMR_AUDIT_RELEASED);
		assert_int_equal(o->given_count, 2);
		assert_memory_equal(o->who.b, s.lima.public.signer_id.b, 32);
		assert_int_equal(o->purpose, CONSULT);
		assert_non_null(strstr(found.list[i].path, "of somebody"));
		records += o->slot.kind != EMR_CAPSULE_LISTING;
		names += o->slot.kind == EMR_CAPSULE_LISTING;
	}
	assert_int_equal(records, 1);
	assert_int_equal(names, 1);
	assert_true(found.damaged > 0); /* what was asked before */
	emr_openings_free(&found);
	/* A person who is no auditor sees nothing of it. */
	story_see(&s.eve);
	office.keyring = s.eve.keyring;
	office.ledger = s.eve.ledger;
	office.replica = s.eve.replica;
	office.state_fd = s.eve.state_fd;
	assert_ok(emr_openings_collect(&office, false, 0, story_now(&s) + 600, &found));
	assert_int_equal(found.n, 0);
	emr_openings_free(&found);
}

TESTS(log_begin, log_end)
