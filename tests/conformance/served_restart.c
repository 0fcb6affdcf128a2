/* These tests have a host that lost entries and goes on by a restart: a member who has what is gone
 * goes on with it, signs again, and accuses nobody; a restart that is not what it must be takes
 * nothing away. */
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/network.h"
#include "ledger/restart.h"
#include "replica/follower.h"
#include "replica/restart.h"
#include "served_members.h"

/* ---- a host that lost entries, and says so: ana has what is gone ---- */

typedef struct restart_of {
	uint64_t size, time, heard_time;
	emr_keyring *heard; /* NULL: nobody was */
	uint8_t seed_xor;   /* another host's key */
	emr_keyring *dead;  /* was heard besides, by a clock that stands at its beginning */
} restart_of;

static void host_restarts(restart_of how)
{
	static emr_restart restart;
	EMR_AUTO_BUF bytes = {0};
	uint8_t seed[32];

	restart.said = (emr_checkpoint){
		.net_id = k.net_id, .recovery = emr_id16_random(), .size = how.size};
	assert_ok(emr_ledger_root(k.ledger, how.size, restart.said.root));
	restart.heard[0] = restart.said;
	restart.heard[1] = restart.said;
	restart.n_heard = how.dead != NULL ? 2 : how.heard != NULL;
	kit_host_seed(seed);
	seed[0] ^= how.seed_xor;
	assert_ok(emr_checkpoint_sign(&restart.said, seed, how.time));
	if (how.heard != NULL)
		assert_ok(emr_checkpoint_cosign(&restart.heard[0], how.heard, how.heard_time));
	if (how.dead != NULL)
		assert_ok(emr_checkpoint_cosign(&restart.heard[1], how.dead, 1));
	assert_ok(emr_restart_write(&restart, &bytes));
	kit_put_file(printed("%s/host", k.base), EMR_RESTARTS, emr_buf_view(&bytes));
}

static uint64_t common; /* entries before they part */

/* Of ana, who saved so often, one entry each; the host lost them. */
static void host_loses(unsigned by_ana, unsigned by_rui)
{
	emr_replica_position at;

	part_ways(by_ana, by_rui);
	assert_ok(emr_replica_at(ana.replica, &at));
	common = at.size - by_ana;
}

static restart_of a_restart(void)
{
	return (restart_of){common, KIT_NOW, KIT_NOW, k.keyring, 0, NULL};
}

static uint64_t host_size(void)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(rui.ledger, &size));
	return size;
}

static emr_id16 lost;

static void comes_again(void)
{
	member_goes(&ana);
	member_comes(&ana, "ana");
}

static emr_status die(void *arg, emr_replica *next)
{
	(void)arg;
	(void)next;
	return EMR_INTERRUPTED;
}

/* DIES: before the new copy is what is taken next. */
static void go_on(bool dies)
{
	EMR_AUTO_BUF all = {0};
	const emr_signing_again signing = {
		.keyring = k.keyring, .lost = &all, .then = dies ? die : NULL};

	assert_status(dies ? EMR_INTERRUPTED : EMR_OK, emr_replica_go_on(ana.replica, &signing));
	lost = (emr_id16){{0}};
	EMR_EACH (const emr_replica_change, change, &all)
		lost = change->object;
	comes_again();
}

static void expect_trusted(member *m)
{
	assert_false(emr_replica_is_forked(m->replica));
	assert_int_not_equal(faccessat(m->state_fd, "replica.forked", F_OK, 0), 0);
}

static void host_restarts_for_her(void)
{
	host_restarts(a_restart());
	assert_status(EMR_OFFLINE, follow(&ana));
}

