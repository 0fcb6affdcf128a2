/* These tests are about one directory and several processes that write: each writes its own
 * segments, all read everything. */
#include "store_kit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "store_private.h"

#define WRITERS 4
#define BLOCK_BYTES 3000
#define EVERY 4 /* of so many blocks one is pinned */
#define ROUNDS 120u

static emr_id16 writer_of(uint8_t n)
{
	emr_id16 writer = kit_writer_id();

	writer.b[15] = (uint8_t)(100 + n);
	return writer;
}

static char own_indexes[64][320]; /* "": the tests of one index for all */

/* A handle of writer N beside the kit's own. */
static kit other(const kit *k, uint8_t n)
{
	kit o = *k;

	o.options.writer = writer_of(n);
	o.store = NULL;
	if (k->options.index_path != NULL) {
		snprintf(own_indexes[n], sizeof own_indexes[n], "%s/index-of-%u", k->path, n);
		o.options.index_path = own_indexes[n];
	}
	return o;
}

/* Each has an index of his own, in a directory that the others do not look at. */
static int setup_own(void **state)
{
	static char path[320];
	kit *k;

	if (kit_setup(state) != 0)
		return -1;
	k = *state;
	kit_close(k);
	snprintf(path, sizeof path, "%s/index-of-the-kit", k->path);
	k->options.index_path = path;
	kit_open(k);
	return 0;
}

