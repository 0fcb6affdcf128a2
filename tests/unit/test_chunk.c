/* These tests encrypt and decrypt chunks: known answers of Wycheproof and of the standards, and
 * nothing of a damaged chunk is given out. */
#include "emr_test.h"

#include <pthread.h>
#include <sodium.h>

#include "crypto/unit.h"
#include "known_answer.h"
#include "vectors.h"

AUTO_OF(emr_unit_key_free, emr_unit_key *)

#define HEAD_BYTES (EMR_CHUNK_SALT_BYTES + EMR_CHUNK_COM_BYTES)

static emr_secret secret_of(const void *data, size_t len)
{
	emr_secret secret = {0};

	assert_ok(emr_secret_new(len, &secret));
	memcpy(secret.data, data, len);
	return secret;
}

/* Reads a whole Cobblestone-256 stream (salt || com || chunks), as the record layer does with its
 * own framing: false when anything of it is refused. */
static bool read_stream(const emr_secret *key, emr_bytes context, emr_bytes stream, emr_buf *plain)
{
	emr_chunk_cipher *cipher = NULL;
	uint8_t chunk[EMR_CHUNK_BYTES];
	size_t at = HEAD_BYTES;
	bool last = false;

	if (stream.len < HEAD_BYTES || emr_chunk_cipher_new_in(key, stream.data,
					       EMR_SUITE_AES_256_GCM, context, &cipher) != EMR_OK)
		return false;
	if (emr_chunk_cipher_check(cipher, stream.data + EMR_CHUNK_SALT_BYTES) != EMR_OK)
		last = true, at = stream.len + 1;
	for (uint64_t i = 0; !last; i++) {
		size_t n = stream.len - at < EMR_CHUNK_SEALED_BYTES ? stream.len - at
								    : EMR_CHUNK_SEALED_BYTES;

		last = n < EMR_CHUNK_SEALED_BYTES;
		if (emr_chunk_open(cipher, i, stream.data + at, n, chunk) != EMR_OK) {
			at = stream.len + 1;
			break;
		}
		assert_ok(emr_buf_append(plain, chunk, n - EMR_CHUNK_TAG_BYTES));
		at += n;
	}
	emr_chunk_cipher_free(cipher);
	return at == stream.len;
}

/* [[hex, times], ...] */
static void expand(const json_t *pieces, emr_buf *out)
{
	EMR_AUTO_BUF piece = {0};
	const json_t *pair;
	size_t i;

	emr_buf_clear(out);
	json_array_foreach(pieces, i, pair)
	{
		vectors_unhex(json_string_value(json_array_get(pair, 0)), &piece);
		for (json_int_t n = json_integer_value(json_array_get(pair, 1)); n > 0; n--)
			assert_ok(emr_buf_append(out, piece.data, piece.len));
	}
}

TEST(streams_match_wycheproof)
{
	AUTO(auto_json_decref)
	json_t *root = vectors_open("wycheproof/c2sp_chunked_encryption_aes_256_gcm.json");
	EMR_AUTO_BUF key = {0}, context = {0}, stream = {0}, plain = {0};
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		EMR_AUTO_SECRET secret = {0};
		uint8_t want[64];
		uint8_t got[64];

		vectors_hex(test, "key", &key);
		vectors_hex(test, "ctx", &context);
		expand(vectors_get(test, "ct"), &stream);
		assert_int_equal(stream.len, vectors_u64(test, "ctLength"));
		secret = secret_of(key.data, key.len);
		emr_buf_clear(&plain);
		if (read_stream(&secret, emr_buf_view(&context), emr_buf_view(&stream), &plain) !=
			vectors_valid(test))
			fail_msg("tcId %d", (int)vectors_u64(test, "tcId"));
		if (!vectors_valid(test))
			continue;
		vectors_fixed(test, "msgSha512", want, 64);
		crypto_hash_sha512(got, plain.data, plain.len);
		assert_memory_equal(got, want, 64);
		assert_int_equal(plain.len, vectors_u64(test, "msgLength"));
	}
	assert_int_equal(i, 35);
}

