/* These tests are about a yes to requests of people with changed programs: the undone share is the
 * ordered one, the answered request is the shown one, and everything that can be asked for has a
 * word; and about a revocation while the ledger is away. */
#include <jansson.h>

#include "contract/codes.h"
#include "replica/follower.h"
#include "share/give.h"
#include "share/write.h"
#include "sharing/answers.h"
#include "sharing/requests.h"
#include "sharing/sharing.h"

#include "sharing_story.h"

AUTO_OF(json_decref, json_t *)

#define HOUR 3600u

static emr_session session;
static emr_notices *notices;
static emr_sharing *sharing;
static uint64_t began_unix_s;

static bool is_away;

WRAPPED(emr_status, emr_follow_now, emr_replica *replica)
{
	return is_away ? EMR_OFFLINE : __real_emr_follow_now(replica);
}

AROUND(begin)
{
	sharing_story_begin(&session);
	began_unix_s = emr_clock_unix_s(emr_clock_system());
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

/* When the test began: terms are compared to the second. */
static uint64_t now(void)
{
	return began_unix_s;
}

static sharing_story_ask to_read(const char *path)
{
	return (sharing_story_ask){
		.path = path, .rights = EMR_RIGHTS_READ, .until_unix_s = now() + HOUR};
}

/* ---- what a yes does ---- */

/* A grant for WHO that is called as REQUEST is, as one of her computers leaves it that was stopped
 * before it said that this is the answer. */
static void grant(emr_id16 request, emr_id32 who, uint64_t until_unix_s)
{
	emr_grant_order terms = {.domain = sharing_story_imaging(),
		.grantee = who,
		.rights = EMR_RIGHTS_READ,
		.purposes = 1,
		.not_after_unix_s = until_unix_s,
		.label = "Imaging",
		.owner_name = "",
		.owner_born = "",
		.grant = request};
	emr_grant_made made;
	EMR_AUTO_SHARE share = NULL;

	assert_ok(emr_sharing_handle(&session, &share));
	assert_ok(emr_share_grant(share, &terms, &made));
}

/* Her yes to REQUEST of Dr Lima, for an hour, done. */
static emr_status do_yes(emr_id16 request)
{
	emr_order order = {.kind = EMR_ORDER_GRANT,
		.domain = sharing_story_imaging(),
		.grantee = sharing_story_lima(),
		.root = sharing_story_lima(),
		.asked_unix_s = now(),
		.rights = EMR_RIGHTS_READ,
		.purposes = 1,
		.until_unix_s = now() + HOUR,
		.request = request,
		.label = "Imaging"};

	return clerk_do(&session, &order).status;
}

/* 0: there is none. */
static uint8_t state_of(emr_id16 named)
{
	emr_known_grant known = {0};

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	(void)emr_replica_grant(session.replica, sharing_story_imaging(), named, &known);
	return known.row.head.state;
}

TEST_IN(begin, end, a_yes_is_a_share_and_the_word_that_it_is_the_answer)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what), other;

	assert_ok(do_yes(request));
	assert_int_equal(state_of(request), EMR_GRANT_ACTIVE);
	assert_int_equal(sharing_story_request_state(request), EMR_SHARE_REQUEST_APPROVED);
	assert_ok(do_yes(request)); /* as after a crash */
	assert_status(EMR_CONFLICT, emr_sharing_check_open(sharing, request));
	/* Another computer of hers said it on other terms, and was stopped. */
	other = sharing_story_lima_asks(&what);
	grant(other, sharing_story_lima(), now() + 2 * HOUR);
	assert_status(EMR_EXISTS, do_yes(other));
	assert_int_equal(sharing_story_request_state(other), EMR_SHARE_REQUEST_APPROVED);
}

/* HOLDER has a grant of the request's name until UNTIL (0: nobody has) when Dr Lima takes the
 * request back. */
static void expect_afterwards(
	emr_id32 holder, uint64_t until_unix_s, emr_status wanted, uint8_t state)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);

	if (until_unix_s != 0)
		grant(request, holder, until_unix_s);
	sharing_story_lima_takes_back(request);
	assert_status(wanted, do_yes(request));
	assert_int_equal(state_of(request), state);
}

