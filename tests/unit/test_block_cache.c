/* These tests are about blocks that were brought from elsewhere and are kept for a while: which are
 * given out, which go first, and that the room of a disk is for others. */
#include "emr_test.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/statvfs.h>

#include "fetch/fetch.h"
#include "store/dag_pb.h"

AUTO_OF(emr_block_cache_close, emr_block_cache *)

#define BLOCK_BYTES 1000
#define DAY_NS INT64_C(86400000000000)

static char directory[64];
static int64_t now_ns = INT64_C(1700000000000000000);

static int64_t tell_time(const emr_clock *clock)
{
	(void)clock;
	return now_ns;
}

static const emr_clock clock_of_test = {.unix_ns = tell_time, .boot_ns = tell_time};

static emr_block_cache *open_cache(uint64_t max_bytes)
{
	const emr_block_cache_options options = {
		.path = directory, .max_bytes = max_bytes, .max_days = 30, .clock = &clock_of_test};
	emr_block_cache *cache = NULL;

	assert_ok(emr_block_cache_open(&options, &cache));
	return cache;
}

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/emr-cache-XXXXXX");
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static void remove_files(void)
{
	DIR *dir = opendir(directory);
	const struct dirent *file;

	while (dir != NULL && (file = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), file->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

static int remove_directory(void **state)
{
	(void)state;
	remove_files();
	return rmdir(directory);
}

/* Block N: its bytes follow from N. */
static emr_cid block_of(unsigned n, uint8_t bytes[BLOCK_BYTES])
{
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		bytes[i] = (uint8_t)(n * 31 + i * 7 + (i >> 8));
	memcpy(bytes, &n, sizeof n);
	return emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(bytes, BLOCK_BYTES));
}

static void put(emr_block_cache *cache, unsigned n)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(n, bytes);

	now_ns += 1000000000;
	assert_ok(emr_block_cache_put(cache, &cid, emr_bytes_of(bytes, sizeof bytes)));
}

static bool gets(emr_block_cache *cache, unsigned n)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(n, bytes);
	EMR_AUTO_BUF out = {0};
	emr_status status = emr_block_cache_get(cache, &cid, &out);

	now_ns += 1000000000;
	if (status == EMR_NOT_FOUND)
		return false;
	assert_ok(status);
	assert_int_equal(out.len, BLOCK_BYTES);
	assert_memory_equal(out.data, bytes, BLOCK_BYTES);
	return true;
}

static void file_of(unsigned n, char out[160])
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(n, bytes);
	int at = snprintf(out, 160, "%s/", directory);

	emr_hex(emr_cid_digest(&cid), 32, out + at);
}

TEST_IN(make_directory, remove_directory, what_was_put_is_there_also_after_a_start)
{
	emr_block_cache *cache = open_cache(100000);

	put(cache, 1);
	put(cache, 1);
	assert_int_equal(emr_block_cache_bytes(cache), BLOCK_BYTES);
	assert_true(gets(cache, 1));
	assert_false(gets(cache, 2));
	emr_block_cache_close(cache);
	cache = open_cache(100000);
	assert_true(gets(cache, 1));
	assert_int_equal(emr_block_cache_bytes(cache), BLOCK_BYTES);
	emr_block_cache_drop_until(cache, INT64_MAX);
	assert_false(gets(cache, 1));
	emr_block_cache_close(cache);
	cache = open_cache(100000);
	assert_false(gets(cache, 1));
	emr_block_cache_close(cache);
}

TEST_IN(make_directory, remove_directory, what_was_used_up_to_a_time_goes_from_the_disk)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);
	char file[160];
	int64_t until_s;

	put(cache, 1);
	put(cache, 2);
	assert_true(gets(cache, 1));
	until_s = now_ns / 1000000000;
	put(cache, 3);
	emr_block_cache_drop_until(cache, until_s);
	file_of(1, file);
	assert_int_not_equal(access(file, F_OK), 0);
	file_of(2, file);
	assert_int_not_equal(access(file, F_OK), 0);
	assert_true(gets(cache, 3));
	emr_block_cache_drop_until(cache, INT64_MAX);
	assert_false(gets(cache, 3));
	assert_int_equal(emr_block_cache_bytes(cache), 0);
}

