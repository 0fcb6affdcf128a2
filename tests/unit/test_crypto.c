/* These tests check the ciphers, key derivations and letters against Wycheproof, the standards
 * and the second model; nothing damaged is given out. */
#include "emr_test.h"

#include <sodium.h>

#include "crypto/aead.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "known_answer.h"
#include "vectors.h"

static emr_secret secret_of(const void *data, size_t len)
{
	emr_secret secret = {0};

	assert_ok(emr_secret_new(len, &secret));
	memcpy(secret.data, data, len);
	return secret;
}

static void wrong_case(const json_t *test)
{
	fail_msg("tcId %d", (int)vectors_u64(test, "tcId"));
}

TEST(xchacha20_poly1305_matches_wycheproof)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("wycheproof/xchacha20_poly1305.json");
	EMR_AUTO_BUF key = {0}, iv = {0}, aad = {0}, msg = {0}, ct = {0}, tag = {0};
	const json_t *test;
	size_t checked = 0;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		EMR_AUTO_SECRET secret = {0};
		uint8_t out[1024];

		vectors_hex(test, "key", &key);
		vectors_hex(test, "iv", &iv);
		vectors_hex(test, "aad", &aad);
		vectors_hex(test, "msg", &msg);
		vectors_hex(test, "ct", &ct);
		vectors_hex(test, "tag", &tag);
		if (iv.len != 24 || msg.len + 16 > sizeof out)
			continue;
		checked++;
		secret = secret_of(key.data, key.len);
		assert_ok(emr_buf_append(&ct, tag.data, tag.len));
		if ((emr_aead_open(&secret, iv.data, emr_buf_view(&aad), emr_buf_view(&ct), out) ==
			    EMR_OK) != vectors_valid(test))
			wrong_case(test);
		if (!vectors_valid(test))
			continue;
		assert_memory_equal(out, msg.data, msg.len);
		assert_ok(emr_aead_seal(
			&secret, iv.data, emr_buf_view(&aad), emr_buf_view(&msg), out));
		assert_memory_equal(out, ct.data, ct.len);
	}
	assert_true(checked > 250);
}

TEST(sealing_works_in_place_and_releases_nothing_that_is_damaged)
{
	EMR_AUTO_SECRET key = {0};
	EMR_AUTO_SECRET short_key = {0};
	uint8_t buffer[48];
	uint8_t sealed[48];
	uint8_t nonce[24] = {1};

	assert_ok(emr_secret_random(32, &key));
	assert_ok(emr_secret_random(31, &short_key));
	memset(buffer, 'x', 32);
	assert_ok(
		emr_aead_seal(&key, nonce, emr_bytes_of("a", 1), emr_bytes_of(buffer, 32), buffer));
	memcpy(sealed, buffer, 48);
	assert_ok(
		emr_aead_open(&key, nonce, emr_bytes_of("a", 1), emr_bytes_of(buffer, 48), buffer));
	for (int i = 0; i < 32; i++)
		assert_int_equal(buffer[i], 'x');
	for (size_t i = 0; i < 48; i++) {
		uint8_t out[32];

		memset(out, 'o', sizeof out);
		sealed[i] ^= 4;
		assert_status(EMR_DAMAGED, emr_aead_open(&key, nonce, emr_bytes_of("a", 1),
						   emr_bytes_of(sealed, 48), out));
		assert_null(memchr(out, 'x', sizeof out));
		sealed[i] ^= 4;
	}
	assert_status(EMR_DAMAGED,
		emr_aead_open(&key, nonce, emr_bytes_of("b", 1), emr_bytes_of(sealed, 48), buffer));
	assert_status(EMR_DAMAGED,
		emr_aead_open(&key, nonce, emr_bytes_of("a", 1), emr_bytes_of(sealed, 15), buffer));
	assert_status(EMR_INVALID,
		emr_aead_open(&short_key, nonce, (emr_bytes){0}, emr_bytes_of(sealed, 48), buffer));
	assert_status(EMR_INVALID,
		emr_aead_seal(&short_key, nonce, (emr_bytes){0}, emr_bytes_of("a", 1), buffer));
}

