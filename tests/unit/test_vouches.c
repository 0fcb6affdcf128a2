/* These tests show whose word counts that a card is its holder's: that of an organisation's
 * administrator for as long as the administrator's key is in force. The signer writes the date in a
 * vouch, so the date says nothing of a key that has ended. */
#include "story_kit.h"

#include "keyring/card.h"
#include "replica/people.h"

#include "people_private.h"
#include "people/who.h"

static story s;
static emr_buf card;

AROUND(begin)
{
	story_begin(&s);
	assert_ok(emr_card_make_person(s.lima.keyring, emr_ledger_net_id(s.k.stack.ledger),
		story_now(&s), story_now(&s) + 300 * DAY, "Paula Lima", "", &card));
}

AROUND(end)
{
	emr_buf_free(&card);
	story_end(&s);
}

/* How many organisations say at NOW that the card is hers, by what M has signed with the date AT.
 */
static size_t say(const person *m, uint64_t at, uint64_t now)
{
	emr_id16 net_id = emr_ledger_net_id(s.k.stack.ledger);
	EMR_AUTO_BUF both = {0};
	uint8_t vouch[EMR_VOUCH_BYTES];
	json_t *names = NULL;
	size_t n;

	assert_ok(emr_vouch_make(m->keyring, net_id, emr_buf_view(&card), at, vouch));
	assert_ok(emr_buf_append(&both, card.data, card.len));
	assert_ok(emr_buf_append(&both, vouch, sizeof vouch));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_vouched_by(s.k.stack.replica, emr_ledger_descriptor(s.k.stack.ledger), net_id,
		emr_buf_view(&both), now, &names));
	n = json_array_size(names);
	json_decref(names);
	return n;
}

TEST_IN(begin, end, an_administrator_vouches_and_nobody_else)
{
	assert_int_equal(say(&s.bosses[0], story_now(&s), story_now(&s)), 1);
	assert_int_equal(say(&s.eve, story_now(&s), story_now(&s)), 0);
}

TEST_IN(begin, end, who_was_revoked_vouches_for_nobody_by_a_date_of_before)
{
	story_does(&s, &s.bosses[0],
		emr_act_key_revoke(s.bosses[0].public.signer_id, story_now(&s), 1));
	assert_int_equal(say(&s.bosses[0], story_now(&s) - DAY, story_now(&s)), 0);
}

TEST_IN(begin, end, whose_certificate_ended_vouches_for_nobody_by_a_date_of_before)
{
	emr_known_person boss;

	assert_ok(emr_replica_person(s.k.stack.replica, s.bosses[0].public.signer_id, &boss));
	assert_int_equal(say(&s.bosses[0], story_now(&s), boss.row.not_after_unix_s - 1), 1);
	assert_int_equal(say(&s.bosses[0], story_now(&s), boss.row.not_after_unix_s), 0);
}

TEST(organisations_are_compared_by_their_letters)
{
	char out[64];

	emr_who_fold("S\xc3\xa3o Lucas, 2\xc2\xaa", out, sizeof out);
	assert_string_equal(out, "saolucas2");
	emr_who_fold("CL\xc3\x8dNICA \xc3\x9f", out, sizeof out);
	assert_string_equal(out, "clinicas");
	emr_who_fold("\xe7\x97\x85\xe9\x99\xa2", out, sizeof out);
	assert_string_equal(out, "\xe7\x97\x85\xe9\x99\xa2");
	emr_who_fold("abcdef", out, 4);
	assert_string_equal(out, "abc");
}

TESTS(NULL, NULL)