static ino_t index_inode(kit *k)
{
	char path[512];
	struct stat st;

	kit_file(k, "index.sqlite", path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* ---- processes ---- */

typedef struct shared {
	_Atomic uint32_t written[WRITERS]; /* pinned blocks of each that all may read */
	_Atomic uint32_t ready, done, failed;
} shared;

static shared *shared_new(void)
{
	shared *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(s != MAP_FAILED);
	return s;
}

static uint32_t seed_of(uint32_t writer, uint32_t n)
{
	return (writer + 1) * 1000000 + n;
}

/* One pinned block among others that are dead at once. */
static bool write_some(kit *k, shared *s, uint32_t w)
{
	uint32_t n = atomic_load(&s->written[w]);
	bool ok = true;

	for (uint32_t i = 0; ok && i < EVERY; i++) {
		emr_block block = kit_block(
			i == 0 ? seed_of(w, n) : seed_of(w, 500000 + n * EVERY + i), BLOCK_BYTES);
		emr_pin_change change = {.pin = kit_pin(&block.cid, (uint8_t)w)};
		const emr_store_group group = {
			.blocks = &block, .block_count = 1, .pins = &change, .pin_count = i == 0};

		ok = emr_store_append_group(k->store, &group, NULL) == EMR_OK;
		kit_block_free(&block);
	}
	atomic_store(&s->written[w], n + 1);
	return ok;
}

static bool read_newest_and_some(kit *k, shared *s, uint32_t round)
{
	for (uint32_t w = 0; w < WRITERS; w++) {
		uint32_t n = atomic_load(&s->written[w]);
		uint32_t wanted[] = {n - 1, n > 0 ? (round * 7919) % n : 0};

		for (size_t i = 0; n > 0 && i < 2; i++) {
			emr_status status = kit_try(k, seed_of(w, wanted[i]), BLOCK_BYTES);

			if (status == EMR_OK)
				continue;
			print_message("writer %d in round %u: block %u of %u by writer %u: %s\n",
				k->options.writer.b[15] - 100, round, wanted[i], n, w,
				emr_status_text(status));
			return false;
		}
	}
	return true;
}

static bool give_back(kit *k, uint32_t round)
{
	const emr_reclaim_options options = {.max_live_percent = 90, .scrub = round % 40 == 39};

	emr_status status = emr_store_reclaim(k->store, &options, NULL);

	if (status != EMR_OK)
		print_message("writer %d in round %u: reclaim: %s\n", k->options.writer.b[15] - 100,
			round, emr_status_text(status));
	return status == EMR_OK;
}

/* Writes, reads everybody's, gives space back; ends after ROUNDS, or never. */
static int work(kit *k, shared *s, uint32_t w, bool forever)
{
	if (emr_store_open(&k->options, &k->store) != EMR_OK ||
		emr_store_pins_complete(k->store, NULL, 0) != EMR_OK)
		return 2;
	atomic_fetch_add(&s->ready, 1);
	while (atomic_load(&s->ready) < WRITERS && atomic_load(&s->failed) == 0)
		usleep(500);
	for (uint32_t round = 0; (forever || round < ROUNDS) && atomic_load(&s->failed) == 0;
		round++) {
		if (!write_some(k, s, w))
			return 3;
		if (!read_newest_and_some(k, s, round))
			return 4;
		if (round % 20 == 19 && !give_back(k, round))
			return 5;
	}
	atomic_fetch_add(&s->done, 1);
	/* The one that is killed needs others that still look. */
	for (uint32_t round = 0; atomic_load(&s->done) < WRITERS && atomic_load(&s->failed) == 0;
		round++) {
		if (!read_newest_and_some(k, s, round))
			return 6;
		usleep(1000);
	}
	emr_store_close(k->store);
	return 0;
}

static int member(kit *k, shared *s, uint32_t w, bool forever)
{
	int result = work(k, s, w, forever);

	if (result != 0)
		atomic_store(&s->failed, 1);
	return result;
}

static void expect_end(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void start_members(kit *k, shared *s, pid_t *children)
{
	k->options.segment_bytes = 64 << 10;
	k->options.no_background = false;
	k->options.index_delay_ms = 20;
	for (uint8_t w = 0; w < WRITERS; w++) {
		children[w] = fork();
		assert_true(children[w] >= 0);
		if (children[w] == 0) {
			kit o = other(k, w);

			_exit(member(&o, s, w, w == WRITERS - 1));
		}
	}
}

static void check_all(kit *k, shared *s)
{
	for (uint32_t w = 0; w < WRITERS; w++)
		for (uint32_t n = 0; n < atomic_load(&s->written[w]); n++)
			kit_has(k, seed_of(w, n), BLOCK_BYTES);
}

/* Three write, read, reclaim and scrub; a fourth does so until it is killed. */
TEST_IN(kit_setup, kit_teardown, members_read_each_other_while_they_write_reclaim_and_are_killed)
{
	kit *k = *state;
	shared *s = shared_new();
	pid_t children[WRITERS];
	kit o;
	int status;

	kit_close(k);
	start_members(k, s, children);
	while (atomic_load(&s->written[WRITERS - 1]) < 50 && atomic_load(&s->failed) == 0)
		usleep(500);
	kill(children[WRITERS - 1], SIGKILL);
	assert_int_equal(waitpid(children[WRITERS - 1], &status, 0), children[WRITERS - 1]);
	assert_true(WIFSIGNALED(status));
	atomic_fetch_add(&s->done, 1);
	for (int w = 0; w < WRITERS - 1; w++)
		expect_end(children[w]);
	/* It comes back, and so does somebody who finds no index. */
	o = other(k, WRITERS - 1);
	kit_open(&o);
	check_all(&o, s);
	kit_close(&o);
	kit_open(k);
	check_all(k, s);
	assert_ok(emr_store_mend(k->store, NULL));
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	munmap(s, sizeof *s);
}

/* ---- one process with several handles: exact moments ---- */

TEST_IN(kit_setup, kit_teardown, a_block_that_no_index_knows_is_read_at_once_by_others)
{
	kit *k = *state, a = other(k, 1), b = other(k, 2);

	kit_open(&a);
	kit_open(&b);
	for (uint32_t i = 0; i < 5; i++) {
		kit_put(&a, 10 + i, 2000);
		kit_has(&b, 10 + i, 2000);
		kit_has(k, 10 + i, 2000);
		kit_put(&b, 20 + i, 2000);
		kit_has(&a, 20 + i, 2000);
	}
	kit_close(&a);
	kit_close(&b);
}

/* A group is written in one call, but a reader may see its end before its beginning. */
TEST_IN(kit_setup, kit_teardown, a_group_seen_half_written_is_found_when_it_is_whole)
{
	kit *k = *state, a = other(k, 1);
	uint8_t first[2000 + 64], zeros[sizeof first] = {0};
	emr_store_position at;
	emr_block block = kit_block(1, 2000);
	uint64_t start;
	char path[512];
	EMR_AUTO_FD fd;

	kit_open(&a);
	start = kit_size(&a, "seg-1");
	assert_ok(emr_store_append(a.store, &block, 1, &at));
	kit_block_free(&block);
	kit_put(&a, 2, 2000);
	kit_file(&a, "seg-1", path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, first, (size_t)(at.offset + at.len - start), (off_t)start),
		at.offset + at.len - start);
	assert_int_equal(pwrite(fd, zeros, (size_t)(at.offset + at.len - start), (off_t)start),
		at.offset + at.len - start);
	kit_has(k, 2, 2000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 1, 2000));
	assert_int_equal(pwrite(fd, first, (size_t)(at.offset + at.len - start), (off_t)start),
		at.offset + at.len - start);
	kit_has(k, 1, 2000);
	kit_close(&a);
}

/* ---- The end of another's segment after a power cut ---- */

static void put_five(kit *k)
{
	for (uint32_t i = 0; i < 5; i++)
		kit_put(k, i, 3000);
}

static void lose_page(const char *path, off_t at)
{
	static const uint8_t zeros[512];
	EMR_AUTO_FD fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, zeros, sizeof zeros, at), sizeof zeros);
}

