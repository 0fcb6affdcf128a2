/* These tests write to working copies at random, crash them and cut their files: the promised bytes
 * come back, and never anything else. */
#include "record_kit.h"

#include <pthread.h>
#include <stdatomic.h>

AUTO_OF(emr_staging_discard, emr_staging *)

/* A plain buffer that knows what the file must hold. */
typedef struct shadow {
	uint8_t *bytes;
	size_t size, cap;
} shadow;

static void shadow_write(shadow *s, size_t off, const uint8_t *data, size_t len)
{
	memcpy(s->bytes + off, data, len);
	if (off + len > s->size)
		s->size = off + len;
}

static void shadow_truncate(shadow *s, size_t size)
{
	if (size < s->size)
		memset(s->bytes + size, 0, s->size - size);
	s->size = size;
}

static void compare(emr_staging *st, const shadow *s)
{
	EMR_AUTO_FREE uint8_t *bytes = malloc(s->cap + 16);
	size_t got = 99;

	assert_int_equal(emr_staging_size(st), s->size);
	assert_ok(emr_staging_read(st, 0, bytes, s->size + 10, &got));
	assert_int_equal(got, s->size);
	assert_memory_equal(bytes, s->bytes, s->size);
}

static void compare_frozen(
	kit *k, const emr_content *content, const emr_content_key *key, const shadow *s)
{
	emr_content_reader *reader;
	EMR_AUTO_FREE uint8_t *bytes = malloc(s->cap + 16);
	size_t got;

	assert_int_equal(content->n, s->size);
	assert_int_equal(content->padded, emr_padded_len(s->size, false));
	assert_ok(emr_content_reader_open(k->ctx, content, key, &reader));
	assert_ok(emr_content_reader_read(reader, 0, bytes, s->size + 10, &got));
	assert_int_equal(got, s->size);
	assert_memory_equal(bytes, s->bytes, s->size);
	assert_ok(emr_content_reader_verify(reader));
	emr_content_reader_free(reader);
}

TEST(every_boundary_size_is_frozen_and_read_back)
{
	static const size_t sizes[] = {
		0, 1, 16382, 16383, 16384, 262143, 262144, 262145, 524288, 5000000};

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		shadow s = {.bytes = kit_bytes(sizes[i], 7), .size = sizes[i], .cap = sizes[i]};
		emr_content content;
		emr_content_key *key;
		emr_content_reader *reader = kit_reader_of(&k, s.bytes, s.size, &content, &key);

		emr_content_reader_free(reader);
		compare_frozen(&k, &content, key, &s);
		emr_content_key_free(key);
		free(s.bytes);
	}
}

/* ---- Random histories ---- */

typedef struct history {
	kit *k;
	shadow now;
	shadow marked; /* as of the last spill */
	int64_t mtime_ns;
	emr_id16 id;
	emr_staging *st;
	emr_content_reader *base;
	uint32_t random;
	uint8_t *noise;
} history;

#define HISTORY_BYTES 1500000u

static size_t pick(history *h, size_t limit)
{
	static const size_t edges[] = {
		0, 1, 4096, 16383, 16384, 262143, 262144, 262145, 524287, 524288};
	size_t at = kit_random(&h->random) % 3 == 0
			    ? edges[kit_random(&h->random) % 10] + kit_random(&h->random) % 3
			    : kit_random(&h->random);

	return at % (limit + 1);
}

static void do_write(history *h)
{
	size_t off = pick(h, HISTORY_BYTES - 1);
	size_t len = kit_random(&h->random) % 4 == 0 ? pick(h, 300000) : pick(h, 5000);

	if (len > HISTORY_BYTES - off)
		len = HISTORY_BYTES - off;
	assert_ok(emr_staging_write(h->st, off, h->noise + kit_random(&h->random) % 1000, 0));
	if (len > 0) {
		const uint8_t *data = h->noise + kit_random(&h->random) % 1000;

		assert_ok(emr_staging_write(h->st, off, data, len));
		shadow_write(&h->now, off, data, len);
	}
}

static void do_truncate(history *h)
{
	size_t size = pick(h, HISTORY_BYTES);

	assert_ok(emr_staging_truncate(h->st, size));
	shadow_truncate(&h->now, size);
}

static void do_read(history *h)
{
	size_t off = pick(h, HISTORY_BYTES), len = pick(h, 400000), got = 0;
	size_t wanted = off >= h->now.size ? 0 : len < h->now.size - off ? len : h->now.size - off;
	EMR_AUTO_FREE uint8_t *bytes = malloc(len + 1);

	assert_ok(emr_staging_read(h->st, off, bytes, len, &got));
	assert_int_equal(got, wanted);
	assert_memory_equal(bytes, h->now.bytes + off, wanted);
}

