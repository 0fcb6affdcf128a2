/* The same functions with their random or fixed inputs given, so that published answers can be
 * checked. Not in the public folder: callers cannot choose an ephemeral key, a nonce or a context.
 */
#pragma once

#include "crypto/chunk.h"
#include "crypto/reencrypt.h"

/* Cobblestone-256 with a free context string. */
emr_status emr_chunk_cipher_new_in(const emr_secret *k_c, const uint8_t salt[24], unsigned suite,
	emr_bytes context, emr_chunk_cipher **out_cipher);
/* The algorithm's key and base nonce themselves, in a cipher that has not been used yet (EMR_BUSY
 * otherwise). */
emr_status emr_chunk_cipher_set(
	emr_chunk_cipher *cipher, const uint8_t key[32], const uint8_t base_nonce[12]);
emr_status emr_hpke_seal_with(const emr_secret *ephemeral, const uint8_t pk[32], emr_bytes info,
	emr_bytes aad, emr_bytes plain, uint8_t *out);
emr_status emr_pre_pop_with(const emr_secret *b, const emr_secret *k, const uint8_t net_id[16],
	const uint8_t signer_id[32], uint8_t out_pop[64]);
/* X and the t - 1 coefficients F given; nothing is hedged. */
emr_status emr_pre_kfrags_with(const emr_secret *a, const uint8_t B[32], unsigned t, unsigned n,
	const emr_secret *x, const emr_secret *f, emr_pre_kfrag *frags, uint8_t out_X[32],
	emr_secret *out_rk);
emr_status emr_pre_reencapsulate_with(const emr_secret *rk, const uint8_t U[32],
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const uint8_t req[32], const uint8_t rand[32], uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES]);