TEST_IN(make_directory, remove_directory, what_was_not_used_for_longest_goes_first)
{
	emr_block_cache *cache = open_cache(3 * BLOCK_BYTES);

	for (unsigned n = 1; n <= 3; n++)
		put(cache, n);
	assert_true(gets(cache, 1));
	put(cache, 4);
	assert_true(gets(cache, 1));
	assert_false(gets(cache, 2));
	assert_true(gets(cache, 3));
	assert_true(gets(cache, 4));
	assert_int_equal(emr_block_cache_bytes(cache), 3 * BLOCK_BYTES);
	emr_block_cache_close(cache);
	/* A smaller one is made of it at the next start. */
	cache = open_cache(BLOCK_BYTES);
	assert_int_equal(emr_block_cache_bytes(cache), BLOCK_BYTES);
	emr_block_cache_close(cache);
}

TEST_IN(make_directory, remove_directory, what_nobody_used_for_so_many_days_goes)
{
	emr_block_cache *cache = open_cache(100000);

	put(cache, 1);
	put(cache, 2);
	now_ns += 20 * DAY_NS;
	assert_true(gets(cache, 1));
	now_ns += 20 * DAY_NS;
	emr_block_cache_age(cache);
	assert_true(gets(cache, 1));
	assert_false(gets(cache, 2));
	emr_block_cache_close(cache);
	now_ns += 40 * DAY_NS;
	cache = open_cache(100000);
	assert_int_equal(emr_block_cache_bytes(cache), 0);
	emr_block_cache_close(cache);
}

/* The test's clock is not the one of files. */
static void note_time(unsigned n)
{
	const struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = now_ns / 1000000000}};
	char file[160];

	file_of(n, file);
	assert_int_equal(utimensat(AT_FDCWD, file, now, 0), 0);
}

static void keep_last(emr_block_cache *cache, unsigned n)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(n, bytes);

	emr_block_cache_keep(cache, &cid);
}

TEST_IN(make_directory, remove_directory,
	a_last_copy_stays_whatever_the_limits_are_until_it_is_none)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(2 * BLOCK_BYTES);

	put(cache, 1);
	keep_last(cache, 1);
	put(cache, 2);
	put(cache, 3);
	assert_true(gets(cache, 1));
	assert_false(gets(cache, 2));
	emr_block_cache_looked(cache);
	now_ns += 40 * DAY_NS;
	emr_block_cache_age(cache);
	assert_false(gets(cache, 3));
	put(cache, 4);
	emr_block_cache_drop_until(cache, INT64_MAX);
	assert_false(gets(cache, 4));
	assert_false(emr_block_cache_give_way(cache, 1));
	assert_true(gets(cache, 1));
	emr_block_cache_looked(cache); /* and nothing was said of it */
	put(cache, 5);
	put(cache, 6);
	assert_false(gets(cache, 1));
}

TEST_IN(make_directory, remove_directory,
	nothing_is_dropped_before_it_was_looked_which_are_last_copies)
{
	emr_block_cache_options options = {.path = directory,
		.max_bytes = 2 * BLOCK_BYTES,
		.max_days = 30,
		.clock = &clock_of_test,
		.is_held = true};
	emr_block_cache *cache = open_cache(100000);
	uint8_t bytes[BLOCK_BYTES];
	emr_cid more = block_of(9, bytes);

	for (unsigned n = 1; n <= 4; n++) {
		put(cache, n);
		note_time(n);
	}
	emr_block_cache_close(cache);
	now_ns += 40 * DAY_NS;
	assert_ok(emr_block_cache_open(&options, &cache));
	assert_status(
		EMR_NO_SPACE, emr_block_cache_put(cache, &more, emr_bytes_of(bytes, sizeof bytes)));
	assert_false(emr_block_cache_give_way(cache, 1));
	assert_int_equal(emr_block_cache_bytes(cache), 4 * BLOCK_BYTES);
	assert_true(gets(cache, 2));
	keep_last(cache, 1);
	emr_block_cache_looked(cache);
	assert_int_equal(emr_block_cache_bytes(cache), 2 * BLOCK_BYTES);
	assert_true(gets(cache, 1));
	assert_true(gets(cache, 2));
	emr_block_cache_close(cache);
}

