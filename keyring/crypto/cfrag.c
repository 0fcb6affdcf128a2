/* This file lets one agent convert a key with its fragment and prove that it did so rightly, and
 * lets the grantee combine enough of such results. It refuses points that are not canonical. */
#include "crypto/reencrypt.h"

#include <sodium.h>
#include <string.h>

#include "crypto/pre.h"
#include "crypto/r255.h"
#include "known_answer.h"
#include "pre_private.h"

/* h' = HS("cfrag", E, V, E1, V1, U, P[0], P[1], P[2], req). */
static bool proof_hash(const uint8_t capsule[96], const uint8_t cfrag[EMR_PRE_CFRAG_BYTES],
	const uint8_t U[32], const uint8_t P[3][32], const uint8_t req[32], uint8_t out[32])
{
	const emr_pre_part parts[] = {{capsule, 32}, {capsule + 32, 32}, {cfrag, 32},
		{cfrag + 32, 32}, {U, 32}, {P[0], 32}, {P[1], 32}, {P[2], 32}, {req, 32}};

	return emr_pre_hs("cfrag", parts, 9, out);
}

/* ---- Converting ---- */

enum { MAKE_TAU, MAKE_PRODUCT, MAKE_SCALARS };

static bool convert(emr_pre_pool *pool, const emr_secret *rk, const uint8_t U[32],
	const uint8_t capsule[96], const uint8_t req[32], const uint8_t rand[32],
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES])
{
	const uint8_t *E = capsule;
	const uint8_t *V = capsule + 32;
	uint8_t *tau = emr_pre_pool_at(pool, MAKE_TAU);
	uint8_t *product = emr_pre_pool_at(pool, MAKE_PRODUCT);
	const emr_pre_part parts[] = {{rk->data, 32}, {E, 32}, {V, 32}, {req, 32}, {rand, 32}};
	uint8_t P[3][32];
	uint8_t u[32];

	emr_pre_generator_u(u);
	return emr_r255_mul(rk->data, E, cfrag) && emr_r255_mul(rk->data, V, cfrag + 32) &&
	       emr_pre_hs("nonce", parts, 5, tau) && emr_r255_mul(tau, E, P[0]) &&
	       emr_r255_mul(tau, V, P[1]) && emr_r255_mul(tau, u, P[2]) &&
	       proof_hash(capsule, cfrag, U, P, req, cfrag + 64) &&
	       emr_r255_scalar_mul(cfrag + 64, rk->data, product) &&
	       emr_r255_scalar_add(tau, product, cfrag + 96);
}

emr_status emr_pre_reencapsulate_with(const emr_secret *rk, const uint8_t U[32],
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const uint8_t req[32], const uint8_t rand[32], uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES])
{
	EMR_AUTO_POOL pool = {0};
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];

	if (rk->len != 32 || !emr_r255_point_ok(U))
		return EMR_INVALID;
	EMR_TRY(emr_pre_capsule_check(A, ctx, capsule));
	EMR_TRY(emr_pre_pool_new(MAKE_SCALARS, &pool));
	if (!convert(&pool, rk, U, capsule, req, rand, cfrag))
		return EMR_INVALID;
	memcpy(out_cfrag, cfrag, sizeof cfrag);
	return EMR_OK;
}

emr_status emr_pre_reencapsulate(const emr_secret *rk, const uint8_t U[32], const uint8_t A[32],
	const uint8_t ctx[32], const uint8_t capsule[96], const uint8_t req[32],
	uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES])
{
	EMR_AUTO_SECRET fresh = {0};

	EMR_TRY(emr_secret_random(32, &fresh));
	return emr_pre_reencapsulate_with(rk, U, A, ctx, capsule, req, fresh.data, out_cfrag);
}

/* ---- Proof ---- */

/* OUT = zP - hQ. */
static bool opened(const uint8_t z[32], const uint8_t P[32], const uint8_t h[32],
	const uint8_t Q[32], uint8_t out[32])
{
	uint8_t right[32];

	return emr_r255_mul(z, P, out) && emr_r255_mul(h, Q, right) &&
	       emr_r255_sub(out, right, out);
}