/* The reader looks first, then he repairs his end, and writes over where it was: sections of other
 * sizes, so that nothing begins where something began before. */
TEST_IN(kit_setup, kit_teardown, an_end_that_another_cut_and_wrote_again_is_read_again_from_there)
{
	static const off_t lost[] = {3000, 6500, 9500, 12500};
	kit *k = *state;

	for (uint32_t n = 0; n < sizeof lost / sizeof lost[0]; n++) {
		kit a = other(k, (uint8_t)(n + 1));
		char path[512];

		kit_run_and_die(&a, put_five);
		kit_file(&a, "seg-1", path);
		lose_page(path, lost[n]);
		assert_status(EMR_NOT_FOUND, kit_try(k, 900 + n, 3000));
		kit_open(&a);
		assert_status(EMR_NOT_FOUND, kit_try(&a, 4, 3000)); /* it was cut */
		for (uint32_t i = 0; i < 12; i++) {
			kit_put(&a, 100 + 20 * n + i, 1700);
			if (i % 4 == 3)
				kit_has(k, 100 + 20 * n + i, 1700);
		}
		for (uint32_t i = 0; i < 12; i++)
			kit_has(k, 100 + 20 * n + i, 1700);
		kit_close(&a);
	}
}

/* The writer's act when a reader has just listed the directory, and has read none of it. */
static struct {
	emr_store *writer, *reader;
} between;

WRAPPED(emr_status, emr_segment_list, emr_store *store)
{
	const emr_reclaim_options options = {.max_live_percent = 90};
	emr_status status = __real_emr_segment_list(store);
	emr_store *writer = between.writer;

	if (writer == NULL || store != between.reader)
		return status;
	between.writer = NULL;
	assert_ok(emr_store_reclaim(writer, &options, NULL));
	return status;
}

TEST_IN(kit_setup, kit_teardown, a_block_that_moves_while_it_is_looked_for_is_found)
{
	kit *k = *state, a = other(k, 1);
	emr_cid kept;

	a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 20; i++)
		kit_put(&a, 100 + i, 3000);
	kept = kit_put(&a, 1, 3000);
	kit_pin_one(&a, &kept, false);
	/* Its last file is full: the block goes into one that begins then. */
	for (uint32_t i = 0; i < 3; i++)
		kit_put(&a, 200 + i, 3000);
	between.reader = k->store;
	between.writer = a.store;
	kit_has(k, 1, 3000);
	assert_null(between.writer); /* it was moved in that moment */
	kit_close(&a);
}

TEST_IN(kit_setup, kit_teardown, rot_in_the_segment_of_another_makes_no_new_index)
{
	kit *k = *state, a = other(k, 1);
	emr_block block = kit_block(1, 2000);
	emr_store_position at;
	ino_t before;

	kit_open(&a);
	assert_ok(emr_store_append(a.store, &block, 1, &at));
	kit_block_free(&block);
	kit_put(&a, 2, 2000);
	assert_ok(emr_store_index_now(a.store));
	before = index_inode(k);
	kit_flip(&a, "seg-1", at.offset - 3, 1);
	assert_status(EMR_DAMAGED, kit_try(k, 1, 2000));
	kit_has(k, 2, 2000);
	assert_true(index_inode(k) == before);
	/* Its writer sees and mends it; nobody else's check speaks of it. */
	assert_ok(emr_store_mend(k->store, NULL));
	assert_status(EMR_DAMAGED, emr_store_mend(a.store, NULL));
	kit_close(&a);
}

