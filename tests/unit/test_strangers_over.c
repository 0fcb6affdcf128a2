/* The holder of a stolen computer of ana's ends its rights before ana removes it, or makes them
 * last for seconds, so that none of them is there to be ended: that holder opens later records just
 * as little as if ana had been quicker. */
#include "agents_kit.h"
#include "strangers_kit.h"

#include "contract/codes.h"
#include "ledger/act.h"
#include "share/write.h"

/* With the keys that the computer has by its letters. */
static bool opens(const person *m, const char *name)
{
	emr_replica_head head = head_of(name);
	emr_epoch_key *key = NULL;
	bool has_key = emr_keyring_epoch_key(m->keyring, head.domain, head.epoch, &key) == EMR_OK;

	emr_epoch_key_free(key);
	return has_key;
}

static void learns(person *m)
{
	bool some;

	story_see(m);
	(void)!emr_share_learn(m->share, &some);
}

static int ends_his_right(person *m)
{
	return story_says(
		&s, m, emr_act_writer_del(s.imaging, m->public.signer_id), (emr_bytes){0});
}

static void is_over_in_seconds(person *m)
{
	assert_int_equal(lets(m, m, EVERYTHING, 2), EMR_RESULT_APPLIED);
	story_pass(&s, 10);
}

static void is_ended(person *m)
{
	assert_int_equal(ends_his_right(m), EMR_RESULT_APPLIED);
}

static void becomes_a_writer_for_seconds(person *m)
{
	assert_int_equal(lets(m, m, EMR_WRITES_DEPOSIT, 2), EMR_RESULT_APPLIED);
	story_pass(&s, 10);
}

static void is_ended_and_removed(person *m)
{
	is_ended(m);
	story_does(&s, m, emr_act_key_revoke(m->public.signer_id, story_now(&s), 1));
}

/* He has kept what the computer knew; PREPARE is what he does before she removes it. */
static void expect_new_keys(void (*prepare)(person *))
{
	emr_row_domain before;

	learns(&laptop);
	assert_true(opens(&laptop, "Imaging/MRI.pdf"));
	before = imaging_row();
	prepare(&laptop);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_int_equal(imaging_row().head.epoch, before.head.epoch + 1);
	kit_save(&s.k, "Imaging/later.txt", "not for him");
	learns(&laptop);
	assert_true(opens(&laptop, "Imaging/MRI.pdf")); /* what was there */
	assert_false(opens(&laptop, "Imaging/later.txt"));
	/* Once is enough. */
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(imaging_row().head.epoch, before.head.epoch + 1);
}

TEST_IN(strangers_begin, strangers_end, whose_right_was_over_in_seconds_opens_nothing_more)
{
	expect_new_keys(is_over_in_seconds);
}

TEST_IN(strangers_begin, strangers_end, who_ended_his_right_opens_nothing_more)
{
	expect_new_keys(is_ended);
}

TEST_IN(strangers_begin, strangers_end, whose_row_says_a_lesser_right_opens_nothing_more)
{
	expect_new_keys(becomes_a_writer_for_seconds);
}

TEST_IN(strangers_begin, strangers_end, who_removed_himself_opens_nothing_more)
{
	expect_new_keys(is_ended_and_removed);
}

/* Without a removal, and with nobody else on the ledger: her next save begins new keys. */
TEST_IN(strangers_begin, strangers_end, who_removed_himself_is_no_computer_of_hers)
{
	learns(&laptop);
	is_ended_and_removed(&laptop);
	kit_save(&s.k, "Imaging/later.txt", "not for him");
	assert_false(opens(&laptop, "Imaging/later.txt"));
}

/* Another computer of hers goes on, and nothing begins while both are hers. */
TEST_IN(strangers_begin, strangers_end, her_other_computers_have_the_new_keys)
{
	AUTO(story_part) person tablet;
	emr_row_domain before;

	story_device(&s, &tablet, "tablet", false);
	learns(&laptop);
	learns(&tablet);
	before = imaging_row();
	is_ended(&laptop);
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(imaging_row().head.epoch, before.head.epoch);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	kit_save(&s.k, "Imaging/later.txt", "for both");
	learns(&tablet);
	assert_true(opens(&tablet, "Imaging/later.txt"));
	assert_false(opens(&laptop, "Imaging/later.txt"));
}

/* The time of an entry is said by who brings it: a manager of seconds is one again when he says
 * that it is still then. */
TEST_IN(strangers_begin, strangers_end, a_manager_whose_time_is_over_is_ended_by_an_entry)
{
	EMR_AUTO_BUF ended = {0};
	emr_known_writer writer;
	uint8_t is = 0;

	assert_int_equal(lets(&laptop, &s.eve, EVERYTHING, 2), EMR_RESULT_APPLIED);
	story_pass(&s, 10);
	assert_int_equal(look().managers, 1);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, &ended));
	assert_int_equal(strangers_count(&ended).managers, 1);
	EMR_ASK(asked, s.k.stack.replica, WRITERS, .domain = s.imaging);
	while (emr_next(&asked, &writer))
		if (memcmp(writer.row.writer, s.eve.public.signer_id.b, 32) == 0)
			is = writer.row.head.state;
	assert_ok(asked.status);
	assert_int_equal(is, EMR_WRITER_ENDED);
	s.k.clock.unix_ns -= INT64_C(10) * 1000000000;
	assert_int_equal(lets(&s.eve, &s.lima, EMR_WRITES_DEPOSIT, DAY), EMR_RESULT_NOT_AUTHORISED);
}

