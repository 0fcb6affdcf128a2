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

TEST_IN(begin, end, several_that_end_in_one_entry_are_one_deed)
{
	size_t n = 0;

	(void)allow(&s.lima, READ, 0, 7);
	(void)allow(&s.lima, READ, EMR_WRITES_ALL, 3);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	assert_int_equal(n, 2);
	assert_string_equal(
		dealings_of(&s), "shared lima read, shared lima write, ended lima write");
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
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.eve.public.signer_id, &n));
	assert_string_equal(
		dealings_of(&s), "shared eve deposit, shared eve deposit, ended eve deposit");
	(void)allow(&s.lima, 0, EMR_WRITES_DEPOSIT, 1);
	story_pass(&s, 2 * DAY);
	(void)allow(&s.lima, 0, EMR_WRITES_DEPOSIT, 1); /* after a gap */
	assert_string_equal(dealings_of(&s), "shared eve deposit, shared eve deposit, ended eve "
					     "deposit, shared lima deposit, shared lima deposit, "
					     "expired lima deposit, expired lima deposit");
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
	assert_ok(emr_share_request_send(begins(s.lima.share), &order, &id));
	story_see(&s.eve);
	assert_ok(emr_share_request_deny(begins(s.eve.share), id, ""));
	assert_string_equal(dealings_of(&s), "");
}

TESTS(NULL, NULL)
