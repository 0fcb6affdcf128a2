/* These tests are about torn tails, bit rot in every kind of byte of segment and index, and what
 * is said and kept about it. */
#include "store_kit.h"

#define BLOCKS 20
#define LEN 3000
#define PREFIX 96
#define HEAD 38 /* varint of 3,036 is two bytes, CID 36 */
#define SECTION (HEAD + LEN)

static void put_some(kit *k)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		kit_put(k, i, LEN);
}

TEST_IN(kit_setup, kit_teardown, a_torn_tail_is_cut_at_every_size_and_kept_aside)
{
	kit *k = *state;

	kit_run_and_die(k, put_some);
	for (uint64_t size = PREFIX + BLOCKS * SECTION - 1; size > PREFIX + 18 * SECTION;
		size -= 311) {
		size_t whole = (size_t)((size - PREFIX) / SECTION);

		kit_truncate(k, "seg-1", size);
		kit_open(k);
		for (uint32_t i = 0; i < BLOCKS; i++) {
			if (i < whole)
				kit_has(k, i, LEN);
			else
				assert_status(EMR_NOT_FOUND, kit_try(k, i, LEN));
		}
		/* Written again, so that the next round has something to tear. */
		for (uint32_t i = (uint32_t)whole; i < BLOCKS; i++)
			kit_put(k, i, LEN);
		kit_close(k);
		kit_segments_are_cars(k);
		kit_lose_index(k);
	}
	assert_true(kit_quarantined(k) > 0);
}

/* A power cut keeps some sectors and loses others: what was lost reads as zeros. */
static void lose_sector(kit *k, uint64_t offset, size_t sector)
{
	char path[512];
	uint8_t zeros[4096] = {0};
	EMR_AUTO_FD fd;

	kit_file(k, "seg-1", path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, zeros, sector, (off_t)(offset / sector * sector)), (ssize_t)sector);
}

TEST_IN(kit_setup, kit_teardown, lost_sectors_behind_the_last_flush_end_the_log_there)
{
	static const size_t sectors[] = {512, 4096};
	kit *k = *state;

	for (size_t s = 0; s < 2; s++) {
		uint64_t offset = PREFIX + 10 * SECTION + 4096;
		size_t whole = (size_t)((offset / sectors[s] * sectors[s] - PREFIX) / SECTION);

		kit_run_and_die(k, put_some);
		lose_sector(k, offset, sectors[s]);
		kit_open(k);
		for (uint32_t i = 0; i < BLOCKS; i++) {
			if (i < whole)
				kit_has(k, i, LEN);
			else
				assert_status(EMR_NOT_FOUND, kit_try(k, i, LEN));
		}
		assert_int_equal(kit_quarantined(k), s + 1);
		kit_close(k);
		kit_segments_are_cars(k);
		kit_truncate(k, "seg-1", PREFIX);
		kit_lose_index(k);
	}
}

static void put_flush_put(kit *k)
{
	put_some(k);
	if (emr_store_flush(k->store) != EMR_OK)
		_exit(3);
	kit_put(k, 100, LEN); /* carries the mark: everything before was synced */
	kit_put(k, 101, LEN);
}

static void note_damage(void *context, const emr_store_damage *damage)
{
	*(emr_store_damage *)context = *damage;
}

TEST_IN(kit_setup, kit_teardown, rot_before_the_last_flush_is_quarantined_and_later_blocks_stay)
{
	kit *k = *state;
	static const uint64_t bytes[] = {
		0, 1,		       /* varint */
		2, 3, 4, 5,	       /* CID head */
		6, 37,		       /* digest */
		38, 1000, SECTION - 1, /* block */
	};

	for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; b++) {
		for (int mask = 1; mask <= 0x80; mask *= 16) {
			char path[512];

			kit_close(k);
			kit_file(k, "seg-1", path);
			unlink(path);
			kit_lose_index(k);
			kit_run_and_die(k, put_flush_put);
			kit_flip(k, "seg-1", PREFIX + 5 * SECTION + bytes[b], (uint8_t)mask);
			kit_open(k);
			for (uint32_t i = 0; i < BLOCKS; i++)
				if (i != 5)
					kit_has(k, i, LEN);
			kit_has(k, 101, LEN);
			assert_status(EMR_NOT_FOUND, kit_try(k, 5, LEN));
			kit_close(k);
			kit_segments_are_cars(k);
			kit_open(k);
			kit_has(k, 101, LEN);
		}
	}
	assert_true(kit_quarantined(k) >= sizeof bytes / sizeof bytes[0]);
}

/* As an erasure leaves it that was cut short, but for the index, which leads there. */
TEST_IN(kit_setup, kit_teardown, zeros_in_place_of_what_is_needed_are_damage)
{
	static const uint8_t zeros[LEN];
	kit *k = *state;
	emr_store_damage damage = {0};
	const emr_store_damage_to to = {note_damage, &damage};
	char path[512];
	int fd;

	put_some(k);
	kit_close(k);
	kit_file(k, "seg-1", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, zeros, LEN, PREFIX + 8 * SECTION - LEN), LEN);
	close(fd);
	kit_open(k);
	assert_status(EMR_DAMAGED, emr_store_mend(k->store, &to));
	assert_int_equal(damage.offset, PREFIX + 7 * SECTION);
	assert_int_equal(kit_quarantined(k), 1);
	assert_status(EMR_DAMAGED, kit_try(k, 7, LEN));
	kit_has(k, 8, LEN);
}