TEST(suites_differ_in_everything)
{
	EMR_AUTO_SECRET key = {0};
	emr_chunk_cipher *gcm = NULL;
	emr_chunk_cipher *chacha = NULL;
	uint8_t salt[24] = {5};
	uint8_t com_gcm[32];
	uint8_t com_chacha[32];
	uint8_t sealed[20];
	uint8_t plain[4];

	assert_ok(emr_secret_random(32, &key));
	assert_ok(emr_chunk_cipher_new(&key, salt, EMR_SUITE_AES_256_GCM, &gcm));
	assert_ok(emr_chunk_cipher_new(&key, salt, EMR_SUITE_CHACHA20_POLY1305, &chacha));
	emr_chunk_cipher_com(gcm, com_gcm);
	emr_chunk_cipher_com(chacha, com_chacha);
	assert_memory_not_equal(com_gcm, com_chacha, 32);
	assert_ok(emr_chunk_cipher_check(gcm, com_gcm));
	assert_status(EMR_DAMAGED, emr_chunk_cipher_check(gcm, com_chacha));
	assert_ok(emr_chunk_seal(gcm, 0, (const uint8_t *)"abcd", 4, sealed));
	assert_status(EMR_DAMAGED, emr_chunk_open(chacha, 0, sealed, 20, plain));
	assert_ok(emr_chunk_open(gcm, 0, sealed, 20, plain));
	emr_chunk_cipher_free(gcm);
	emr_chunk_cipher_free(chacha);
	gcm = NULL;
	assert_status(EMR_UNSUPPORTED, emr_chunk_cipher_new(&key, salt, 0, &gcm));
	assert_status(EMR_UNSUPPORTED, emr_chunk_cipher_new(&key, salt, 3, &gcm));
	assert_null(gcm);
}

TEST(the_first_leaf_matches_the_known_answer)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *hello = json_array_get(vectors_get(root, "cases"), 0);
	uint8_t k_c[32];
	uint8_t salt[24];
	uint8_t com[32];
	uint8_t got_com[32];
	uint8_t want[32];
	uint8_t got[32];
	static uint8_t plain[16383];
	static uint8_t sealed[16399];
	emr_chunk_cipher *cipher = NULL;
	EMR_AUTO_SECRET key = {0};

	vectors_fixed(hello, "k_c", k_c, 32);
	vectors_fixed(hello, "salt", salt, 24);
	vectors_fixed(hello, "com", com, 32);
	vectors_fixed(hello, "stream_sha256", want, 32);
	key = secret_of(k_c, 32);
	assert_ok(emr_chunk_cipher_new(&key, salt, 1, &cipher));
	emr_chunk_cipher_com(cipher, got_com);
	assert_memory_equal(got_com, com, 32);
	memcpy(plain, "hello, emrfs\n", 13);
	assert_ok(emr_chunk_seal(cipher, 0, plain, sizeof plain, sealed));
	crypto_hash_sha256(got, sealed, sizeof sealed);
	assert_memory_equal(got, want, 32);
	emr_chunk_cipher_free(cipher);
}

/* The RFC 8439 cipher of suite 2 against libsodium's, at several indexes; ours is OpenSSL's. */
TEST(suite_2_is_the_chacha20_poly1305_of_libsodium)
{
	EMR_AUTO_SECRET k_c = {0};
	emr_chunk_cipher *cipher = NULL;
	uint8_t salt[24] = {9};
	static const uint64_t indexes[] = {
		0, 1, 255, 256, UINT64_C(0x0102030405060708), UINT64_MAX};
	uint8_t okm[76];
	uint8_t info[128];
	uint8_t prk[32];
	size_t at;

	assert_ok(emr_secret_random(32, &k_c));
	memcpy(prk, k_c.data, 32);
	assert_ok(emr_chunk_cipher_new(&k_c, salt, EMR_SUITE_CHACHA20_POLY1305, &cipher));
	/* The key schedule once more, by hand over libsodium's HMAC: two blocks of HKDF-Expand. */
	at = (size_t)snprintf((char *)info, sizeof info,
		     "c2sp.org/chunked-encryption@v1+AEAD_CHACHA20_POLY1305") +
	     1;
	memcpy(info + at, salt, 24);
	memcpy(info + at + 24, "emrfs/v1/obj\2", 13);
	at += 37;
	{
		crypto_auth_hmacsha512_state hmac;
		uint8_t t[2][64];

		for (uint8_t i = 1; i <= 2; i++) {
			crypto_auth_hmacsha512_init(&hmac, prk, 32);
			crypto_auth_hmacsha512_update(&hmac, t[0], i == 1 ? 0 : 64);
			crypto_auth_hmacsha512_update(&hmac, info, at);
			crypto_auth_hmacsha512_update(&hmac, &i, 1);
			crypto_auth_hmacsha512_final(&hmac, t[i - 1]);
		}
		memcpy(okm, t, sizeof okm);
	}
	for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
		uint8_t nonce[12];
		uint8_t ours[21];
		uint8_t theirs[21];
		uint8_t plain[5];

		memcpy(nonce, okm + 32, 12);
		for (int b = 0; b < 8; b++)
			nonce[4 + b] ^= (uint8_t)(indexes[i] >> (56 - 8 * b));
		assert_ok(emr_chunk_seal(cipher, indexes[i], (const uint8_t *)"chunk", 5, ours));
		crypto_aead_chacha20poly1305_ietf_encrypt(
			theirs, NULL, (const uint8_t *)"chunk", 5, NULL, 0, NULL, nonce, okm);
		assert_memory_equal(ours, theirs, 21);
		assert_ok(emr_chunk_open(cipher, indexes[i], ours, 21, plain));
		assert_memory_equal(plain, "chunk", 5);
		assert_status(EMR_DAMAGED, emr_chunk_open(cipher, indexes[i] ^ 1, ours, 21, plain));
	}
	emr_chunk_cipher_free(cipher);
}