typedef void (*extract_fn)(emr_bytes salt, emr_bytes ikm, uint8_t *prk);
typedef emr_status (*expand_fn)(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len);

static void hkdf_matches(const char *file, size_t width, extract_fn extract, expand_fn expand)
{
	AUTO(auto_json_decref) json_t *root = vectors_open(file);
	EMR_AUTO_BUF ikm = {0}, salt = {0}, info = {0}, okm = {0};
	uint8_t out[255 * 64 + 1];
	uint8_t prk[64];
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		size_t size = (size_t)vectors_u64(test, "size");
		emr_status status;

		vectors_hex(test, "ikm", &ikm);
		vectors_hex(test, "salt", &salt);
		vectors_hex(test, "info", &info);
		vectors_hex(test, "okm", &okm);
		extract(emr_buf_view(&salt), emr_buf_view(&ikm), prk);
		status = size > sizeof out
				 ? EMR_LIMIT
				 : expand(emr_bytes_of(prk, width), emr_buf_view(&info), out, size);
		if ((status == EMR_OK) != vectors_valid(test))
			wrong_case(test);
		if (status == EMR_OK)
			assert_memory_equal(out, okm.data, size);
		else
			assert_status(EMR_LIMIT, status);
	}
	assert_true(i > 80);
}

static emr_status expand_prepared(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len)
{
	uint8_t prepared[EMR_HKDF_PREPARED_BYTES];
	emr_status status;

	emr_hkdf_sha512_prepare(prk, prepared);
	status = emr_hkdf_sha512_expand_prepared(prepared, info, out, len);
	if (len <= 64)
		return status;
	assert_status(EMR_LIMIT, status);
	return emr_hkdf_sha512_expand(prk, info, out, len);
}

TEST(hkdf_matches_wycheproof)
{
	hkdf_matches("wycheproof/hkdf_sha512.json", 64, emr_hkdf_sha512_extract, expand_prepared);
	hkdf_matches(
		"wycheproof/hkdf_sha512.json", 64, emr_hkdf_sha512_extract, emr_hkdf_sha512_expand);
	hkdf_matches(
		"wycheproof/hkdf_sha256.json", 32, emr_hkdf_sha256_extract, emr_hkdf_sha256_expand);
}

TEST(hmac_matches_wycheproof)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("wycheproof/hmac_sha512.json");
	EMR_AUTO_BUF key = {0}, msg = {0}, tag = {0};
	uint8_t out[64];
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		vectors_hex(test, "key", &key);
		vectors_hex(test, "msg", &msg);
		vectors_hex(test, "tag", &tag);
		emr_hmac_sha512(emr_buf_view(&key),
			msg.len == 0 ? (emr_bytes){0} : emr_buf_view(&msg), out);
		if ((tag.len <= 64 && memcmp(out, tag.data, tag.len) == 0) != vectors_valid(test))
			wrong_case(test);
	}
	assert_true(i > 150);
}