TEST_IN(kit_setup, kit_teardown, a_new_index_made_by_one_is_taken_by_all_and_reclaim_goes_on)
{
	kit *k = *state, a = other(k, 1);
	emr_cid kept;

	kit_close(k);
	k->options.segment_bytes = 8192;
	kit_open(k);
	a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 20; i++)
		kit_put(&a, 100 + i, 3000);
	kept = kit_put(&a, 1, 3000);
	kit_pin_one(&a, &kept, false);
	kit_put(k, 2, 3000);
	kit_lose_index(k);
	kit_has(k, 1, 3000);
	kit_has(k, 105, 3000);
	assert_false(index_inode(k) == 0);
	kit_has(&a, 2, 3000);
	kit_put(&a, 3, 3000);
	kit_has(k, 3, 3000);
	assert_false(emr_store_pins_incomplete(a.store));
	assert_ok(emr_store_reclaim(a.store, &(emr_reclaim_options){.max_live_percent = 90}, NULL));
	kit_has(&a, 1, 3000);
	kit_has(k, 1, 3000);
	/* Once k has looked around, what a dropped is held by nobody. */
	assert_status(EMR_NOT_FOUND, kit_try(k, 999, 3000));
	assert_status(EMR_NOT_FOUND, kit_try(k, 105, 3000));
	kit_close(&a);
}

TEST_IN(kit_setup, kit_teardown, nobody_waits_for_a_writer_who_does_not_come_back)
{
	kit *k = *state, a = other(k, 1);
	emr_cid missing = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("nowhere", 7));
	emr_reclaim_report report;

	kit_open(&a);
	kit_pin_one(&a, &missing, false);
	kit_put(&a, 1, 3000);
	kit_close(&a);
	/* His pin leads nowhere: his affair. */
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, &report));
	assert_int_equal(report.missing_nodes, 0);
	kit_close(k);
	kit_lose_index(k);
	kit_open(k);
	assert_ok(emr_store_pins_complete(k->store, NULL, 0));
	assert_false(emr_store_pins_incomplete(k->store));
	assert_ok(emr_store_reclaim(k->store, &(emr_reclaim_options){0}, NULL));
	kit_has(k, 1, 3000);
}

static emr_status count_pin(void *context, const emr_pin *pin)
{
	(void)pin;
	++*(size_t *)context;
	return EMR_OK;
}

TEST_IN(kit_setup, kit_teardown, numbers_pins_and_space_are_those_of_one_writer)
{
	kit *k = *state, a = other(k, 1);
	emr_store_stats before, after;
	emr_cid cid;
	size_t n = 0;

	kit_put(k, 1, 3000);
	assert_ok(emr_store_stats_get(k->store, &before));
	kit_open(&a);
	cid = kit_put(&a, 2, 50000);
	kit_pin_one(&a, &cid, false);
	assert_ok(emr_store_index_now(a.store));
	kit_has(k, 2, 50000);
	assert_ok(emr_store_stats_get(k->store, &after));
	assert_int_equal(after.blocks, before.blocks);
	assert_int_equal(after.block_bytes, before.block_bytes);
	assert_int_equal(after.disk_bytes, before.disk_bytes);
	assert_int_equal(after.pins, 0);
	assert_ok(emr_store_each_pin(k->store, count_pin, &n));
	assert_int_equal(n, 0);
	assert_ok(emr_store_each_pin(a.store, count_pin, &n));
	assert_int_equal(n, 1);
	kit_close(&a);
}

/* A block that another wrote and I pinned stays while its writer has not been told otherwise: that
 * writer's reclaim sees my pin. */
