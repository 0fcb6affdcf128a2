/* The n-th call of the operating system or the allocator fails, for every n: nothing promised is
 * lost, and the store and the journal go on, or say that they do not. */
#include "store_kit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "base/codec.h"
#include "journal/journal.h"
#include "store_private.h"

typedef enum fault { WRITE, FLUSH, MEMORY, READ, FAULTS } fault;

static fault which;
static int countdown = -1; /* calls of `which` until one fails; -1 = never */
static int error = EIO;
static bool partial; /* a failing write writes half first */

/* The bytes that a disk has of one file when its flushes may be refused: the kernel forgets that
 * those bytes were never written. */
#define WATCHED_BYTES ((size_t)1 << 20)
enum { ON_DISK, IN_CACHE, FORGOTTEN };
static uint8_t watched[WATCHED_BYTES]; /* by byte of the file */
static ino_t watched_inode;	       /* 0: none */

static bool is_watched(int fd)
{
	struct stat st;

	return watched_inode != 0 && fstat(fd, &st) == 0 && st.st_ino == watched_inode;
}

static void note_written(int fd, off_t offset, ssize_t len)
{
	if (len > 0 && is_watched(fd) && (size_t)(offset + len) <= sizeof watched)
		memset(watched + offset, IN_CACHE, (size_t)len);
}

static void note_flushed(int fd, uint8_t to)
{
	for (size_t i = 0; is_watched(fd) && i < sizeof watched; i++)
		if (watched[i] == IN_CACHE)
			watched[i] = to;
}

static bool fails(fault kind)
{
	return kind == which && countdown >= 0 && countdown-- == 0;
}

WRAPPED(ssize_t, pwritev64, int fd, const struct iovec *vectors, int count, off_t offset)
{
	if (!fails(WRITE)) {
		ssize_t n = __real_pwritev64(fd, vectors, count, offset);

		note_written(fd, offset, n);
		return n;
	}
	if (partial && count > 1)
		/* The first half arrives; the rest is asked for again, and then the error comes. */
		countdown = 0;
	if (partial && count > 1)
		return __real_pwritev64(fd, vectors, count / 2, offset);
	errno = error;
	return -1;
}

WRAPPED(ssize_t, pwrite64, int fd, const void *data, size_t len, off_t offset)
{
	if (!fails(WRITE)) {
		ssize_t n = __real_pwrite64(fd, data, len, offset);

		note_written(fd, offset, n);
		return n;
	}
	errno = error;
	return -1;
}

WRAPPED(ssize_t, pread64, int fd, void *data, size_t len, off_t offset)
{
	if (!fails(READ))
		return __real_pread64(fd, data, len, offset);
	errno = error;
	return -1;
}

WRAPPED(int, fdatasync, int fd)
{
	if (!fails(FLUSH)) {
		note_flushed(fd, ON_DISK);
		return __real_fdatasync(fd);
	}
	note_flushed(fd, FORGOTTEN);
	errno = error;
	return -1;
}

WRAPPED(int, fsync, int fd)
{
	if (!fails(FLUSH)) {
		note_flushed(fd, ON_DISK);
		return __real_fsync(fd);
	}
	note_flushed(fd, FORGOTTEN);
	errno = error;
	return -1;
}

static kit *saving; /* saves while the disk is busy with zeros; NULL: nobody does */
static bool has_saved;

WRAPPED(int, sync_file_range, int fd, off_t from, off_t len, unsigned flags)
{
	/* Else the append would wait for what it is called from. */
	if (saving != NULL && saving->store->zeroing_from == 0) {
		kit_put(saving, 100, 512 << 10);
		has_saved = true;
	}
	return __real_sync_file_range(fd, from, len, flags);
}

WRAPPED(void *, malloc, size_t size)
{
	return fails(MEMORY) ? NULL : __real_malloc(size);
}

WRAPPED(void *, calloc, size_t count, size_t size)
{
	return fails(MEMORY) ? NULL : __real_calloc(count, size);
}

WRAPPED(void *, realloc, void *old, size_t size)
{
	return fails(MEMORY) ? NULL : __real_realloc(old, size);
}

static void arm(fault kind, int n)
{
	which = kind;
	countdown = n;
}

static bool disarm(void)
{
	bool fired = countdown < 0;

	countdown = -1;
	return fired;
}