TEST(a_damaged_chunk_releases_nothing)
{
	EMR_AUTO_SECRET key = {0};
	uint8_t salt[24] = {0};

	assert_ok(emr_secret_random(32, &key));
	for (unsigned suite = 1; suite <= 2; suite++) {
		emr_chunk_cipher *cipher = NULL;
		uint8_t plain[100];
		uint8_t sealed[116];
		uint8_t out[100];

		memset(plain, 'x', sizeof plain);
		assert_ok(emr_chunk_cipher_new(&key, salt, suite, &cipher));
		assert_ok(emr_chunk_seal(cipher, 7, plain, sizeof plain, sealed));
		for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
			memset(out, 'o', sizeof out);
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_status(
				EMR_DAMAGED, emr_chunk_open(cipher, 7, sealed, sizeof sealed, out));
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			for (size_t i = 0; i < sizeof out; i++)
				assert_int_equal(out[i], 'o');
		}
		assert_status(
			EMR_DAMAGED, emr_chunk_open(cipher, 7, sealed, sizeof sealed - 1, out));
		assert_status(EMR_DAMAGED, emr_chunk_open(cipher, 7, sealed, 15, out));
		assert_status(EMR_DAMAGED, emr_chunk_open(cipher, 6, sealed, sizeof sealed, out));
		assert_ok(emr_chunk_open(cipher, 7, sealed, sizeof sealed, out));
		assert_memory_equal(out, plain, sizeof plain);
		emr_chunk_cipher_free(cipher);
	}
}

/* The cases of 256-bit keys, 96-bit nonces and no associated data, which chunks do not have. */
static size_t aead_matches(const char *file, unsigned suite)
{
	AUTO(auto_json_decref) json_t *root = vectors_open(file);
	EMR_AUTO_BUF key = {0}, iv = {0}, msg = {0}, ct = {0}, tag = {0};
	EMR_AUTO_SECRET k_c = {0};
	static const uint8_t salt[24];
	const json_t *test;
	size_t checked = 0;
	size_t i;

	assert_ok(emr_secret_random(32, &k_c));
	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		emr_chunk_cipher *cipher = NULL;
		uint8_t out[2048];

		vectors_hex(test, "key", &key);
		vectors_hex(test, "iv", &iv);
		vectors_hex(test, "msg", &msg);
		vectors_hex(test, "ct", &ct);
		vectors_hex(test, "tag", &tag);
		if (vectors_text(test, "aad")[0] != '\0' || key.len != 32 || iv.len != 12 ||
			tag.len != 16)
			continue;
		checked++;
		assert_ok(emr_buf_append(&ct, tag.data, tag.len));
		assert_ok(emr_chunk_cipher_new(&k_c, salt, suite, &cipher));
		assert_ok(emr_chunk_cipher_set(cipher, key.data, iv.data));
		if ((emr_chunk_open(cipher, 0, ct.data, ct.len, out) == EMR_OK) !=
			vectors_valid(test))
			fail_msg("tcId %d", (int)vectors_u64(test, "tcId"));
		if (vectors_valid(test)) {
			assert_memory_equal(out, msg.data, msg.len);
			assert_ok(emr_chunk_seal(cipher, 0, msg.data, msg.len, out));
			assert_memory_equal(out, ct.data, ct.len);
		}
		emr_chunk_cipher_free(cipher);
	}
	return checked;
}

