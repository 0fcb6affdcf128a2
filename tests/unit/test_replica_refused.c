/* These tests put another ledger or another copy in the place of the one that a computer knows: one
 * that went back or split is refused, and a damaged copy is made again. */

#include "replica/ask.h"
#include "replica_kit.h"

/* ---- files that are put back ---- */

static void copy_file(const char *dir, const char *from, const char *to)
{
	assert_int_equal(system(printed("cp -p %s/%s %s/%s", dir, from, dir, to)), 0);
}

static void remove_file(const char *dir, const char *name)
{
	(void)unlink(printed("%s/%s", dir, name));
}

static void refused(emr_status why, emr_ledger *ledger)
{
	emr_replica_options options = {.state_dirfd = k.state_fd, .ledger = ledger};

	assert_status(why, emr_replica_open(&options, &replica));
}

/* ---- what is damaged ---- */

/* More than a transaction of the copy takes in, and than the ledger gives at once. */
#define LONG_LEDGER 1100

static void see_in_order(void *arg, const emr_replica_change *change)
{
	seen *s = arg;

	assert_true(change->seq == s->last.seq || change->seq == s->last.seq + 1);
	s->n++;
	s->last = *change;
}

/* A copy that begins again takes in, and tells, what comes before the entry DAMAGED. */
static void expect_all_before(uint64_t damaged)
{
	emr_replica_trouble trouble;
	emr_replica_position position;
	seen s = {0};

	kit_sql(k.network, "ledger.sqlite",
		printed("UPDATE entries SET entry=zeroblob(400) WHERE seq=%llu",
			(unsigned long long)damaged));
	stop();
	remove_file(k.state, "replica.sqlite");
	remove_file(k.state, "replica.hw");
	start();
	assert_status(EMR_DAMAGED, emr_replica_catch_up(replica, see_in_order, &s, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, damaged);
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, damaged);
	assert_int_equal(s.n, damaged); /* one entry brought two, and the first none */
	assert_int_equal(s.last.seq, damaged - 1);
}

TEST_IN(begin, end, a_damaged_entry_takes_nothing_away_of_what_came_before_it)
{
	seen s = {0};

	(void)save(emr_id16_random(), LONG_LEDGER);
	assert_ok(emr_replica_catch_up(replica, see_in_order, &s, NULL));
	assert_int_equal(s.n, LONG_LEDGER + 3);
	expect_all_before(LONG_LEDGER - 60);
	expect_all_before(150);
	expect_all_before(3);
}

/* The copy has an entry more than the ledger, which is as it was. */
static void put_back_before_the_last(void)
{
	stop();
	emr_ledger_close(k.ledger);
	copy_file(k.network, "ledger.sqlite", "old");
	k.ledger = kit_open(&k);
	kit_fill(&k, &domain, 1);
	start();
	(void)catch_up();
	stop();
	emr_ledger_close(k.ledger);
	copy_file(k.network, "old", "ledger.sqlite");
	k.ledger = kit_open(&k);
}

TEST_IN(begin, end, a_ledger_that_went_back_is_refused)
{
	emr_replica_trouble trouble;

	put_back_before_the_last();
	start();
	assert_status(EMR_ROLLBACK, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.status, EMR_ROLLBACK);
	assert_int_equal(trouble.seq, 3);
	stop();
	/* Without its own copy the mark still knows. */
	remove_file(k.state, "replica.sqlite");
	start();
	assert_status(EMR_ROLLBACK, emr_replica_catch_up(replica, NULL, NULL, NULL));
}

TEST_IN(begin, end, a_ledger_that_forked_is_refused)
{
	emr_replica_trouble trouble;

	put_back_before_the_last();
	kit_fill(&k, &domain, 1);
	kit_fill(&k, &domain, 1);
	start();
	assert_status(EMR_FORK, emr_replica_catch_up(replica, NULL, NULL, NULL));
	emr_replica_last_trouble(replica, &trouble);
	assert_int_equal(trouble.seq, 3);
	stop();
	remove_file(k.state, "replica.sqlite");
	start();
	assert_status(EMR_FORK, emr_replica_catch_up(replica, NULL, NULL, NULL));
}

TEST_IN(begin, end, a_copy_that_went_back_catches_up_from_where_it_is)
{
	emr_replica_position position;

	(void)catch_up();
	stop();
	copy_file(k.state, "replica.sqlite", "old");
	kit_fill(&k, &domain, 1);
	start();
	(void)catch_up();
	stop();
	copy_file(k.state, "old", "replica.sqlite");
	start();
	assert_int_equal(catch_up(), 1);
	assert_ok(emr_replica_at(replica, &position));
	assert_int_equal(position.size, 4);
}

