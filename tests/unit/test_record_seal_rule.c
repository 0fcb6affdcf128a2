/* These tests prove that no leaf index is sealed twice with one key: that is watched at the
 * cipher itself. */
#include "record_kit.h"

#include <pthread.h>

#include "crypto/chunk.h"

/* Every chunk that was ever sealed, by the commitment of its cipher (one for each key and salt). */
typedef struct sealing {
	uint8_t com[32];
	uint64_t chunk;
} sealing;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sealing *sealings;
static size_t count, cap, repeats;

WRAPPED(emr_status, emr_chunk_seal, emr_chunk_cipher *cipher, uint64_t chunk, const uint8_t *plain,
	size_t len, uint8_t *out)
{
	sealing made = {.chunk = chunk};

	emr_chunk_cipher_com(cipher, made.com);
	pthread_mutex_lock(&lock);
	if (count == cap) {
		cap = cap == 0 ? 4096 : cap * 2;
		sealings = realloc(sealings, cap * sizeof *sealings);
		if (sealings == NULL)
			abort();
	}
	sealings[count++] = made;
	pthread_mutex_unlock(&lock);
	return __real_emr_chunk_seal(cipher, chunk, plain, len, out);
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(sealing));
}

static void assert_no_index_was_sealed_twice(void)
{
	qsort(sealings, count, sizeof *sealings, order);
	repeats = 0;
	for (size_t i = 1; i < count; i++)
		repeats += order(&sealings[i - 1], &sealings[i]) == 0;
	assert_int_equal(repeats, 0);
}

#define FILE_BYTES (7u << 20)

static void freeze_if_it_can(emr_staging *st)
{
	emr_content content;
	emr_content_key *key;

	if (emr_staging_freeze(st, &content, &key) == EMR_OK)
		emr_content_key_free(key);
}

/* Sequential writers that turn back, cut, fail, crash and freeze at every step. */
static void one_life(kit *k, const uint8_t *data, uint32_t seed)
{
	emr_id16 id = emr_id16_random();
	emr_staging *st;

	assert_ok(emr_staging_new(k->ctx, id, NULL, 0, &st));
	for (size_t off = 0; off < FILE_BYTES; off += 131072) {
		uint32_t what = kit_random(&seed) % 60;

		assert_ok(emr_staging_write(st, off, data + off, 131072));
		if (what == 0)
			assert_ok(emr_staging_write(st, kit_random(&seed) % (off + 1), "x", 1));
		if (what == 1)
			assert_ok(emr_staging_truncate(st, kit_random(&seed) % (off + 1)));
		if (what == 2)
			freeze_if_it_can(st);
		if (what == 3) {
			kit_store_fail_put_after(k->store, (int)(kit_random(&seed) % 4));
			freeze_if_it_can(st);
			kit_store_fail_put_after(k->store, -1);
		}
		if (what == 4 && emr_staging_spill(st, 0) == EMR_OK) {
			emr_staging_free(st);
			assert_ok(emr_staging_recover(k->ctx, id, NULL, &st));
		}
		if (what == 5)
			kit_store_fail_put_after(k->store, (int)(kit_random(&seed) % 4));
		if (what == 6)
			kit_store_fail_put_after(k->store, -1);
	}
	kit_store_fail_put_after(k->store, -1);
	freeze_if_it_can(st);
	assert_ok(emr_staging_write(st, 1, "y", 1));
	freeze_if_it_can(st);
	emr_staging_discard(st);
}

TEST(no_leaf_index_is_sealed_twice_under_one_key)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(FILE_BYTES, 12);
	kit k;

	kit_open(&k, 2, 0);
	for (uint32_t seed = 1; seed <= 14; seed++)
		one_life(&k, data, seed * 48271);
	kit_close(&k);
	assert_true(count > 10000);
	assert_no_index_was_sealed_twice();
}

TEST(a_second_sealing_would_be_noticed)
{
	uint8_t salt[24] = {0}, com[32], sealed[20];
	emr_chunk_cipher *cipher;
	emr_content_key *key;

	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_cipher(key, 1, salt, &cipher, com));
	assert_ok(__wrap_emr_chunk_seal(cipher, 0, (const uint8_t *)"1234", 4, sealed));
	assert_ok(__wrap_emr_chunk_seal(cipher, 0, (const uint8_t *)"1234", 4, sealed));
	qsort(sealings, count, sizeof *sealings, order);
	for (size_t i = 1; i < count; i++)
		repeats += order(&sealings[i - 1], &sealings[i]) == 0;
	assert_int_equal(repeats, 1);
	emr_chunk_cipher_free(cipher);
	emr_content_key_free(key);
	free(sealings);
	sealings = NULL;
}

TESTS(NULL, NULL)