TEST_IN(kit_setup, kit_teardown, a_pin_of_another_protects_what_the_index_knows)
{
	kit *k = *state, a = other(k, 1);
	emr_cid cid;

	a.options.segment_bytes = 8192;
	kit_open(&a);
	cid = kit_put(&a, 1, 3000);
	for (uint32_t i = 0; i < 10; i++)
		kit_put(&a, 100 + i, 3000);
	kit_pin_one(k, &cid, false);
	assert_ok(emr_store_index_now(k->store));
	assert_ok(emr_store_reclaim(a.store, &(emr_reclaim_options){.scrub = true}, NULL));
	kit_has(k, 1, 3000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 101, 3000));
	kit_close(&a);
}

/* ---- an index of one's own ---- */

TEST_IN(setup_own, kit_teardown, nobody_holds_the_index_of_another)
{
	kit *k = *state;
	sqlite3 *held = NULL;
	char path[512];

	kit_put(k, 1, 3000);
	kit_close(k);
	kit_file(k, "index.sqlite", path);
	assert_int_equal(sqlite3_open(path, &held), SQLITE_OK);
	assert_int_equal(sqlite3_exec(held, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
				 NULL, NULL, NULL),
		SQLITE_OK);
	kit_open(k);
	kit_has(k, 1, 3000);
	kit_put(k, 2, 3000);
	assert_ok(emr_store_index_now(k->store));
	kit_has(k, 2, 3000);
	sqlite3_close(held);
}

/* Closed files of others are in it at the next start, the last of each is read again. */
TEST_IN(setup_own, kit_teardown, it_has_what_others_closed_and_loses_what_they_gave_back)
{
	kit *k = *state, a = other(k, 1);
	emr_cid kept;

	a.options.segment_bytes = 8192;
	kit_open(&a);
	kept = kit_put(&a, 1, 3000);
	kit_pin_one(&a, &kept, false);
	for (uint32_t i = 0; i < 20; i++)
		kit_put(&a, 100 + i, 3000);
	for (int start = 0; start < 3; start++) {
		kit_close(k);
		kit_open(k);
		kit_has(k, 1, 3000);
		kit_has(k, 101, 3000);
		kit_has(k, 119, 3000);
	}
	assert_ok(emr_store_pins_complete(
		a.store, &(emr_pin){.root = kept, .state = EMR_PIN_WRITTEN}, 1));
	assert_ok(emr_store_reclaim(a.store, &(emr_reclaim_options){.scrub = true}, NULL));
	kit_has(k, 1, 3000);
	assert_status(EMR_NOT_FOUND, kit_try(k, 999, 3000)); /* it looks around */
	assert_status(EMR_NOT_FOUND, kit_try(k, 101, 3000));
	kit_put(&a, 200, 3000);
	kit_has(k, 200, 3000);
	kit_close(&a);
}

/* As after he came back from a second copy: what the index says of the file is of the one before.
 */
TEST_IN(setup_own, kit_teardown, a_file_that_another_put_in_place_of_his_is_read_anew)
{
	kit *k = *state, a = other(k, 1), b = other(k, 2);
	char closed[512];

	a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 6; i++)
		kit_put(&a, 100 + i, 3000);
	kit_close(k);
	kit_open(k);
	kit_has(k, 101, 3000);
	kit_close(&a);
	kit_file(&a, "seg-1", closed);
	assert_int_equal(rename(closed, printed("%s.aside", closed)), 0);
	b.options.writer = a.options.writer;
	b.options.segment_bytes = 64 << 10;
	snprintf(own_indexes[3], sizeof own_indexes[3], "%s/elsewhere", k->path);
	b.options.path = b.options.index_path = own_indexes[3];
	kit_open(&b);
	kit_put(&b, 700, 1000);
	kit_put(&b, 101, 3000);
	kit_put(&b, 100, 3000);
	kit_close(&b);
	assert_int_equal(
		rename(printed("%s/%s", own_indexes[3], strrchr(closed, '/') + 1), closed), 0);
	kit_has(k, 700, 1000); /* of a running one */
	kit_has(k, 101, 3000);
	kit_has(k, 100, 3000);
	kit_close(k);
	kit_open(k); /* and of the next */
	kit_has(k, 700, 1000);
	kit_has(k, 101, 3000);
}

