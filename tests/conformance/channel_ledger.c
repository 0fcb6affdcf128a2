/* A ledger in a channel has these of its own: another channel, another entry, a backend that is
 * away or stands still, a file that is gone, a second directory. The backend is played. */
#include <sys/stat.h>

#include "channel_play.h"
#include "ledger/backend.h"
#include "ledger/batch.h"

static channel_play other;
static kit k;

static int begin(void **state)
{
	(void)state;
	kit_backend_in_use = play_kit();
	kit_new(&k);
	return 0;
}

AROUND_BY(end, kit_end(&k))

static void open_again(void)
{
	emr_ledger_close(k.ledger);
	k.ledger = kit_open(&k);
}

/* A record in a domain of hers. */
static void make_batch(emr_buf *out)
{
	kit_domain d;
	emr_batch_builder *b = kit_batch(&k, emr_id16_random());

	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, out);
}

static emr_status hand_in(const emr_buf *batch)
{
	emr_ledger_answer answer;

	return emr_ledger_submit(k.ledger, emr_buf_view(batch), &answer);
}

static emr_status status_now(void)
{
	emr_ledger_absence absence;

	emr_ledger_look(k.ledger, &absence);
	return absence.status;
}

static void await_status(emr_status status)
{
	while (status_now() != status)
		(void)usleep(20000);
}

TEST_IN(begin, end, nothing_is_handed_in_at_the_backend_of_another_channel)
{
	EMR_AUTO_BUF batch = {0};
	emr_network_new options = {.path = printed("%s/elsewhere", k.base),
		.keyring = k.keyring,
		.name = "Outra",
		.handle = "ana@outra",
		.clock = &k.clock.clock,
		.channel = other.dir,
		.msp = "Emr1MSP"};
	emr_id16 ignored;
	size_t handed;

	play_begin(&other, printed("%s/other", k.base), &k.clock.clock);
	assert_ok(emr_network_create(&options, &ignored, NULL));
	handed = other.handed;
	make_batch(&batch);
	assert_ok(emr_network_put_channel(k.network, other.dir));
	open_again();
	assert_status(EMR_FORK, hand_in(&batch));
	await_status(EMR_FORK);
	assert_int_equal(other.handed, handed);
	assert_int_equal(kit_size(&k), 2); /* and what was read stays */
	assert_ok(emr_network_put_channel(k.network, play.dir));
	open_again();
	assert_ok(hand_in(&batch));
	play_end(&other);
}

TEST_IN(begin, end, what_a_stranger_brings_is_handed_in_nowhere)
{
	EMR_AUTO_BUF batch = {0};
	emr_keyring *stranger = NULL;
	emr_batch_options options = {.signer = emr_signer_identity(), .net_id = k.net_id};
	emr_batch_builder *b = NULL;
	emr_ledger_answer answer = {.refusal = 0};
	const size_t handed = play.handed;
	kit_domain d;
	emr_public public;
	uint8_t sig[64];

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &stranger));
	assert_ok(emr_keyring_public(stranger, &public));
	options.keyring = stranger;
	assert_ok(emr_batch_new(&options, &b));
	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &batch);
	assert_ok(emr_batch_sign_submit(stranger, k.net_id, emr_buf_view(&batch), sig));
	assert_ok(
		emr_embedded_take(k.ledger, public.signer_id, sig, emr_buf_view(&batch), &answer));
	assert_int_not_equal(answer.refusal, 0);
	assert_int_equal(play.handed, handed);
	emr_keyring_free(stranger);
}

TEST_IN(begin, end, a_backend_that_is_exchanged_meanwhile_is_not_read)
{
	EMR_AUTO_BUF batch = {0};
	char genesis[sizeof play.genesis];

	make_batch(&batch);
	await_status(EMR_OK);
	play_stop(&play);
	memcpy(genesis, play.genesis, sizeof genesis);
	memset(play.genesis, 'a', sizeof play.genesis - 1);
	play_start(&play);
	await_status(EMR_FORK);
	assert_int_equal(kit_size(&k), 2);
	play_stop(&play);
	memcpy(play.genesis, genesis, sizeof genesis);
	play_start(&play);
	await_status(EMR_OK);
	assert_ok(hand_in(&batch));
	kit_sound(&k);
}

TEST_IN(begin, end, a_channel_that_shows_another_entry_is_not_followed)
{
	EMR_AUTO_BUF batch = {0};
	json_t *first = json_array_get(play.log, 1);

	make_batch(&batch);
	emr_ledger_close(k.ledger);
	(void)pthread_mutex_lock(&play.lock);
	json_object_set_new(first, "time", json_integer(KIT_NOW - 1));
	(void)pthread_mutex_unlock(&play.lock);
	k.ledger = kit_open(&k);
	assert_status(EMR_FORK, hand_in(&batch));
	await_status(EMR_FORK);
	assert_int_equal(kit_size(&k), 2);
}