TEST(chunk_algorithms_match_wycheproof)
{
	assert_true(aead_matches("wycheproof/aes_gcm.json", EMR_SUITE_AES_256_GCM) >= 20);
	assert_true(aead_matches("wycheproof/chacha20_poly1305.json",
			    EMR_SUITE_CHACHA20_POLY1305) >= 20);
}

TEST(chunks_have_0_to_16384_bytes)
{
	static uint8_t plain[EMR_CHUNK_BYTES + 1];
	static uint8_t sealed[EMR_CHUNK_SEALED_BYTES + 1];
	static uint8_t out[EMR_CHUNK_BYTES + 1];
	static const size_t sizes[] = {0, 1, 15, 16, 17, 16383, 16384};
	EMR_AUTO_SECRET key = {0};
	emr_chunk_cipher *cipher = NULL;
	uint8_t salt[24] = {0};

	assert_ok(emr_secret_random(32, &key));
	for (unsigned suite = 1; suite <= 2; suite++) {
		assert_ok(emr_chunk_cipher_new(&key, salt, suite, &cipher));
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			randombytes_buf(plain, sizes[i]);
			assert_ok(emr_chunk_seal(cipher, i, plain, sizes[i], sealed));
			assert_ok(emr_chunk_open(cipher, i, sealed, sizes[i] + 16, out));
			assert_memory_equal(out, plain, sizes[i]);
			/* In place. */
			memcpy(out, plain, sizes[i]);
			memset(sealed + sizes[i] + 16, 0, 1);
			{
				static uint8_t in_place[EMR_CHUNK_SEALED_BYTES];

				memcpy(in_place, plain, sizes[i]);
				assert_ok(emr_chunk_seal(cipher, i, in_place, sizes[i], in_place));
				assert_memory_equal(in_place, sealed, sizes[i] + 16);
			}
		}
		assert_status(
			EMR_INVALID, emr_chunk_seal(cipher, 0, plain, EMR_CHUNK_BYTES + 1, sealed));
		assert_status(EMR_DAMAGED,
			emr_chunk_open(cipher, 0, sealed, EMR_CHUNK_SEALED_BYTES + 1, out));
		emr_chunk_cipher_free(cipher);
	}
}

TEST(a_part_that_is_known_opens_without_its_tag)
{
	static const struct {
		size_t from, len;
	} parts[] = {{0, 16384}, {0, 1}, {64, 100}, {4096, 4096}, {12288, 4096}, {16320, 64},
		{16384, 0}};
	static uint8_t plain[EMR_CHUNK_BYTES], sealed[EMR_CHUNK_SEALED_BYTES], out[EMR_CHUNK_BYTES];
	EMR_AUTO_SECRET key = {0};
	emr_chunk_cipher *cipher = NULL;
	uint8_t salt[24] = {3};

	assert_ok(emr_secret_random(32, &key));
	randombytes_buf(plain, sizeof plain);
	for (unsigned suite = 1; suite <= 2; suite++) {
		assert_ok(emr_chunk_cipher_new(&key, salt, suite, &cipher));
		assert_ok(emr_chunk_seal(cipher, 0x1234, plain, sizeof plain, sealed));
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
			const emr_bytes part = emr_bytes_of(sealed + parts[i].from, parts[i].len);

			memset(out, 0, sizeof out);
			assert_ok(emr_chunk_open_known(cipher, 0x1234, parts[i].from, part, out));
			assert_memory_equal(out, plain + parts[i].from, parts[i].len);
		}
		assert_status(EMR_INVALID,
			emr_chunk_open_known(cipher, 0, 32, emr_bytes_of(sealed, 1), out));
		assert_status(EMR_INVALID, emr_chunk_open_known(cipher, 0, 64,
						   emr_bytes_of(sealed, EMR_CHUNK_BYTES), out));
		emr_chunk_cipher_free(cipher);
	}
}

static void xorshift(uint8_t *out, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i += 4) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		for (unsigned b = 0; b < 4; b++)
			out[i + b] = (uint8_t)(x >> 8 * b);
	}
}

