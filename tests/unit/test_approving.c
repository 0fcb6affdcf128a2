/* These tests are about a yes to requests of people with changed programs: the undone share is the
 * ordered one, the answered request is the shown one, and everything that can be asked for has a
 * word. */
#include <jansson.h>

#include "contract/codes.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/asked.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"

#include "sharing_story.h"

AUTO_OF(json_decref, json_t *)

#define HOUR 3600u

static emr_session session;
static emr_notices *notices;
static emr_sharing *sharing;

AROUND(begin)
{
	sharing_story_begin(&session);
	assert_ok(emr_notices_new(NULL, &notices));
	assert_ok(emr_sharing_new(&session, notices, &sharing));
	session.sharing = sharing;
}

AROUND(end)
{
	emr_sharing_end(sharing);
	emr_sharing_free(sharing);
	emr_notices_free(notices);
	sharing_story_end(&session);
}

static uint64_t now(void)
{
	return emr_clock_unix_s(emr_clock_system());
}

static sharing_story_ask to_read(const char *path)
{
	return (sharing_story_ask){
		.path = path, .rights = EMR_RIGHTS_READ, .until_unix_s = now() + HOUR};
}

/* ---- what is undone ---- */

/* Her yes to REQUEST of Dr Lima, as this computer noted it. */
static emr_asked_for said_yes(emr_id16 request)
{
	emr_asked_for row = {.kind = EMR_ASKED_SAID_YES,
		.request = request,
		.owner = sharing_story_lima(),
		.domain = sharing_story_imaging(),
		.asked_at = now(),
		.until_unix_s = now() + HOUR,
		.purposes = 1,
		.rights = EMR_RIGHTS_READ};

	assert_ok(emr_asked_add(session.keyring, session.state_fd, &row));
	return row;
}

/* A grant for WHO that is called as REQUEST is. */
static void grant(emr_id16 request, emr_id32 who, uint64_t until_unix_s)
{
	emr_order order = {.kind = EMR_ORDER_GRANT,
		.domain = sharing_story_imaging(),
		.grantee = who,
		.root = who,
		.asked_unix_s = now(),
		.rights = EMR_RIGHTS_READ,
		.purposes = 1,
		.until_unix_s = until_unix_s,
		.request = request,
		.label = "Imaging",
		.who = "somebody"};

	assert_ok(clerk_do(&session, &order).status);
}

static uint8_t state_of(emr_id16 named)
{
	emr_known_grant known;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_grant(session.replica, sharing_story_imaging(), named, &known));
	return known.row.head.state;
}

/* As the office does; whether a row of REQUEST is left. */
static bool finish(emr_id16 request)
{
	EMR_AUTO_ASKED list = {0};
	emr_share *share = NULL;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_requests_share(&session, &share));
	assert_ok(emr_requests_finish(&session, share));
	emr_share_free(share);
	assert_ok(emr_asked_load(session.keyring, session.state_fd, &list));
	return emr_asked_find(&list, request) != NULL;
}

TEST_IN(begin, end, a_yes_that_nobody_waits_for_any_more_is_undone)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);
	emr_asked_for row = said_yes(request);

	grant(request, sharing_story_lima(), row.until_unix_s);
	sharing_story_lima_takes_back(request);
	assert_false(finish(request));
	assert_int_equal(state_of(request), EMR_GRANT_REVOKED);
}

/* Somebody who manages the folder gave another a grant of the request's name. */
TEST_IN(begin, end, a_share_of_somebody_else_is_not_undone_with_a_request)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);
	emr_asked_for row = said_yes(request);

	grant(request, sharing_story_eve(), row.until_unix_s);
	sharing_story_lima_takes_back(request);
	assert_false(finish(request));
	assert_int_equal(state_of(request), EMR_GRANT_ACTIVE);
}

TEST_IN(begin, end, nor_is_one_on_terms_that_were_not_ordered_here)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);
	emr_asked_for row = said_yes(request);

	grant(request, sharing_story_lima(), row.until_unix_s + HOUR);
	sharing_story_lima_takes_back(request);
	assert_false(finish(request));
	assert_int_equal(state_of(request), EMR_GRANT_ACTIVE);
}

/* And no request is answered by it. */
TEST_IN(begin, end, a_share_of_somebody_else_is_no_answer)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);
	emr_asked_for row = said_yes(request);

	grant(request, sharing_story_eve(), row.until_unix_s);
	assert_false(finish(request));
	assert_int_equal(sharing_story_request_state(request), EMR_SHARE_REQUEST_OPEN);
	assert_ok(emr_requests_check_open(&session, request));
}

