/* This is what the two halves of the re-encryption scheme share: hashes, and room for secret
 * numbers. It is not for callers. */
#pragma once

#include "crypto/reencrypt.h"

/* h = HS("capsule", A, ctx, E, V). */
bool emr_pre_capsule_hash(
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96], uint8_t out_h[32]);
/* K = H512("kem", A, ctx, E, V, S)[0..31]. */
emr_status emr_pre_kem_key(const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const uint8_t S[32], emr_secret *out_k);
/* d = HS("dh", A, B, X, D). */
bool emr_pre_dh(const uint8_t A[32], const uint8_t B[32], const uint8_t X[32], const uint8_t D[32],
	uint8_t out_d[32]);
/* sigma = HS("index", A, B, X, D, id). */
bool emr_pre_index(const uint8_t A[32], const uint8_t B[32], const uint8_t X[32],
	const uint8_t D[32], const uint8_t agent_id[32], uint8_t out_sigma[32]);

/* Up to 64 secret scalars or points of one call, in locked memory. */
#define EMR_PRE_POOL_MAX 64

typedef struct emr_pre_pool {
	emr_secret parts[EMR_PRE_POOL_MAX * 32 / EMR_SECRET_MAX];
} emr_pre_pool;

emr_status emr_pre_pool_new(size_t scalars, emr_pre_pool *out_pool);
void emr_pre_pool_free(emr_pre_pool *pool); /* wipes; an empty one is fine */
uint8_t *emr_pre_pool_at(emr_pre_pool *pool, size_t i);

#define EMR_AUTO_POOL __attribute__((cleanup(emr_pre_pool_free))) emr_pre_pool