static emr_segment *first_of(emr_store *store, emr_id16 writer)
{
	for (size_t i = 0; i < store->segment_count; i++)
		if (emr_id16_equal(store->segments[i]->writer, writer) &&
			store->segments[i]->number == 1)
			return store->segments[i];
	return NULL;
}

/* Somebody reads in the one before at that moment. */
TEST_IN(setup_own, kit_teardown, a_file_that_is_exchanged_while_it_is_read_is_read_anew_afterwards)
{
	kit *k = *state, a = other(k, 1), b = other(k, 2);
	char closed[512], aside[520];
	emr_segment *held;
	int fd;

	a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 6; i++)
		kit_put(&a, 100 + i, 3000);
	kit_close(k);
	kit_open(k);
	kit_has(k, 101, 3000);
	kit_close(&a);
	kit_file(&a, "seg-1", closed);
	snprintf(aside, sizeof aside, "%s.aside", closed);
	held = first_of(k->store, a.options.writer);
	assert_non_null(held);
	assert_ok(emr_segment_use(k->store, held, &fd));
	assert_int_equal(rename(closed, aside), 0);
	b.options.writer = a.options.writer;
	b.options.segment_bytes = 64 << 10;
	snprintf(own_indexes[3], sizeof own_indexes[3], "%s/elsewhere", k->path);
	b.options.path = b.options.index_path = own_indexes[3];
	kit_open(&b);
	kit_put(&b, 700, 1000);
	kit_close(&b);
	assert_int_equal(
		rename(printed("%s/%s", own_indexes[3], strrchr(closed, '/') + 1), closed), 0);
	assert_status(EMR_NOT_FOUND, kit_try(k, 700, 1000));
	emr_segment_unuse(k->store, held);
	kit_has(k, 700, 1000);
}

TEST_IN(setup_own, kit_teardown, a_copy_that_somebody_lays_there_and_takes_away_loses_nothing)
{
	kit *k = *state, a = other(k, 1);
	char mine[512], his[512], planted[2][400];

	k->options.segment_bytes = a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 6; i++) {
		kit_put(k, 10 + i, 3000);
		kit_put(&a, 100 + i, 3000);
	}
	kit_file(k, "seg-1", mine);
	kit_file(&a, "seg-1", his);
	for (int i = 0; i < 2; i++)
		snprintf(planted[i], sizeof planted[i],
			"%s/seg-0%d112233445566778899aabbccddeeff-00000", k->path, i);
	for (int start = 0; start < 2; start++) {
		kit_close(k);
		assert_int_equal(system(printed("cp '%s' '%s1.car' && cp '%s' '%s1.car' && cp '%s' "
						"'%s2.car' && cp '%s' "
						"'%s2.car'",
					 mine, planted[0], his, planted[1], mine, planted[0], his,
					 planted[1])),
			0);
		kit_open(k);
		for (uint32_t i = 0; i < 6; i++) {
			kit_has(k, 10 + i, 3000);
			kit_has(k, 100 + i, 3000);
		}
		kit_close(k);
		if (start == 0)
			kit_open(k);
		assert_int_equal(system(printed("rm '%s'/seg-0?1122*", k->path)), 0);
		if (start != 0)
			kit_open(k);
		for (uint32_t i = 0; i < 6; i++) {
			kit_has(k, 10 + i, 3000);
			kit_has(k, 100 + i, 3000);
		}
	}
	kit_close(&a);
}

