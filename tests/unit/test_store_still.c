/* These tests are about a store and a journal on a disk that takes nothing, or no more: everything
 * that was appended is there, and what takes nothing has no other byte afterwards. */
#include "store_kit.h"

#include "base/codec.h"
#include "journal/journal.h"
#include "still_kit.h"

#define BLOCKS 20
#define LEN 3000
#define PREFIX 96
#define SECTION (38 + LEN)

static char *before;

/* From here on the directory is what it is. */
static void become_still(kit *k)
{
	before = still_picture(k->path);
	still_is = true;
	kit_open(k);
}

static void take_again(kit *k)
{
	char *after;

	kit_close(k);
	still_is = false;
	after = still_picture(k->path);
	assert_string_equal(after, before);
	free(before);
	free(after);
	before = NULL;
}

static int end(void **state)
{
	still_is = false;
	free(before);
	before = NULL;
	return kit_teardown(state);
}

static void put_some(kit *k)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		kit_put(k, i, LEN);
}

static void remove_file(kit *k, const char *name)
{
	char path[512];

	kit_file(k, name, path);
	unlink(path);
}

static void has_some(kit *k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		kit_has(k, i, LEN);
}

static emr_status append_one(kit *k)
{
	AUTO(kit_block_free) emr_block block = kit_block(1000, LEN);
	emr_status status = emr_store_append(k->store, &block, 1, NULL);

	return status;
}

TEST_IN(kit_setup, end, what_was_appended_is_read_and_nothing_is_appended)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	become_still(k);
	has_some(k, BLOCKS);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1000, LEN));
	assert_status(EMR_READ_ONLY, append_one(k));
	assert_ok(emr_store_check(k->store, NULL));
	take_again(k);
	kit_open(k);
	assert_ok(append_one(k));
	has_some(k, BLOCKS);
}

TEST_IN(kit_setup, end, what_a_killed_process_left_is_read_with_and_without_an_index)
{
	kit *k = *state;

	kit_run_and_die(k, put_some);
	become_still(k);
	has_some(k, BLOCKS);
	assert_ok(emr_store_check(k->store, NULL));
	take_again(k);
	remove_file(k, "index.sqlite");
	remove_file(k, "index.sqlite-wal");
	remove_file(k, "index.sqlite-shm");
	become_still(k);
	has_some(k, BLOCKS);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1000, LEN));
	assert_ok(emr_store_check(k->store, NULL));
	take_again(k);
}

TEST_IN(kit_setup, end, a_torn_end_is_passed_over_at_every_size)
{
	kit *k = *state;

	kit_run_and_die(k, put_some);
	for (uint64_t size = PREFIX + BLOCKS * SECTION - 1; size > PREFIX + 18 * SECTION;
		size -= 311) {
		uint32_t whole = (uint32_t)((size - PREFIX) / SECTION);

		kit_truncate(k, "seg-1", size);
		become_still(k);
		has_some(k, whole);
		assert_status(EMR_NOT_FOUND, kit_try(k, whole, LEN));
		take_again(k);
	}
}

TEST_IN(kit_setup, end, rot_is_told_and_left)
{
	kit *k = *state;

	put_some(k);
	assert_ok(emr_store_flush(k->store));
	kit_put(k, BLOCKS, LEN); /* tells how much was flushed */
	kit_close(k);
	kit_flip(k, "seg-1", PREFIX + 5 * SECTION + 100, 1);
	become_still(k);
	assert_status(EMR_DAMAGED, emr_store_check(k->store, NULL));
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (i != 5)
			kit_has(k, i, LEN);
	assert_true(kit_try(k, 5, LEN) != EMR_OK);
	take_again(k);
}

TEST_IN(kit_setup, end, no_flipped_byte_of_the_index_loses_a_block)
{
	kit *k = *state;
	uint64_t size;

	put_some(k);
	kit_close(k);
	size = kit_size(k, "index.sqlite");
	for (uint64_t offset = 0; offset < size; offset += 509) {
		kit_flip(k, "index.sqlite", offset, 0x55);
		become_still(k);
		has_some(k, BLOCKS);
		take_again(k);
		kit_flip(k, "index.sqlite", offset, 0x55);
	}
}

TEST_IN(kit_setup, end, an_index_of_a_longer_segment_does_not_serve)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	kit_truncate(k, "seg-1", PREFIX + 10 * SECTION);
	become_still(k);
	has_some(k, 10);
	assert_status(EMR_NOT_FOUND, kit_try(k, 12, LEN));
	take_again(k);
}

typedef struct pins {
	size_t n;
	emr_cid last;
} pins;

static emr_status see_pin(void *context, const emr_pin *pin)
{
	pins *seen = context;

	seen->n++;
	seen->last = pin->root;
	return EMR_OK;
}

static void pin_some(kit *k)
{
	emr_cid first = kit_put(k, 500, LEN), second = kit_put(k, 501, LEN);

	kit_pin_one(k, &first, false);
	kit_pin_one(k, &second, false);
	kit_pin_one(k, &first, true);
	kit_pin_one(k, &first, false);
	kit_pin_one(k, &second, true);
}