TEST_IN(begin, end, with_the_backend_away_what_was_read_is_read_and_nothing_is_answered)
{
	EMR_AUTO_BUF batch = {0};

	make_batch(&batch);
	play_stop(&play);
	assert_status(EMR_OFFLINE, hand_in(&batch));
	await_status(EMR_OFFLINE);
	assert_int_equal(kit_size(&k), 2);
	play_start(&play);
	assert_ok(hand_in(&batch));
	await_status(EMR_OK);
	assert_int_equal(kit_size(&k), 3);
	kit_sound(&k);
}

TEST_IN(begin, end, a_backend_that_stands_still_counts_as_away)
{
	(void)pthread_mutex_lock(&play.lock);
	play.is_stopped = true;
	(void)pthread_mutex_unlock(&play.lock);
	await_status(EMR_OFFLINE);
	(void)pthread_mutex_lock(&play.lock);
	play.is_stopped = false;
	(void)pthread_mutex_unlock(&play.lock);
	await_status(EMR_OK);
}

TEST_IN(begin, end, what_was_handed_in_and_not_answered_is_the_same_batch_later)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;

	make_batch(&batch);
	(void)pthread_mutex_lock(&play.lock);
	play.is_slow = true;
	(void)pthread_mutex_unlock(&play.lock);
	assert_status(EMR_OFFLINE, hand_in(&batch));
	(void)pthread_mutex_lock(&play.lock);
	play.is_slow = false;
	(void)pthread_mutex_unlock(&play.lock);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.seq, 2);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&batch), &answer));
	assert_int_equal(answer.seq, 2);
	assert_true(answer.is_repeat);
	assert_int_equal(json_array_size(play.log), 3);
}

TEST_IN(begin, end, a_file_that_is_gone_is_read_from_the_channel_again)
{
	EMR_AUTO_BUF batch = {0};
	uint8_t before[32], after[32];
	char said[64];

	make_batch(&batch);
	assert_ok(hand_in(&batch));
	assert_ok(emr_ledger_root(k.ledger, 3, before));
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_int_equal(unlink(printed("%s/ledger.sqlite", k.network)), 0);
	play_stop(&play);
	assert_status(EMR_OFFLINE, emr_embedded_catch_up(k.network, said, sizeof said));
	play_start(&play);
	assert_ok(emr_embedded_catch_up(k.network, said, sizeof said));
	k.ledger = kit_open(&k);
	assert_int_equal(kit_size(&k), 3);
	assert_ok(emr_ledger_root(k.ledger, 3, after));
	assert_memory_equal(before, after, sizeof before);
	kit_sound(&k);
}

/* Nobody signs for it: the hash in the entry says which part it is. */
TEST_IN(begin, end, a_part_that_all_peers_lost_is_taken_from_a_member_who_has_it)
{
	EMR_AUTO_FREE emr_chain_lacking *lacking = malloc(sizeof *lacking);
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF part = {0};
	const emr_bytes wrong = emr_bytes_of("another", 7);
	emr_bytes right;
	char said[64];
	size_t n = 9;

	make_batch(&batch);
	assert_ok(hand_in(&batch));
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_int_equal(unlink(printed("%s/ledger.sqlite", k.network)), 0);
	play.has_lost_parts = true;
	assert_ok(emr_embedded_catch_up(k.network, said, sizeof said));
	k.ledger = kit_open(&k);
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	assert_int_equal(lacking->n, 1);
	assert_ok(emr_chain_part(play.chain, &lacking->keys[0], &part)); /* of a member's copy */
	right = emr_buf_view(&part);
	assert_ok(emr_ledger_give(k.ledger, lacking->keys, &wrong, 1, &n));
	assert_int_equal(n, 0);
	assert_ok(emr_ledger_give(k.ledger, lacking->keys, &right, 1, &n));
	assert_int_equal(n, 1);
	assert_ok(emr_ledger_lacks(k.ledger, 0, lacking));
	assert_int_equal(lacking->n, 0);
}

TEST_IN(begin, end, two_directories_of_one_channel_have_one_tree)
{
	EMR_AUTO_LEDGER second = NULL;
	EMR_AUTO_IN_CHANNEL found = {.msp = ""};
	const char *path = printed("%s/second", k.base);
	emr_ledger_options options = {
		.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answers[2];
	uint64_t size = 0;

	assert_ok(emr_network_in_channel_find(play.dir, &found));
	assert_string_equal(found.msp, "Emr1MSP");
	assert_ok(emr_network_meet(path, play.dir, emr_buf_view(&found.descriptor)));
	assert_ok(emr_ledger_open(&options, &second));
	make_batch(&batch);
	assert_ok(emr_ledger_submit(second, emr_buf_view(&batch), &answers[0]));
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&batch), &answers[1]));
	assert_int_equal(answers[0].seq, answers[1].seq);
	assert_ok(emr_ledger_size(second, &size));
	assert_int_equal(size, 3);
	kit_sound(&k);
}

TESTS(NULL, NULL)