/* Through HPKE's own key functions: the shared secret itself is not in the interface. */
TEST(x25519_matches_wycheproof)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("wycheproof/x25519.json");
	const json_t *test;
	size_t zero = 0;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		uint8_t pk[32];
		uint8_t sk[32];
		uint8_t want[32];
		uint8_t got[32];
		uint8_t out[48];
		emr_secret secret;

		vectors_fixed(test, "public", pk, 32);
		vectors_fixed(test, "private", sk, 32);
		vectors_fixed(test, "shared", want, 32);
		secret = secret_of(sk, 32);
		if (sodium_is_zero(want, 32)) {
			/* A low-order key is refused when sealing and counts as damage when
			 * opening. */
			zero++;
			assert_status(EMR_INVALID, emr_hpke_seal_with(&secret, pk, (emr_bytes){0},
							   (emr_bytes){0}, (emr_bytes){0}, out));
			memcpy(out, pk, 32);
			assert_status(
				EMR_DAMAGED, emr_hpke_open(&secret, (emr_bytes){0}, (emr_bytes){0},
						     emr_bytes_of(out, 48), got));
		} else {
			assert_int_equal(crypto_scalarmult_curve25519(got, sk, pk), 0);
			assert_memory_equal(got, want, 32);
			assert_ok(emr_hpke_seal_with(
				&secret, pk, (emr_bytes){0}, (emr_bytes){0}, (emr_bytes){0}, out));
		}
		emr_secret_free(&secret);
	}
	assert_true(i > 500);
	assert_true(zero > 5);
}

TEST(hpke_matches_rfc_9180)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("hpke.json");
	const json_t *a2 = vectors_get(root, "rfc9180_a2");
	const json_t *first = json_array_get(vectors_get(a2, "encryptions"), 0);
	EMR_AUTO_BUF info = {0}, aad = {0}, pt = {0}, ct = {0};
	EMR_AUTO_SECRET sk_e = {0};
	EMR_AUTO_SECRET sk_r = {0};
	uint8_t sk[32];
	uint8_t pk[32];
	uint8_t enc[32];
	uint8_t wire[256];
	uint8_t plain[256];

	vectors_fixed(a2, "sk_em", sk, 32);
	sk_e = secret_of(sk, 32);
	vectors_fixed(a2, "sk_rm", sk, 32);
	sk_r = secret_of(sk, 32);
	vectors_fixed(a2, "pk_rm", pk, 32);
	vectors_fixed(a2, "enc", enc, 32);
	vectors_hex(a2, "info", &info);
	vectors_hex(first, "aad", &aad);
	vectors_hex(first, "pt", &pt);
	vectors_hex(first, "ct", &ct);
	assert_ok(emr_hpke_seal_with(
		&sk_e, pk, emr_buf_view(&info), emr_buf_view(&aad), emr_buf_view(&pt), wire));
	assert_memory_equal(wire, enc, 32);
	assert_memory_equal(wire + 32, ct.data, ct.len);
	assert_ok(emr_hpke_open(&sk_r, emr_buf_view(&info), emr_buf_view(&aad),
		emr_bytes_of(wire, 32 + ct.len), plain));
	assert_memory_equal(plain, pt.data, pt.len);
}

TEST(letters_match_the_second_model_and_bind_everything)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("hpke.json");
	EMR_AUTO_BUF info = {0}, aad = {0}, pt = {0}, wire = {0};
	const json_t *letter;
	size_t i;

	json_array_foreach(vectors_get(root, "letters"), i, letter)
	{
		EMR_AUTO_SECRET sk_e = {0};
		EMR_AUTO_SECRET sk_r = {0};
		EMR_AUTO_BUF out = {0};
		uint8_t key[32];
		uint8_t pk[32];
		uint8_t got_pk[32];

		vectors_fixed(letter, "sk_e", key, 32);
		sk_e = secret_of(key, 32);
		vectors_fixed(letter, "sk_r", key, 32);
		sk_r = secret_of(key, 32);
		vectors_fixed(letter, "pk_r", pk, 32);
		vectors_hex(letter, "info", &info);
		vectors_hex(letter, "aad", &aad);
		vectors_hex(letter, "pt", &pt);
		vectors_hex(letter, "wire", &wire);
		assert_ok(emr_x25519_public(&sk_r, got_pk));
		assert_memory_equal(got_pk, pk, 32);
		assert_ok(emr_buf_append_zeros(&out, wire.len));
		assert_ok(emr_hpke_seal_with(&sk_e, pk, emr_buf_view(&info), emr_buf_view(&aad),
			emr_buf_view(&pt), out.data));
		assert_memory_equal(out.data, wire.data, wire.len);
		for (size_t at = 0; at<wire.len; at += wire.len> 200 ? 17 : 1) {
			wire.data[at] ^= 0x20;
			assert_status(EMR_DAMAGED,
				emr_hpke_open(&sk_r, emr_buf_view(&info), emr_buf_view(&aad),
					emr_buf_view(&wire), out.data));
			wire.data[at] ^= 0x20;
		}
		assert_status(
			EMR_DAMAGED, emr_hpke_open(&sk_r, emr_bytes_of("other", 5),
					     emr_buf_view(&aad), emr_buf_view(&wire), out.data));
		assert_status(EMR_DAMAGED,
			emr_hpke_open(&sk_r, emr_buf_view(&info), emr_bytes_of("other", 5),
				emr_buf_view(&wire), out.data));
		assert_status(
			EMR_DAMAGED, emr_hpke_open(&sk_e, emr_buf_view(&info), emr_buf_view(&aad),
					     emr_buf_view(&wire), out.data));
		assert_status(
			EMR_DAMAGED, emr_hpke_open(&sk_r, emr_buf_view(&info), emr_buf_view(&aad),
					     emr_bytes_of(wire.data, 47), out.data));
	}
	assert_true(i > 0);
}