emr_status emr_pre_cfrag_verify(const uint8_t owner_pk[32], const emr_pre_bond *bond,
	const emr_pre_kfrag *frag, const uint8_t capsule[96], const uint8_t req[32],
	const uint8_t cfrag[EMR_PRE_CFRAG_BYTES])
{
	const uint8_t *h = cfrag + 64;
	const uint8_t *z = cfrag + 96;
	uint8_t P[3][32];
	uint8_t u[32];
	uint8_t again[32];

	EMR_TRY(emr_pre_kfrag_check(owner_pk, bond, frag));
	emr_pre_generator_u(u);
	if (!opened(z, capsule, h, cfrag, P[0]) || !opened(z, capsule + 32, h, cfrag + 32, P[1]) ||
		!opened(z, u, h, frag->U, P[2]) ||
		!proof_hash(capsule, cfrag, frag->U, P, req, again) || memcmp(again, h, 32) != 0)
		return EMR_DAMAGED;
	return EMR_OK;
}

/* ---- Combining ---- */

enum {
	SUM_D_POINT,
	SUM_D,
	SUM_S,
	SUM_SCALE,   /* d lambda_0 */
	SUM_UNSCALE, /* 1 / that */
	SUM_RATIO,   /* 1 / w_0 */
	SUM_FIRST,   /* w_0 */
	SUM_TOP,     /* d sigma_0 ... sigma_n-1 */
	SUM_SCRATCH,
	SUM_SIGMA,
	SUM_BELOW = SUM_SIGMA + EMR_PRE_AGENTS_MAX,
	SUM_SCALARS = SUM_BELOW + EMR_PRE_AGENTS_MAX
};

/* OUT = the product of N scalars of the pool from FIRST on, without that at WITHOUT. */
static bool product(
	emr_pre_pool *pool, unsigned first, unsigned n, unsigned without, uint8_t out[32])
{
	bool good = true;

	memset(out, 0, 32);
	out[0] = 1;
	for (unsigned i = 0; i < n && good; i++)
		if (i != without)
			good = emr_r255_scalar_mul(out, emr_pre_pool_at(pool, first + i), out);
	return good;
}

/* below_i = sigma_i prod_{j != i} (sigma_j - sigma_i): lambda_i is the product of all sigma over
 * that, and w_i = prod_{j != i} below_j is as many times lambda_i for each i. */
static bool set_below(emr_pre_pool *pool, unsigned n)
{
	uint8_t *difference = emr_pre_pool_at(pool, SUM_SCRATCH);
	bool good = true;

	for (unsigned i = 0; i < n && good; i++) {
		const uint8_t *sigma_i = emr_pre_pool_at(pool, SUM_SIGMA + i);
		uint8_t *below = emr_pre_pool_at(pool, SUM_BELOW + i);

		memcpy(below, sigma_i, 32);
		for (unsigned j = 0; j < n && good; j++)
			good = j == i || (emr_r255_scalar_sub(emr_pre_pool_at(pool, SUM_SIGMA + j),
						  sigma_i, difference) &&
						 emr_r255_scalar_mul(below, difference, below));
	}
	return good;
}

/* With one inversion, that of w_0 below_0 top: it costs as much as half a multiplication of a
 * point. */
static bool set_scales(emr_pre_pool *pool, unsigned n)
{
	const uint8_t *below_0 = emr_pre_pool_at(pool, SUM_BELOW);
	uint8_t *w_0 = emr_pre_pool_at(pool, SUM_FIRST);
	uint8_t *top = emr_pre_pool_at(pool, SUM_TOP);
	uint8_t *inverse = emr_pre_pool_at(pool, SUM_SCRATCH);
	uint8_t *scale = emr_pre_pool_at(pool, SUM_SCALE);
	uint8_t *unscale = emr_pre_pool_at(pool, SUM_UNSCALE);
	uint8_t *ratio = emr_pre_pool_at(pool, SUM_RATIO);

	return product(pool, SUM_BELOW, n, 0, w_0) && product(pool, SUM_SIGMA, n, n, top) &&
	       emr_r255_scalar_mul(top, emr_pre_pool_at(pool, SUM_D), top) &&
	       emr_r255_scalar_mul(w_0, below_0, unscale) &&
	       emr_r255_scalar_mul(unscale, top, inverse) &&
	       emr_r255_scalar_invert(inverse, inverse) &&
	       emr_r255_scalar_mul(unscale, inverse, unscale) && /* 1 / top */
	       emr_r255_scalar_mul(unscale, below_0, unscale) &&
	       emr_r255_scalar_mul(inverse, top, inverse) && /* 1 / (w_0 below_0) */
	       emr_r255_scalar_mul(inverse, below_0, ratio) &&
	       emr_r255_scalar_mul(inverse, w_0, scale) && emr_r255_scalar_mul(scale, top, scale);
}