static void do_spill(history *h)
{
	h->mtime_ns = (int64_t)kit_random(&h->random);
	assert_ok(emr_staging_spill(h->st, h->mtime_ns));
	memcpy(h->marked.bytes, h->now.bytes, HISTORY_BYTES);
	h->marked.size = h->now.size;
	h->marked.cap = 1;
	if (emr_staging_needs_store_flush(h->st)) {
		assert_ok(emr_block_store_sync(h->k->store));
		emr_staging_store_flushed(h->st);
		assert_false(emr_staging_needs_store_flush(h->st));
	}
	assert_ok(emr_staging_sync(h->st));
}

static void do_freeze(history *h)
{
	emr_content content;
	emr_content_key *key;

	assert_ok(emr_staging_freeze(h->st, &content, &key));
	assert_false(emr_staging_is_simple(h->st));
	compare_frozen(h->k, &content, key, &h->now);
	emr_content_key_free(key);
}

/* The process ends without a word; a new one finds what the last mark says. */
static void do_crash(history *h)
{
	if (h->marked.cap == 0)
		return;
	emr_staging_free(h->st);
	assert_ok(emr_staging_recover(h->k->ctx, h->id, h->base, &h->st));
	memcpy(h->now.bytes, h->marked.bytes, HISTORY_BYTES);
	h->now.size = h->marked.size;
	assert_int_equal(emr_staging_mtime_ns(h->st), h->mtime_ns);
	compare(h->st, &h->now);
}

static void run_history(kit *k, uint32_t seed, bool with_base, unsigned steps)
{
	history h = {.k = k, .random = seed, .id = emr_id16_random()};
	emr_content content;
	emr_content_key *key = NULL;

	h.noise = kit_bytes(HISTORY_BYTES + 1000, seed ^ 0x55);
	h.now = (shadow){.bytes = calloc(1, HISTORY_BYTES), .cap = HISTORY_BYTES};
	h.marked = (shadow){.bytes = calloc(1, HISTORY_BYTES)};
	if (with_base) {
		h.base = kit_reader_of(k, h.noise + 17, 700001, &content, &key);
		emr_content_key_free(key);
		shadow_write(&h.now, 0, h.noise + 17, 700001);
	}
	assert_ok(emr_staging_new(k->ctx, h.id, h.base, UINT64_MAX, &h.st));
	for (unsigned i = 0; i < steps; i++) {
		uint32_t what = kit_random(&h.random) % 100;

		if (what < 50)
			do_write(&h);
		else if (what < 62)
			do_truncate(&h);
		else if (what < 80)
			do_read(&h);
		else if (what < 92)
			do_spill(&h);
		else if (what < 95)
			do_freeze(&h);
		else
			do_crash(&h);
	}
	compare(h.st, &h.now);
	do_freeze(&h);
	compare(h.st, &h.now);
	emr_staging_discard(h.st);
	emr_content_reader_free(h.base);
	free(h.noise);
	free(h.now.bytes);
	free(h.marked.bytes);
}

TEST(a_working_copy_behaves_like_plain_memory)
{
	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	for (uint32_t seed = 1; seed <= 12; seed++)
		run_history(&k, seed * 7919, seed % 2 == 0, 80);
}

TEST(a_working_copy_survives_with_very_little_memory)
{
	SCENE_OF(kit, k, kit_close, kit_open, 2, 200000);
	for (uint32_t seed = 1; seed <= 8; seed++)
		run_history(&k, seed * 104729, seed % 2 == 0, 80);
}

/* ---- Sequential writers ---- */

#define LONG_BYTES (9u << 20)

static void write_long(emr_staging *st, const uint8_t *data, size_t from, size_t to, uint32_t seed)
{
	size_t pieces = (to - from + 131071) / 131072;

	/* Workers of the kernel deliver writes a little out of order. */
	for (size_t i = 0; i < pieces; i++) {
		size_t at = i ^ (kit_random(&seed) % 2 && (i ^ 1) < pieces ? 1 : 0);

		for (size_t twice = 0; twice < 2; twice++, at = i) {
			size_t off = from + at * 131072;
			size_t len = to - off < 131072 ? to - off : 131072;

			assert_ok(emr_staging_write(st, off, data + off, len));
			if (at == i)
				break;
		}
	}
}