/* Appends a block, a pin for it, flushes, writes the index.  *out_promised: the append said OK. */
static emr_status work(kit *k, const emr_block *block, bool *out_promised)
{
	emr_pin_change change = {.pin = kit_pin(&block->cid, 1)};
	const emr_store_group group = {
		.blocks = block, .block_count = 1, .pins = &change, .pin_count = 1};
	emr_status status = emr_store_append_group(k->store, &group, NULL);

	*out_promised = status == EMR_OK;
	if (status == EMR_OK)
		status = emr_store_flush(k->store);
	if (status == EMR_OK)
		status = emr_store_index_now(k->store);
	return status;
}

TEST_IN(kit_setup, kit_teardown, every_failing_call_leaves_the_old_and_promises_only_what_is_there)
{
	kit *k = *state;
	uint32_t seed = 100;

	kit_close(k);
	k->options.segment_bytes = 32768; /* rolling over is part of it */
	kit_open(k);
	kit_put(k, 1, 5000);
	for (int kind = WRITE; kind < READ; kind++) {
		for (int n = 0;; n++) {
			bool promised[8] = {false};
			emr_block blocks[8];
			bool fired;

			for (uint32_t i = 0; i < 8; i++)
				blocks[i] = kit_block(seed + i, 6000);
			partial = n % 2 == 1;
			error = n % 3 == 0 ? ENOSPC : EIO;
			arm((fault)kind, n);
			for (uint32_t i = 0; i < 8; i++)
				(void)work(k, &blocks[i], &promised[i]);
			fired = disarm();
			for (uint32_t i = 0; i < 8; i++) {
				if (promised[i])
					kit_has(k, seed + i, 6000);
			}
			kit_has(k, 1, 5000);
			kit_close(k);
			kit_open(k);
			for (uint32_t i = 0; i < 8; i++) {
				if (promised[i])
					kit_has(k, seed + i, 6000);
				kit_block_free(&blocks[i]);
			}
			kit_put(k, seed + 50, 100);
			kit_has(k, seed + 50, 100);
			kit_has(k, 1, 5000);
			seed += 100;
			if (!fired) {
				assert_true(n > 0); /* or the calls were not ours */
				break;
			}
		}
	}
	kit_close(k);
	kit_segments_are_cars(k);
}

TEST_IN(kit_setup, kit_teardown, opening_survives_every_failing_call)
{
	kit *k = *state;

	for (uint32_t i = 0; i < 20; i++)
		kit_put(k, i, 3000);
	for (int kind = WRITE; kind < READ; kind++) {
		for (int n = 0;; n++) {
			char path[512];
			emr_status status;
			bool fired;

			kit_close(k);
			kit_file(k, "index.sqlite", path);
			if (n % 2 == 0)
				unlink(path);
			arm((fault)kind, n);
			status = emr_store_open(&k->options, &k->store);
			fired = disarm();
			if (status != EMR_OK)
				kit_open(k);
			for (uint32_t i = 0; i < 20; i++)
				kit_has(k, i, 3000);
			if (!fired) {
				assert_true(
					n > 0 || kind == WRITE); /* a clean store is only read */
				break;
			}
		}
	}
}

TEST_IN(kit_setup, kit_teardown, after_a_failed_flush_nothing_is_called_durable)
{
	kit *k = *state;
	AUTO(kit_block_free) emr_block block = kit_block(2, 100);

	kit_put(k, 1, 100);
	error = EIO;
	arm(FLUSH, 0);
	assert_status(EMR_IO, emr_store_flush(k->store));
	disarm();
	/* The kernel would say yes now. */
	assert_status(EMR_IO, emr_store_flush(k->store));
	assert_status(EMR_IO, emr_store_append(k->store, &block, 1, NULL));
	kit_has(k, 1, 100);
	kit_close(k);
	kit_open(k);
	kit_has(k, 1, 100);
	assert_ok(emr_store_append(k->store, &block, 1, NULL));
}

/* The power goes: what never reached the disk is zeros. */
static void cut_power(const char *path)
{
	EMR_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	for (size_t i = 0; i < (size_t)st.st_size && i < sizeof watched; i++)
		if (watched[i] != ON_DISK)
			assert_int_equal(pwrite(fd, "", 1, (off_t)i), 1);
}