TEST_IN(make_directory, remove_directory,
	what_somebody_may_not_read_any_more_goes_once_it_was_looked)
{
	emr_block_cache_options options = {.path = directory,
		.max_bytes = 100000,
		.max_days = 30,
		.clock = &clock_of_test,
		.is_held = true};
	emr_block_cache *cache = open_cache(100000);

	for (unsigned n = 1; n <= 2; n++) {
		put(cache, n);
		note_time(n);
	}
	emr_block_cache_close(cache);
	assert_ok(emr_block_cache_open(&options, &cache));
	emr_block_cache_drop_until(cache, now_ns / 1000000000);
	put(cache, 3);
	keep_last(cache, 2);
	emr_block_cache_looked(cache);
	assert_false(gets(cache, 1));
	assert_true(gets(cache, 2));
	assert_true(gets(cache, 3));
	emr_block_cache_close(cache);
}

#define PUTTERS 8
#define ROUNDS 50

typedef struct putter {
	emr_block_cache *cache;
	pthread_barrier_t *start;
	unsigned block;
} putter;

static void *put_with_others(void *arg)
{
	const putter *p = arg;
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(p->block, bytes);

	(void)pthread_barrier_wait(p->start);
	(void)emr_block_cache_put(p->cache, &cid, emr_bytes_of(bytes, sizeof bytes));
	return NULL;
}

static void put_at_once(emr_block_cache *cache)
{
	AUTO(pthread_barrier_destroy) pthread_barrier_t start;
	pthread_t threads[PUTTERS];
	putter putters[PUTTERS];

	assert_int_equal(pthread_barrier_init(&start, NULL, PUTTERS), 0);
	for (unsigned i = 0; i < PUTTERS; i++) {
		putters[i] = (putter){.cache = cache, .start = &start, .block = i};
		assert_int_equal(
			pthread_create(&threads[i], NULL, put_with_others, &putters[i]), 0);
	}
	for (unsigned i = 0; i < PUTTERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* While nothing may go, what is too much would stay. */
TEST_IN(make_directory, remove_directory, what_comes_at_once_is_never_more_than_there_may_be)
{
	const emr_block_cache_options options = {.path = directory,
		.max_bytes = 5 * BLOCK_BYTES,
		.max_days = 30,
		.clock = &clock_of_test,
		.is_held = true};

	for (int i = 0; i < ROUNDS; i++) {
		emr_block_cache *cache = NULL;

		assert_ok(emr_block_cache_open(&options, &cache));
		put_at_once(cache);
		assert_true(emr_block_cache_bytes(cache) <= 5 * BLOCK_BYTES);
		emr_block_cache_looked(cache);
		for (unsigned n = 0; n < 5; n++)
			put(cache, 1000 + n);
		assert_int_equal(emr_block_cache_bytes(cache), 5 * BLOCK_BYTES);
		emr_block_cache_close(cache);
		remove_files();
	}
}

TEST_IN(make_directory, remove_directory, bytes_that_were_changed_or_cut_are_never_given_out)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);
	char file[160];
	int fd;

	put(cache, 1);
	put(cache, 2);
	put(cache, 3);
	file_of(1, file);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 500), 1);
	close(fd);
	file_of(2, file);
	assert_int_equal(truncate(file, 400), 0);
	file_of(3, file);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("/etc/passwd", file), 0);
	for (unsigned n = 1; n <= 3; n++)
		assert_false(gets(cache, n));
	assert_int_equal(emr_block_cache_bytes(cache), 0);
	put(cache, 1);
	assert_true(gets(cache, 1));
}

