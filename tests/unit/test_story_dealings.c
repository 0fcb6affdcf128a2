/* These tests show what the owner gave and took back, as the ledger has it: each deed is told once,
 * where the owner did it, and nothing that the owner's computer does by itself. */
#include "dealings_kit.h"

#include "share/request.h"

static story s; /* one at a time */

AROUND_BY(begin, story_begin(&s))
AROUND_BY(end, story_end(&s))

static emr_grant_made allow(const person *with, uint16_t rights, uint16_t writes, uint64_t days)
{
	emr_grant_made made;
	emr_grant_order order = {.rights = rights,
		.writes = writes,
		.purposes = rights != 0 ? 1u << CONSULT : 0,
		.not_after_unix_s = story_now(&s) + days * DAY};

	assert_ok(story_try_share(&s, with, &order, true, &made));
	return made;
}

#define READ (EMR_GRANT_LIST | EMR_GRANT_READ)

TEST_IN(begin, end, nothing_is_told_where_nothing_was_given)
{
	assert_string_equal(dealings_of(&s), "");
}

TEST_IN(begin, end, a_share_is_told_when_it_begins_and_when_she_ends_it)
{
	emr_grant_made made;

	made = story_share(&s, &s.lima, 0, true);
	assert_string_equal(dealings_of(&s), "shared lima read, expired lima read");
	story_pass(&s, DAY);
	assert_ok(emr_share_revoke(s.ana, s.imaging, made.grant));
	assert_string_equal(dealings_of(&s), "shared lima read, ended lima read");
	story_pass(&s, 30 * DAY); /* and its time is over, too: it is ended already */
	(void)allow(&s.eve, READ, EMR_WRITES_ALL, 7);
	assert_string_equal(dealings_of(&s), "shared lima read, ended lima read, "
					     "shared eve write, expired eve write");
}

/* The list still has it, and she ends what was over. */
TEST_IN(begin, end, to_end_what_is_over_is_no_deed)
{
	emr_grant_made made;

	made = story_share(&s, &s.lima, 0, true);
	story_pass(&s, 8 * DAY);
	assert_ok(emr_share_revoke(s.ana, s.imaging, made.grant));
	assert_string_equal(dealings_of(&s), "shared lima read, expired lima read");
}

TEST_IN(begin, end, several_that_end_in_one_entry_are_one_deed)
{
	size_t n = 0;

	(void)allow(&s.lima, READ, 0, 7);
	(void)allow(&s.lima, READ, EMR_WRITES_ALL, 3);
	assert_ok(emr_share_revoke_person(s.ana, s.imaging, s.lima.public.signer_id, &n));
	assert_int_equal(n, 2);
	assert_string_equal(
		dealings_of(&s), "shared lima read, shared lima write, ended lima write");
}

TEST_IN(begin, end, the_end_of_a_time_is_told_when_nothing_as_wide_goes_on)
{
	(void)allow(&s.lima, READ, 0, 2);
	(void)allow(&s.lima, READ, 0, 5);
	(void)allow(&s.eve, READ, EMR_WRITES_ALL, 2); /* she may read longer than write */
	(void)allow(&s.eve, READ, 0, 5);
	assert_string_equal(dealings_of(&s), "shared lima read, shared lima read, shared eve "
					     "write, shared eve read, expired eve write, "
					     "expired lima read, expired eve read");
}

TEST_IN(begin, end, a_share_that_begins_when_one_was_over_hides_no_end)
{
	(void)allow(&s.lima, READ, 0, 1);
	story_pass(&s, 2 * DAY);
	(void)allow(&s.lima, READ, 0, 5);
	assert_string_equal(dealings_of(&s),
		"shared lima read, shared lima read, expired lima read, expired lima read");
}