TEST_IN(begin, end, after_a_restart_a_member_signs_again_what_is_gone_and_nothing_twice)
{
	emr_known_restart known;
	EMR_AUTO_BUF hers = {0};

	host_loses(3, 2);
	host_restarts(a_restart());
	assert_ok(emr_replica_note(ana.replica, &hers));
	assert_status(EMR_OFFLINE, follow(&ana));
	comes_again(); /* it is known for good */
	assert_true(emr_replica_must_go_on(ana.replica));
	go_on(true);
	assert_int_equal(host_size(), common + 2 + 3);
	assert_true(emr_replica_must_go_on(ana.replica)); /* the old copy is there */
	go_on(false);
	assert_int_equal(host_size(), common + 2 + 3);
	assert_true(emr_id16_is_zero(lost));
	assert_int_equal(emr_replica_restarts(ana.replica, &known, 1), 1);
	assert_int_equal(known.state, EMR_RESTART_FITS);
	assert_ok(follow(&ana));
	save(&ana);
	/* Nobody is accused by what the host had signed of what is gone. */
	assert_ok(follow(&rui));
	assert_ok(emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	assert_int_equal(emr_replica_restarts(rui.replica, &known, 1), 1);
	assert_int_equal(known.state, EMR_RESTART_FITS);
	both_go();
}

/* Each takes entries of the new copy away; the last one goes on with less than the first did. */
TEST_IN(begin, end, a_host_that_loses_entries_again_before_a_member_has_gone_on_is_gone_on_with)
{
	host_keeps_a_copy("first");
	host_loses(3, 2);
	host_keeps_a_copy("early");
	host_restarts_for_her();
	go_on(true);
	host_shows("early", "late");
	save(&rui);
	host_restarts(a_restart());
	go_on(true);
	assert_int_equal(host_size(), common + 2 + 1 + 3);
	host_shows("first", "later");
	kit_fill(&k, &domain, 1);
	host_restarts((restart_of){common - 1, KIT_NOW, KIT_NOW, k.keyring, 0, NULL});
	go_on(false);
	assert_ok(follow(&ana));
	assert_int_equal(host_size(), common + 1 + 3);
	expect_trusted(&ana);
	both_go();
}

/* Killed between the two files of the new copy that take the place of the old one's. */
TEST_IN(begin, end, a_death_while_the_new_copy_takes_its_place_is_made_good)
{
	host_loses(2, 1);
	host_restarts_for_her();
	assert_ok(emr_replica_go_on(ana.replica, &(emr_signing_again){.keyring = k.keyring}));
	member_goes(&ana);
	shell("mv -f", "ana/replica.next/replica.sqlite", "ana/replica.sqlite");
	member_comes(&ana, "ana");
	assert_ok(follow(&ana));
	save(&ana);
	assert_int_not_equal(faccessat(ana.state_fd, "replica.next", F_OK, 0), 0);
	assert_int_equal(host_size(), common + 1 + 2 + 1);
	both_go();
}

static void expect_refused(restart_of how, emr_status why)
{
	emr_known_restart known;

	host_restarts(how);
	assert_status(why, follow(&ana));
	assert_false(emr_replica_must_go_on(ana.replica));
	assert_int_equal(emr_replica_restarts(ana.replica, &known, 1), 0);
}

/* A shorter ledger goes back as ever: by another key, unheard, or older than what is to go. */
TEST_IN(begin, end, a_restart_that_takes_away_what_it_may_not_is_none)
{
	emr_keyring *thief = NULL;
	restart_of how;

	host_loses(2, 0);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &thief));
	how = a_restart();
	how.seed_xor = 1;
	expect_refused(how, EMR_ROLLBACK);
	how = a_restart();
	how.heard = NULL;
	expect_refused(how, EMR_ROLLBACK);
	how.heard = thief;
	expect_refused(how, EMR_ROLLBACK);
	how = a_restart();
	how.time--;
	expect_refused(how, EMR_ROLLBACK);
	how = a_restart();
	how.heard_time--;
	expect_refused(how, EMR_ROLLBACK);
	how.heard_time = 1; /* a dead clock says nothing, and nobody else was heard */
	expect_refused(how, EMR_ROLLBACK);
	emr_keyring_free(thief);
	/* One that came to be shown late is one all the same. */
	host_restarts_for_her();
	both_go();
}

/* One administrator's dead clock voids no restart. */
TEST_IN(begin, end, a_dead_clock_among_those_who_were_heard_changes_nothing)
{
	emr_keyring *other = NULL;

	host_loses(2, 0);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &other));
	host_restarts((restart_of){common, KIT_NOW, KIT_NOW, k.keyring, 0, other});
	assert_status(EMR_OFFLINE, follow(&ana));
	assert_true(emr_replica_must_go_on(ana.replica));
	emr_keyring_free(other);
	both_go();
}