TEST(a_long_file_is_sealed_while_it_is_written)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(LONG_BYTES, 3);
	shadow s = {.bytes = data, .size = LONG_BYTES, .cap = LONG_BYTES};
	emr_content content;
	emr_content_key *key;
	size_t before;

	SCENE_OF(kit, k, kit_close, kit_open, EMR_RECORD_NO_WORKERS, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &st));
	for (size_t off = 0; off < LONG_BYTES; off += 65536)
		assert_ok(emr_staging_write(st, off, data + off, 65536));
	before = kit_store_count(k.store);
	assert_int_equal(before, (LONG_BYTES - (4u << 20)) / EMR_LEAF_BYTES);
	assert_true(kit_memory(&k) <= (5u << 20));
	assert_true(emr_staging_is_simple(st));
	compare(st, &s);
	assert_ok(emr_staging_freeze(st, &content, &key));
	/* The leaves sealed on the way were not sealed again: the rest, the padding and one node
	 * came. */
	assert_int_equal(kit_store_count(k.store), emr_leaf_count(content.padded) + 1);
	compare_frozen(&k, &content, key, &s);
	emr_content_key_free(key);
}

TEST(a_write_into_sealed_leaves_is_kept_under_a_new_key)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(LONG_BYTES, 4);
	shadow s = {.bytes = data, .size = LONG_BYTES, .cap = LONG_BYTES};
	emr_content content;
	emr_content_key *key;

	SCENE_OF(kit, k, kit_close, kit_open, 2, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &st));
	write_long(st, data, 0, LONG_BYTES, 9);
	assert_ok(emr_staging_write(st, 300000, "patched header", 14));
	memcpy(data + 300000, "patched header", 14);
	compare(st, &s);
	assert_ok(emr_staging_freeze(st, &content, &key));
	compare_frozen(&k, &content, key, &s);
	emr_content_key_free(key);
}

TEST(fsync_in_the_middle_of_a_long_write_keeps_what_was_written)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(LONG_BYTES, 5);
	shadow s = {.bytes = data, .size = 7u << 20, .cap = LONG_BYTES};
	emr_id16 id = emr_id16_random();
	emr_content content;
	emr_content_key *key;

	SCENE_OF(kit, k, kit_close, kit_open, 2, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	write_long(st, data, 0, 7u << 20, 1);
	assert_ok(emr_staging_spill(st, 42));
	assert_true(emr_staging_needs_store_flush(st));
	assert_ok(emr_block_store_sync(k.store));
	emr_staging_store_flushed(st);
	assert_ok(emr_staging_sync(st));
	write_long(st, data, 7u << 20, LONG_BYTES, 2);
	emr_staging_free(st);
	kit_restart(&k);
	kit_store_power_cut(k.store);
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_int_equal(emr_staging_mtime_ns(st), 42);
	compare(st, &s);
	write_long(st, data, 7u << 20, LONG_BYTES, 2);
	s.size = LONG_BYTES;
	assert_ok(emr_staging_freeze(st, &content, &key));
	compare_frozen(&k, &content, key, &s);
	emr_content_key_free(key);
}

TEST(a_mark_whose_blocks_were_lost_falls_back_to_the_mark_before)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(LONG_BYTES, 6);
	shadow s = {.bytes = data, .size = 3u << 20, .cap = LONG_BYTES};
	emr_id16 id = emr_id16_random();

	SCENE_OF(kit, k, kit_close, kit_open, EMR_RECORD_NO_WORKERS, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, data, 3u << 20));
	assert_ok(emr_staging_spill(st, 1));
	assert_ok(emr_staging_sync(st));
	assert_ok(emr_staging_write(st, 3u << 20, data + (3u << 20), 5u << 20));
	assert_ok(emr_staging_spill(st, 2));
	assert_true(emr_staging_needs_store_flush(st));
	emr_staging_free(st);
	kit_store_power_cut(k.store); /* the pages of the spill were written by chance, those of the
					 store not */
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_int_equal(emr_staging_mtime_ns(st), 1);
	compare(st, &s);
}

