/* This file makes the certificate keys: P-256 from the seed, through OpenSSL. OpenSSL keeps its
 * copy in ordinary memory, wiped at free; the keys are made for one signature and dropped. */
#include "keyring_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#define WIDE_BYTES 48
#define POINT_BYTES 65

EMR_AUTO_CALL(group_free, EC_GROUP *, EC_GROUP_free);
EMR_AUTO_CALL(point_free, EC_POINT *, EC_POINT_free);
EMR_AUTO_CALL(bn_free, BIGNUM *, BN_clear_free);
EMR_AUTO_CALL(bn_ctx_free, BN_CTX *, BN_CTX_free);
EMR_AUTO_CALL(pkey_free, EVP_PKEY *, EVP_PKEY_free);
EMR_AUTO_CALL(pkey_ctx_free, EVP_PKEY_CTX *, EVP_PKEY_CTX_free);
EMR_AUTO_CALL(bld_free, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free);
EMR_AUTO_CALL(params_free, OSSL_PARAM *, OSSL_PARAM_free);
EMR_AUTO_CALL(md_ctx_free, EVP_MD_CTX *, EVP_MD_CTX_free);
EMR_AUTO_CALL(sig_free, ECDSA_SIG *, ECDSA_SIG_free);
#define AUTO(kind, free_it) __attribute__((cleanup(free_it))) kind *

/* OpenSSL's calls here fail only for want of memory; its notes on that are not kept for a later
 * caller. */
static emr_status out_of_memory(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

/* scalar = wide mod (n - 1) + 1, so 1..n-1 with a bias below 2^-128; point = scalar * G,
 * uncompressed. */
static emr_status scalar_and_point(
	const emr_secret *wide, BIGNUM *scalar, uint8_t point[POINT_BYTES])
{
	AUTO(EC_GROUP, group_free) group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	AUTO(EC_POINT, point_free) q = group == NULL ? NULL : EC_POINT_new(group);
	AUTO(BN_CTX, bn_ctx_free) ctx = BN_CTX_new();
	AUTO(BIGNUM, bn_free) modulus = group == NULL ? NULL : BN_dup(EC_GROUP_get0_order(group));

	if (q == NULL || ctx == NULL || modulus == NULL ||
		BN_bin2bn(wide->data, (int)wide->len, scalar) == NULL ||
		BN_sub_word(modulus, 1) != 1 || BN_mod(scalar, scalar, modulus, ctx) != 1 ||
		BN_add_word(scalar, 1) != 1 ||
		EC_POINT_mul(group, q, scalar, NULL, NULL, ctx) != 1 ||
		EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, POINT_BYTES,
			ctx) != POINT_BYTES)
		return out_of_memory();
	return EMR_OK;
}

static EVP_PKEY *key_from(const BIGNUM *scalar, const uint8_t point[POINT_BYTES])
{
	AUTO(OSSL_PARAM_BLD, bld_free) bld = OSSL_PARAM_BLD_new();
	AUTO(OSSL_PARAM, params_free) params = NULL;
	AUTO(EVP_PKEY_CTX, pkey_ctx_free) ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (bld == NULL || ctx == NULL ||
		OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
			1 ||
		OSSL_PARAM_BLD_push_octet_string(
			bld, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_BYTES) != 1 ||
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

static emr_status derive(
	const emr_keyring *kr, uint32_t index, BIGNUM *scalar, uint8_t point[POINT_BYTES])
{
	EMR_AUTO_SECRET wide = {0};

	EMR_TRY(emr_derive(emr_seed_of(kr, kr->cert_seed),
		&(emr_key_info){.label = "p256", .number = index, .with_number = true}, WIDE_BYTES,
		&wide));
	return scalar_and_point(&wide, scalar, point);
}

emr_status emr_p256_key(const emr_keyring *kr, uint32_t index, EVP_PKEY **out)
{
	AUTO(BIGNUM, bn_free) scalar = BN_secure_new();
	uint8_t point[POINT_BYTES];
	EVP_PKEY *key;

	if (scalar == NULL)
		return out_of_memory();
	EMR_TRY(derive(kr, index, scalar, point));
	key = key_from(scalar, point);
	if (key == NULL)
		return out_of_memory();
	*out = key;
	return EMR_OK;
}

/* Written here and not by libcrypto, which looks through all its encoders for it: each opening of a
 * folder asks for it once. */
emr_status emr_p256_spki(
	const emr_keyring *kr, uint32_t index, uint8_t out_spki[EMR_P256_SPKI_BYTES])
{
	/* RFC 5480: id-ecPublicKey with secp256r1, and a bit string of 66 bytes. */
	static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
		0x42, 0x00};
	AUTO(BIGNUM, bn_free) scalar = BN_secure_new();

	_Static_assert(sizeof head + POINT_BYTES == EMR_P256_SPKI_BYTES, "the head and the point");
	if (scalar == NULL)
		return out_of_memory();
	memcpy(out_spki, head, sizeof head);
	return derive(kr, index, scalar, out_spki + sizeof head);
}

/* s or n - s, whichever is not above n/2. */
static bool low_s(const BIGNUM *s, uint8_t out[32])
{
	AUTO(EC_GROUP, group_free) group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	AUTO(BIGNUM, bn_free) half = BN_new();
	AUTO(BIGNUM, bn_free) other = BN_new();
	const BIGNUM *order;

	if (group == NULL || half == NULL || other == NULL)
		return false;
	order = EC_GROUP_get0_order(group);
	if (BN_rshift1(half, order) != 1 || BN_sub(other, order, s) != 1)
		return false;
	return BN_bn2binpad(BN_cmp(s, half) > 0 ? other : s, out, 32) == 32;
}

static bool der_to_raw(const uint8_t *der, size_t len, uint8_t raw[64])
{
	const uint8_t *at = der;
	AUTO(ECDSA_SIG, sig_free) sig = d2i_ECDSA_SIG(NULL, &at, (long)len);

	return sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
	       low_s(ECDSA_SIG_get0_s(sig), raw + 32);
}

emr_status emr_p256_sign(
	const emr_keyring *kr, uint32_t index, emr_bytes message, uint8_t out_sig[64])
{
	AUTO(EVP_PKEY, pkey_free) key = NULL;
	AUTO(EVP_MD_CTX, md_ctx_free) ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	uint8_t raw[64];
	size_t len = sizeof der;

	EMR_TRY(emr_p256_key(kr, index, &key));
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(ctx, der, &len, message.data, message.len) != 1 ||
		!der_to_raw(der, len, raw))
		return out_of_memory();
	memcpy(out_sig, raw, sizeof raw);
	return EMR_OK;
}