TEST_IN(kit_setup, end, the_last_word_about_a_pin_counts_also_without_an_index)
{
	kit *k = *state;
	emr_cid old = kit_put(k, 502, LEN);
	pins seen = {0};

	kit_pin_one(k, &old, false);
	assert_ok(emr_store_index_now(k->store));
	kit_run_and_die(k, pin_some);
	become_still(k);
	assert_ok(emr_store_each_pin(k->store, see_pin, &seen));
	assert_int_equal(seen.n, 2);
	take_again(k);
	remove_file(k, "index.sqlite");
	remove_file(k, "index.sqlite-wal");
	become_still(k);
	seen = (pins){0};
	assert_ok(emr_store_each_pin(k->store, see_pin, &seen));
	assert_int_equal(seen.n, 2);
	take_again(k);
}

/* ---- the journal ---- */

static emr_id16 key_of(uint32_t n)
{
	emr_id16 key = {{0}};

	emr_put_u32(key.b, n);
	return key;
}

static emr_status put_row(emr_journal *journal, uint32_t n)
{
	emr_journal_txn *txn;

	assert_ok(emr_journal_begin(journal, &txn));
	assert_ok(emr_journal_put(txn, 1, key_of(n), emr_bytes_of("row", 3)));
	return emr_journal_commit(txn, NULL);
}

static bool has_row(emr_journal *journal, uint32_t n)
{
	EMR_AUTO_BUF value = {0};

	return emr_journal_get(journal, 1, key_of(n), &value) == EMR_OK && value.len == 3;
}

/* As a killed process leaves it, with BYTES less at the end. */
static void look_at_journal(
	kit *k, const emr_keyring *keyring, uint64_t bytes, uint32_t rows, bool is_last_there)
{
	kit killed = *k;
	emr_journal *journal;

	snprintf(killed.path, sizeof killed.path, "%.200s-killed", k->path);
	killed.options.path = killed.path;
	still_copy(k->path, killed.path);
	if (bytes > 0)
		kit_truncate(&killed, "seg-1", kit_size(&killed, "seg-1") - bytes);
	become_still(&killed);
	assert_ok(emr_journal_open(killed.store, keyring, &journal));
	assert_false(emr_journal_state_get(journal).read_only);
	for (uint32_t i = 0; i + 1 < rows; i++)
		assert_true(has_row(journal, i));
	assert_int_equal(has_row(journal, rows - 1), is_last_there);
	assert_status(EMR_READ_ONLY, put_row(journal, 100));
	assert_false(has_row(journal, 100));
	assert_status(EMR_READ_ONLY, emr_journal_snapshot(journal));
	emr_journal_close(journal);
	take_again(&killed);
	assert_int_equal(system(printed("rm -rf '%s'", killed.path)), 0);
}

/* A power cut kept the last frame and lost the one before it: the log ends there. */
TEST_IN(kit_setup, end, what_stands_behind_a_torn_place_does_not_count)
{
	kit *k = *state;
	AUTO(emr_keyring_auto_free) emr_keyring *keyring;
	emr_journal *journal;
	uint64_t at;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring));
	assert_ok(emr_journal_open(k->store, keyring, &journal));
	assert_ok(put_row(journal, 0));
	at = emr_store_log_end(k->store).offset;
	assert_ok(put_row(journal, 1));
	assert_ok(put_row(journal, 2));
	emr_journal_close(journal);
	kit_flip(k, "seg-1", at + 60, 1);
	look_at_journal(k, keyring, 0, 2, false);
}

TEST_IN(kit_setup, end, the_journal_is_replayed_and_takes_nothing)
{
	kit *k = *state;
	AUTO(emr_keyring_auto_free) emr_keyring *keyring;
	emr_journal *journal;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring));
	assert_ok(emr_journal_open(k->store, keyring, &journal));
	for (uint32_t i = 0; i < 30; i++)
		assert_ok(put_row(journal, i));
	look_at_journal(k, keyring, 0, 30, true);
	look_at_journal(k, keyring, 1, 30, false);
	look_at_journal(k, keyring, 100, 30, false);
	assert_ok(emr_journal_snapshot(journal));
	assert_ok(put_row(journal, 30));
	look_at_journal(k, keyring, 0, 31, true);
	look_at_journal(k, keyring, 40, 31, false);
	emr_journal_close(journal);
}

static unsigned asked_for_room;

static uint64_t room_that_goes(const void *context)
{
	(void)context;
	return asked_for_room++ == 0 ? UINT64_MAX : 0;
}

TEST_IN(kit_setup, kit_teardown, room_that_others_took_meanwhile_is_not_counted_on)
{
	kit *k = *state;
	emr_reclaim_options options = {.scrub = true, .copy_room = room_that_goes};

	for (uint32_t i = 0; i < 60; i++) {
		emr_cid cid = kit_put(k, i, 10000);

		if (i % 3 != 0)
			kit_pin_one(k, &cid, false);
	}
	assert_ok(emr_store_close_segment(k->store));
	assert_status(EMR_NO_SPACE, emr_store_reclaim(k->store, &options, NULL));
	options.copy_room = NULL;
	assert_ok(emr_store_reclaim(k->store, &options, NULL));
	for (uint32_t i = 0; i < 60; i++)
		if (i % 3 != 0)
			kit_has(k, i, 10000);
}

TESTS(NULL, NULL)
