/* These tests have a host that keeps two histories of one ledger and shows them by turns, at one
 * address and with one key, or to each member another one; and a host that went back. A member who
 * notices hands in nothing any more. */

#include "ledger/backend.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "replica/follower.h"
#include "served_members.h"

static void expect_condemned(member *m)
{
	emr_replica_trouble trouble;
	emr_replica_position at;
	emr_ledger_answer answer;

	assert_status(EMR_FORK, follow(m));
	emr_replica_last_trouble(m->replica, &trouble);
	assert_status(EMR_FORK, trouble.status);
	assert_status(EMR_FORK, sign_and_send(m, &answer));
	assert_ok(emr_replica_at(m->replica, &at));
	assert_true(at.size > 3); /* what is there is read on */
}

/* For good: with the host's own history before it again, and after a restart. */
static void expect_condemned_for_good(member *m, const char *name)
{
	expect_condemned(m);
	member_goes(m);
	member_comes(m, name);
	expect_condemned(m);
	assert_ok(faccessat(m->state_fd, "replica.forked", F_OK, 0) == 0 ? EMR_OK : EMR_NOT_FOUND);
}

/* ---- tests ---- */

TEST_IN(begin, end, two_histories_by_turns_are_noticed_by_what_the_host_signs)
{
	part_ways(2, 2);
	expect_condemned_for_good(&ana, "ana");
	/* Also by who has seen more of the one than there is of the other. */
	save(&rui);
	host_shows("hers", "his");
	expect_condemned_for_good(&rui, "rui");
	expect_condemned_for_good(&ana, "ana"); /* her own history is before her again */
	both_go();
}

/* The longer one, too: its entries do not follow. */
TEST_IN(begin, end, a_longer_history_is_noticed)
{
	part_ways(1, 3);
	expect_condemned_for_good(&ana, "ana");
	both_go();
}