TEST_IN(begin, end, a_deposit_is_given_replaced_and_ended)
{
	size_t n = 0;

	(void)allow(&s.eve, 0, EMR_WRITES_DEPOSIT, 3);
	assert_string_equal(dealings_of(&s), "shared eve deposit, expired eve deposit");
	story_pass(&s, DAY);
	(void)allow(&s.eve, 0, EMR_WRITES_DEPOSIT, 9);
	assert_string_equal(
		dealings_of(&s), "shared eve deposit, shared eve deposit, expired eve deposit");
	assert_ok(emr_share_revoke_person(s.ana, s.imaging, s.eve.public.signer_id, &n));
	assert_string_equal(
		dealings_of(&s), "shared eve deposit, shared eve deposit, ended eve deposit");
	(void)allow(&s.lima, 0, EMR_WRITES_DEPOSIT, 1);
	story_pass(&s, 2 * DAY);
	(void)allow(&s.lima, 0, EMR_WRITES_DEPOSIT, 1); /* after a gap */
	assert_string_equal(dealings_of(&s), "shared eve deposit, shared eve deposit, ended eve "
					     "deposit, shared lima deposit, shared lima deposit, "
					     "expired lima deposit, expired lima deposit");
}

/* As the attribute does it, which has one value. */
TEST_IN(begin, end, what_another_share_takes_the_place_of_is_told_to_go_on)
{
	emr_grant_made wide;

	wide = allow(&s.lima, READ, 0, 9);
	(void)allow(&s.eve, READ, 0, 9); /* hers is no other one of his */
	(void)allow(&s.lima, READ, 0, 2);
	assert_ok(emr_share_revoke(s.ana, s.imaging, wide.grant));
	assert_string_equal(dealings_of(&s), "shared lima read, shared eve read, shared lima read, "
					     "ended lima read (another goes on), "
					     "expired lima read, expired eve read");
}

TEST_IN(begin, end, what_stays_of_writing_is_no_new_share)
{
	emr_grant_made longer;

	(void)allow(&s.lima, READ, EMR_WRITES_ALL, 3);
	longer = allow(&s.lima, READ, EMR_WRITES_ALL, 9);
	assert_ok(emr_share_revoke(
		s.ana, s.imaging, longer.grant)); /* the right to write is shortened */
	assert_string_equal(dealings_of(&s), "shared lima write, shared lima write, ended lima "
					     "write (another goes on), expired lima write");
}

/* ---- requests ---- */

static emr_id16 ask(const person *who, const char *path)
{
	emr_share_request_order order = {.rights = READ,
		.purposes = 1u << CONSULT,
		.until_unix_s = story_now(&s) + 30 * DAY,
		.path = path,
		.reason = "",
		.name = "",
		.born = ""};
	emr_public ana;
	emr_id16 id = {{0}};

	assert_ok(emr_keyring_public(s.k.stack.keyring, &ana));
	order.owner = ana.signer_id;
	story_see((person *)(uintptr_t)who);
	assert_ok(emr_share_request_send(who->share, &order, &id));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	return id;
}

TEST_IN(begin, end, answers_are_told_and_requests_are_not)
{
	emr_grant_made made;
	emr_id16 id;

	id = ask(&s.lima, "Imaging");
	(void)ask(&s.eve, "Everything");
	assert_string_equal(dealings_of(&s), "");
	made = story_share(&s, &s.lima, 0, true);
	assert_ok(emr_share_request_approve(s.ana, id, s.imaging, made.grant));
	id = ask(&s.eve, "Letters");
	assert_ok(emr_share_request_deny(s.ana, id, "ask my daughter first"));
	assert_ok(emr_share_request_withdraw(s.eve.share, ask(&s.eve, "")));
	assert_string_equal(dealings_of(&s), "shared lima read, yes to lima read, no to eve read "
					     "for Letters, expired lima read");
}

/* Eve's own no to lima, on the same ledger, is not ana's. */
TEST_IN(begin, end, what_others_answer_is_not_hers)
{
	emr_share_request_order order = {.rights = READ,
		.purposes = 1u << CONSULT,
		.path = "",
		.reason = "",
		.name = "",
		.born = ""};
	emr_id16 id = {{0}};

	order.owner = s.eve.public.signer_id;
	order.until_unix_s = story_now(&s) + 30 * DAY;
	story_see(&s.lima);
	assert_ok(emr_share_request_send(s.lima.share, &order, &id));
	story_see(&s.eve);
	assert_ok(emr_share_request_deny(s.eve.share, id, ""));
	assert_string_equal(dealings_of(&s), "");
}

TESTS(NULL, NULL)