TEST_IN(make_directory, remove_directory,
	what_others_left_in_the_directory_is_neither_read_nor_removed)
{
	char file[160];
	struct stat st;
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache;

	close(open(printed("%s/letter", directory), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(file, sizeof file, "%s/.tmp-7-half", directory);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	cache = open_cache(100000);
	assert_int_equal(emr_block_cache_bytes(cache), 0);
	assert_int_not_equal(stat(file, &st), 0);
	emr_block_cache_drop_until(cache, INT64_MAX);
	assert_int_equal(stat(printed("%s/letter", directory), &st), 0);
}

TEST_IN(make_directory, remove_directory,
	a_block_larger_than_the_cache_is_not_kept_and_nothing_goes_for_it)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(9, bytes);
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(BLOCK_BYTES - 1);

	assert_status(
		EMR_NO_SPACE, emr_block_cache_put(cache, &cid, emr_bytes_of(bytes, sizeof bytes)));
}

TEST_IN(make_directory, remove_directory, who_needs_the_disk_gets_room_as_long_as_there_is_some)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);

	put(cache, 1);
	put(cache, 2);
	assert_true(emr_block_cache_give_way(cache, 0));
	assert_false(gets(cache, 1));
	/* So much is on no disk: then nothing stays. */
	assert_true(emr_block_cache_give_way(cache, UINT64_MAX / 4));
	assert_false(gets(cache, 2));
	assert_false(emr_block_cache_give_way(cache, 0));
}

TEST_IN(make_directory, remove_directory,
	who_has_a_quota_gets_as_much_as_he_needs_though_the_disk_has_room)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);

	for (unsigned n = 1; n <= 4; n++)
		put(cache, n);
	assert_true(emr_block_cache_give_way(cache, 2 * BLOCK_BYTES));
	assert_int_equal(emr_block_cache_bytes(cache), 2 * BLOCK_BYTES);
	assert_true(gets(cache, 3) && gets(cache, 4));
}

/* The local store of somebody who has a quota: what is in the cache counts, too. */
typedef struct quota_store {
	emr_block_store face;
	emr_block_cache *cache;
	uint64_t quota;
} quota_store;

static emr_status put_within_quota(emr_block_store *face, const emr_block *blocks, size_t count)
{
	const quota_store *store = (const quota_store *)face;
	uint64_t bytes = emr_block_cache_bytes(store->cache);

	for (size_t i = 0; i < count; i++)
		bytes += blocks[i].data.len;
	return bytes <= store->quota ? EMR_OK : EMR_QUOTA;
}

TEST_IN(make_directory, remove_directory, what_is_saved_has_what_the_cache_took_of_a_quota)
{
	static const emr_block_store_ops ops = {.put = put_within_quota};
	quota_store store = {.face.ops = &ops, .quota = 3 * BLOCK_BYTES};
	uint8_t bytes[2 * BLOCK_BYTES] = {0};
	emr_fetcher_options options = {.store = &store.face, .clock = &clock_of_test};
	emr_block block = {.data = emr_bytes_of(bytes, sizeof bytes)};
	emr_fetcher *fetcher = NULL;

	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	options.cache = store.cache = open_cache(100000);
	for (unsigned n = 1; n <= 3; n++)
		put(store.cache, n);
	assert_ok(emr_fetcher_open(&options, &fetcher));
	assert_ok(emr_block_store_put(emr_fetcher_blocks(fetcher), &block, 1));
	assert_int_equal(emr_block_cache_bytes(store.cache), BLOCK_BYTES);
	store.quota = 1;
	assert_status(EMR_QUOTA, emr_block_store_put(emr_fetcher_blocks(fetcher), &block, 1));
	assert_int_equal(emr_block_cache_bytes(store.cache), 0);
	emr_fetcher_close(fetcher);
	emr_block_cache_close(store.cache);
}