/* ---- what is asked for ---- */

/* Dr Lima's own program asks under the id of a grant that eve has. */
TEST_IN(begin, end, nobody_asks_under_the_id_of_a_grant)
{
	emr_id16 hers = emr_id16_random();
	sharing_story_ask what = to_read("Imaging");

	grant(hers, sharing_story_eve(), now() + HOUR);
	what.called = &hers;
	assert_int_equal(sharing_story_lima_tries(&what), EMR_RESULT_FORMAT);
}

static size_t listed(void)
{
	EMR_AUTO_REQUEST_LIST list = {0};

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_request_list_collect(&session, NULL, &list));
	return list.n;
}

/* The question has three words for it, and a yes gives what the number says. */
TEST_IN(begin, end, what_has_no_word_is_asked_of_nobody)
{
	static const uint16_t nameless[] = {EMR_RIGHTS_READ | 4, EMR_RIGHTS_WRITE | 4,
		EMR_GRANT_LIST, EMR_WRITES_ALL << 8, EMR_RIGHTS_READ | EMR_WRITES_DEPOSIT << 8};
	static const uint16_t named[] = {EMR_RIGHTS_READ, EMR_RIGHTS_WRITE, EMR_RIGHTS_DEPOSIT};
	sharing_story_ask what = to_read("Imaging");

	for (size_t i = 0; i < sizeof nameless / sizeof nameless[0]; i++) {
		what.rights = nameless[i];
		(void)sharing_story_lima_asks(&what);
		assert_int_equal(listed(), 0);
	}
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		what.rights = named[i];
		(void)sharing_story_lima_asks(&what);
		assert_int_equal(listed(), i + 1);
	}
}

/* ---- what was shown ---- */

static emr_status keep_last(void *arg, json_t *object)
{
	json_t **last = arg;

	json_decref(*last);
	*last = object;
	return EMR_OK;
}

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* Asks as the verb does first of all, and returns what it shows; ACT is the yes. */
static json_t *look_at(const char *id, emr_request *act)
{
	emr_request look = {.ask = EMR_ASK_APPROVE, .look = true},
		    share = {.ask = EMR_ASK_SHARE, .has_path = true, .look = true};
	emr_problem problem = {0};
	json_t *terms = NULL, *shown = NULL;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	snprintf(look.id, sizeof look.id, "%s", id);
	assert_ok(emr_answer_approve(&session, &look, keep_last, &terms, &problem));
	snprintf(share.path, sizeof share.path, "%s", text_at(terms, "path"));
	snprintf(share.who, sizeof share.who, "%s", text_at(terms, "who"));
	snprintf(share.id, sizeof share.id, "%s", text_at(terms, "id"));
	share.write = strcmp(text_at(terms, "rights"), "write") == 0;
	share.deposit = strcmp(text_at(terms, "rights"), "deposit") == 0;
	share.purposes = (uint32_t)json_integer_value(json_object_get(terms, "purposes"));
	share.until_unix_s = (uint64_t)json_integer_value(json_object_get(terms, "until_unix"));
	assert_ok(emr_answer_share(&session, &share, keep_last, &shown, &problem));
	*act = (emr_request){.ask = EMR_ASK_APPROVE, .until_unix_s = share.until_unix_s};
	snprintf(act->id, sizeof act->id, "%s", text_at(terms, "whole"));
	snprintf(act->shown, sizeof act->shown, "%s", text_at(shown, "shown"));
	assert_int_equal(strlen(act->shown), 64);
	json_decref(shown);
	return terms;
}

static emr_status say_yes(const emr_request *act, emr_problem *out_problem)
{
	AUTO(auto_json_decref) json_t *answer = NULL;
	emr_status status = emr_answer_approve(&session, act, keep_last, &answer, out_problem);

	return status;
}

static emr_id16 ask_and_find(const sharing_story_ask *what, char out_id[32])
{
	EMR_AUTO_REQUEST_LIST list = {0};
	emr_id16 request = sharing_story_lima_asks(what);

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_request_list_collect(&session, NULL, &list));
	for (size_t i = 0; i < list.n; i++)
		if (emr_id16_equal(list.list[i].request, request))
			snprintf(out_id, 32, "%s", list.list[i].id);
	return request;
}

