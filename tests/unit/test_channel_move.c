/* A directory goes on in a channel: these tests move one while it is open, and to a channel on
 * which nobody has agreed. The backend is played. */
#include "channel_ledger.h"
#include "ledger/act_send.h"
#include "replica/people.h"

static int begin(void **state)
{
	(void)state;
	kit_backend_in_use = &kit_embedded;
	kit_new(&k);
	play_begin(&play, printed("%s/play", k.base), &k.clock.clock);
	return 0;
}

static int end(void **state)
{
	(void)state;
	kit_end(&k);
	play_end(&play);
	return 0;
}

/* The only organisation agrees with itself on the channel with GENESIS. */
static void agree(const char *genesis)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MOVE, .not_after_unix_s = KIT_NOW + 1000};
	emr_id16 proposal = emr_id16_random(), org;
	emr_replica *replica = kit_replica(&k);
	emr_known_person me;
	emr_act acts[2];
	uint8_t code;

	assert_ok(emr_unhex(genesis, what.subject, sizeof what.subject));
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k.owner.signer_id, &me));
	memcpy(org.b, me.row.org, sizeof org.b);
	acts[0] = emr_act_propose(proposal, &what);
	acts[1] = emr_act_approve_proposal(proposal, org);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(emr_replica_follow(replica, k.owner.signer_id, &acts[i]));
		assert_ok(emr_act_send(
			k.keyring, k.ledger, &acts[i], (emr_bytes){0}, &k.clock.clock, &code));
		assert_int_equal(code, EMR_RESULT_APPLIED);
		assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	}
	emr_replica_close(replica);
}

/* Entries of a record each, more than one transaction takes. */
static void fill(void)
{
	kit_domain d = kit_domain_new(&k);

	for (size_t i = 0; i < 70; i++) {
		emr_batch_builder *b = kit_batch(&k, d.id);

		(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){{0}});
		(void)kit_send(&k, b);
	}
}

TEST_IN(begin, end, a_directory_goes_on_in_its_channel_while_it_is_open)
{
	EMR_AUTO_LEDGER second = NULL;
	EMR_AUTO_BUF batch = {0};
	const char *path = printed("%s/second", k.base);
	emr_ledger_options options = {
		.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	uint8_t before[32], after[32];
	uint64_t size;

	fill();
	agree(play.genesis);
	size = kit_size(&k);
	assert_ok(emr_ledger_root(k.ledger, size, before));
	make_batch(&batch);
	assert_status(EMR_OFFLINE, hand_in(&batch));
	assert_ok(emr_network_begin_in_channel(play.dir, emr_ledger_descriptor(k.ledger)));
	play_stop(&play);
	assert_ok(emr_network_move(k.network, play.dir, play.genesis));
	assert_status(EMR_OFFLINE, hand_in(&batch));
	play_start(&play);
	while (hand_in(&batch) == EMR_OFFLINE)
		(void)usleep(20000);
	assert_int_equal(json_array_size(play.log), 4); /* the beginning, two moves, and that */
	assert_int_equal(kit_size(&k), size + 1);
	kit_sound(&k);
	open_again();
	assert_ok(hand_in(&batch));
	assert_ok(emr_ledger_root(k.ledger, size, after));
	assert_memory_equal(before, after, sizeof before);
	assert_ok(emr_network_meet(path, play.dir, emr_ledger_descriptor(k.ledger)));
	assert_ok(emr_ledger_open(&options, &second));
	assert_ok(emr_ledger_submit(second, emr_buf_view(&batch), &(emr_ledger_answer){0}));
	assert_ok(emr_ledger_root(k.ledger, size + 1, before));
	assert_ok(emr_ledger_root(second, size + 1, after));
	assert_memory_equal(before, after, sizeof before);
}

TEST_IN(begin, end, a_directory_goes_on_in_no_channel_but_the_agreed_one)
{
	EMR_AUTO_BUF batch = {0};
	char agreed[sizeof play.genesis];
	size_t handed;

	memset(agreed, 'a', sizeof agreed - 1);
	agreed[sizeof agreed - 1] = '\0';
	assert_status(EMR_NOT_FOUND, emr_network_move(k.network, play.dir, play.genesis));
	agree(agreed);
	assert_ok(emr_network_begin_in_channel(play.dir, emr_ledger_descriptor(k.ledger)));
	handed = play.handed;
	assert_status(EMR_FORK, emr_network_move(k.network, play.dir, play.genesis));
	assert_ok(emr_network_put_channel(k.network, play.dir)); /* by hand */
	open_again();
	make_batch(&batch);
	assert_status(EMR_FORK, hand_in(&batch));
	await_status(EMR_FORK);
	assert_int_equal(play.handed, handed);
}

TESTS(NULL, NULL)