TEST_IN(begin, end, nothing_is_given_for_a_request_that_was_taken_back)
{
	expect_afterwards(sharing_story_lima(), 0, EMR_CONFLICT, 0);
}

TEST_IN(begin, end, a_yes_that_nobody_waits_for_any_more_is_undone)
{
	expect_afterwards(sharing_story_lima(), now() + HOUR, EMR_CONFLICT, EMR_GRANT_REVOKED);
}

/* Somebody who manages the folder gave it. */
TEST_IN(begin, end, a_share_of_somebody_else_is_not_undone_with_a_request)
{
	expect_afterwards(sharing_story_eve(), now() + HOUR, EMR_EXISTS, EMR_GRANT_ACTIVE);
}

TEST_IN(begin, end, nor_is_one_on_terms_that_were_not_ordered_here)
{
	expect_afterwards(sharing_story_lima(), now() + 2 * HOUR, EMR_EXISTS, EMR_GRANT_ACTIVE);
}

/* And no request is answered by it. */
TEST_IN(begin, end, a_share_of_somebody_else_is_no_answer)
{
	sharing_story_ask what = to_read("Imaging");
	emr_id16 request = sharing_story_lima_asks(&what);

	grant(request, sharing_story_eve(), now() + HOUR);
	assert_status(EMR_EXISTS, do_yes(request));
	assert_int_equal(sharing_story_request_state(request), EMR_SHARE_REQUEST_OPEN);
	assert_ok(emr_sharing_check_open(sharing, request));
}

/* A Consent in the folder asks, until then. */
static void note(emr_id16 request, uint64_t until_unix_s)
{
	emr_order row = {.kind = EMR_ORDER_WAITS,
		.request = request,
		.until_unix_s = until_unix_s,
		.told = EMR_SHARE_REQUEST_OPEN,
		.reason = "Consents/c.json"};

	assert_ok(emr_sharing_note(sharing, &row));
}

static emr_status say_no(emr_id16 request)
{
	return emr_sharing_told(sharing, request, EMR_SHARE_REQUEST_DENIED);
}

TEST_IN(begin, end, what_waits_for_a_yes_has_one_answer_and_the_oldest_goes)
{
	emr_id16 first = emr_id16_random(), request = emr_id16_random();

	note(first, now() + HOUR);
	for (size_t i = 1; i < EMR_ORDERS_ASKED_MAX; i++)
		note(i == 1 ? request : emr_id16_random(), now() + HOUR);
	note(request, now() + HOUR); /* in the place of the same one */
	assert_ok(emr_sharing_check_open(sharing, first));
	note(emr_id16_random(), now() + HOUR);
	assert_status(EMR_NOT_FOUND, say_no(first));
	assert_ok(say_no(request));
	assert_status(EMR_CONFLICT, say_no(request));
	note(request, now());
	assert_ok(emr_sharing_forget_over(sharing));
	assert_status(EMR_NOT_FOUND, say_no(request));
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
	EMR_AUTO_SHARES list = {0};

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_shares_asked(&session, NULL, &list));
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
	return json_string_value(json_object_get(object, name));
}

/* Asks as the verb does first of all; ACT is the yes. */
static void look_at(const char *id, emr_request *act)
{
	emr_request look = {.ask = EMR_ASK_SHARE, .look = true};
	emr_problem problem = {0};
	AUTO(auto_json_decref) json_t *shown = NULL;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	snprintf(look.id, sizeof look.id, "%s", id);
	assert_ok(emr_answer_share(&session, &look, &(emr_sink){keep_last, &shown}, &problem));
	*act = (emr_request){.ask = EMR_ASK_SHARE,
		.until_unix_s = (uint64_t)json_integer_value(json_object_get(shown, "until_unix"))};
	snprintf(act->id, sizeof act->id, "%s", text_at(shown, "whole"));
	snprintf(act->shown, sizeof act->shown, "%s", text_at(shown, "shown"));
	assert_int_equal(strlen(act->shown), 64);
}

static emr_status say_yes(const emr_request *act, emr_problem *out_problem)
{
	AUTO(auto_json_decref) json_t *answer = NULL;

	return emr_answer_share(&session, act, &(emr_sink){keep_last, &answer}, out_problem);
}