TEST(two_letters_of_one_text_differ)
{
	EMR_AUTO_SECRET sk = {0};
	EMR_AUTO_BUF long_info = {0};
	uint8_t pk[32];
	uint8_t one[52];
	uint8_t two[52];
	uint8_t plain[4];

	assert_ok(emr_secret_random(32, &sk));
	assert_ok(emr_x25519_public(&sk, pk));
	assert_ok(emr_buf_append_zeros(&long_info, 5000));
	assert_ok(emr_hpke_seal(
		pk, emr_buf_view(&long_info), (emr_bytes){0}, emr_bytes_of("text", 4), one));
	assert_ok(emr_hpke_seal(
		pk, emr_buf_view(&long_info), (emr_bytes){0}, emr_bytes_of("text", 4), two));
	assert_memory_not_equal(one, two, 32);
	assert_ok(emr_hpke_open(
		&sk, emr_buf_view(&long_info), (emr_bytes){0}, emr_bytes_of(two, 52), plain));
	assert_memory_equal(plain, "text", 4);
}

TEST(argon2id_matches_the_second_model_and_keeps_its_limits)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keyfile.json");
	EMR_AUTO_BUF passphrase = {0};
	const json_t *file;
	uint8_t salt[16] = {0};
	emr_secret out = {0};
	size_t i;

	json_array_foreach(vectors_get(root, "files"), i, file)
	{
		uint8_t want[64];

		vectors_hex(file, "passphrase_hex", &passphrase);
		vectors_fixed(file, "salt", salt, 16);
		vectors_fixed(file, "argon2", want, 64);
		assert_ok(emr_argon2id(emr_buf_view(&passphrase), salt,
			(uint32_t)vectors_u64(file, "t"), vectors_u64(file, "m_bytes"), &out));
		assert_memory_equal(out.data, want, 64);
		emr_secret_free(&out);
	}
	assert_status(EMR_LIMIT, emr_argon2id(emr_bytes_of("p", 1), salt, 0, 8 << 20, &out));
	assert_status(EMR_LIMIT, emr_argon2id(emr_bytes_of("p", 1), salt, 17, 8 << 20, &out));
	assert_status(
		EMR_LIMIT, emr_argon2id(emr_bytes_of("p", 1), salt, 1, (8 << 20) - 1024, &out));
	assert_status(EMR_LIMIT, emr_argon2id(emr_bytes_of("p", 1), salt, 1, (8 << 20) + 1, &out));
	assert_status(EMR_LIMIT,
		emr_argon2id(emr_bytes_of("p", 1), salt, 1, ((uint64_t)1 << 30) + 1024, &out));
}

TESTS(NULL, NULL)
