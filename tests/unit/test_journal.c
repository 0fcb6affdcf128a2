/* The durable log: what a commit promises, what replay accepts, what damage does. */
#include "store_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/secret.h"
#include "journal/journal.h"
#include "store/car.h"

typedef struct jkit {
	kit *k;
	emr_keyring *keyring;
	emr_journal *journal;
} jkit;

static void jopen(jkit *j)
{
	kit_open(j->k);
	assert_ok(emr_journal_open(j->k->store, j->keyring, &j->journal));
}

static void jclose(jkit *j)
{
	emr_journal_close(j->journal);
	j->journal = NULL;
	kit_close(j->k);
}

static void reopen(jkit *j)
{
	jclose(j);
	jopen(j);
}

static int setup(void **state)
{
	jkit *j = calloc(1, sizeof *j);

	kit_setup((void **)&j->k);
	kit_close(j->k);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &j->keyring));
	jopen(j);
	*state = j;
	return 0;
}

static int teardown(void **state)
{
	jkit *j = *state;

	emr_journal_close(j->journal);
	emr_keyring_free(j->keyring);
	kit_teardown((void **)&j->k);
	free(j);
	return 0;
}

static emr_id16 key_of(uint32_t n)
{
	emr_id16 key = {{0}};

	emr_put_u32(key.b, n);
	return key;
}

static uint64_t put(jkit *j, uint32_t n, const char *value)
{
	emr_journal_txn *txn;
	uint64_t seq;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(n), emr_bytes_of(value, strlen(value))));
	assert_ok(emr_journal_commit(txn, &seq));
	return seq;
}

static void assert_value(jkit *j, uint32_t n, const char *expected)
{
	emr_buf value = {0};
	emr_status status = emr_journal_get(j->journal, 1, key_of(n), &value);

	if (expected == NULL) {
		assert_status(EMR_NOT_FOUND, status);
		return;
	}
	assert_ok(status);
	assert_int_equal(value.len, strlen(expected));
	assert_memory_equal(value.data, expected, value.len);
	emr_buf_free(&value);
}

/* ---- The map ---- */

static void rows_come_back_after_closing(void **state)
{
	jkit *j = *state;
	emr_journal_txn *txn;

	put(j, 1, "one");
	put(j, 2, "two");
	put(j, 1, "other");
	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_delete(txn, 1, key_of(2)));
	assert_ok(emr_journal_delete(txn, 1, key_of(77)));
	assert_ok(emr_journal_commit(txn, NULL));
	reopen(j);
	assert_value(j, 1, "other");
	assert_value(j, 2, NULL);
	assert_int_equal(emr_journal_last_seq(j->journal), 4);
	assert_int_equal(emr_journal_state_get(j->journal).rows, 1);
}

static void a_rolled_back_transaction_did_not_happen(void **state)
{
	jkit *j = *state;
	emr_journal_txn *txn;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of("x", 1)));
	emr_journal_rollback(txn);
	assert_value(j, 1, NULL);
	assert_int_equal(emr_journal_last_seq(j->journal), 0);
}

static void one_transaction_keeps_the_order_of_its_changes(void **state)
{
	jkit *j = *state;
	emr_journal_txn *txn;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of("a", 1)));
	assert_ok(emr_journal_delete(txn, 1, key_of(1)));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of("b", 1)));
	assert_ok(emr_journal_put(txn, 1, key_of(2), emr_bytes_of("c", 1)));
	assert_ok(emr_journal_delete(txn, 1, key_of(2)));
	assert_ok(emr_journal_commit(txn, NULL));
	assert_value(j, 1, "b");
	assert_value(j, 2, NULL);
	reopen(j);
	assert_value(j, 1, "b");
	assert_value(j, 2, NULL);
}

static emr_status count_row(void *context, emr_id16 key, emr_bytes value)
{
	(void)key;
	(void)value;
	++*(size_t *)context;
	return EMR_OK;
}

static void each_sees_the_rows_of_one_kind(void **state)
{
	jkit *j = *state;
	emr_journal_txn *txn;
	size_t count = 0;

	assert_ok(emr_journal_begin(j->journal, &txn));
	for (uint32_t i = 0; i < 100; i++)
		assert_ok(emr_journal_put(txn, (uint8_t)(i % 4), key_of(i), emr_bytes_of("x", 1)));
	assert_ok(emr_journal_commit(txn, NULL));
	assert_ok(emr_journal_each(j->journal, 3, count_row, &count));
	assert_int_equal(count, 25);
}

