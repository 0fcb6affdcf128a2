/* These tests are about the durable log after damage, a kill, a power cut, and beside files that
 * others put into its directory: what replay accepts, and what it says. */
#include "journal_kit.h"

#include <sys/wait.h>

#include "store/car.h"

/* ---- Damage ---- */

/* Offsets of all sections with the journal's magic in segment 1. */
static size_t frames(jkit *j, uint64_t *offsets, uint64_t *lens, size_t max)
{
	char path[512];
	EMR_AUTO_FREE uint8_t *bytes = malloc(1 << 20);
	size_t n = 0, len, at = 96;
	FILE *file;

	kit_file(j->k, "seg-1", path);
	file = fopen(path, "rb");
	len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	while (at < len) {
		emr_car_section section;

		if (emr_car_read_section_head(emr_bytes_of(bytes + at, len - at), &section) !=
			EMR_OK)
			break;
		if (section.data_len > 4 && memcmp(bytes + at + section.head_len, "EMRJ", 4) == 0 &&
			n < max) {
			offsets[n] = at;
			lens[n++] = section.head_len + section.data_len;
		}
		at += section.head_len + section.data_len;
	}
	return n;
}

TEST_IN(setup, teardown, rot_in_a_synced_frame_is_told_and_all_before_it_is_read)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];

	for (uint32_t i = 0; i < 10; i++)
		put(j, i, "value");
	jclose(j);
	assert_int_equal(frames(j, offsets, lens, 16), 10);
	for (uint64_t byte = 0; byte < lens[4]; byte++) {
		emr_journal_state found;
		emr_journal_txn *txn;

		kit_flip(j->k, "seg-1", offsets[4] + byte, 0x08);
		jopen(j);
		found = emr_journal_state_get(j->journal);
		if (!found.read_only)
			print_message("byte %llu of the frame\n", (unsigned long long)byte);
		assert_true(found.read_only);
		assert_int_equal(found.damaged_seq, 5);
		assert_int_equal(found.last_seq, 4);
		assert_value(j, 3, "value");
		assert_value(j, 4, NULL);
		assert_ok(emr_journal_begin(j->journal, &txn));
		assert_status(EMR_READ_ONLY, emr_journal_commit(txn, NULL));
		jclose(j);
		kit_flip(j->k, "seg-1", offsets[4] + byte, 0x08);
	}
	jopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 9, "value");
}

TEST_IN(setup, teardown, rot_in_the_last_frame_is_told)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];

	for (uint32_t i = 0; i < 3; i++)
		put(j, i, "value");
	jclose(j);
	assert_int_equal(frames(j, offsets, lens, 16), 3);
	for (uint64_t byte = 0; byte < lens[2]; byte++) {
		kit_flip(j->k, "seg-1", offsets[2] + byte, 0x80);
		jopen(j);
		if (!emr_journal_state_get(j->journal).read_only)
			print_message("byte %llu of the frame\n", (unsigned long long)byte);
		assert_true(emr_journal_state_get(j->journal).read_only);
		assert_int_equal(emr_journal_state_get(j->journal).last_seq, 2);
		jclose(j);
		kit_flip(j->k, "seg-1", offsets[2] + byte, 0x80);
	}
	jopen(j);
}

TEST_IN(setup, teardown, a_later_snapshot_mends_a_damaged_frame)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];

	for (uint32_t i = 0; i < 5; i++)
		put(j, i, "value");
	assert_ok(emr_journal_snapshot(j->journal));
	put(j, 7, "after");
	jclose(j);
	assert_true(frames(j, offsets, lens, 16) >= 7);
	kit_flip(j->k, "seg-1", offsets[2] + lens[2] - 1, 1);
	jopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 2, "value");
	assert_value(j, 7, "after");
}

TEST_IN(setup, teardown, a_damaged_snapshot_falls_back_to_the_frames_before_it)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];

	for (uint32_t i = 0; i < 5; i++)
		put(j, i, "value");
	assert_ok(emr_journal_snapshot(j->journal));
	put(j, 7, "after");
	jclose(j);
	assert_int_equal(frames(j, offsets, lens, 16), 7);
	kit_flip(j->k, "seg-1", offsets[5] + lens[5] - 1, 1);
	jopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_true(emr_journal_state_get(j->journal).full_scan);
	assert_value(j, 2, "value");
	assert_value(j, 7, "after");
}

