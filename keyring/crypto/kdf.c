/* This file derives keys: HKDF, HMAC, and Argon2id for the passphrase. It refuses costs of
 * Argon2id that are too low to protect or too high to compute. */
#include "crypto/kdf.h"

#include <sodium.h>
#include <string.h>

#define ARGON2_OUT_BYTES 64
#define ARGON2_MEMORY_MIN ((uint64_t)8 << 20)
#define ARGON2_MEMORY_MAX ((uint64_t)1 << 30)
#define ARGON2_PASSES_MAX 16

typedef struct hmac_parts {
	emr_bytes part[3];
} hmac_parts;

/* libsodium does not want NULL even where it reads nothing. */
static const uint8_t *some(emr_bytes bytes)
{
	static const uint8_t nothing;

	return bytes.len == 0 ? &nothing : bytes.data;
}

/* HMAC of up to three pieces; the hash's width decides which HMAC. */
static void hmac(size_t width, emr_bytes key, const hmac_parts *message, uint8_t *out)
{
	crypto_auth_hmacsha512_state wide;
	crypto_auth_hmacsha256_state narrow;

	if (width == 64) {
		crypto_auth_hmacsha512_init(&wide, some(key), key.len);
		for (int i = 0; i < 3; i++)
			crypto_auth_hmacsha512_update(
				&wide, some(message->part[i]), message->part[i].len);
		crypto_auth_hmacsha512_final(&wide, out);
		sodium_memzero(&wide, sizeof wide);
	} else {
		crypto_auth_hmacsha256_init(&narrow, some(key), key.len);
		for (int i = 0; i < 3; i++)
			crypto_auth_hmacsha256_update(
				&narrow, some(message->part[i]), message->part[i].len);
		crypto_auth_hmacsha256_final(&narrow, out);
		sodium_memzero(&narrow, sizeof narrow);
	}
}

/* RFC 5869 section 2.3: T(i) = HMAC(PRK, T(i-1) || info || i). */
static emr_status expand(size_t width, emr_bytes prk, emr_bytes info, uint8_t *out, size_t len)
{
	uint8_t block[64];
	size_t done = 0;

	if (len > 255 * width)
		return EMR_LIMIT;
	for (uint8_t i = 1; done < len; i++) {
		const hmac_parts message = {{
			{block, i == 1 ? 0 : width},
			info,
			{&i, 1},
		}};
		size_t n = len - done < width ? len - done : width;

		hmac(width, prk, &message, block);
		memcpy(out + done, block, n);
		done += n;
	}
	sodium_memzero(block, sizeof block);
	return EMR_OK;
}

void emr_hmac_sha512(emr_bytes key, emr_bytes message, uint8_t out[64])
{
	hmac(64, key, &(hmac_parts){{message}}, out);
}

void emr_hmac_sha256(emr_bytes key, emr_bytes message, uint8_t out[32])
{
	hmac(32, key, &(hmac_parts){{message}}, out);
}

void emr_hkdf_sha512_extract(emr_bytes salt, emr_bytes ikm, uint8_t out_prk[64])
{
	emr_hmac_sha512(salt, ikm, out_prk);
}

void emr_hkdf_sha256_extract(emr_bytes salt, emr_bytes ikm, uint8_t out_prk[32])
{
	emr_hmac_sha256(salt, ikm, out_prk);
}

emr_status emr_hkdf_sha512_expand(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len)
{
	return expand(64, prk, info, out, len);
}

emr_status emr_hkdf_sha256_expand(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len)
{
	return expand(32, prk, info, out, len);
}

/* HMAC begins both of its hashes with a block of the key: the states behind that block. */
void emr_hkdf_sha512_prepare(emr_bytes prk, uint8_t out[EMR_HKDF_PREPARED_BYTES])
{
	crypto_auth_hmacsha512_state hmac;

	crypto_auth_hmacsha512_init(&hmac, some(prk), prk.len);
	memcpy(out, hmac.ictx.state, 64);
	memcpy(out + 64, hmac.octx.state, 64);
	sodium_memzero(&hmac, sizeof hmac);
}

static void begin_behind_one_block(crypto_hash_sha512_state *state, const uint8_t words[64])
{
	state->count[0] = 0;
	state->count[1] = UINT64_C(128) * 8; /* bits */
	memcpy(state->state, words, 64);
}

emr_status emr_hkdf_sha512_expand_prepared(
	const uint8_t prepared[EMR_HKDF_PREPARED_BYTES], emr_bytes info, uint8_t *out, size_t len)
{
	static const uint8_t first = 1;
	crypto_auth_hmacsha512_state hmac;
	uint8_t block[64];

	if (len > sizeof block)
		return EMR_LIMIT;
	begin_behind_one_block(&hmac.ictx, prepared);
	begin_behind_one_block(&hmac.octx, prepared + 64);
	crypto_auth_hmacsha512_update(&hmac, some(info), info.len);
	crypto_auth_hmacsha512_update(&hmac, &first, 1);
	crypto_auth_hmacsha512_final(&hmac, block);
	memcpy(out, block, len);
	sodium_memzero(&hmac, sizeof hmac);
	sodium_memzero(block, sizeof block);
	return EMR_OK;
}

emr_status emr_hkdf_sha512(
	const char *salt, emr_bytes ikm, emr_bytes info, uint8_t *out, size_t len)
{
	uint8_t prk[64];
	emr_status status;

	emr_hkdf_sha512_extract(emr_bytes_of(salt, strlen(salt)), ikm, prk);
	status = emr_hkdf_sha512_expand(emr_bytes_of(prk, sizeof prk), info, out, len);
	sodium_memzero(prk, sizeof prk);
	return status;
}

emr_status emr_hkdf_secret(
	const char *salt, const emr_secret *ikm, emr_bytes info, size_t len, emr_secret *out)
{
	EMR_AUTO_SECRET made = {0};

	EMR_TRY(emr_secret_new(len, &made));
	EMR_TRY(emr_hkdf_sha512(salt, emr_secret_view(ikm), info, made.data, len));
	*out = made;
	made = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_argon2id(emr_bytes passphrase, const uint8_t salt[16], uint32_t passes,
	uint64_t memory_bytes, emr_secret *out)
{
	EMR_AUTO_SECRET made = {0};

	if (passes == 0 || passes > ARGON2_PASSES_MAX || memory_bytes < ARGON2_MEMORY_MIN ||
		memory_bytes > ARGON2_MEMORY_MAX || memory_bytes % 1024 != 0)
		return EMR_LIMIT;
	EMR_TRY(emr_secret_new(ARGON2_OUT_BYTES, &made));
	if (crypto_pwhash(made.data, made.len, (const char *)passphrase.data, passphrase.len, salt,
		    passes, (size_t)memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return EMR_NO_MEMORY;
	*out = made;
	made = (emr_secret){0};
	return EMR_OK;
}