TEST_IN(kit_setup, kit_teardown, rot_that_came_after_indexing_is_found_by_a_check_and_mended)
{
	kit *k = *state;
	emr_store_damage damage = {0};
	const emr_store_damage_to to = {note_damage, &damage};

	put_some(k);
	kit_close(k);
	kit_flip(k, "seg-1", PREFIX + 7 * SECTION + 500, 4);
	kit_open(k);
	assert_status(EMR_DAMAGED, kit_try(k, 7, LEN));
	for (int i = 0; i < 2; i++) { /* a check mends nothing */
		assert_status(EMR_DAMAGED, emr_store_check(k->store, &to));
		assert_int_equal(damage.offset, PREFIX + 7 * SECTION);
		assert_int_equal(kit_quarantined(k), 0);
	}
	assert_status(EMR_DAMAGED, emr_store_mend(k->store, &to));
	assert_int_equal(damage.offset, PREFIX + 7 * SECTION);
	assert_int_equal(kit_quarantined(k), 1);
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (i != 7)
			kit_has(k, i, LEN);
	assert_status(EMR_DAMAGED, kit_try(k, 7, LEN));
	assert_ok(emr_store_mend(k->store, NULL));
	kit_close(k);
	kit_segments_are_cars(k);
}

TEST_IN(kit_setup, kit_teardown, a_flipped_head_is_never_served_as_something_else)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	for (uint64_t byte = 0; byte < HEAD; byte++) {
		kit_flip(k, "seg-1", PREFIX + 3 * SECTION + byte, 0x10);
		kit_open(k);
		/* Bytes 3 to 5 are not looked at while the digest fits; the block is then whole. */
		(void)kit_try(k, 3, LEN);
		kit_has(k, 4, LEN);
		kit_close(k);
		kit_lose_index(k);
		kit_truncate(k, "seg-1", PREFIX);
		kit_open(k);
		put_some(k);
		kit_close(k);
	}
	kit_open(k);
}

TEST_IN(kit_setup, kit_teardown, a_damaged_prefix_is_written_again)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	kit_flip(k, "seg-1", 20, 1);
	kit_lose_index(k);
	kit_open(k);
	kit_has(k, 0, LEN);
	kit_has(k, BLOCKS - 1, LEN);
	kit_close(k);
	kit_segments_are_cars(k);
	assert_int_equal(kit_quarantined(k), 1);
}

TEST_IN(kit_setup, kit_teardown, a_missing_index_is_made_again)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	for (uint32_t i = 0; i < BLOCKS; i++)
		kit_has(k, i, LEN);
}

/* Whatever byte of the index changes, no block is lost and none is wrong. */
TEST_IN(kit_setup, kit_teardown, no_flipped_byte_of_the_index_loses_a_block)
{
	kit *k = *state;
	uint64_t size;

	put_some(k);
	kit_close(k);
	size = kit_size(k, "index.sqlite");
	assert_true(size > 4096);
	for (uint64_t at = 0; at < size; at += at < 120 ? 1 : 97) {
		kit_flip(k, "index.sqlite", at, 0x21);
		k->store = NULL;
		{
			emr_status status = emr_store_open(&k->options, &k->store);

			/* A version from the future is the one thing that stops us. */
			if (status == EMR_NEWER_FORMAT) {
				kit_flip(k, "index.sqlite", at, 0x21);
				continue;
			}
			if (status != EMR_OK)
				print_message("index byte %llu\n", (unsigned long long)at);
			assert_ok(status);
		}
		for (uint32_t i = 0; i < BLOCKS; i++) {
			if (kit_try(k, i, LEN) != EMR_OK)
				print_message("index byte %llu\n", (unsigned long long)at);
			kit_has(k, i, LEN);
		}
		kit_close(k);
	}
	kit_open(k);
}

TEST_IN(kit_setup, kit_teardown, a_segment_cut_short_keeps_what_is_left)
{
	kit *k = *state;

	put_some(k);
	kit_close(k);
	kit_truncate(k, "seg-1", PREFIX + 12 * SECTION + 100);
	kit_open(k);
	for (uint32_t i = 0; i < 12; i++)
		kit_has(k, i, LEN);
	for (uint32_t i = 12; i < BLOCKS; i++)
		assert_status(EMR_NOT_FOUND, kit_try(k, i, LEN));
	kit_put(k, 12, LEN);
	kit_close(k);
	kit_segments_are_cars(k);
}

/* Behind a whole section, or in the middle of one, while it is in use: only the first looks whole.
 */