static emr_status lacks(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	(void)face, (void)cid, (void)out;
	return EMR_NOT_FOUND;
}

/* A node above blocks 1 and 2. */
static emr_cid put_node(emr_block_cache *cache, emr_buf *bytes)
{
	emr_cid node;

	for (unsigned n = 1; n <= 2; n++) {
		uint8_t leaf[BLOCK_BYTES];
		emr_cid cid = block_of(n, leaf);

		assert_ok(emr_dag_pb_write_link(bytes, &cid, (emr_bytes){0}, BLOCK_BYTES));
	}
	assert_ok(emr_dag_pb_write_data(bytes, emr_bytes_of("\x08\x01", 2)));
	node = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(bytes));
	now_ns += 1000000000;
	assert_ok(emr_block_cache_put(cache, &node, emr_buf_view(bytes)));
	return node;
}

TEST_IN(make_directory, remove_directory, no_last_copy_gives_way_to_another_that_goes_home)
{
	static const emr_block_store_ops ops = {.put = put_within_quota, .get_verified = lacks};
	quota_store store = {.face.ops = &ops};
	emr_fetcher_options options = {.store = &store.face, .clock = &clock_of_test};
	EMR_AUTO_BUF bytes = {0};
	emr_fetcher *fetcher = NULL;
	emr_cid node;

	options.cache = store.cache = open_cache(100000);
	put(store.cache, 1);
	put(store.cache, 2);
	node = put_node(store.cache, &bytes);
	emr_block_cache_looked(store.cache); /* a place had it then */
	store.quota = emr_block_cache_bytes(store.cache);
	assert_ok(emr_fetcher_open(&options, &fetcher));
	assert_ok(emr_fetcher_save(fetcher, &node));
	assert_true(gets(store.cache, 1));
	assert_true(gets(store.cache, 2));
	emr_block_cache_drop_until(store.cache, INT64_MAX);
	assert_true(gets(store.cache, 1));
	assert_true(gets(store.cache, 2));
	emr_fetcher_close(fetcher);
	emr_block_cache_close(store.cache);
}

/* One node is damaged, and nothing fits. */
typedef struct damaged_store {
	emr_block_store face;
	emr_cid damaged;
} damaged_store;

static emr_status get_damaged(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	const damaged_store *store = (const damaged_store *)face;

	(void)out;
	return emr_cid_equal(cid, &store->damaged) ? EMR_DAMAGED : EMR_NOT_FOUND;
}

static emr_status put_nothing(emr_block_store *face, const emr_block *blocks, size_t count)
{
	(void)face, (void)blocks, (void)count;
	return EMR_NO_SPACE;
}

TEST_IN(make_directory, remove_directory, the_last_copies_beside_a_damaged_node_stay)
{
	static const emr_block_store_ops ops = {.put = put_nothing, .get_verified = get_damaged};
	damaged_store store = {.face.ops = &ops,
		.damaged = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("bad", 3))};
	emr_fetcher_options options = {.store = &store.face, .clock = &clock_of_test};
	EMR_AUTO_BUF bytes = {0};
	emr_fetcher *fetcher = NULL;
	emr_cid node;

	options.cache = open_cache(100000);
	put(options.cache, 1);
	put(options.cache, 2);
	assert_ok(emr_dag_pb_write_link(&bytes, &store.damaged, (emr_bytes){0}, BLOCK_BYTES));
	node = put_node(options.cache, &bytes);
	assert_ok(emr_fetcher_open(&options, &fetcher));
	assert_ok(emr_fetcher_save(fetcher, &node));
	emr_fetcher_looked(fetcher);
	emr_fetcher_forget(fetcher, INT64_MAX);
	assert_true(gets(options.cache, 1));
	assert_true(gets(options.cache, 2));
	emr_fetcher_close(fetcher);
	emr_block_cache_close(options.cache);
}