TEST(a_sparse_file_is_mostly_zeros)
{
	uint8_t bytes[64], zeros[64] = {0};
	uint64_t far = (uint64_t)1 << 32;
	emr_id16 id = emr_id16_random();
	size_t got;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, far + 5, "end", 3));
	assert_ok(emr_staging_write(st, 7, "begin", 5));
	assert_ok(emr_staging_spill(st, 0));
	emr_staging_free(st);
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	assert_int_equal(emr_staging_size(st), far + 8);
	assert_ok(emr_staging_read(st, far - 10, bytes, 64, &got));
	assert_int_equal(got, 18);
	assert_memory_equal(bytes, zeros, 15);
	assert_memory_equal(bytes + 15, "end", 3);
	assert_ok(emr_staging_truncate(st, 9));
	assert_ok(emr_staging_truncate(st, far));
	assert_ok(emr_staging_read(st, 7, bytes, 5, &got));
	assert_memory_equal(bytes, "be\0\0\0", 5);
	assert_status(EMR_TOO_BIG, emr_staging_write(st, EMR_RECORD_MAX_BYTES - 1, "xx", 2));
	assert_status(EMR_TOO_BIG, emr_staging_write(st, UINT64_MAX, "x", 1));
	assert_status(EMR_TOO_BIG, emr_staging_truncate(st, EMR_RECORD_MAX_BYTES + 1));
}

TEST(a_leaf_written_in_very_many_pieces_stays_correct)
{
	shadow s = {.bytes = calloc(1, 300000), .cap = 300000};
	emr_staging *st;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &st));
	for (size_t off = 299999; off > 200; off -= 97) {
		uint8_t byte = (uint8_t)(off | 1);

		assert_ok(emr_staging_write(st, off, &byte, 1));
		shadow_write(&s, off, &byte, 1);
	}
	compare(st, &s);
	emr_staging_discard(st);
	free(s.bytes);
}

/* ---- Several at once ---- */

typedef struct crowd {
	kit *k;
	uint32_t seed;
} crowd;

#define CROWD_BYTES 3000000u

static void *write_a_file(void *arg)
{
	crowd *c = arg;
	EMR_AUTO_FREE uint8_t *data = kit_bytes(CROWD_BYTES, c->seed);
	shadow s = {.bytes = data, .size = CROWD_BYTES, .cap = CROWD_BYTES};
	emr_content content;
	emr_content_key *key;
	AUTO(auto_emr_staging_discard) emr_staging *st;

	if (emr_staging_new(c->k->ctx, emr_id16_random(), NULL, 0, &st) != EMR_OK)
		abort();
	for (uint32_t off = 0; off < CROWD_BYTES; off += 50000) {
		if (emr_staging_write(st, off, data + off, 50000) != EMR_OK)
			abort();
	}
	if (emr_staging_freeze(st, &content, &key) != EMR_OK)
		abort();
	compare_frozen(c->k, &content, key, &s);
	emr_content_key_free(key);
	return NULL;
}

TEST(many_writers_share_little_memory)
{
	pthread_t threads[6];
	crowd c[6];

	SCENE_OF(kit, k, kit_close, kit_open, 2, 1000000);
	for (uint32_t i = 0; i < 6; i++) {
		c[i] = (crowd){.k = &k, .seed = i + 77};
		assert_int_equal(pthread_create(&threads[i], NULL, write_a_file, &c[i]), 0);
	}
	for (uint32_t i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

typedef struct shared {
	emr_staging *st;
	const uint8_t *data;
	uint32_t part;
	_Atomic bool stop;
} shared;

#define SHARED_BYTES (12u << 20)

/* Four threads deliver one file, as the kernel's workers do. */
static void *write_a_quarter(void *arg)
{
	shared *s = arg;

	for (uint32_t off = s->part * 65536; off < SHARED_BYTES; off += 4 * 65536) {
		if (emr_staging_write(s->st, off, s->data + off, 65536) != EMR_OK)
			abort();
	}
	return NULL;
}

static void *look_and_spill(void *arg)
{
	shared *s = arg;
	EMR_AUTO_FREE uint8_t *bytes = malloc(300000);
	uint32_t random = 5;
	size_t got;

	while (!atomic_load(&s->stop)) {
		uint32_t off = kit_random(&random) % SHARED_BYTES;

		if (emr_staging_read(s->st, off, bytes, 300000, &got) != EMR_OK)
			abort();
		for (size_t i = 0; i < got; i++) {
			if (bytes[i] != 0 && bytes[i] != s->data[off + i])
				abort();
		}
		if (kit_random(&random) % 8 == 0 && emr_staging_spill(s->st, 1) != EMR_OK)
			abort();
	}
	return NULL;
}

TEST(four_threads_write_one_file_while_it_is_read_and_spilled)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(SHARED_BYTES, 31);
	shadow whole = {.bytes = data, .size = SHARED_BYTES, .cap = SHARED_BYTES};
	pthread_t threads[5];
	shared parts[5];
	emr_content content;
	emr_content_key *key;

	SCENE_OF(kit, k, kit_close, kit_open, 2, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &st));
	for (uint32_t i = 0; i < 5; i++) {
		parts[i].st = st;
		parts[i].data = data;
		parts[i].part = i;
		atomic_init(&parts[i].stop, false);
		assert_int_equal(pthread_create(&threads[i], NULL,
					 i < 4 ? write_a_quarter : look_and_spill, &parts[i]),
			0);
	}
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&parts[4].stop, true);
	pthread_join(threads[4], NULL);
	compare(st, &whole);
	assert_ok(emr_staging_freeze(st, &content, &key));
	compare_frozen(&k, &content, key, &whole);
	emr_content_key_free(key);
}

