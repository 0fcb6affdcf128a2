/* This file does arithmetic in the group ristretto255 (RFC 9496) for proxy re-encryption. It
 * refuses points and numbers that are not in their one canonical form. */
#include "crypto/r255.h"

#include <sodium.h>
#include <string.h>

#define STACK_BYTES 2048 /* what libsodium's scalar functions leave behind */

/* The group order l = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 9496
 * section 4). */
static const uint8_t order[32] = {
	0xed,
	0xd3,
	0xf5,
	0x5c,
	0x1a,
	0x63,
	0x12,
	0x58,
	0xd6,
	0x9c,
	0xf7,
	0xa2,
	0xde,
	0xf9,
	0xde,
	0x14,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0x10,
};

/* True for bytes that the library would take for a point though they are none to us; all else it
 * refuses itself when it decodes P, which costs a twentieth of a multiplication. */
static bool is_trap(const uint8_t p[32])
{
	return (p[31] & 0x80) != 0 || sodium_is_zero(p, 32);
}

bool emr_r255_point_ok(const uint8_t p[32])
{
	return !is_trap(p) && crypto_core_ristretto255_is_valid_point(p) == 1;
}

bool emr_r255_scalar_ok(const uint8_t s[32])
{
	unsigned borrow = 0;

	/* s - l underflows exactly when s < l; the whole number is read, secret or not. */
	for (int i = 0; i < 32; i++)
		borrow = ((unsigned)s[i] - order[i] - borrow) >> 31;
	return borrow == 1;
}

bool emr_r255_mul(const uint8_t scalar[32], const uint8_t point[32], uint8_t out[32])
{
	return emr_r255_scalar_ok(scalar) && !is_trap(point) &&
	       crypto_scalarmult_ristretto255(out, scalar, point) == 0;
}

bool emr_r255_mul_base(const uint8_t scalar[32], uint8_t out[32])
{
	return emr_r255_scalar_ok(scalar) && crypto_scalarmult_ristretto255_base(out, scalar) == 0;
}

bool emr_r255_add(const uint8_t p[32], const uint8_t q[32], uint8_t out[32])
{
	return !is_trap(p) && !is_trap(q) && crypto_core_ristretto255_add(out, p, q) == 0 &&
	       !sodium_is_zero(out, 32);
}

bool emr_r255_sub(const uint8_t p[32], const uint8_t q[32], uint8_t out[32])
{
	return !is_trap(p) && !is_trap(q) && crypto_core_ristretto255_sub(out, p, q) == 0 &&
	       !sodium_is_zero(out, 32);
}

bool emr_r255_scalar_add(const uint8_t x[32], const uint8_t y[32], uint8_t out[32])
{
	if (!emr_r255_scalar_ok(x) || !emr_r255_scalar_ok(y))
		return false;
	crypto_core_ristretto255_scalar_add(out, x, y);
	sodium_stackzero(STACK_BYTES);
	return true;
}

bool emr_r255_scalar_sub(const uint8_t x[32], const uint8_t y[32], uint8_t out[32])
{
	if (!emr_r255_scalar_ok(x) || !emr_r255_scalar_ok(y))
		return false;
	crypto_core_ristretto255_scalar_sub(out, x, y);
	sodium_stackzero(STACK_BYTES);
	return true;
}

bool emr_r255_scalar_mul(const uint8_t x[32], const uint8_t y[32], uint8_t out[32])
{
	if (!emr_r255_scalar_ok(x) || !emr_r255_scalar_ok(y))
		return false;
	crypto_core_ristretto255_scalar_mul(out, x, y);
	sodium_stackzero(STACK_BYTES);
	return true;
}

bool emr_r255_scalar_invert(const uint8_t x[32], uint8_t out[32])
{
	if (!emr_r255_scalar_ok(x) || sodium_is_zero(x, 32))
		return false;
	if (crypto_core_ristretto255_scalar_invert(out, x) != 0)
		return false;
	sodium_stackzero(STACK_BYTES);
	return true;
}

bool emr_r255_reduce(const uint8_t wide[64], uint8_t out[32])
{
	crypto_core_ristretto255_scalar_reduce(out, wide);
	return !sodium_is_zero(out, 32);
}

void emr_pre_h512(const char *tag, const emr_pre_part *parts, size_t n, uint8_t out[64])
{
	static const char domain[] = "emrfs-pre-v1"; /* hashed with its NUL */
	crypto_hash_sha512_state state;
	uint8_t tag_len = (uint8_t)strlen(tag);

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, (const uint8_t *)domain, sizeof domain);
	crypto_hash_sha512_update(&state, &tag_len, 1);
	crypto_hash_sha512_update(&state, (const uint8_t *)tag, tag_len);
	for (size_t i = 0; i < n; i++)
		crypto_hash_sha512_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha512_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

bool emr_pre_hs(const char *tag, const emr_pre_part *parts, size_t n, uint8_t out[32])
{
	uint8_t wide[64];
	bool usable;

	emr_pre_h512(tag, parts, n, wide);
	usable = emr_r255_reduce(wide, out);
	sodium_memzero(wide, sizeof wide);
	return usable;
}

void emr_pre_generator_u(uint8_t out[32])
{
	uint8_t wide[64];

	emr_pre_h512("U", NULL, 0, wide);
	crypto_core_ristretto255_from_hash(out, wide);
}
