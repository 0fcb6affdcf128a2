/* These tests are about the durable log: what a commit promises, and where replay begins. */
#include "journal_kit.h"

#include <pthread.h>

/* ---- The map ---- */

TEST_IN(setup, teardown, rows_come_back_after_closing)
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

TEST_IN(setup, teardown, a_rolled_back_transaction_did_not_happen)
{
	jkit *j = *state;
	emr_journal_txn *txn;

	assert_ok(emr_journal_begin(j->journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(1), emr_bytes_of("x", 1)));
	emr_journal_rollback(txn);
	assert_value(j, 1, NULL);
	assert_int_equal(emr_journal_last_seq(j->journal), 0);
}

TEST_IN(setup, teardown, one_transaction_keeps_the_order_of_its_changes)
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

TEST_IN(setup, teardown, each_sees_the_rows_of_one_kind)
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

TEST_IN(setup, teardown, values_have_a_largest_size)
{
	jkit *j = *state;
	EMR_AUTO_FREE uint8_t *big = calloc(1, EMR_JOURNAL_VALUE_MAX + 1);
	emr_journal_txn *txn;
	EMR_AUTO_BUF back = {0};

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
}

TEST_IN(setup, teardown, nothing_of_a_row_is_readable_on_disk)
{
	jkit *j = *state;
	char path[512];
	EMR_AUTO_FREE uint8_t *bytes;
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
	jopen(j);
}

TEST_IN(setup, teardown, blocks_and_pins_of_a_commit_come_with_it)
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

TEST_IN(setup, teardown, another_key_reads_nothing)
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

TEST_IN(setup, teardown, replay_starts_at_the_snapshot)
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

TEST_IN(setup, teardown, a_lost_or_flipped_head_costs_only_a_search)
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

TEST_IN(setup, teardown, an_old_head_does_not_bring_back_old_rows)
{
	jkit *j = *state;
	char hex[33], path[512], kept[512];

	emr_hex(j->k->options.writer.b, 16, hex);
	kit_file(j->k, printed("journal-%s.head", hex), path);
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

TEST_IN(setup, teardown, the_log_is_snapshot_by_itself_when_it_grows)
{
	jkit *j = *state;
	EMR_AUTO_FREE char *big = malloc(1 << 20);
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
}

/* The head is replaced with every snapshot: its bytes tell whether there was one. */
TEST_IN(setup, teardown, a_tidy_end_leaves_one_place_to_read)
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

/* Blocks that reclaim moved lie behind the last frame, and no frame speaks of them. */
TEST_IN(setup, teardown, a_tidy_end_leaves_nothing_to_walk_through)
{
	jkit *j = *state;
	char hex[33], path[512];
	struct stat before, after;

	emr_hex(j->k->options.writer.b, 16, hex);
	kit_file(j->k, printed("journal-%s.head", hex), path);
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
TEST_IN(setup, teardown, a_tidy_end_is_not_followed_by_another)
{
	jkit *j = *state;
	EMR_AUTO_FREE char *text = malloc(1 << 16);
	char hex[33], path[512];
	struct stat before, after;

	memset(text, 'a', (1 << 16) - 1);
	text[(1 << 16) - 1] = 0;
	emr_hex(j->k->options.writer.b, 16, hex);
	kit_file(j->k, printed("journal-%s.head", hex), path);
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

TEST_IN(setup, teardown, reclaim_frees_old_frames_and_keeps_the_rows)
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

/* ---- Threads ---- */

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

TEST_IN(setup, teardown, several_threads_commit_sync_and_snapshot)
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

TESTS(NULL, NULL)