static emr_status cut_off; /* when it is asked for restarts; EMR_OK: it is not */
static bool has_said;	   /* a member, to this host, which keeps nothing */
WRAPPED(emr_status, emr_ledger_ask, emr_ledger *ledger, const char *what, emr_bytes body,
	emr_buf *out)
{
	has_said = has_said || strcmp(what, EMR_ASK_SAID) == 0;
	return cut_off != EMR_OK && strcmp(what, EMR_ASK_KEPT EMR_RESTARTS) == 0
		       ? cut_off
		       : __real_emr_ledger_ask(ledger, what, body, out);
}

TEST_IN(begin, end, nobody_is_condemned_before_he_was_asked_for_restarts)
{
	host_loses(2, 3);
	host_restarts(a_restart());
	cut_off = EMR_TIMEOUT;
	assert_status(EMR_OFFLINE, follow(&ana));
	expect_trusted(&ana);
	assert_false(emr_replica_must_go_on(ana.replica));
	cut_off = EMR_OK;
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(false);
	assert_ok(follow(&ana));
	both_go();
}

/* On another's card is a head of the ledger that went on; hers does not know of it, and then knows
 * and waits. */
TEST_IN(begin, end, a_head_from_after_a_restart_accuses_nobody_before_it_can_be_compared)
{
	EMR_AUTO_BUF his = {0};

	host_loses(3, 0);
	host_restarts(a_restart());
	kit_clock_set(&k.clock, KIT_NOW + 10);
	assert_ok(follow(&rui));
	save(&rui);
	assert_ok(emr_replica_note(rui.replica, &his));
	kit_host_stop(&k);
	assert_ok(emr_replica_hear(ana.replica, emr_buf_view(&his)));
	expect_trusted(&ana);
	kit_host_start(&k);
	cut_off = EMR_TIMEOUT;
	assert_ok(emr_replica_hear(ana.replica, emr_buf_view(&his)));
	expect_trusted(&ana);
	cut_off = EMR_OK;
	assert_status(EMR_OFFLINE, follow(&ana));
	assert_true(emr_replica_must_go_on(ana.replica));
	assert_ok(emr_replica_hear(ana.replica, emr_buf_view(&his)));
	expect_trusted(&ana);
	go_on(false);
	assert_int_equal(faccessat(ana.state_fd, "replica.ahead", F_OK, 0), 0);
	assert_ok(follow(&ana));
	expect_trusted(&ana);
	assert_int_not_equal(faccessat(ana.state_fd, "replica.ahead", F_OK, 0), 0);
	both_go();
}

TEST_IN(begin, end, a_restart_that_is_known_takes_nothing_away_again)
{
	host_loses(1, 0);
	host_restarts(a_restart());
	host_keeps_a_copy("early");
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(false);
	assert_ok(follow(&ana));
	save(&ana);
	host_shows("early", "late");
	assert_status(EMR_ROLLBACK, follow(&ana));
	assert_false(emr_replica_must_go_on(ana.replica));
	both_go();
}

static const emr_id32 none;
typedef emr_id32 operation(
	emr_batch_builder *, const kit_domain *, emr_id16, uint64_t version, emr_id32 before);

static emr_id32 change(operation *how, emr_id16 row, uint64_t version, emr_id32 before)
{
	emr_batch_builder *b = kit_batch(&k, domain.id);
	const emr_id32 item = how(b, &domain, row, version, before);

	(void)kit_send(&k, b);
	return item;
}

/* Ana has what is done between these two, and the host has lost it. */
static void gap_begins(void)
{
	host_loses(0, 0);
	host_shows("hers", "lost");
}

static void gap_ends(void)
{
	assert_ok(follow(&ana));
	host_shows("lost", "hers");
	host_restarts(a_restart());
}

/* A removal is there before what was done before it. */
TEST_IN(begin, end, removals_come_first)
{
	const emr_id16 old = emr_id16_random();
	const emr_id32 first = change(kit_put, old, 1, none);
	emr_id32 saved, removed;
	uint64_t saved_at = 0, removed_at = 0;
	uint16_t index;

	gap_begins();
	saved = change(kit_put, emr_id16_random(), 1, none);
	removed = change(kit_unlink, old, 2, first);
	gap_ends();
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(false);
	assert_ok(emr_ledger_find_item(k.ledger, saved, &saved_at, &index));
	assert_ok(emr_ledger_find_item(k.ledger, removed, &removed_at, &index));
	assert_true(removed_at < saved_at);
	both_go();
}