/* TOTAL += WEIGHT * POINT. */
static bool add_scaled(const uint8_t *weight, const uint8_t *point, uint8_t total[32])
{
	uint8_t scaled[32];

	return emr_r255_mul(weight, point, scaled) && emr_r255_add(total, scaled, total);
}

/* E' / lambda_0 and V' / lambda_0: the first point of each needs no multiplication. */
static bool interpolate(
	emr_pre_pool *pool, const emr_pre_share *shares, unsigned n, uint8_t E1[32], uint8_t V1[32])
{
	uint8_t *weight = emr_pre_pool_at(pool, SUM_SCRATCH);

	memcpy(E1, shares[0].cfrag, 32);
	memcpy(V1, shares[0].cfrag + 32, 32);
	for (unsigned i = 1; i < n; i++)
		if (!product(pool, SUM_BELOW, n, i, weight) ||
			!emr_r255_scalar_mul(weight, emr_pre_pool_at(pool, SUM_RATIO), weight) ||
			!add_scaled(weight, shares[i].cfrag, E1) ||
			!add_scaled(weight, shares[i].cfrag + 32, V1))
			return false;
	return true;
}

/* (s / d) A == V' + hE', both sides over lambda_0. */
static bool sum_fits(emr_pre_pool *pool, const uint8_t A[32], const uint8_t ctx[32],
	const uint8_t capsule[96], const uint8_t E1[32], const uint8_t V1[32])
{
	uint8_t *scalar = emr_pre_pool_at(pool, SUM_SCRATCH);
	uint8_t h[32];
	uint8_t left[32];
	uint8_t right[32];

	return emr_pre_capsule_hash(A, ctx, capsule, h) &&
	       emr_r255_scalar_mul(capsule + 64, emr_pre_pool_at(pool, SUM_UNSCALE), scalar) &&
	       emr_r255_mul(scalar, A, left) && emr_r255_mul(h, E1, right) &&
	       emr_r255_add(V1, right, right) && memcmp(left, right, 32) == 0;
}

/* D, d and every sigma from the grantee's side. */
static bool open_bond(emr_pre_pool *pool, const emr_secret *b, const uint8_t B[32],
	const uint8_t A[32], const uint8_t X[32], const emr_pre_share *shares, unsigned n)
{
	uint8_t *D = emr_pre_pool_at(pool, SUM_D_POINT);
	bool good =
		emr_r255_mul(b->data, X, D) && emr_pre_dh(A, B, X, D, emr_pre_pool_at(pool, SUM_D));

	for (unsigned i = 0; i < n && good; i++)
		good = emr_pre_index(
			A, B, X, D, shares[i].agent_id, emr_pre_pool_at(pool, SUM_SIGMA + i));
	return good;
}

static bool agents_differ(const emr_pre_share *shares, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (memcmp(shares[i].agent_id, shares[j].agent_id, 32) == 0)
				return false;
		}
	}
	return true;
}

emr_status emr_pre_combine(const emr_secret *b, const uint8_t B[32], const uint8_t A[32],
	const uint8_t X[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const emr_pre_share *shares, unsigned n, emr_secret *out_k)
{
	EMR_AUTO_POOL pool = {0};
	uint8_t E1[32];
	uint8_t V1[32];
	uint8_t *S;

	if (b->len != 32 || n < 1 || n > EMR_PRE_AGENTS_MAX || !agents_differ(shares, n))
		return EMR_INVALID;
	EMR_TRY(emr_pre_capsule_check(A, ctx, capsule));
	EMR_TRY(emr_pre_pool_new(SUM_SCALARS, &pool));
	S = emr_pre_pool_at(&pool, SUM_S);
	if (!open_bond(&pool, b, B, A, X, shares, n) || !set_below(&pool, n) ||
		!set_scales(&pool, n) || !interpolate(&pool, shares, n, E1, V1) ||
		!sum_fits(&pool, A, ctx, capsule, E1, V1) || !emr_r255_add(E1, V1, S) ||
		!emr_r255_mul(emr_pre_pool_at(&pool, SUM_SCALE), S, S))
		return EMR_DAMAGED;
	return emr_pre_kem_key(A, ctx, capsule, S, out_k);
}