/* ---- Freeze ---- */

TEST(simple_means_no_base_and_no_spill)
{
	emr_content content;
	emr_content_key *key;
	emr_content_reader *base;
	emr_staging *st;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	base = kit_reader_of(&k, (const uint8_t *)"base", 4, &content, &key);
	emr_content_key_free(key);
	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), base, 4, &st));
	assert_false(emr_staging_is_simple(st));
	emr_staging_discard(st);
	emr_content_reader_free(base);
	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, "x", 1));
	assert_true(emr_staging_is_simple(st));
	assert_ok(emr_staging_spill(st, 0));
	assert_false(emr_staging_is_simple(st));
	emr_staging_discard(st);
}

typedef struct writer_arg {
	emr_staging *st;
	volatile bool stop;
} writer_arg;

static void *write_on_and_on(void *arg)
{
	writer_arg *w = arg;

	for (unsigned i = 0; !__atomic_load_n(&w->stop, __ATOMIC_SEQ_CST); i++) {
		uint8_t bytes[100];

		memset(bytes, (int)i, sizeof bytes);
		if (emr_staging_write(w->st, (i % 50) * 20000, bytes, sizeof bytes) != EMR_OK)
			abort();
	}
	return NULL;
}

TEST(a_freeze_is_whole_or_says_that_the_file_moved)
{
	writer_arg w = {0};
	pthread_t thread;
	unsigned conflicts = 0;

	SCENE_OF(kit, k, kit_close, kit_open, 2, 0);
	assert_ok(emr_staging_new(k.ctx, emr_id16_random(), NULL, 0, &w.st));
	assert_ok(emr_staging_truncate(w.st, 2u << 20));
	assert_int_equal(pthread_create(&thread, NULL, write_on_and_on, &w), 0);
	for (int i = 0; i < 30 || conflicts == 0;
		i++) { /* on a busy computer the writer may come late */
		emr_content content;
		emr_content_key *key;
		emr_content_reader *reader;
		emr_status status = emr_staging_freeze(w.st, &content, &key);

		if (status == EMR_CONFLICT) {
			conflicts++;
			continue;
		}
		assert_ok(status);
		assert_ok(emr_content_reader_open(k.ctx, &content, key, &reader));
		assert_ok(emr_content_reader_verify(reader));
		emr_content_reader_free(reader);
		emr_content_key_free(key);
	}
	__atomic_store_n(&w.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	emr_staging_discard(w.st);
}

static emr_status take_cid(void *context, const emr_cid *cid)
{
	*(emr_cid *)context = *cid;
	return EMR_OK;
}

TEST(what_is_written_after_a_freeze_lies_over_the_content)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(600000, 8);
	shadow s = {.bytes = data, .size = 600000, .cap = 600000};
	emr_id16 id = emr_id16_random();
	emr_content first, second;
	emr_cid kept;
	emr_content_key *key;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
	assert_ok(emr_staging_write(st, 0, data, 600000));
	assert_ok(emr_staging_freeze(st, &first, &key));
	emr_content_key_free(key);
	assert_ok(emr_staging_write(st, 100, "later", 5));
	memcpy(data + 100, "later", 5);
	assert_ok(emr_staging_spill(st, 3));
	emr_staging_free(st);
	/* The spill carries the content it lies on: no base is given. */
	assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
	compare(st, &s);
	assert_ok(emr_record_each_block(k.ctx, take_cid, &kept));
	assert_true(emr_cid_equal(&kept, &first.c));
	assert_ok(emr_staging_freeze(st, &second, &key));
	assert_memory_not_equal(first.salt, second.salt, sizeof first.salt);
	compare_frozen(&k, &second, key, &s);
	emr_content_key_free(key);
}

TESTS(NULL, NULL)