TEST_IN(begin, end, what_the_host_has_signed_for_another_member_shows_the_other_history)
{
	EMR_AUTO_BUF hers = {0};
	EMR_AUTO_BUF his = {0};

	part_ways(1, 2);
	assert_ok(emr_replica_note(ana.replica, &hers));
	assert_ok(emr_replica_note(rui.replica, &his));
	assert_ok(emr_replica_hear(rui.replica, emr_buf_view(&his)));
	assert_status(EMR_FORK, emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	expect_condemned_for_good(&rui, "rui");
	/* His own note goes on to say it. */
	emr_buf_clear(&his);
	assert_ok(emr_replica_note(rui.replica, &his));
	host_shows("hers", "his");
	assert_ok(follow(&ana));
	assert_status(EMR_ROLLBACK, emr_replica_hear(ana.replica, emr_buf_view(&his)));
	both_go();
}

/* A host that shows less than it has signed for another is behind; what it shows when it gets there
 * says which of the two it is. */
TEST_IN(begin, end, what_is_ahead_is_compared_when_it_is_reached)
{
	EMR_AUTO_BUF hers = {0};
	emr_replica_trouble trouble;

	part_ways(3, 1);
	assert_ok(emr_replica_note(ana.replica, &hers));
	assert_status(EMR_ROLLBACK, emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	member_goes(&rui);
	member_comes(&rui, "rui");
	assert_status(EMR_ROLLBACK, follow(&rui));
	emr_replica_last_trouble(rui.replica, &trouble);
	assert_string_equal(trouble.cause,
		"the ledger is shorter than what its host has signed for another member");
	kit_fill(&k, &domain, 2);
	kit_fill(&k, &domain, 1);
	expect_condemned_for_good(&rui, "rui");
	both_go();
}

TEST_IN(begin, end, a_note_of_the_same_history_is_fine_before_and_behind)
{
	EMR_AUTO_BUF hers = {0};

	part_ways(3, 0);
	assert_ok(emr_replica_note(ana.replica, &hers));
	assert_status(EMR_ROLLBACK, emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	host_shows("hers", "other");
	assert_ok(follow(&rui));
	save(&rui);
	assert_ok(emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	assert_int_not_equal(faccessat(rui.state_fd, "replica.ahead", F_OK, 0), 0);
	kit_host_stop(&k); /* nobody needs it for that */
	assert_ok(emr_replica_hear(rui.replica, emr_buf_view(&hers)));
	both_go();
}

TEST_IN(begin, end, a_host_that_went_back_is_called_that_until_it_goes_another_way)
{
	emr_ledger_answer answer;

	part_ways(2, 0);
	assert_status(EMR_ROLLBACK, follow(&ana));
	host_shows("hers", "old");
	assert_ok(follow(&ana));
	save(&ana);
	host_shows("old", "hers");
	assert_status(EMR_ROLLBACK, follow(&ana));
	assert_ok(follow(&rui));
	assert_ok(sign_and_send(&rui, &answer));
	expect_condemned_for_good(&ana, "ana");
	both_go();
}

TEST_IN(begin, end, what_others_sign_says_nothing)
{
	const uint8_t seed[32] = {7};
	EMR_AUTO_BUF note = {0};
	EMR_AUTO_BUF forged = {0};
	emr_checkpoint head;

	part_ways(0, 1);
	assert_ok(emr_replica_note(rui.replica, &note));
	assert_status(EMR_DAMAGED, emr_replica_hear(ana.replica, emr_bytes_of("emrfs/", 6)));
	assert_ok(emr_checkpoint_parse(emr_buf_view(&note), &head));
	head.root[0] ^= 1; /* the host's signature is over another one */
	assert_ok(emr_checkpoint_format(&head, &forged));
	assert_status(EMR_BAD_SIGNATURE, emr_replica_hear(ana.replica, emr_buf_view(&forged)));
	head.n_sigs = 0;
	assert_ok(emr_checkpoint_sign(&head, seed, KIT_NOW));
	assert_ok(emr_checkpoint_cosign(&head, k.keyring, KIT_NOW));
	assert_ok(emr_checkpoint_format(&head, &forged));
	assert_status(EMR_NOT_FOUND, emr_replica_hear(ana.replica, emr_buf_view(&forged)));
	head.net_id.b[0] ^= 1;
	assert_ok(emr_checkpoint_format(&head, &forged));
	assert_status(EMR_BAD_SIGNATURE, emr_replica_hear(ana.replica, emr_buf_view(&forged)));
	assert_ok(follow(&ana));
	save(&ana);
	both_go();
}

TEST_IN(begin, end, a_size_that_another_key_has_signed_is_not_believed)
{
	uint64_t size;

	member_comes(&ana, "ana");
	assert_ok(follow(&ana));
	save(&ana);
	kit_host_stop(&k);
	kit_host_secret[0] ^= 1;
	kit_host_start(&k);
	/* It gives no token to who asks the host of the key that she knows. */
	assert_status(EMR_DENIED, emr_ledger_size(ana.ledger, &size));
	assert_status(EMR_DENIED, follow(&ana));
	kit_host_stop(&k);
	kit_host_secret[0] ^= 1;
	kit_host_start(&k);
	assert_ok(follow(&ana));
	member_goes(&ana);
}

/* ---- a batch that its signer has made for the other history ---- */

static bool host_lies;
WRAPPED(emr_status, emr_chain_caller, emr_chain *chain, enum emr_host host, emr_bytes descriptor,
	const emr_batch *batch, emr_id32 submitter_id, uint64_t now, emr_caller *out_caller)
{
	emr_status status = __real_emr_chain_caller(
		chain, host, descriptor, batch, submitter_id, now, out_caller);

	if (host_lies)
		out_caller->seen = EMR_SEEN_IN_LOG;
	return status;
}

TEST_IN(begin, end, a_batch_is_in_no_history_but_the_one_that_its_signer_has_seen)
{
	emr_ledger_answer answer;
	emr_replica_trouble trouble;

	part_ways(1, 1);
	assert_ok(sign_and_send(&ana, &answer)); /* she has not looked */
	assert_int_equal(answer.refusal, EMR_RESULT_FORK);
	host_lies = true;
	assert_ok(sign_and_send(&ana, &answer));
	host_lies = false;
	assert_int_equal(answer.refusal, 0);
	assert_status(EMR_FORK, follow(&rui));
	emr_replica_last_trouble(rui.replica, &trouble);
	assert_string_equal(trouble.cause, "its signer has seen another history of the ledger");
	expect_condemned_for_good(&rui, "rui");
	both_go();
}

static uint64_t asked(void)
{
	return emr_served_count(kit_host).requests;
}

TEST_IN(begin, end, the_host_is_not_asked_for_what_its_signature_says)
{
	emr_ledger_answer answer;
	uint64_t before;

	member_comes(&ana, "ana");
	assert_ok(follow(&ana));
	before = asked();
	assert_ok(follow(&ana));
	assert_int_equal(asked() - before, 1); /* how far it goes */
	assert_ok(sign_and_send(&ana, &answer));
	before = asked();
	assert_ok(follow(&ana));
	assert_int_equal(
		asked() - before, 4); /* and the last known entry, the new one, its parts */
	member_goes(&ana);
}

/* A host that comes back without the private parts gets those that members have, and no others. */
TEST_IN(begin, end, private_parts_that_the_host_lost_come_back_from_a_member)
{
	const kit_domain d = kit_domain_new(&k);
	emr_replica *replica = kit_replica(&k);
	emr_chain_lacking *lacking = malloc(sizeof *lacking);
	const emr_bytes wrong = emr_bytes_of("another", 7);
	size_t n = 1, lost;

	kit_fill(&k, &d, 5);
	assert_ok(emr_follow_now(replica));
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	assert_int_equal(lacking->n, 0);
	kit_host_stop(&k);
	assert_int_not_equal(emr_follow_now(replica), EMR_OK);
	kit_sql(printed("%s/host", k.base), "ledger.sqlite",
		"UPDATE parts SET part=x'' WHERE family=32");
	kit_host_start(&k);
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	lost = lacking->n;
	assert_true(lost >= 5);
	assert_ok(emr_ledger_give(k.ledger, lacking->keys, &wrong, 1, &n));
	assert_int_equal(n, 0);
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	assert_int_equal(lacking->n, lost);
	assert_ok(emr_follow_now(replica)); /* it finds the host back */
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	assert_int_equal(lacking->n, 0);
	emr_replica_close(replica);
	free(lacking);
}

TESTS(NULL, NULL)