TEST_IN(begin, end, a_damaged_copy_is_made_again)
{
	emr_id16 object = emr_id16_random();
	emr_replica_head head;

	(void)save(object, 1);
	(void)catch_up();
	stop();
	kit_sql(k.state, "replica.sqlite",
		"UPDATE state SET value = zeroblob(128) WHERE key LIKE 'O/%'");
	start();
	assert_status(EMR_DAMAGED, emr_replica_head_get(replica, domain.id, object, &head));
	stop();
	start(); /* builds it again of its own entries */
	assert_int_equal(catch_up(), 0);
	assert_ok(emr_replica_head_get(replica, domain.id, object, &head));
	stop();
	kit_sql(k.state, "replica.sqlite", "PRAGMA application_id=7");
	start();
	assert_int_equal(catch_up(), 4);
	stop();
	kit_sql(k.state, "replica.sqlite", "PRAGMA user_version=4");
	refused(EMR_NEWER_FORMAT, k.ledger);
	kit_sql(k.state, "replica.sqlite", "PRAGMA user_version=3");
	start();
}

TEST_IN(begin, end, a_damaged_mark_is_made_again_beside_a_whole_copy_only)
{
	int fd;

	(void)catch_up();
	for (int i = 0; i < 2; i++) {
		stop();
		fd = open(printed("%s/replica.hw", k.state), O_WRONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, "zz", 2, 30), 2);
		(void)close(fd);
		if (i == 0) {
			start(); /* and written again at the next stop */
			continue;
		}
		remove_file(k.state, "replica.sqlite");
		refused(EMR_DAMAGED, k.ledger);
	}
	remove_file(k.state, "replica.hw");
	start();
	assert_int_equal(catch_up(), 3);
}

TEST_IN(begin, end, a_copy_of_another_network_is_refused)
{
	kit other;

	(void)catch_up();
	stop();
	kit_new(&other);
	refused(EMR_FORK, other.ledger);
	kit_end(&other);
	start();
}

TEST_IN(begin, end, a_copy_that_others_can_read_is_refused)
{
	char path[256];

	stop();
	(void)snprintf(path, sizeof path, "%s/replica.sqlite", k.state);
	assert_int_equal(chmod(path, 0644), 0);
	refused(EMR_EXPOSED, k.ledger);
	assert_int_equal(chmod(path, 0600), 0);
	start();
}

/* A key that became another one, an entry that is lost before, between and behind others, and an
 * item before and behind another one of its entry; rot in values is asked about in
 * test_questions.c. */
#define FIRST_OF_TWO "DELETE FROM item WHERE idx=0 AND seq=(SELECT seq FROM item WHERE idx=1)"
TEST_IN(begin, end, rot_ends_a_question)
{
	static const struct {
		emr_question asked;
		const char *rot;
	} rotten[] = {
		{EMR_QUESTION_BY, "UPDATE ids SET id=zeroblob(32) WHERE n=1"},
		{EMR_QUESTION_SINCE, "DELETE FROM item WHERE seq=2"},
		{EMR_QUESTION_RECENT, "DELETE FROM item WHERE seq=2"},
		{EMR_QUESTION_ITEMS, FIRST_OF_TWO},
		{EMR_QUESTION_RECENT, FIRST_OF_TWO},
		{EMR_QUESTION_SINCE, "DELETE FROM item WHERE idx=1"},
		{EMR_QUESTION_RECENT, "DELETE FROM item WHERE idx=1"},
		{EMR_QUESTION_RECENT, "DELETE FROM item WHERE seq=1"},
		{EMR_QUESTION_RECENT, "DELETE FROM item WHERE seq=3"},
		{EMR_QUESTION_ITEMS, "DELETE FROM item WHERE seq=3"},
		{EMR_QUESTION_MERITS, FIRST_OF_TWO},
	};

	(void)save(emr_id16_random(), 1);
	for (size_t i = 0; i < sizeof rotten / sizeof *rotten; i++) {
		EMR_AUTO_BUF rows = {0};

		(void)catch_up();
		stop();
		kit_sql(k.state, "replica.sqlite", rotten[i].rot);
		start();
		assert_status(EMR_DAMAGED,
			emr_asked_all(rotten[i].asked, (emr_ask_about){.replica = replica}, &rows));
		stop();
		start(); /* makes the copy again */
		assert_ok(
			emr_asked_all(rotten[i].asked, (emr_ask_about){.replica = replica}, &rows));
	}
}

TESTS(NULL, NULL)