static void values_have_a_largest_size(void **state)
{
	jkit *j = *state;
	uint8_t *big = calloc(1, EMR_JOURNAL_VALUE_MAX + 1);
	emr_journal_txn *txn;
	emr_buf back = {0};

	memset(big, 7, EMR_JOURNAL_VALUE_MAX);
	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_status(EMR_LIMIT,
		emr_journal_put(txn, 1, key_of(1), emr_bytes_of(big, EMR_JOURNAL_VALUE_MAX + 1)));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of(big, EMR_JOURNAL_VALUE_MAX)));
	assert_status(EMR_LIMIT,
		emr_journal_put(txn, 1, key_of(2), emr_bytes_of(big, EMR_JOURNAL_VALUE_MAX)));
	assert_ok(emr_journal_commit(txn, NULL));
	assert_ok(emr_journal_snapshot(j->journal));
	reopen(j);
	assert_ok(emr_journal_get(j->journal, 1, key_of(1), &back));
	assert_int_equal(back.len, EMR_JOURNAL_VALUE_MAX);
	assert_memory_equal(back.data, big, back.len);
	emr_buf_free(&back);
	free(big);
}

static void nothing_of_a_row_is_readable_on_disk(void **state)
{
	jkit *j = *state;
	char path[512];
	uint8_t *bytes;
	size_t len;
	FILE *file;

	put(j, 1, "a name nobody should read");
	assert_ok(emr_journal_snapshot(j->journal));
	jclose(j);
	kit_file(j->k, "seg-1", path);
	file = fopen(path, "rb");
	bytes = malloc(1 << 20);
	len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	assert_null(memmem(bytes, len, "a name nobody", 13));
	free(bytes);
	jopen(j);
}

static void blocks_and_pins_of_a_commit_come_with_it(void **state)
{
	jkit *j = *state;
	emr_block blocks[2] = {kit_block(1, 5000), kit_block(2, 300)};
	emr_pin pin = kit_pin(&blocks[0].cid, 1);
	emr_store_stats stats;
	emr_journal_txn *txn;
	uint64_t seq;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of("x", 1)));
	assert_ok(emr_journal_pin(txn, &pin));
	assert_ok(emr_journal_commit_with_blocks(txn, blocks, 2, &seq));
	assert_ok(emr_journal_sync(j->journal, seq));
	assert_int_equal(emr_journal_synced_seq(j->journal), seq);
	jclose(j);
	kit_segments_are_cars(j->k);
	jopen(j);
	kit_has(j->k, 1, 5000);
	kit_has(j->k, 2, 300);
	assert_ok(emr_store_stats_get(j->k->store, &stats));
	assert_int_equal(stats.pins, 1);
	kit_block_free(&blocks[0]);
	kit_block_free(&blocks[1]);
}

static void another_key_reads_nothing(void **state)
{
	jkit *j = *state;
	emr_keyring *mine = j->keyring;
	emr_journal_state found;

	put(j, 1, "one");
	jclose(j);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &j->keyring));
	jopen(j);
	found = emr_journal_state_get(j->journal);
	assert_true(found.read_only);
	assert_int_equal(found.rows, 0);
	jclose(j);
	emr_keyring_free(j->keyring);
	j->keyring = mine;
	jopen(j);
	assert_value(j, 1, "one");
}

/* ---- Snapshots ---- */

static void replay_starts_at_the_snapshot(void **state)
{
	jkit *j = *state;

	for (uint32_t i = 0; i < 50; i++)
		put(j, i % 5, "before");
	assert_ok(emr_journal_snapshot(j->journal));
	put(j, 2, "after");
	reopen(j);
	assert_false(emr_journal_state_get(j->journal).full_scan);
	assert_value(j, 1, "before");
	assert_value(j, 2, "after");
	assert_int_equal(emr_journal_last_seq(j->journal), 51);
	put(j, 3, "later");
	reopen(j);
	assert_value(j, 3, "later");
}

static void a_lost_or_flipped_head_costs_only_a_search(void **state)
{
	jkit *j = *state;
	char name[64], hex[33];

	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	put(j, 1, "one");
	assert_ok(emr_journal_snapshot(j->journal));
	put(j, 2, "two");
	for (uint64_t byte = 0; byte < 64; byte++) {
		jclose(j);
		kit_flip(j->k, name, byte, 0x40);
		jopen(j);
		assert_true(emr_journal_state_get(j->journal).full_scan);
		assert_false(emr_journal_state_get(j->journal).read_only);
		assert_value(j, 1, "one");
		assert_value(j, 2, "two");
		kit_flip(j->k, name, byte, 0x40);
	}
}

