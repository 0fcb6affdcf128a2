/* This file checks signatures: Ed25519, P-256, and the proof that somebody has the secret of a
 * re-encryption key. It refuses other encodings of the same key and the second form of a P-256
 * signature. */
#include "crypto/hashsig.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "crypto/r255.h"

bool emr_ed25519_verify(const uint8_t pk[32], const void *msg, size_t len, const uint8_t sig[64])
{
	return crypto_sign_verify_detached(sig, msg, len, pk) == 0;
}

/* The order n of P-256 and n >> 1, big-endian (SEC 2, secp256r1). */
static const uint8_t p256_n[32] = {
	0xff,
	0xff,
	0xff,
	0xff,
	0x00,
	0x00,
	0x00,
	0x00,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xbc,
	0xe6,
	0xfa,
	0xad,
	0xa7,
	0x17,
	0x9e,
	0x84,
	0xf3,
	0xb9,
	0xca,
	0xc2,
	0xfc,
	0x63,
	0x25,
	0x51,
};
static const uint8_t p256_half_n[32] = {
	0x7f,
	0xff,
	0xff,
	0xff,
	0x80,
	0x00,
	0x00,
	0x00,
	0x7f,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xde,
	0x73,
	0x7d,
	0x56,
	0xd3,
	0x8b,
	0xcf,
	0x42,
	0x79,
	0xdc,
	0xe5,
	0x61,
	0x7e,
	0x31,
	0x92,
	0xa8,
};

static bool raw_sig_ok(const uint8_t sig[64])
{
	return !sodium_is_zero(sig, 32) && memcmp(sig, p256_n, 32) < 0 &&
	       !sodium_is_zero(sig + 32, 32) && memcmp(sig + 32, p256_half_n, 32) <= 0;
}

/* r || s as a DER Ecdsa-Sig-Value: at most 72 bytes; returns its length. */
static size_t sig_to_der(const uint8_t sig[64], uint8_t der[72])
{
	size_t at = 2;

	for (int half = 0; half < 2; half++) {
		const uint8_t *number = sig + 32 * half;
		size_t skip = 0;
		size_t len;
		bool pad;

		while (skip < 31 && number[skip] == 0)
			skip++;
		len = 32 - skip;
		pad = (number[skip] & 0x80) != 0;
		der[at++] = 0x02;
		der[at++] = (uint8_t)(len + pad);
		if (pad)
			der[at++] = 0;
		memcpy(der + at, number + skip, len);
		at += len;
	}
	der[0] = 0x30;
	der[1] = (uint8_t)(at - 2);
	return at;
}

/* DER of SubjectPublicKeyInfo { id-ecPublicKey, prime256v1 } up to the point 04 || x || y: the one
 * encoding taken. */
static const uint8_t spki_head[27] = {
	0x30,
	0x59,
	0x30,
	0x13,
	0x06,
	0x07,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x02,
	0x01,
	0x06,
	0x08,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x03,
	0x01,
	0x07,
	0x03,
	0x42,
	0x00,
	0x04,
};

bool emr_p256_is_encoded(const uint8_t *spki_der, size_t spki_len)
{
	return spki_len == sizeof spki_head + 64 &&
	       memcmp(spki_der, spki_head, sizeof spki_head) == 0;
}

/* NULL when it is not that encoding or the point is not on the curve.  The point is given as it is:
 * a decoder of keys would look through all formats for who can read this one. */
static EVP_PKEY *p256_key(const uint8_t *spki_der, size_t spki_len)
{
	char group[] = "prime256v1";
	uint8_t point[1 + 64];
	OSSL_PARAM said[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (!emr_p256_is_encoded(spki_der, spki_len))
		return NULL;
	memcpy(point, spki_der + sizeof spki_head - 1, sizeof point);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, said) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool emr_p256_verify(const uint8_t *spki_der, size_t spki_len, const void *msg, size_t len,
	const uint8_t sig[64])
{
	uint8_t der[72];
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
	bool good;

	if (!raw_sig_ok(sig))
		return false;
	key = p256_key(spki_der, spki_len);
	ctx = EVP_MD_CTX_new();
	good = key != NULL && ctx != NULL &&
	       EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, der, sig_to_der(sig, der), msg, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!good)
		ERR_clear_error();
	return good;
}

bool emr_pre_pop_verify(const uint8_t B[32], const uint8_t net_id[16], const uint8_t signer_id[32],
	const uint8_t pop[64])
{
	const uint8_t *e = pop;
	const uint8_t *z = pop + 32;
	uint8_t zg[32];
	uint8_t eb[32];
	uint8_t r[32];
	uint8_t expected[32];
	const emr_pre_part parts[] = {{B, 32}, {r, 32}, {net_id, 16}, {signer_id, 32}};

	return emr_r255_mul_base(z, zg) && emr_r255_mul(e, B, eb) && emr_r255_sub(zg, eb, r) &&
	       emr_pre_hs("pop", parts, 4, expected) && sodium_memcmp(expected, e, 32) == 0;
}