/* Names, for example, that somebody was told before are under the key that goes on. */
TEST_IN(strangers_begin, strangers_end, a_reader_whose_key_was_revoked_calls_for_another_key)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	emr_known_grant grant;

	assert_false(story_is_due(&s, s.imaging));
	story_does(&s, &s.bosses[0], emr_act_key_revoke(s.lima.public.signer_id, story_now(&s), 1));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_false(story_is_due(&s, s.imaging));
	/* In which there is nothing for him. */
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, given, &grant));
	assert_int_equal(grant.row.kver, 1);
}

TEST_IN(strangers_begin, strangers_end, a_reader_whose_certificate_ended_calls_for_another_key)
{
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 500 * DAY};

	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	story_pass(&s, 399 * DAY);
	assert_false(story_is_due(&s, s.imaging));
	story_pass(&s, 2 * DAY);
	assert_true(story_is_due(&s, s.imaging));
}

/* The terms are his, with an end that lies before the epoch: their place is behind it. */
TEST_IN(strangers_begin, strangers_end, an_end_that_he_dates_back_is_an_end_all_the_same)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	emr_pub_grant terms = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ, .purposes = 1};
	emr_row_domain row;

	story_pass(&s, 100);
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	row = imaging_row();
	assert_false(story_is_due(&s, s.imaging));
	s.k.clock.unix_ns -= INT64_C(50) * 1000000000;
	terms.not_before_unix_s = story_now(&s) - 10;
	terms.not_after_unix_s = story_now(&s) + 2;
	memcpy(terms.grantee, s.lima.public.signer_id.b, sizeof terms.grantee);
	assert_int_equal(
		says(&laptop, emr_act_grant(s.imaging, given, row.head.epoch, &terms), 210 + 512),
		EMR_RESULT_APPLIED);
	s.k.clock.unix_ns += INT64_C(60) * 1000000000;
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_true(story_is_due(&s, s.imaging));
}

/* ---- he keeps a new key from beginning ---- */

static void takes_no_letter(person *m)
{
	static const uint8_t of_low_order[32];

	story_does(&s, m, emr_act_key_kx(m->public.signer_id, of_low_order));
}

/* Somebody else's share ends meanwhile, and another computer of hers goes on. */
TEST_IN(strangers_begin, strangers_end, a_computer_that_takes_no_letter_stops_no_new_key)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	AUTO(story_part) person tablet;
	uint32_t epoch;

	story_device(&s, &tablet, "tablet", false);
	learns(&laptop);
	learns(&tablet);
	takes_no_letter(&laptop);
	epoch = imaging_row().head.epoch;
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, given));
	kit_save(&s.k, "Imaging/later.txt", "for the tablet");
	assert_int_equal(imaging_row().head.epoch, epoch + 1);
	learns(&tablet);
	assert_true(opens(&tablet, "Imaging/later.txt"));
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
}

static void the_other_two(story *the)
{
	story_agents(the, 6);
}

/* Reads a later record, by the agents who do answer. */
static void lima_reads_later(emr_id16 grant, const char *text)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;

	assert_ok(story_read(&s, &s.lima, grant, "later.txt", the_other_two, &bytes, &trouble));
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
}

TEST_IN(strangers_begin, strangers_end, an_agent_that_takes_no_letter_stops_no_new_key)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	uint32_t epoch;

	learns(&laptop);
	takes_no_letter(&s.agents[0]);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	epoch = imaging_row().head.epoch;
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_int_equal(imaging_row().head.epoch, epoch + 1);
	kit_save(&s.k, "Imaging/later.txt", "not for him");
	assert_false(opens(&laptop, "Imaging/later.txt"));
	lima_reads_later(given, "not for him");
}

/* Nor what is shared after that, which names others; the owner is told why. */
TEST_IN(strangers_begin, strangers_end, an_agent_that_takes_no_letter_stops_no_share)
{
	emr_grant_made made;

	kit_save(&s.k, "Imaging/later.txt", "for lima");
	takes_no_letter(&s.agents[0]);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_int_equal(
		story_why_left_out(&s, s.lima.public.signer_id, 0, s.agents[0].public.signer_id),
		EMR_LEFT_OUT_NO_LETTER);
	made = story_share(&s, &s.lima, 0, true);
	assert_int_equal(made.n, 2);
	for (unsigned i = 0; i < made.n; i++)
		assert_false(emr_id32_equal(made.agents[i], s.agents[0].public.signer_id));
	lima_reads_later(made.grant, "for lima");
}

static bool is_fit(void)
{
	EMR_AUTO_BUF all = {0};
	bool fits = false;

	assert_ok(emr_share_given(s.ana, s.imaging, &all));
	EMR_EACH (const emr_given, given, &all)
		assert_ok(emr_share_agents_fit(s.ana, s.lima.public.signer_id, 0, given, &fits));
	return fits;
}

/* Sharing it again is not said to be done already: it is given again, by others. */
TEST_IN(strangers_begin, strangers_end,
	a_share_by_an_agent_that_takes_no_letter_is_not_as_it_should_be)
{
	(void)story_share(&s, &s.lima, 0, true);
	assert_true(is_fit());
	takes_no_letter(&s.agents[0]);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_false(is_fit());
}

/* He is told of every question of his organisation. */
TEST_IN(strangers_begin, strangers_end, an_auditor_that_takes_no_letter_stops_no_question)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;

	story_auditor(&s);
	takes_no_letter(&s.auditor);
	kit_save(&s.k, "Imaging/later.txt", "for lima");
	lima_reads_later(given, "for lima");
}

TESTS(NULL, NULL)