TEST_IN(setup, teardown, a_copied_frame_changes_nothing)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];
	emr_block block;
	EMR_AUTO_FREE uint8_t *bytes;
	char path[512];
	FILE *file;

	put(j, 1, "old");
	put(j, 1, "new");
	jclose(j);
	assert_int_equal(frames(j, offsets, lens, 16), 2);
	kit_file(j->k, "seg-1", path);
	bytes = malloc(lens[0]);
	file = fopen(path, "rb");
	assert_int_equal(fseek(file, (long)offsets[0], SEEK_SET), 0);
	assert_int_equal(fread(bytes, 1, lens[0], file), lens[0]);
	fclose(file);
	jopen(j);
	/* Replayed by somebody who can append: the varint of this length is two bytes. */
	block.data = emr_bytes_of(bytes + 38, lens[0] - 38);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	assert_ok(emr_store_append(j->k->store, &block, 1, NULL));
	put(j, 2, "more");
	reopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 1, "new");
	assert_value(j, 2, "more");
}

TEST_IN(setup, teardown, a_block_that_looks_like_a_frame_changes_nothing)
{
	jkit *j = *state;
	uint8_t bytes[200] = "EMRJ\1\1";
	emr_block block = {.data = {bytes, sizeof bytes}};

	put(j, 1, "one");
	bytes[15] = 2;
	bytes[23] = 1;
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	assert_ok(emr_store_append(j->k->store, &block, 1, NULL));
	put(j, 2, "two");
	reopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 2, "two");
}

/* Another writer has segments in the same directory: they are no part of this log, wherever they
 * stand. He knows no key, but frames can be copied, and the digest that the next one must name is
 * that of the block before it. */
TEST_IN(setup, teardown, another_writers_segments_are_no_part_of_the_log)
{
	jkit *j = *state;
	uint64_t offsets[4], lens[4];
	kit stranger = *j->k;
	uint8_t frame[256];
	emr_block block, filler = kit_block(1, 200000);
	emr_cid last;
	char path[512];
	size_t len;
	FILE *file;

	put(j, 1, "one");
	put(j, 1, "two");
	jclose(j);
	assert_int_equal(frames(j, offsets, lens, 4), 2);
	len = lens[1] - 38; /* behind its head, whose varint has two bytes */
	assert_in_range(len, 64, sizeof frame);
	kit_file(j->k, "seg-1", path);
	file = fopen(path, "rb");
	assert_int_equal(fseek(file, (long)offsets[1] + 38, SEEK_SET), 0);
	assert_int_equal(fread(frame, 1, len, file), len);
	fclose(file);
	last = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(frame, len));
	emr_put_u64(frame + 8, 3);
	memcpy(frame + 24, emr_cid_digest(&last), 32);
	block.data = emr_bytes_of(frame, len);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	stranger.options.writer.b[15] ^= 1;
	stranger.options.segment_bytes = 100000;
	kit_open(&stranger);
	for (int i = 0; i < 3; i++) /* one behind ours, too */
		assert_ok(emr_store_append(stranger.store, i == 2 ? &block : &filler, 1, NULL));
	kit_close(&stranger);
	jopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 1, "two");
	put(j, 2, "more");
	reopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_value(j, 2, "more");
	kit_block_free(&filler);
}

/* ---- Death and power cuts ---- */

/* In a process of its own (keys do not survive a fork): commits numbers and tells each one on
 * standard output. */