TEST_IN(kit_setup, kit_teardown,
	what_a_refused_flush_left_in_memory_is_written_again_before_it_is_called_safe)
{
	kit *k = *state;
	char name[EMR_SEGMENT_NAME_MAX], path[512];
	emr_store_position at;
	struct stat st;
	emr_cid cid;

	cid = kit_put(k, 1, 5000);
	assert_ok(emr_store_locate(k->store, &cid, &at));
	emr_store_segment_name(k->store, at.segment, name);
	kit_file(k, name, path);
	assert_ok(emr_store_index_now(k->store)); /* flushes first */
	assert_int_equal(stat(path, &st), 0);
	memset(watched, ON_DISK, sizeof watched);
	watched_inode = st.st_ino;
	kit_put(k, 2, 6000);
	error = EIO;
	arm(FLUSH, 0);
	assert_status(EMR_IO, emr_store_flush(k->store));
	disarm();
	kit_close(k);
	kit_open(k); /* from here on it is as safe as anything else */
	assert_ok(emr_store_flush(k->store));
	kit_close(k);
	watched_inode = 0;
	cut_power(path);
	kit_open(k);
	kit_has(k, 1, 5000);
	kit_has(k, 2, 6000);
	assert_int_equal(kit_quarantined(k), 0);
}

TEST_IN(kit_setup, kit_teardown, a_full_disk_refuses_and_room_lets_it_go_on)
{
	kit *k = *state;
	struct rlimit old, small;
	emr_status status = EMR_OK;
	uint32_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	while (status == EMR_OK && n < 1000) {
		emr_block block = kit_block(n, 3000);

		status = emr_store_append(k->store, &block, 1, NULL);
		n += status == EMR_OK;
		kit_block_free(&block);
	}
	assert_true(status != EMR_OK);
	assert_true(n > 20 && n < 40);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	kit_put(k, n, 3000);
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	for (uint32_t i = 0; i <= n; i++)
		kit_has(k, i, 3000);
	assert_int_equal(kit_quarantined(k), 0);
}