TEST_IN(setup_own, kit_teardown, a_file_of_his_that_was_exchanged_between_two_starts_is_read_anew)
{
	kit *k = *state, a = other(k, 1);
	char closed[512], aside[520];
	struct stat st;
	int fd;

	a.options.segment_bytes = 8192;
	kit_open(&a);
	for (uint32_t i = 0; i < 6; i++)
		kit_put(&a, 100 + i, 3000);
	kit_close(&a);
	kit_close(k);
	kit_open(k);
	kit_has(k, 101, 3000);
	kit_close(k);
	/* As long as it was, with nothing in it. */
	kit_file(&a, "seg-1", closed);
	snprintf(aside, sizeof aside, "%s.aside", closed);
	assert_int_equal(rename(closed, aside), 0);
	fd = open(closed, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(stat(aside, &st), 0);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	close(fd);
	kit_open(k);
	assert_status(EMR_NOT_FOUND, kit_try(k, 101, 3000)); /* and no damage */
	assert_int_equal(rename(aside, closed), 0);
	kit_has(k, 101, 3000);
}

TEST_IN(kit_setup, kit_teardown, many_that_open_an_empty_directory_at_once_share_one_index)
{
	kit *k = *state;
	enum { MANY = 12 };
	pid_t children[MANY];
	char path[512];
	int go[2];

	kit_close(k);
	for (size_t i = 0; i < 3; i++) {
		kit_file(k,
			i == 0	 ? "index.sqlite"
			: i == 1 ? "index.sqlite-wal"
				 : "index.sqlite-shm",
			path);
		(void)unlink(path);
	}
	assert_int_equal(pipe(go), 0);
	for (uint8_t i = 0; i < MANY; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			kit o = other(k, (uint8_t)(20 + i));
			char byte;

			close(go[1]);
			(void)!read(go[0], &byte, 1);
			if (emr_store_open(&o.options, &o.store) != EMR_OK)
				_exit(2);
			kit_put(&o, 900u + i, 1000);
			emr_store_close(o.store);
			_exit(0);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < MANY; i++)
		expect_end(children[i]);
	kit_open(k);
	for (uint32_t i = 0; i < MANY; i++)
		kit_has(k, 900 + i, 1000);
}

/* Room that was set aside behind the last block is given back while somebody reads there. */
typedef struct shrinking {
	int fd;
	off_t to;
	size_t sections, holes;
} shrinking;

static emr_status shrink(void *context, const emr_scan_item *item)
{
	shrinking *s = context;

	s->sections += !item->hole;
	s->holes += item->hole;
	assert_int_equal(ftruncate(s->fd, s->to), 0);
	return EMR_OK;
}

TEST(a_segment_that_becomes_shorter_while_it_is_read_has_no_fault)
{
	static const uint8_t block[] = "a block";
	const emr_bytes bytes = emr_bytes_of(block, sizeof block);
	const emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, bytes);
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	size_t head_len = emr_car_section_head(head, &cid, bytes.len);
	const uint64_t whole = head_len + bytes.len;
	const off_t room = 16 << 20; /* more than is read at once */
	uint64_t end = 0;

	/* To behind the block; to a place in the room; into the block, which is damage. */
	for (int i = 0; i < 3; i++) {
		EMR_AUTO_FD fd = memfd_create("segment", MFD_CLOEXEC);
		shrinking s = {.fd = fd, .to = (off_t)whole + (i == 1 ? room / 2 + 1000 : 0)};
		EMR_AUTO_BUF zeros = {0};

		assert_true(fd >= 0);
		assert_ok(emr_buf_append_zeros(&zeros, (size_t)room));
		assert_ok(emr_pwrite_all(fd, head, head_len, 0));
		assert_ok(emr_pwrite_all(fd, bytes.data, bytes.len, (off_t)head_len));
		assert_ok(emr_pwrite_all(fd, zeros.data, zeros.len, (off_t)whole));
		if (i == 2)
			assert_int_equal(ftruncate(fd, (off_t)whole - 1), 0);
		assert_ok(emr_scan(fd, 0, true, shrink, &s, &end));
		assert_int_equal(s.sections, i < 2);
		assert_int_equal(s.holes, i == 2);
		assert_int_equal(end, i < 2 ? whole : whole - 1);
	}
}

/* The same where each member has an index of its own. */
#define ALSO_OWN(name)                                                                             \
	TEST_IN(setup_own, kit_teardown, name##_own)                                               \
	{                                                                                          \
		name(state);                                                                       \
	}
ALSO_OWN(a_block_that_no_index_knows_is_read_at_once_by_others)
ALSO_OWN(a_group_seen_half_written_is_found_when_it_is_whole)
ALSO_OWN(an_end_that_another_cut_and_wrote_again_is_read_again_from_there)
ALSO_OWN(a_pin_of_another_protects_what_the_index_knows)
ALSO_OWN(members_read_each_other_while_they_write_reclaim_and_are_killed)
ALSO_OWN(a_block_that_moves_while_it_is_looked_for_is_found)

TESTS(NULL, NULL)
