/* The key encapsulation of re-encryption scheme 1 (Umbral's construction on ristretto255):
 * encapsulate, check, decapsulate, prove. It refuses a capsule made for another key or context
 * before the secret key touches it.  Thread-safe. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#define EMR_PRE_CAPSULE_BYTES 96 /* E || V || s */

/* 64 derived bytes to a secret scalar (32 bytes, never zero). */
emr_status emr_pre_scalar(const emr_secret *wide, emr_secret *out_scalar);
emr_status emr_pre_public(const emr_secret *scalar, uint8_t out_point[32]);

/* Makes a capsule to A for CTX with the scalars R and U, and the 32-byte key K.  R and U come from
 * emr_pre_hedged or emr_pre_derived; EMR_INVALID when A is not a valid point.  OWN, which may be
 * NULL, is A's secret, of which the caller knows that it is: the same capsule and key, sooner. */
emr_status emr_pre_encapsulate(const uint8_t A[32], const emr_secret *own, const uint8_t ctx[32],
	const emr_secret *r, const emr_secret *u, uint8_t out_capsule[96], emr_secret *out_k);
/* Randomised and still safe when the generator fails: HS("enc-r" / "enc-u", rand32, secret, ctx).
 */
emr_status emr_pre_hedged(
	const emr_secret *secret, const uint8_t ctx[32], emr_secret *out_r, emr_secret *out_u);
/* The same at every call: HS("list-r" / "list-u", secret, ctx), for listing capsules that a writer
 * must rebuild. */
emr_status emr_pre_derived(
	const emr_secret *secret, const uint8_t ctx[32], emr_secret *out_r, emr_secret *out_u);
/* sG == V + hE, all canonical: EMR_DAMAGED otherwise. */
emr_status emr_pre_capsule_check(
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96]);
/* Checks the capsule against A = aG, then gives K. */
emr_status emr_pre_decapsulate(
	const emr_secret *a, const uint8_t ctx[32], const uint8_t capsule[96], emr_secret *out_k);

/* Proof of possession of b (see emr_pre_pop_verify); k = HS("popnonce", b, rand32, net_id,
 * signer_id). */
emr_status emr_pre_pop(const emr_secret *b, const uint8_t net_id[16], const uint8_t signer_id[32],
	uint8_t out_pop[64]);

/* ---- Sharing a secret number (shamir.c) ----
 *
 * Any T of N people find it again, and fewer learn nothing (A. Shamir, How to share a secret, CACM
 * 22, 1979), over the scalars of ristretto255 as in RFC 9591, Appendix C; a share fits public
 * commitments (P. Feldman, FOCS 1987). It refuses places that are out of range or meet twice, and
 * what is not canonical. */

#define EMR_SHAMIR_MAX 16 /* people */

/* f(AT) of the polynomial with the T coefficients F, of which F[0] is the secret.  AT from 1 on. */
emr_status emr_shamir_share(const emr_secret *f, unsigned t, unsigned at, emr_secret *out_share);
/* Whether SHARE is f(AT), COMMITMENTS being f_j G. */
bool emr_shamir_fits(
	const uint8_t (*commitments)[32], unsigned t, unsigned at, const emr_secret *share);
/* f(0) of the polynomial through N shares, one at each place. */
emr_status emr_shamir_combine(
	const uint8_t *at, const emr_secret *shares, unsigned n, emr_secret *out);
