/* The n-th allocation, append, write, flush or rename fails, for every n: nothing is lost and a
 * second try works. */
#include "record_kit.h"

typedef enum fault_kind {
	FAULT_NONE,
	FAULT_MEMORY,
	FAULT_PUT,
	FAULT_WRITE,
	FAULT_FLUSH,
	FAULT_RENAME
} fault_kind;

static fault_kind armed;
static int countdown;
static bool fired;

static bool fails(fault_kind kind)
{
	if (armed != kind || countdown-- != 0)
		return false;
	fired = true;
	return true;
}

WRAPPED(void *, malloc, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_malloc(size);
}

WRAPPED(void *, calloc, size_t n, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_calloc(n, size);
}

WRAPPED(void *, realloc, void *old, size_t size)
{
	return fails(FAULT_MEMORY) ? NULL : __real_realloc(old, size);
}

/* Nobody cuts the power here: a flush that succeeds need not cost the disk anything. */
WRAPPED(int, fdatasync, int fd)
{
	(void)fd;
	if (!fails(FAULT_FLUSH))
		return 0;
	errno = EIO;
	return -1;
}

WRAPPED(int, fsync, int fd)
{
	(void)fd;
	if (!fails(FAULT_FLUSH))
		return 0;
	errno = EIO;
	return -1;
}

WRAPPED(int, renameat, int from_dir, const char *from, int to_dir, const char *to)
{
	if (!fails(FAULT_RENAME))
		return __real_renameat(from_dir, from, to_dir, to);
	errno = EIO;
	return -1;
}

/* A disk that fills up keeps half of what it was given. */
WRAPPED(emr_status, emr_pwrite_all, int fd, const void *data, size_t len, off_t at)
{
	if (!fails(FAULT_WRITE))
		return __real_emr_pwrite_all(fd, data, len, at);
	(void)!__real_emr_pwrite_all(fd, data, len / 2, at);
	return EMR_NO_SPACE;
}

WRAPPED(emr_status, emr_block_store_put, emr_block_store *store, const emr_block *blocks,
	size_t count)
{
	return fails(FAULT_PUT) ? EMR_IO : __real_emr_block_store_put(store, blocks, count);
}

/* ---- One working copy's life; every step that fails is tried once more and must succeed then ----
 */

#define SHADOW_BYTES 900000

typedef struct scene {
	kit k;
	uint8_t *noise;
	uint8_t *shadow;
	uint64_t size;
	emr_content_reader *base;
	emr_id16 id;
	emr_staging *st;
} scene;

#define step(call)                                                                                 \
	do {                                                                                       \
		if ((call) != EMR_OK) {                                                            \
			assert_true(fired);                                                        \
			assert_ok(call);                                                           \
		}                                                                                  \
	} while (0)

static void write_at(scene *s, uint64_t off, size_t len)
{
	step(emr_staging_write(s->st, off, s->noise + off / 2, len));
	memcpy(s->shadow + off, s->noise + off / 2, len);
	if (off + len > s->size)
		s->size = off + len;
}

static emr_status make_durable(scene *s, int64_t mtime_ns)
{
	emr_status status = emr_staging_spill(s->st, mtime_ns);

	if (status == EMR_OK && emr_staging_needs_store_flush(s->st)) {
		status = emr_block_store_sync(s->k.store);
		emr_staging_store_flushed(s->st);
	}
	return status == EMR_OK ? emr_staging_sync(s->st) : status;
}

static emr_status read_all(scene *s, uint8_t *out)
{
	size_t got = 0;
	emr_status status = emr_staging_read(s->st, 0, out, SHADOW_BYTES, &got);

	if (status == EMR_OK)
		assert_int_equal(got, s->size);
	return status;
}

static void look(scene *s)
{
	static uint8_t bytes[SHADOW_BYTES];

	step(read_all(s, bytes));
	assert_memory_equal(bytes, s->shadow, s->size);
}

static void crash(scene *s)
{
	emr_staging_free(s->st);
	s->st = NULL;
	step(emr_staging_recover(s->k.ctx, s->id, s->base, &s->st));
	look(s);
}

static void freeze(scene *s)
{
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;

	step(emr_staging_freeze(s->st, &content, &key));
	assert_int_equal(content.n, s->size);
	step(emr_content_reader_open(s->k.ctx, &content, key, &reader));
	step(emr_content_reader_verify(reader));
	emr_content_reader_free(reader);
	emr_content_key_free(key);
	look(s);
}

static void rewrite_often(scene *s)
{
	for (int i = 0; i < 90; i++) {
		write_at(s, 1000, 60000);
		write_at(s, 300000 + (uint64_t)i, 4096);
		if (i % 3 == 0)
			step(make_durable(s, i));
	}
	step(make_durable(s, 90));
}

static void live(scene *s)
{
	step(emr_staging_new(s->k.ctx, s->id, s->base, UINT64_MAX, &s->st));
	write_at(s, 10, 100);
	write_at(s, 262000, 70000);
	step(make_durable(s, 1));
	crash(s);
	write_at(s, 800000, 99999);
	step(emr_staging_truncate(s->st, 500000));
	memset(s->shadow + 500000, 0, SHADOW_BYTES - 500000);
	s->size = 500000;
	look(s);
	step(make_durable(s, 2));
	crash(s);
	freeze(s);
	write_at(s, 262144, 5);
	step(make_durable(s, 3));
	crash(s);
	rewrite_often(s);
	crash(s);
	freeze(s);
	emr_staging_discard(s->st);
}

static bool one_scene(fault_kind kind, int n)
{
	emr_content content;
	emr_content_key *key;
	scene s = {.id = {{1}}};

	armed = FAULT_NONE;
	kit_open(&s.k, EMR_RECORD_NO_WORKERS, 0);
	s.noise = kit_bytes(SHADOW_BYTES, 5);
	s.shadow = calloc(1, SHADOW_BYTES);
	memcpy(s.shadow, s.noise + 33, 400000);
	s.size = 400000;
	s.base = kit_reader_of(&s.k, s.shadow, s.size, &content, &key);
	emr_content_key_free(key);
	fired = false;
	countdown = n;
	armed = kind;
	live(&s);
	armed = FAULT_NONE;
	emr_content_reader_free(s.base);
	kit_close(&s.k);
	free(s.noise);
	free(s.shadow);
	return fired;
}

static void every_nth(fault_kind kind, int stride)
{
	int n = 0;

	/* Every one of the first hundred, then with growing steps until the whole life ran without
	 * it. */
	while (one_scene(kind, n))
		n += n < 100 ? 1 : stride;
	assert_true(n > 3);
}

TEST(no_failed_allocation_loses_a_byte)
{
	every_nth(FAULT_MEMORY, 23);
}

TEST(no_failed_append_loses_a_byte)
{
	every_nth(FAULT_PUT, 1);
}

TEST(no_full_disk_loses_a_byte)
{
	every_nth(FAULT_WRITE, 5);
}

TEST(no_failed_flush_loses_a_byte)
{
	every_nth(FAULT_FLUSH, 1);
}

/* A rename comes only with a spill that is half dead: there is one, and it may fail. */
TEST(no_failed_rename_loses_a_byte)
{
	assert_true(one_scene(FAULT_RENAME, 0));
}

TESTS(NULL, NULL)