static void an_old_head_does_not_bring_back_old_rows(void **state)
{
	jkit *j = *state;
	char name[64], hex[33], path[512], kept[512];

	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	kit_file(j->k, name, path);
	kit_file(j->k, "kept", kept);
	put(j, 1, "old");
	assert_ok(emr_journal_snapshot(j->journal));
	assert_int_equal(link(path, kept), 0);
	put(j, 1, "new");
	assert_ok(emr_journal_snapshot(j->journal));
	put(j, 2, "newer");
	jclose(j);
	assert_int_equal(rename(kept, path), 0);
	jopen(j);
	assert_value(j, 1, "new");
	assert_value(j, 2, "newer");
}

static void the_log_is_snapshot_by_itself_when_it_grows(void **state)
{
	jkit *j = *state;
	char *big = malloc(1 << 20);
	char name[64], hex[33];

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = 0;
	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	for (int i = 0; i < 18; i++)
		put(j, 1, big);
	for (int i = 0; i < 60000 && kit_size(j->k, name) == 0; i++)
		usleep(1000);
	assert_int_equal(kit_size(j->k, name), 64);
	reopen(j);
	assert_value(j, 1, big);
	free(big);
}

/* The head is replaced with every snapshot: its bytes tell whether there was one. */
static void a_tidy_end_leaves_one_place_to_read(void **state)
{
	jkit *j = *state;
	char name[64], hex[33];

	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	put(j, 1, "one");
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(kit_size(j->k, name), 0); /* a few frames are not worth it */
	for (uint32_t i = 0; i < 200; i++)
		put(j, i % 5, "two");
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(kit_size(j->k, name), 64);
	reopen(j);
	assert_value(j, 1, "two");
	assert_int_equal(emr_journal_last_seq(j->journal), 201);
	jclose(j);
	kit_flip(j->k, name, 40, 0x01);
	jopen(j);
	assert_value(j, 1, "two");
	kit_flip(j->k, name, 40, 0x01);
}

/* What reclaim moved lies behind the last frame, and no frame speaks of it. */
static void a_tidy_end_leaves_nothing_to_walk_through(void **state)
{
	jkit *j = *state;
	char name[64], hex[33], path[512];
	struct stat before, after;

	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	kit_file(j->k, name, path);
	put(j, 1, "one");
	assert_ok(emr_journal_snapshot(j->journal));
	assert_int_equal(stat(path, &before), 0);
	kit_put(j->k, 1, 1 << 19);
	reopen(j);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino); /* half a megabyte is not worth it */
	kit_put(j->k, 2, 1 << 19);
	kit_put(j->k, 3, 1 << 19);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	before = after;
	reopen(j);
	assert_value(j, 1, "one");
	assert_false(emr_journal_state_get(j->journal).full_scan);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino); /* and once is enough */
}

/* However many rows there are: the snapshot of the last end is no reason for one at this. */
static void a_tidy_end_is_not_followed_by_another(void **state)
{
	jkit *j = *state;
	EMR_AUTO_FREE char *text = malloc(1 << 16);
	char name[64], hex[33], path[512];
	struct stat before, after;

	memset(text, 'a', (1 << 16) - 1);
	text[(1 << 16) - 1] = 0;
	emr_hex(j->k->options.writer.b, 16, hex);
	snprintf(name, sizeof name, "journal-%s.head", hex);
	kit_file(j->k, name, path);
	for (uint64_t i = 0; i < 48; i++) /* 3 MiB */
		put(j, i, text);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &before), 0);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	reopen(j);
	assert_ok(emr_journal_tidy(j->journal));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void reclaim_frees_old_frames_and_keeps_the_rows(void **state)
{
	jkit *j = *state;
	char value[20001];
	emr_reclaim_report report;
	emr_reclaim_options options = {0};

	memset(value, 'y', 20000);
	value[20000] = 0;
	jclose(j);
	j->k->options.segment_bytes = 65536;
	jopen(j);
	for (uint32_t i = 0; i < 30; i++)
		put(j, i % 3, value);
	/* Without a snapshot every frame is live. */
	assert_ok(emr_store_reclaim(j->k->store, &options, &report));
	assert_int_equal(report.segments_removed, 0);
	assert_ok(emr_journal_reclaim(j->journal, &options, &report));
	assert_true(report.segments_removed >= 8);
	put(j, 100, "z");
	reopen(j);
	assert_false(emr_journal_state_get(j->journal).read_only);
	assert_false(emr_journal_state_get(j->journal).full_scan);
	assert_value(j, 0, value);
	assert_value(j, 2, value);
	assert_value(j, 100, "z");
}