/* The call on a file that fails once, counted from now; 0: none. */
static unsigned calls_to_fault;
static int fault_errno;

static bool is_faulty(void)
{
	if (calls_to_fault == 0 || --calls_to_fault > 0)
		return false;
	errno = fault_errno;
	return true;
}

WRAPPED(int, openat64, int dirfd, const char *name, int flags, mode_t mode)
{
	return is_faulty() ? -1 : __real_openat64(dirfd, name, flags, mode);
}

WRAPPED(int, fstat64, int fd, struct stat *out)
{
	return is_faulty() ? -1 : __real_fstat64(fd, out);
}

WRAPPED(ssize_t, pread64, int fd, void *data, size_t len, off_t at)
{
	return is_faulty() ? -1 : __real_pread64(fd, data, len, at);
}

/* False: there is no Nth call on a file while block 1 is read. */
static bool cannot_read(emr_block_cache *cache, unsigned n, int error)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(1, bytes);
	EMR_AUTO_BUF out = {0};
	emr_status status;
	bool is_over;

	calls_to_fault = n;
	fault_errno = error;
	status = emr_block_cache_get(cache, &cid, &out);
	is_over = calls_to_fault > 0;
	calls_to_fault = 0;
	if (is_over)
		assert_ok(status);
	else
		assert_true(status == EMR_NOT_FOUND || status == EMR_NO_MEMORY);
	return !is_over;
}

TEST_IN(make_directory, remove_directory, what_cannot_be_read_just_now_stays_on_the_disk)
{
	static const int errors[] = {EMFILE, ENFILE, EIO, EACCES, ENOMEM};
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);
	char file[160];

	put(cache, 1);
	file_of(1, file);
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		unsigned n = 1;

		for (; cannot_read(cache, n, errors[i]); n++) {
			assert_int_equal(access(file, F_OK), 0);
			assert_int_equal(emr_block_cache_bytes(cache), BLOCK_BYTES);
			assert_true(gets(cache, 1));
		}
		assert_true(n > 3); /* open, size, bytes */
	}
}

TEST_IN(make_directory, remove_directory, what_cannot_be_read_is_brought_again_and_is_one_block)
{
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(1, bytes);

	put(cache, 1);
	assert_true(cannot_read(cache, 1, EIO));
	assert_false(emr_block_cache_has(cache, &cid, NULL));
	put(cache, 1);
	assert_true(emr_block_cache_has(cache, &cid, NULL));
	assert_int_equal(emr_block_cache_bytes(cache), BLOCK_BYTES);
	assert_true(gets(cache, 1));
}

/* A disk of 100 MB, as others fill it. */
static bool is_nearly_full, is_small;

WRAPPED(int, fstatvfs64, int fd, struct statvfs *out)
{
	int result = __real_fstatvfs64(fd, out);

	if (result == 0 && is_small) {
		out->f_frsize = out->f_bsize = 1000;
		out->f_blocks = 100000;
		out->f_bavail = is_nearly_full ? 5000 : 50000;
	}
	return result;
}

TEST_IN(make_directory, remove_directory, a_disk_that_gets_full_is_left_to_others)
{
	uint8_t bytes[BLOCK_BYTES];
	emr_cid cid = block_of(3, bytes);
	AUTO(auto_emr_block_cache_close) emr_block_cache *cache = open_cache(100000);

	is_small = true;
	put(cache, 1);
	put(cache, 2);
	is_nearly_full = true;
	assert_status(
		EMR_NO_SPACE, emr_block_cache_put(cache, &cid, emr_bytes_of(bytes, sizeof bytes)));
	assert_int_equal(emr_block_cache_bytes(cache), 0);
	is_nearly_full = false;
	put(cache, 3);
	assert_true(gets(cache, 3));
	is_small = false;
}

TESTS(NULL, NULL)
