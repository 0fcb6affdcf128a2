/* ristretto255 (RFC 9496) through libsodium 1.0.18, with each of its traps closed; libc types only.
 * It refuses non-canonical points and scalars, the identity where a point comes from outside, and a
 * zero inverse. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A canonical encoding of a point other than the identity.  (The library accepts the identity and,
 * with bit 255 set, a second encoding of every point.) */
bool emr_r255_point_ok(const uint8_t p[32]);
/* A scalar below the group order; zero is canonical.  Not constant time: for public scalars and at
 * derivation. */
bool emr_r255_scalar_ok(const uint8_t s[32]);

/* All of these need canonical scalars (checked) and valid points (checked), and are false when the
 * result is the identity, a zero scalar is inverted, or an input is refused.  OUT may be an input.
 */
bool emr_r255_mul(const uint8_t scalar[32], const uint8_t point[32], uint8_t out[32]);
bool emr_r255_mul_base(const uint8_t scalar[32], uint8_t out[32]);
bool emr_r255_add(const uint8_t p[32], const uint8_t q[32], uint8_t out[32]);
bool emr_r255_sub(const uint8_t p[32], const uint8_t q[32], uint8_t out[32]);
bool emr_r255_scalar_add(const uint8_t x[32], const uint8_t y[32], uint8_t out[32]);
bool emr_r255_scalar_sub(const uint8_t x[32], const uint8_t y[32], uint8_t out[32]);
bool emr_r255_scalar_mul(const uint8_t x[32], const uint8_t y[32], uint8_t out[32]);
bool emr_r255_scalar_invert(const uint8_t x[32], uint8_t out[32]);
/* 64 bytes to a scalar; false when it is zero. */
bool emr_r255_reduce(const uint8_t wide[64], uint8_t out[32]);

/* One input of a hash of the re-encryption scheme. */
typedef struct emr_pre_part {
	const void *data;
	size_t len;
} emr_pre_part;

/* SHA-512("emrfs-pre-v1\0" || u8 |tag| || tag || parts). */
void emr_pre_h512(const char *tag, const emr_pre_part *parts, size_t n, uint8_t out[64]);
/* The same, reduced to a scalar; false when zero. */
bool emr_pre_hs(const char *tag, const emr_pre_part *parts, size_t n, uint8_t out[32]);
/* The second generator U = from_hash(H512("U")), whose logarithm nobody knows. */
void emr_pre_generator_u(uint8_t out[32]);