/* ---- Damage ---- */

/* Offsets of all sections with the journal's magic in segment 1. */
static size_t frames(jkit *j, uint64_t *offsets, uint64_t *lens, size_t max)
{
	char path[512];
	uint8_t *bytes = malloc(1 << 20);
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
	free(bytes);
	return n;
}

static void rot_in_a_synced_frame_is_told_and_all_before_it_is_read(void **state)
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

static void rot_in_the_last_frame_is_told(void **state)
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

static void a_later_snapshot_mends_a_damaged_frame(void **state)
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

static void a_damaged_snapshot_falls_back_to_the_frames_before_it(void **state)
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

static void a_copied_frame_changes_nothing(void **state)
{
	jkit *j = *state;
	uint64_t offsets[16], lens[16];
	emr_block block;
	uint8_t *bytes;
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
	free(bytes);
}

static void a_block_that_looks_like_a_frame_changes_nothing(void **state)
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

/* Whoever has segments in the same directory: his are no part of this log, wherever they stand.  He
 * knows no key, but frames can be copied, and the digest that the next one must name is that of the
 * block before it. */
static void another_writers_segments_are_no_part_of_the_log(void **state)
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

static void what_was_committed_survives_kill_9(void **state)
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

static void a_log_torn_anywhere_replays_a_prefix(void **state)
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

typedef struct committer {
	jkit *j;
	uint32_t base;
	emr_status failed;
} committer;

static void *commit_and_sync(void *argument)
{
	committer *c = argument;

	for (uint32_t i = 0; i < 50 && c->failed == EMR_OK; i++) {
		emr_journal_txn *txn;
		uint64_t seq = 0;

		c->failed = emr_journal_begin(c->j->journal, &txn);
		if (c->failed == EMR_OK)
			c->failed =
				emr_journal_put(txn, 1, key_of(c->base + i), emr_bytes_of("v", 1));
		if (c->failed == EMR_OK)
			c->failed = emr_journal_commit(txn, &seq);
		if (c->failed == EMR_OK && i % 10 == 0)
			c->failed = emr_journal_sync(c->j->journal, seq);
	}
	return NULL;
}

static void several_threads_commit_sync_and_snapshot(void **state)
{
	jkit *j = *state;
	committer committers[4];
	pthread_t threads[4];

	jclose(j);
	j->k->options.no_background = false;
	j->k->options.index_delay_ms = 1;
	jopen(j);
	for (uint32_t i = 0; i < 4; i++) {
		committers[i] = (committer){.j = j, .base = i * 1000};
		assert_int_equal(
			pthread_create(&threads[i], NULL, commit_and_sync, &committers[i]), 0);
	}
	for (int i = 0; i < 5; i++)
		assert_ok(emr_journal_snapshot(j->journal));
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_ok(committers[i].failed);
	}
	reopen(j);
	assert_int_equal(emr_journal_last_seq(j->journal), 200);
	assert_int_equal(emr_journal_state_get(j->journal).rows, 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(rows_come_back_after_closing),
		T(a_rolled_back_transaction_did_not_happen),
		T(one_transaction_keeps_the_order_of_its_changes),
		T(each_sees_the_rows_of_one_kind),
		T(values_have_a_largest_size),
		T(nothing_of_a_row_is_readable_on_disk),
		T(blocks_and_pins_of_a_commit_come_with_it),
		T(another_key_reads_nothing),
		T(replay_starts_at_the_snapshot),
		T(a_lost_or_flipped_head_costs_only_a_search),
		T(an_old_head_does_not_bring_back_old_rows),
		T(the_log_is_snapshot_by_itself_when_it_grows),
		T(a_tidy_end_leaves_one_place_to_read),
		T(a_tidy_end_leaves_nothing_to_walk_through),
		T(a_tidy_end_is_not_followed_by_another),
		T(reclaim_frees_old_frames_and_keeps_the_rows),
		T(rot_in_a_synced_frame_is_told_and_all_before_it_is_read),
		T(rot_in_the_last_frame_is_told),
		T(a_later_snapshot_mends_a_damaged_frame),
		T(a_damaged_snapshot_falls_back_to_the_frames_before_it),
		T(a_copied_frame_changes_nothing),
		T(a_block_that_looks_like_a_frame_changes_nothing),
		T(another_writers_segments_are_no_part_of_the_log),
		T(what_was_committed_survives_kill_9),
		T(a_log_torn_anywhere_replays_a_prefix),
		T(several_threads_commit_sync_and_snapshot),
	};

	if (argc == 4 && strcmp(argv[1], "commit") == 0)
		return commit_until_killed(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