/* Killed between making the file and its first bytes, for which there was no room. */
TEST_IN(kit_setup, kit_teardown, a_segment_that_was_only_begun_keeps_no_full_disk_closed)
{
	kit *k = *state;
	char path[512];
	int fd;

	kit_put(k, 1, 3000);
	kit_close(k);
	kit_file(k, "seg-2", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	error = ENOSPC;
	arm(WRITE, 0);
	kit_open(k);
	assert_false(disarm());
	assert_int_not_equal(access(path, F_OK), 0);
	kit_put(k, 2, 3000);
	kit_close(k);
	kit_open(k);
	kit_has(k, 1, 3000);
	kit_has(k, 2, 3000);
}

/* The zeros that are written ahead have no flush of their own; the kernel tells of a failed write
 * once, to the next one. */
TEST_IN(kit_setup, kit_teardown, a_flush_that_failed_with_zeros_ahead_is_no_promise)
{
	kit *k = *state;

	kit_put(k, 1, 3000);
	error = EIO;
	arm(FLUSH, 0);
	emr_store_extend_window(k->store);
	assert_status(EMR_IO, emr_store_flush(k->store));
	assert_true(disarm());
	assert_status(EMR_IO, emr_store_flush(k->store));
}

/* The flush with which a full segment ends is told to whoever appends; it covers what others wrote.
 */
TEST_IN(kit_setup, kit_teardown, a_flush_that_failed_at_the_end_of_a_segment_is_no_promise)
{
	kit *k = *state;
	AUTO(kit_block_free) emr_block block = kit_block(2, 12000);

	kit_close(k);
	k->options.segment_bytes = 16384;
	kit_open(k);
	kit_put(k, 1, 12000);
	error = EIO;
	arm(FLUSH, 0);
	assert_status(EMR_IO, emr_store_append(k->store, &block, 1, NULL));
	assert_true(disarm());
	/* The kernel would say yes now. */
	assert_status(EMR_IO, emr_store_flush(k->store));
	assert_true(emr_store_refuses(k->store));
}

/* The room for these zeros would be missing to other programs on that disk. */
TEST_IN(kit_setup, kit_teardown, zeros_ahead_that_do_not_fit_leave_the_disk_its_room)
{
	kit *k = *state;
	struct stat st;

	kit_put(k, 1, 3000);
	error = ENOSPC;
	arm(WRITE, 3);
	emr_store_extend_window(k->store);
	assert_true(disarm());
	assert_int_equal(fstat(k->store->current->fd, &st), 0);
	assert_int_equal(st.st_size, k->store->current->end);
	kit_put(k, 2, 3000);
	emr_store_extend_window(k->store);
	kit_put(k, 3, 3000);
	kit_close(k);
	kit_segments_are_cars(k);
	kit_open(k);
	for (uint32_t i = 1; i <= 3; i++)
		kit_has(k, i, 3000);
	assert_int_equal(kit_quarantined(k), 0);
}

/* From close to the end of the last zeros into the new ones. */
TEST_IN(kit_setup, kit_teardown, saving_does_not_wait_until_the_disk_has_the_zeros_ahead)
{
	kit *k = *state;

	emr_store_extend_window(k->store);
	kit_put(k, 1, EMR_WINDOW_BYTES - (128 << 10));
	saving = k;
	has_saved = false;
	emr_store_extend_window(k->store);
	saving = NULL;
	assert_true(has_saved);
	assert_ok(emr_store_flush(k->store));
	kit_close(k);
	kit_open(k);
	kit_has(k, 1, EMR_WINDOW_BYTES - (128 << 10));
	kit_has(k, 100, 512 << 10);
	assert_int_equal(kit_quarantined(k), 0);
}

/* Giving back what was put aside makes room below a quota as well as on a full disk. */
TEST_IN(kit_setup, kit_teardown, at_the_end_of_a_quota_what_was_put_aside_is_used)
{
	kit *k = *state;
	emr_cid cid = kit_put(k, 1, 3000);
	emr_reserve *reserve = NULL;
	struct stat before, after;
	int fd = open(k->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	kit_close(k);
	assert_ok(emr_reserve_open(fd, 2 * EMR_RESERVE_LOW, &reserve));
	k->options.reserve = reserve;
	kit_open(k);
	assert_int_equal(fstatat(fd, EMR_RESERVE_NAME, &before, 0), 0);
	error = EDQUOT;
	arm(WRITE, 0);
	kit_pin_one(k, &cid, false);
	assert_true(disarm());
	assert_int_equal(fstatat(fd, EMR_RESERVE_NAME, &after, 0), 0);
	assert_true(after.st_size < before.st_size);
	kit_close(k);
	k->options.reserve = NULL;
	emr_reserve_close(reserve);
	close(fd);
	kit_open(k);
	kit_has(k, 1, 3000);
}

/* Segments in which one of four blocks is needed. */
static void put_live_and_dead(kit *k)
{
	kit_close(k);
	k->options.segment_bytes = 16384;
	kit_open(k);
	for (uint32_t i = 0; i < 12; i++) {
		emr_cid cid = kit_put(k, i, 3000);

		if (i % 4 == 0)
			kit_pin_one(k, &cid, false);
	}
}

/* Each time in a store of its own, so that the calls are the same and each of them fails once. */
static bool loses_nothing_at_call(const emr_reclaim_options *options, fault kind, int n)
{
	emr_status status;
	void *state;
	bool fired;
	kit *k;

	assert_int_equal(kit_setup(&state), 0);
	k = state;
	put_live_and_dead(k);
	error = EIO;
	arm(kind, n);
	status = emr_store_reclaim(k->store, options, NULL);
	fired = disarm();
	for (int again = 0; again < 2; again++) {
		for (uint32_t i = 0; i < 12; i += 4)
			kit_has(k, i, 3000);
		kit_close(k);
		kit_open(k);
	}
	if (!fired)
		assert_ok(status);
	for (uint32_t i = 0; i < 12; i++) { /* what was let go of comes back as any other */
		kit_put(k, i, 3000);
		kit_has(k, i, 3000);
	}
	assert_int_equal(kit_teardown(&state), 0);
	return fired;
}

static void loses_nothing_at_any_failing_call(const emr_reclaim_options *options)
{
	for (int kind = WRITE; kind < FAULTS; kind++) {
		int n = 0;

		while (loses_nothing_at_call(options, (fault)kind, n))
			n++;
		assert_true(n > 0);
	}
}

TEST_IN(kit_setup, kit_teardown, reclaim_loses_nothing_at_any_failing_call)
{
	loses_nothing_at_any_failing_call(&(emr_reclaim_options){.max_live_percent = 80});
}

/* There is no room for copies: what is dead becomes zeros where it stands. */
TEST_IN(kit_setup, kit_teardown, zeros_in_place_lose_nothing_at_any_failing_call)
{
	loses_nothing_at_any_failing_call(
		&(emr_reclaim_options){.scrub = true, .copy_room = kit_one_byte});
}

/* Whether a segment has the first bytes of BLOCK. */
static bool lies_in_a_segment(kit *k, const emr_block *block)
{
	char path[512];

	for (uint32_t number = 1; number < 20; number++) {
		EMR_AUTO_BUF bytes = {0};
		char name[EMR_SEGMENT_NAME_MAX];

		emr_store_segment_name(k->store, number, name);
		kit_file(k, name, path);
		if (emr_file_read(AT_FDCWD, path, UINT64_C(1) << 20, &bytes) == EMR_OK &&
			memmem(bytes.data, bytes.len, block->data.data, 64) != NULL)
			return true;
	}
	return false;
}

static const emr_reclaim_options erasing = {.scrub = true, .copy_room = kit_one_byte};

/* A store of its own, as above, opened again after an erasure met a failing call. */
static bool erase_failing_at(fault kind, int n, void **state)
{
	bool fired;
	kit *k;

	assert_int_equal(kit_setup(state), 0);
	k = *state;
	put_live_and_dead(k);
	assert_ok(emr_store_close_segment(k->store));
	error = EIO;
	arm(kind, n);
	(void)emr_store_reclaim(k->store, &erasing, NULL);
	fired = disarm();
	kit_close(k);
	kit_open(k);
	return fired;
}

/* Space that looks like room must have nothing in it: nobody looks there again. */
static void only_what_is_needed_is_there(kit *k)
{
	for (uint32_t i = 0; i < 12; i++) {
		emr_block block = kit_block(i, 3000);

		assert_true(lies_in_a_segment(k, &block) == (i % 4 == 0));
		kit_block_free(&block);
	}
}

static bool is_gone_the_second_time(fault kind, int n)
{
	void *state;
	bool fired = erase_failing_at(kind, n, &state);
	kit *k = state;

	assert_ok(emr_store_reclaim(k->store, &erasing, NULL));
	only_what_is_needed_is_there(k);
	assert_int_equal(kit_teardown(&state), 0);
	return fired;
}

TEST_IN(kit_setup, kit_teardown, what_is_erased_goes_though_a_call_failed_the_first_time)
{
	for (int kind = WRITE; kind < FAULTS; kind++)
		for (int n = 0; is_gone_the_second_time((fault)kind, n);)
			n++;
}

/* Looked at twice: the first look may make a new index, from which the second one judges. */
static bool is_healthy_meanwhile(fault kind, int n)
{
	void *state;
	bool fired = erase_failing_at(kind, n, &state);
	kit *k = state;

	for (int look = 0; look < 2; look++) {
		assert_ok(emr_store_mend(k->store, NULL));
		for (uint32_t i = 0; i < 12; i += 4)
			kit_has(k, i, 3000);
		kit_close(k);
		kit_open(k);
	}
	assert_int_equal(kit_quarantined(k), 0);
	assert_ok(emr_store_reclaim(k->store, &erasing, NULL));
	only_what_is_needed_is_there(k);
	assert_int_equal(kit_teardown(&state), 0);
	return fired;
}

TEST_IN(kit_setup, kit_teardown, an_erasure_that_a_failing_call_cut_short_is_no_damage)
{
	for (int kind = WRITE; kind < FAULTS; kind++)
		for (int n = 0; is_healthy_meanwhile((fault)kind, n);)
			n++;
}

/* ---- The journal ---- */

TEST_IN(kit_setup, kit_teardown, a_commit_that_failed_did_not_happen_and_the_next_one_does)
{
	kit *k = *state;
	AUTO(emr_keyring_auto_free) emr_keyring *keyring;
	uint8_t expected = 0;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring));
	for (int kind = WRITE; kind < READ; kind++) {
		for (int n = 0; n < 40; n++) {
			emr_journal *journal;
			emr_journal_txn *txn = NULL;
			emr_buf value = {0};
			emr_id16 key = {{1}};
			uint8_t next = (uint8_t)(expected + 1);
			uint64_t seq = 0;
			emr_status status;
			bool fired;

			assert_ok(emr_journal_open(k->store, keyring, &journal));
			assert_false(emr_journal_state_get(journal).read_only);
			error = EIO;
			arm((fault)kind, n);
			status = emr_journal_begin(journal, &txn);
			if (status == EMR_OK) {
				status = emr_journal_put(txn, 1, key, emr_bytes_of(&next, 1));
				if (status == EMR_OK)
					status = emr_journal_commit(txn, &seq);
				else
					emr_journal_rollback(txn);
			}
			if (status == EMR_OK)
				expected = next;
			if (status == EMR_OK)
				status = emr_journal_sync(journal, seq);
			if (status == EMR_OK)
				(void)emr_journal_snapshot(journal);
			fired = disarm();
			emr_journal_close(journal);
			kit_close(k);
			kit_open(k);
			assert_ok(emr_journal_open(k->store, keyring, &journal));
			assert_false(emr_journal_state_get(journal).read_only);
			if (expected > 0) {
				assert_ok(emr_journal_get(journal, 1, key, &value));
				assert_int_equal(value.data[0], expected);
			}
			emr_buf_free(&value);
			emr_journal_close(journal);
			if (!fired) {
				assert_true(n > 0); /* or the calls were not ours */
				break;
			}
		}
	}
}

TESTS(NULL, NULL)