TEST(tags_of_units_match_the_second_model)
{
	static uint8_t leaf[EMR_UNIT_LEAF_BYTES];
	uint8_t key_bytes[32], digest[32], want[EMR_UNITS_PER_LEAF * EMR_UNIT_TAG_BYTES],
		got[sizeof want];
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *units = vectors_get(root, "units");
	const emr_units all = {0, EMR_UNITS_PER_LEAF}, some = {6, 3};
	AUTO(auto_emr_unit_key_free) emr_unit_key *key = NULL;
	EMR_AUTO_SECRET secret = {0};

	vectors_fixed(units, "key", key_bytes, sizeof key_bytes);
	vectors_fixed(units, "sha256", digest, sizeof digest);
	vectors_fixed(units, "tags", want, sizeof want);
	xorshift(leaf, sizeof leaf);
	secret = secret_of(key_bytes, sizeof key_bytes);
	assert_ok(emr_unit_key_new(&secret, &key));
	assert_int_equal(emr_units_len(all), sizeof leaf);
	assert_ok(emr_unit_tags(key, digest, all, leaf, got));
	assert_memory_equal(got, want, sizeof want);
	/* Across the end of a chunk, whose tag is the last unit's. */
	assert_int_equal(emr_units_len(some), 3 * EMR_UNIT_BYTES + EMR_CHUNK_TAG_BYTES);
	assert_ok(emr_unit_tags_check(
		key, digest, some, leaf + emr_units_at(some), want + 6 * EMR_UNIT_TAG_BYTES));
	assert_false(emr_units_fit((emr_units){0, 0}));
	assert_false(emr_units_fit((emr_units){63, 2}));
	assert_false(emr_units_fit((emr_units){64, 1}));
}

/* Of another leaf, at another place, with another bit, under another key. */
TEST(a_units_tag_fits_nothing_else)
{
	static uint8_t bytes[EMR_UNIT_BYTES + EMR_CHUNK_TAG_BYTES];
	uint8_t tag[EMR_UNIT_TAG_BYTES], digest[32] = {1}, other[32] = {2};
	const emr_units one = {3, 1}, place = {7, 1};
	EMR_AUTO_SECRET mine = {0}, his = {0};
	AUTO(auto_emr_unit_key_free) emr_unit_key *key = NULL, *his_key = NULL;

	assert_ok(emr_secret_random(32, &mine));
	assert_ok(emr_secret_random(32, &his));
	assert_ok(emr_unit_key_new(&mine, &key));
	assert_ok(emr_unit_key_new(&his, &his_key));
	randombytes_buf(bytes, sizeof bytes);
	assert_ok(emr_unit_tags(key, digest, one, bytes, tag));
	assert_ok(emr_unit_tags_check(key, digest, one, bytes, tag));
	assert_status(EMR_DAMAGED, emr_unit_tags_check(key, other, one, bytes, tag));
	assert_status(EMR_DAMAGED, emr_unit_tags_check(key, digest, place, bytes, tag));
	assert_status(EMR_DAMAGED, emr_unit_tags_check(his_key, digest, one, bytes, tag));
	for (size_t at = 0; at < sizeof bytes; at += 257) {
		bytes[at] ^= 1;
		assert_status(EMR_DAMAGED, emr_unit_tags_check(key, digest, one, bytes, tag));
		bytes[at] ^= 1;
	}
}

typedef struct worker {
	emr_chunk_cipher *cipher;
	uint64_t first;
	bool good;
} worker;

static void *seal_and_open(void *argument)
{
	worker *work = argument;
	uint8_t plain[1000];
	uint8_t sealed[1016];
	uint8_t out[1000];

	work->good = true;
	for (uint64_t i = work->first; i < work->first + 500; i++) {
		memset(plain, (int)(i & 0xff), sizeof plain);
		work->good =
			work->good &&
			emr_chunk_seal(work->cipher, i, plain, sizeof plain, sealed) == EMR_OK &&
			emr_chunk_open(work->cipher, i, sealed, sizeof sealed, out) == EMR_OK &&
			memcmp(out, plain, sizeof plain) == 0 &&
			emr_chunk_open(work->cipher, i + 1, sealed, sizeof sealed, out) ==
				EMR_DAMAGED;
	}
	return NULL;
}

TEST(several_threads_use_one_cipher)
{
	EMR_AUTO_SECRET key = {0};
	emr_chunk_cipher *cipher = NULL;
	pthread_t threads[4];
	worker work[4];
	uint8_t salt[24] = {0};

	assert_ok(emr_secret_random(32, &key));
	assert_ok(emr_chunk_cipher_new(&key, salt, 1, &cipher));
	for (int i = 0; i < 4; i++) {
		work[i] = (worker){.cipher = cipher, .first = (uint64_t)i * 1000};
		assert_int_equal(pthread_create(&threads[i], NULL, seal_and_open, &work[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(work[i].good);
	}
	emr_chunk_cipher_free(cipher);
	emr_chunk_cipher_free(NULL);
}

TESTS(NULL, NULL)