TEST_IN(kit_setup, kit_teardown, a_segment_that_is_cut_while_it_is_open_is_found_by_check)
{
	kit *k = *state;

	for (uint64_t more = 0; more < 200; more += 100) {
		const uint64_t cut = PREFIX + 12 * SECTION + more;
		emr_store_damage damage = {0};
		const emr_store_damage_to to = {note_damage, &damage};

		put_some(k);
		kit_truncate(k, "seg-1", cut);
		assert_status(EMR_DAMAGED, emr_store_mend(k->store, &to));
		assert_int_equal(damage.offset + damage.len, PREFIX + BLOCKS * SECTION);
		assert_ok(emr_store_mend(k->store, NULL));
		for (uint32_t i = 0; i < BLOCKS; i++) {
			if (i < 12)
				kit_has(k, i, LEN);
			else
				assert_int_not_equal(kit_try(k, i, LEN), EMR_OK);
		}
		kit_put(k, BLOCKS, LEN);
		kit_has(k, BLOCKS, LEN);
		kit_close(k);
		kit_segments_are_cars(k);
		kit_open(k);
		kit_has(k, BLOCKS, LEN);
		if (more == 0) {
			(void)kit_teardown(state);
			(void)kit_setup(state);
			k = *state;
		}
	}
}

TEST_IN(kit_setup, kit_teardown, a_vanished_segment_takes_only_its_own_blocks)
{
	kit *k = *state;
	char path[512];

	kit_close(k);
	k->options.segment_bytes = 16384;
	kit_open(k);
	put_some(k);
	kit_close(k);
	kit_file(k, "seg-2", path);
	assert_int_equal(unlink(path), 0);
	kit_open(k);
	kit_has(k, 0, LEN);
	kit_has(k, BLOCKS - 1, LEN);
	assert_status(EMR_NOT_FOUND, kit_try(k, 6, LEN));
}

/* A section of any size can be replaced so that the segment stays a CAR. */
TEST_IN(kit_setup, kit_teardown, holes_of_every_size_can_be_filled)
{
	kit *k = *state;

	for (uint32_t len = 0; len < 300; len++)
		kit_put(k, len, len);
	kit_close(k);
	{
		uint64_t at = PREFIX;

		for (uint32_t len = 0; len < 300; len++) {
			uint64_t section = (36 + len < 128 ? 1 : 2) + 36 + len;

			if (len % 2 == 1)
				kit_flip(k, "seg-1", at + section - 1, 1);
			at += section;
		}
	}
	kit_open(k);
	assert_status(EMR_DAMAGED, emr_store_mend(k->store, NULL));
	assert_ok(emr_store_mend(k->store, NULL));
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	for (uint32_t len = 0; len < 300; len += 2)
		kit_has(k, len, len);
}

/* A backup may have the only copy of the lost one, under its name. */
TEST_IN(kit_setup, kit_teardown, a_lost_segment_has_a_name_of_its_own_for_ever)
{
	kit *k = *state;
	char path[512];

	for (int name = 1; name <= 2; name++) {
		kit_put(k, (uint32_t)name, 3000);
		assert_ok(emr_store_index_now(k->store));
		kit_close(k);
		kit_file(k, name == 1 ? "seg-1" : "seg-2", path);
		assert_int_equal(unlink(path), 0);
		kit_open(k);
		kit_put(k, 10, 3000);
		assert_ok(emr_store_flush(k->store));
		assert_int_equal(access(path, F_OK), -1);
		kit_has(k, 10, 3000);
	}
}

/* Of many blocks it is counted what is there without reading each; whoever reads one finds out. */
TEST_IN(kit_setup, kit_teardown, a_known_size_asks_the_index_and_the_length_of_the_segment_alone)
{
	kit *k = *state;
	AUTO(kit_block_free) emr_block block = kit_block(5, LEN);
	const emr_cid cid = block.cid;
	uint64_t bytes = 0;

	put_some(k);
	assert_ok(emr_store_size_known(k->store, &cid, &bytes)); /* not in the index yet */
	assert_int_equal(bytes, LEN);
	assert_ok(emr_store_index_now(k->store));
	kit_close(k);
	kit_flip(k, "seg-1", PREFIX + 5 * SECTION + 10, 1); /* its name in the segment */
	kit_open(k);
	bytes = 0;
	assert_ok(emr_store_size_known(k->store, &cid, &bytes));
	assert_int_equal(bytes, LEN);
	kit_truncate(k, "seg-1", PREFIX + 5 * SECTION + 100);
	assert_int_not_equal(EMR_OK, emr_store_size_known(k->store, &cid, &bytes));
}

/* As a full disk does on btrfs, where a page of the log's index finds no room. */
TEST_IN(kit_setup, kit_teardown, an_index_that_lost_a_page_is_opened_again_by_whoever_asks_it)
{
	kit *k = *state;
	EMR_AUTO_BUF needed = {0};

	kit_close(k);
	kit_open(k); /* SIGBUS is the database's again, not cmocka's */
	kit_truncate(k, "index.sqlite-shm", 0);
	assert_ok(emr_store_needed(k->store, false, &needed));
}

TESTS(NULL, NULL)
