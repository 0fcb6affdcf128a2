/* A ledger in a channel has these of its own: another channel, another entry, a backend that is
 * away or stands still, a file that is gone, a second directory. The backend is played. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "channel_ledger.h"

static channel_play other;

static int begin(void **state)
{
	(void)state;
	kit_backend_in_use = play_kit();
	kit_new(&k);
	return 0;
}

AROUND_BY(end, kit_end(&k))

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
	kit_domain d = {.id = emr_id16_random()};
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
	assert_status(EMR_OFFLINE, emr_embedded_catch_up(k.network, 0, said, sizeof said));
	play_start(&play);
	assert_ok(emr_embedded_catch_up(k.network, 0, said, sizeof said));
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
	assert_ok(emr_embedded_catch_up(k.network, 0, said, sizeof said));
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

/* ---- what goes wrong here, and who waits ---- */

static atomic_bool is_full;
static atomic_size_t commits;

WRAPPED(emr_status, emr_chain_end, emr_chain *chain, emr_status status)
{
	atomic_fetch_add(&commits, 1);
	return __real_emr_chain_end(
		chain, status == EMR_OK && atomic_load(&is_full) ? EMR_NO_SPACE : status);
}

#define PLAY_IS(member, value)                                                                     \
	do {                                                                                       \
		EMR_LOCKED(&play.lock);                                                            \
		play.member = value;                                                               \
	} while (0)

typedef struct asked {
	pthread_t thread;
	atomic_bool is_over;
	emr_status status;
	const char *path; /* of what is caught up with */
	int stop_fd;
	emr_ledger *host;
	emr_buf batch;
} asked;

static void *catch_up(void *arg)
{
	asked *a = arg;
	char said[256];

	a->status = emr_embedded_catch_up(a->path, a->stop_fd, said, sizeof said);
	atomic_store(&a->is_over, true);
	return NULL;
}

/* Until the backend has been asked some times, or PATH was called read. */
static void begin_to_catch_up(asked *a)
{
	const size_t before = looked();

	atomic_store(&a->is_over, false);
	assert_int_equal(pthread_create(&a->thread, NULL, catch_up, a), 0);
	while (looked() < before + 6 && !atomic_load(&a->is_over))
		(void)usleep(20000);
}

static emr_status over(asked *a)
{
	assert_int_equal(pthread_join(a->thread, NULL), 0);
	return a->status;
}

static emr_status take(emr_ledger *host, const emr_buf *batch)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = calloc(1, sizeof *answer);
	uint8_t sig[64];

	assert_ok(emr_batch_sign_submit(k.keyring, k.net_id, emr_buf_view(batch), sig));
	return emr_embedded_take(host, k.owner.signer_id, sig, emr_buf_view(batch), answer);
}

static void *take_one(void *arg)
{
	asked *a = arg;

	a->status = take(a->host, &a->batch);
	return NULL;
}

/* And who waits is let go when the host ends. */
TEST_IN(begin, end, one_member_holds_four_workers_of_a_host_while_peers_are_slow)
{
	EMR_AUTO_LEDGER host = NULL;
	emr_ledger_options options = {.path = k.network, .clock = &k.clock.clock};
	asked waiting[4] = {{.status = EMR_OK}};
	EMR_AUTO_BUF fifth = {0};
	size_t handed = 0;

	assert_ok(emr_embedded_open(&options, &host));
	await_status(EMR_OK);
	PLAY_IS(is_mute, true);
	PLAY_IS(handed, 0);
	for (size_t i = 0; i < 4; i++) {
		waiting[i].host = host;
		make_batch(&waiting[i].batch);
		assert_int_equal(
			pthread_create(&waiting[i].thread, NULL, take_one, &waiting[i]), 0);
	}
	while (handed < 4) {
		(void)usleep(1000); /* without the lock, which the backend wants */
		EMR_LOCKED(&play.lock);
		handed = play.handed;
	}
	make_batch(&fifth);
	assert_status(EMR_BUSY, take(host, &fifth));
	emr_ledger_stop(host);
	for (size_t i = 0; i < 4; i++) {
		assert_status(EMR_INTERRUPTED, over(&waiting[i]));
		emr_buf_free(&waiting[i].batch);
	}
}

TEST_IN(begin, end, a_call_of_a_host_has_one_deadline_for_all_its_steps)
{
	EMR_AUTO_LEDGER host = NULL;
	emr_ledger_options options = {.path = k.network, .clock = &k.clock.clock};
	EMR_AUTO_BUF batch = {0};
	const int64_t began_ns = emr_clock_boot_ns(emr_clock_system());

	assert_ok(emr_embedded_open(&options, &host));
	make_batch(&batch);
	PLAY_IS(is_mute, true);
	assert_status(EMR_TIMEOUT, take(host, &batch));
	assert_true(emr_clock_boot_ns(emr_clock_system()) - began_ns < INT64_C(30000000000));
}