TEST_IN(begin, end, what_was_shown_is_given)
{
	sharing_story_ask what = to_read("Imaging");
	emr_problem problem = {0};
	emr_request act;
	char id[32] = "";

	(void)ask_and_find(&what, id);
	json_decref(look_at(id, &act));
	assert_ok(say_yes(&act, &problem));
}

/* While she reads what a request for reading would open, Dr Lima takes it back and asks for
 * writing, with a program that has looked for an id of the same first letters. */
TEST_IN(begin, end, a_request_that_begins_alike_is_not_answered_in_its_place)
{
	sharing_story_ask reading = to_read("Imaging"), writing = to_read("Imaging");
	emr_problem problem = {0};
	emr_request act;
	char id[32] = "", other_id[32] = "";
	emr_id16 request, other;

	request = ask_and_find(&reading, id);
	json_decref(look_at(id, &act));
	sharing_story_lima_takes_back(request);
	writing.rights = EMR_RIGHTS_WRITE;
	writing.begins_as = &request;
	other = ask_and_find(&writing, other_id);
	assert_string_equal(other_id, id); /* one to the eye */
	assert_true(say_yes(&act, &problem) != EMR_OK);
	assert_int_equal(sharing_story_request_state(other), EMR_SHARE_REQUEST_OPEN);
	assert_ok(emr_requests_check_open(&session, other));
	/* A yes by the letters alone, to what was shown of the first one. */
	problem = (emr_problem){0};
	snprintf(act.id, sizeof act.id, "%s", id);
	assert_status(EMR_CONFLICT, say_yes(&act, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
	assert_ok(emr_requests_check_open(&session, other));
}

/* A no by the letters that two of them have names nobody, and who looks says nothing yet. */
TEST_IN(begin, end, a_no_is_said_to_what_was_shown)
{
	sharing_story_ask what = to_read("Imaging");
	emr_request no = {.ask = EMR_ASK_DENY, .look = true};
	emr_problem problem = {0};
	AUTO(auto_json_decref) json_t *seen = NULL;
	const json_t *one;
	emr_id16 request, other;
	char id[32] = "", other_id[32] = "";

	request = ask_and_find(&what, id);
	snprintf(no.id, sizeof no.id, "%s", id);
	assert_ok(emr_answer_deny(&session, &no, keep_last, &seen, &problem));
	one = json_array_get(json_object_get(seen, "requests"), 0);
	assert_string_equal(text_at(one, "path"), "Imaging");
	assert_ok(emr_requests_check_open(&session, request));
	what.begins_as = &request;
	other = ask_and_find(&what, other_id);
	no.look = false;
	assert_status(EMR_NOT_FOUND, emr_answer_deny(&session, &no, keep_last, &seen, &problem));
	assert_ok(emr_requests_check_open(&session, request));
	assert_ok(emr_requests_check_open(&session, other));
}

/* A writer in her folder gives the name in the question to another one. */
TEST_IN(begin, end, a_folder_that_gets_the_name_meanwhile_is_not_given)
{
	sharing_story_ask what = to_read("Imaging/Old");
	emr_problem problem = {0};
	emr_request act;
	char id[32] = "";

	(void)ask_and_find(&what, id);
	json_decref(look_at(id, &act));
	sharing_story_swap("Imaging/Old", "Imaging/Older");
	assert_status(EMR_CONFLICT, say_yes(&act, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
}

static void call_lima(char *out, size_t size)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_of(&crowd, sharing_story_lima(), &who));
	snprintf(out, size, "%s", who.called);
}

/* The same of `share`, which is told a path and a name. */
TEST_IN(begin, end, nor_is_it_shared)
{
	emr_request share = {.ask = EMR_ASK_SHARE,
		.has_path = true,
		.path = "Imaging/Old",
		.look = true,
		.purposes = 1,
		.until_unix_s = now() + HOUR};
	emr_problem problem = {0};
	AUTO(auto_json_decref) json_t *answer = NULL;

	call_lima(share.who, sizeof share.who);
	assert_ok(emr_answer_share(&session, &share, keep_last, &answer, &problem));
	share.look = false;
	snprintf(share.shown, sizeof share.shown, "%s", text_at(answer, "shown"));
	sharing_story_swap("Imaging/Old", "Imaging/Older");
	assert_status(
		EMR_CONFLICT, emr_answer_share(&session, &share, keep_last, &answer, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
}

TESTS(NULL, NULL)