/* A save that was taken back in the gap comes back as taken back, though the removal, which goes
 * first, is refused until there is something to remove. */
TEST_IN(begin, end, what_was_saved_and_removed_in_the_gap_stays_removed)
{
	const emr_id16 row = emr_id16_random();
	emr_replica_head head;
	emr_id32 saved, removed;
	uint64_t seq = 0;
	uint16_t index;

	gap_begins();
	saved = change(kit_put, row, 1, none);
	removed = change(kit_unlink, row, 2, saved);
	gap_ends();
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(false);
	assert_ok(emr_ledger_find_item(k.ledger, removed, &seq, &index));
	assert_ok(follow(&ana));
	assert_ok(emr_replica_head_get(ana.replica, domain.id, row, &head));
	assert_int_equal(head.state, EMR_OBJECT_UNLINKED);
	assert_true(emr_id16_is_zero(lost));
	both_go();
}

/* Another changed the same row meanwhile. */
TEST_IN(begin, end, what_cannot_be_signed_again_is_named)
{
	const emr_id16 row = emr_id16_random();
	const emr_id32 first = change(kit_put, row, 1, none);

	gap_begins();
	(void)change(kit_put, row, 2, first);
	gap_ends();
	(void)change(kit_unlink, row, 2, first);
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(true);
	assert_true(emr_id16_equal(lost, row));
	both_go();
}

/* Nobody may go by her word that all is there, before it is removed again. */
TEST_IN(begin, end, while_a_removal_is_lost_a_member_does_not_say_that_all_is_there)
{
	const emr_id16 row = emr_id16_random();
	emr_id32 put = change(kit_put, row, 1, none);

	gap_begins();
	(void)change(kit_unlink, row, 2, put);
	gap_ends();
	put = change(kit_put, row, 2, put);
	assert_status(EMR_OFFLINE, follow(&ana));
	go_on(false);
	assert_true(emr_id16_equal(lost, row));
	assert_ok(follow(&ana));
	has_said = false;
	assert_ok(emr_replica_say(ana.replica, k.keyring));
	assert_false(has_said);
	(void)change(kit_unlink, row, 3, put);
	assert_ok(follow(&ana));
	(void)!emr_replica_say(ana.replica, k.keyring);
	assert_true(has_said);
	both_go();
}

TEST_IN(begin, end, whether_there_was_a_restart_is_known_when_the_host_has_said)
{
	host_loses(0, 0);
	assert_true(emr_replica_knows_restarts(ana.replica));
	cut_off = EMR_TIMEOUT;
	assert_false(emr_replica_knows_restarts(ana.replica));
	cut_off = EMR_BUSY; /* it answers that it cannot say */
	assert_false(emr_replica_knows_restarts(ana.replica));
	cut_off = EMR_OK;
	assert_true(emr_replica_knows_restarts(ana.replica));
	kit_put_file(printed("%s/ana", k.base), "replica.restarts", emr_bytes_of("?", 1));
	comes_again();
	assert_false(emr_replica_knows_restarts(ana.replica));
	save(&ana);
	host_shows("hers", "other");
	save(&rui);
	assert_status(EMR_DAMAGED, follow(&ana)); /* one that was there would explain it */
	expect_trusted(&ana);
	both_go();
}

/* She has less than the host went on with, and a card of more than it has. */
TEST_IN(begin, end, a_head_of_what_is_gone_is_not_waited_for)
{
	EMR_AUTO_BUF hers = {0};

	host_loses(3, 0);
	assert_ok(emr_replica_note(ana.replica, &hers));
	assert_status(EMR_ROLLBACK, emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	kit_fill(&k, &domain, 1);
	host_restarts((restart_of){common + 1, KIT_NOW, KIT_NOW, k.keyring, 0, NULL});
	assert_ok(follow(&rui));
	assert_int_not_equal(faccessat(rui.state_fd, "replica.ahead", F_OK, 0), 0);
	both_go();
}

TESTS(NULL, NULL)