TEST_IN(begin, end, whoever_has_lost_the_directory_leaves_it_to_others)
{
	EMR_AUTO_LEDGER second = NULL;
	const char *path = printed("%s/moved", k.base);
	emr_ledger_options options = {
		.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;

	await_status(EMR_OK);
	make_batch(&batch);
	assert_int_equal(rename(k.network, path), 0);
	assert_ok(emr_ledger_open(&options, &second));
	assert_ok(emr_ledger_submit(second, emr_buf_view(&batch), &answer));
	await_status(EMR_OFFLINE);
	assert_int_equal(unlink(printed("%s/ledger.sqlite", path)), 0); /* and the file alone */
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	while (k.ledger == NULL)
		if (emr_ledger_open(&options, &k.ledger) != EMR_BUSY)
			assert_non_null(k.ledger);
	make_batch(&batch);
	assert_ok(hand_in(&batch));
	assert_int_equal(rename(path, k.network), 0);
}

TEST_IN(begin, end, what_another_process_has_not_read_yet_is_not_read)
{
	asked a = {.path = k.network};
	int lock;

	bring_elsewhere(1);
	lock = open(printed("%s/channel.lock", k.network), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	begin_to_catch_up(&a);
	assert_false(atomic_load(&a.is_over));
	(void)close(lock);
	assert_ok(over(&a));
	k.ledger = kit_open(&k);
	assert_int_equal(kit_size(&k), 3);
}

/* And it ends when it is told to. */
TEST_IN(begin, end, nothing_is_read_to_the_end_while_the_backend_is_behind_its_peers)
{
	asked a = {.path = k.network, .stop_fd = eventfd(0, EFD_CLOEXEC)};
	const char *behind = printed("%s/channel.behind", k.network);

	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_int_equal(unlink(printed("%s/ledger.sqlite", k.network)), 0);
	PLAY_IS(behind, 5);
	begin_to_catch_up(&a);
	assert_false(atomic_load(&a.is_over));
	assert_int_equal(access(behind, F_OK), 0);
	assert_int_equal(eventfd_write(a.stop_fd, 1), 0);
	assert_status(EMR_INTERRUPTED, over(&a));
	(void)close(a.stop_fd);
	a.stop_fd = 0;
	begin_to_catch_up(&a);
	assert_false(atomic_load(&a.is_over));
	PLAY_IS(behind, 0);
	assert_ok(over(&a));
	assert_int_not_equal(access(behind, F_OK), 0);
	k.ledger = kit_open(&k);
}

TEST_IN(begin, end, a_full_disk_here_is_called_by_its_name)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_absence absence;
	char said[64];

	make_batch(&batch);
	await_status(EMR_OK);
	atomic_store(&is_full, true);
	assert_status(EMR_NO_SPACE, hand_in(&batch));
	emr_ledger_look(k.ledger, &absence);
	assert_status(EMR_OFFLINE, absence.status);
	assert_string_equal(absence.refusal, EMR_LEDGER_FULL);
	emr_ledger_close(k.ledger);
	assert_status(EMR_NO_SPACE, emr_embedded_catch_up(k.network, 0, said, sizeof said));
	assert_string_equal(said, "no space");
	atomic_store(&is_full, false);
	k.ledger = kit_open(&k);
	assert_ok(hand_in(&batch));
	assert_int_equal(kit_size(&k), 3);
}

TEST_IN(begin, end, entries_that_come_together_are_one_commit_and_a_bad_one_takes_none_along)
{
	const size_t bad = 40;
	char said[64];
	json_t *args;

	bring_elsewhere(60);
	atomic_store(&commits, 0);
	assert_ok(emr_embedded_catch_up(k.network, 0, said, sizeof said));
	assert_true(atomic_load(&commits) < 40); /* the newest come one by one, with their parts */
	k.ledger = kit_open(&k);
	assert_int_equal(kit_size(&k), 62);
	kit_sound(&k);
	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_int_equal(unlink(printed("%s/ledger.sqlite", k.network)), 0);
	args = json_object_get(json_array_get(play.log, bad), "args");
	json_array_set(
		args, 1, json_array_get(json_object_get(json_array_get(play.log, 2), "args"), 1));
	assert_status(EMR_DAMAGED, emr_embedded_catch_up(k.network, 0, said, sizeof said));
	k.ledger = kit_open(&k);
	await_status(EMR_DAMAGED);
	while (kit_size(&k) < bad)
		(void)usleep(20000);
	assert_int_equal(kit_size(&k), bad);
}

TEST_IN(begin, end, parts_that_an_answer_has_no_room_for_are_asked_for_at_once)
{
	EMR_AUTO_LEDGER second = NULL;
	EMR_AUTO_FREE emr_chain_lacking *lacking = malloc(sizeof *lacking);
	const char *path = printed("%s/second", k.base);
	emr_ledger_options options = {
		.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	const kit_domain d = kit_domain_new(&k);
	uint64_t size = 0;

	assert_ok(emr_network_meet(path, play.dir, emr_buf_view(&play.descriptor)));
	assert_ok(emr_ledger_open(&options, &second));
	while (size < 3)
		assert_ok(emr_ledger_size(second, &size));
	PLAY_IS(parts_most, 3);
	kit_fill(&k, &d, 10);
	assert_ok(emr_ledger_wait(second, 3, 60000, &size));
	assert_ok(emr_ledger_lacks(second, 0, lacking));
	assert_int_equal(lacking->n, 0);
}

TESTS(NULL, NULL)
