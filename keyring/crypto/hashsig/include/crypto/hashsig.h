/* SHA-256 and the signature checks that the contract needs; libc types only, no state, no secrets.
 * It refuses to sign, to allocate per call, and to accept a second encoding of the same signature.
 * Every function here is thread-safe and needs no initialisation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A running SHA-256 (FIPS 180-4); by value, copyable, nothing to free.  Not for secrets unless
 * wiped. */
typedef struct emr_sha256_ctx {
	_Alignas(16) uint8_t state[128];
} emr_sha256_ctx;

void emr_sha256(const void *data, size_t len, uint8_t out[32]);
void emr_sha256_init(emr_sha256_ctx *ctx);
void emr_sha256_update(emr_sha256_ctx *ctx, const void *data, size_t len);
/* Afterwards CTX must be initialised again before use. */
void emr_sha256_final(emr_sha256_ctx *ctx, uint8_t out[32]);

/* Ed25519 (RFC 8032) as libsodium 1.0.18 checks it: s canonical, no small-order key or R,
 * cofactorless. */
bool emr_ed25519_verify(const uint8_t pk[32], const void *msg, size_t len, const uint8_t sig[64]);

/* That SPKI is the DER SubjectPublicKeyInfo of a named-curve prime256v1 key with an uncompressed
 * point, so 91 bytes (no other encoding is taken); not that the point is on the curve. */
bool emr_p256_is_encoded(const uint8_t *spki_der, size_t spki_len);
/* ECDSA P-256 with SHA-256; SPKI so encoded; SIG is raw r || s, big-endian, with 0 < r < n and
 * 0 < s <= n/2 (the one low-S form). */
bool emr_p256_verify(const uint8_t *spki_der, size_t spki_len, const void *msg, size_t len,
	const uint8_t sig[64]);

/* Proof of possession of the discrete logarithm of the re-encryption key B, bound to the network
 * and the signer (emrfs formats, operations, "pop"): e = HS("pop", B, zG - eB, net_id, signer_id),
 * POP = e || z. */
bool emr_pre_pop_verify(const uint8_t B[32], const uint8_t net_id[16], const uint8_t signer_id[32],
	const uint8_t pop[64]);