static int commit_until_killed(const char *path, uint32_t from)
{
	kit k = {.store = NULL};
	jkit j = {.k = &k};
	int dir = open(path, O_RDONLY | O_DIRECTORY);

	snprintf(j.k->path, sizeof j.k->path, "%s", path);
	j.k->options =
		(emr_store_options){.path = path, .writer = kit_writer_id(), .index_delay_ms = 1};
	if (emr_base_init() != EMR_OK ||
		emr_keyring_open(dir, "keyfile", emr_bytes_of("test", 4), &j.keyring, NULL) !=
			EMR_OK ||
		emr_store_open(&j.k->options, &j.k->store) != EMR_OK ||
		emr_journal_open(j.k->store, j.keyring, &j.journal) != EMR_OK)
		return 3;
	for (uint32_t i = from;; i++) {
		emr_block block = kit_block(i, 2000);
		emr_journal_txn *txn;
		uint8_t number[4];
		uint64_t seq;

		emr_put_u32(number, i);
		if (emr_journal_begin(j.journal, &txn) != EMR_OK ||
			emr_journal_put(txn, 1, key_of(i % 50), emr_bytes_of(number, 4)) !=
				EMR_OK ||
			emr_journal_commit_with_blocks(txn, &block, 1, &seq) != EMR_OK)
			return 4;
		kit_block_free(&block);
		if (write(STDOUT_FILENO, number, 4) != 4)
			return 5;
	}
}

/* Starts it, kills it after COMMITS answers, and returns the last number it told. */
static uint32_t kill_a_committer(jkit *j, uint32_t from, int commits)
{
	uint8_t number[4];
	uint32_t last = from - 1;
	int pipes[2];
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		char text[16];

		snprintf(text, sizeof text, "%u", from);
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl("/proc/self/exe", "test_journal", "commit", j->k->path, text, (char *)NULL);
		_exit(9);
	}
	close(pipes[1]);
	for (int i = 0; i < commits; i++)
		if (read(pipes[0], number, 4) == 4)
			last = emr_get_u32(number);
	kill(child, SIGKILL);
	while (read(pipes[0], number, 4) == 4)
		last = emr_get_u32(number);
	close(pipes[0]);
	waitpid(child, NULL, 0);
	return last;
}

TEST_IN(setup, teardown, what_was_committed_survives_kill_9)
{
	const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = 8 << 20};
	jkit *j = *state;
	uint32_t next = 1;
	int dir = open(j->k->path, O_RDONLY | O_DIRECTORY);

	assert_ok(
		emr_keyring_save_new(j->keyring, dir, "keyfile", emr_bytes_of("test", 4), &cheap));
	close(dir);
	for (int round = 0; round < 20; round++) {
		emr_buf value = {0};
		uint32_t last;

		jclose(j);
		last = kill_a_committer(j, next, 10 + round * 7);
		jopen(j);
		assert_false(emr_journal_state_get(j->journal).read_only);
		assert_true(last >= next);
		assert_true(emr_journal_last_seq(j->journal) >= last);
		assert_ok(emr_journal_get(j->journal, 1, key_of(last % 50), &value));
		assert_true(emr_get_u32(value.data) >= last);
		kit_has(j->k, last, 2000);
		emr_buf_free(&value);
		next = (uint32_t)emr_journal_last_seq(j->journal) + 1;
	}
}

TEST_IN(setup, teardown, a_log_torn_anywhere_replays_a_prefix)
{
	jkit *j = *state;
	uint64_t offsets[32], lens[32];
	char path[512];
	uint64_t size;
	size_t count;

	for (uint32_t i = 0; i < 12; i++)
		put(j, i, "value");
	jclose(j);
	count = frames(j, offsets, lens, 32);
	assert_int_equal(count, 12);
	size = kit_size(j->k, "seg-1");
	for (uint64_t cut = size - 1; cut > offsets[8]; cut -= 7) {
		size_t whole = 0;

		kit_file(j->k, "index.sqlite", path);
		unlink(path);
		kit_truncate(j->k, "seg-1", cut);
		while (whole < count && offsets[whole] + lens[whole] <= cut)
			whole++;
		jopen(j);
		assert_false(emr_journal_state_get(j->journal).read_only);
		assert_int_equal(emr_journal_last_seq(j->journal), whole);
		jclose(j);
	}
	jopen(j);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "commit") == 0)
		return commit_until_killed(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
	return emr_tests_run(NULL, NULL);
}