static emr_id16 ask_and_find(const sharing_story_ask *what, char out_id[32])
{
	EMR_AUTO_SHARES list = {0};
	emr_id16 request = sharing_story_lima_asks(what);

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_shares_asked(&session, NULL, &list));
	for (size_t i = 0; i < list.n; i++)
		if (emr_id16_equal(list.list[i].order.request, request))
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
	look_at(id, &act);
	assert_ok(say_yes(&act, &problem));
	/* Once: the order waits for the clerk. */
	assert_status(EMR_CONFLICT, say_yes(&act, &problem));
	assert_int_equal(problem.message, EMR_SAY_ANSWERED);
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
	look_at(id, &act);
	sharing_story_lima_takes_back(request);
	writing.rights = EMR_RIGHTS_WRITE;
	writing.begins_as = &request;
	other = ask_and_find(&writing, other_id);
	assert_string_equal(other_id, id); /* one to the eye */
	assert_true(say_yes(&act, &problem) != EMR_OK);
	assert_int_equal(sharing_story_request_state(other), EMR_SHARE_REQUEST_OPEN);
	assert_ok(emr_sharing_check_open(sharing, other));
	/* A yes by the letters alone, to what was shown of the first one. */
	problem = (emr_problem){0};
	snprintf(act.id, sizeof act.id, "%s", id);
	assert_status(EMR_CONFLICT, say_yes(&act, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
	assert_ok(emr_sharing_check_open(sharing, other));
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
	assert_ok(emr_answer_deny(&session, &no, &(emr_sink){keep_last, &seen}, &problem));
	one = json_array_get(json_object_get(seen, "requests"), 0);
	assert_string_equal(text_at(one, "path"), "Imaging");
	assert_ok(emr_sharing_check_open(sharing, request));
	what.begins_as = &request;
	other = ask_and_find(&what, other_id);
	no.look = false;
	assert_status(EMR_NOT_FOUND,
		emr_answer_deny(&session, &no, &(emr_sink){keep_last, &seen}, &problem));
	assert_ok(emr_sharing_check_open(sharing, request));
	assert_ok(emr_sharing_check_open(sharing, other));
}

/* A writer in her folder gives the name in the question to another one. */
TEST_IN(begin, end, a_folder_that_gets_the_name_meanwhile_is_not_given)
{
	sharing_story_ask what = to_read("Imaging/Old");
	emr_problem problem = {0};
	emr_request act;
	char id[32] = "";

	(void)ask_and_find(&what, id);
	look_at(id, &act);
	sharing_story_swap("Imaging/Old", "Imaging/Older");
	assert_status(EMR_CONFLICT, say_yes(&act, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
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
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;
	emr_problem problem = {0};
	AUTO(auto_json_decref) json_t *answer = NULL;

	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_of(&crowd, sharing_story_lima(), &who));
	snprintf(share.who, sizeof share.who, "%s", who.called);
	assert_ok(emr_answer_share(&session, &share, &(emr_sink){keep_last, &answer}, &problem));
	share.look = false;
	snprintf(share.shown, sizeof share.shown, "%s", text_at(answer, "shown"));
	sharing_story_swap("Imaging/Old", "Imaging/Older");
	assert_status(EMR_CONFLICT,
		emr_answer_share(&session, &share, &(emr_sink){keep_last, &answer}, &problem));
	assert_int_equal(problem.message, EMR_SAY_SHOWN_CHANGED);
}

/* ---- taking back ---- */

/* That the copy knows no grant is no proof that there is none: another computer may have given it,
 * or its answer was lost. */
TEST_IN(begin, end, what_the_ledger_may_have_is_not_taken_back_while_it_is_away)
{
	emr_order order = {.kind = EMR_ORDER_REVOKE,
		.domain = sharing_story_imaging(),
		.grantee = sharing_story_lima(),
		.root = sharing_story_lima(),
		.label = "Imaging"};

	is_away = true;
	assert_status(EMR_OFFLINE, clerk_do(&session, &order).status);
	assert_true(clerk_do(&session, &order).is_momentary);
	is_away = false;
	assert_ok(clerk_do(&session, &order).status);
	is_away = true;
	order.domain = emr_id16_random(); /* the ledger never got it */
	assert_ok(clerk_do(&session, &order).status);
	is_away = false;
}

TESTS(NULL, NULL)
