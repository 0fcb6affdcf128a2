/* This file lets one agent convert a key with its fragment and prove that it did so rightly, and
 * lets the grantee combine enough of such results. */
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
	emr_status status;

	if (rk->len != 32 || !emr_r255_point_ok(U))
		return EMR_INVALID;
	status = emr_pre_capsule_check(A, ctx, capsule);
	if (status == EMR_OK)
		status = emr_pre_pool_new(MAKE_SCALARS, &pool);
	if (status != EMR_OK)
		return status;
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
	emr_status status = emr_secret_random(32, &fresh);

	if (status != EMR_OK)
		return status;
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
	emr_status status = emr_pre_kfrag_check(owner_pk, bond, frag);

	if (status != EMR_OK)
		return status;
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
	SUM_INVERSE,
	SUM_LAMBDA,
	SUM_DIFFERENCE,
	SUM_S,
	SUM_SIGMA,
	SUM_SCALARS = SUM_SIGMA + EMR_PRE_AGENTS_MAX
};

/* lambda_i = prod_{j != i} sigma_j / (sigma_j - sigma_i), with one inversion. */
static bool lagrange(emr_pre_pool *pool, unsigned n, unsigned i)
{
	uint8_t *lambda = emr_pre_pool_at(pool, SUM_LAMBDA);
	uint8_t *below = emr_pre_pool_at(pool, SUM_INVERSE);
	uint8_t *difference = emr_pre_pool_at(pool, SUM_DIFFERENCE);
	const uint8_t *sigma_i = emr_pre_pool_at(pool, SUM_SIGMA + i);
	bool good = true;

	memset(lambda, 0, 32);
	lambda[0] = 1;
	memcpy(below, lambda, 32);
	for (unsigned j = 0; j < n && good; j++) {
		const uint8_t *sigma_j = emr_pre_pool_at(pool, SUM_SIGMA + j);

		if (j == i)
			continue;
		good = emr_r255_scalar_mul(lambda, sigma_j, lambda) &&
		       emr_r255_scalar_sub(sigma_j, sigma_i, difference) &&
		       emr_r255_scalar_mul(below, difference, below);
	}
	return good && emr_r255_scalar_invert(below, below) &&
	       emr_r255_scalar_mul(lambda, below, lambda);
}

/* TOTAL += LAMBDA * POINT, or is it when FIRST. */
static bool add_scaled(const uint8_t *lambda, const uint8_t *point, bool first, uint8_t *total)
{
	uint8_t scaled[32];

	if (!emr_r255_mul(lambda, point, scaled))
		return false;
	if (!first)
		return emr_r255_add(total, scaled, total);
	memcpy(total, scaled, 32);
	return true;
}

/* E' and V'. */
static bool interpolate(
	emr_pre_pool *pool, const emr_pre_share *shares, unsigned n, uint8_t E1[32], uint8_t V1[32])
{
	const uint8_t *lambda = emr_pre_pool_at(pool, SUM_LAMBDA);

	for (unsigned i = 0; i < n; i++) {
		if (!lagrange(pool, n, i) || !add_scaled(lambda, shares[i].cfrag, i == 0, E1) ||
			!add_scaled(lambda, shares[i].cfrag + 32, i == 0, V1))
			return false;
	}
	return true;
}

/* (s / d) A == V' + hE'. */
static bool sum_fits(emr_pre_pool *pool, const uint8_t A[32], const uint8_t ctx[32],
	const uint8_t capsule[96], const uint8_t E1[32], const uint8_t V1[32])
{
	uint8_t *scalar = emr_pre_pool_at(pool, SUM_INVERSE);
	uint8_t h[32];
	uint8_t left[32];
	uint8_t right[32];

	return emr_pre_capsule_hash(A, ctx, capsule, h) &&
	       emr_r255_scalar_invert(emr_pre_pool_at(pool, SUM_D), scalar) &&
	       emr_r255_scalar_mul(capsule + 64, scalar, scalar) && emr_r255_mul(scalar, A, left) &&
	       emr_r255_mul(h, E1, right) && emr_r255_add(V1, right, right) &&
	       memcmp(left, right, 32) == 0;
}

/* D, d and every sigma from the grantee's side. */
static bool open_bond(emr_pre_pool *pool, const emr_secret *b, const uint8_t A[32],
	const uint8_t X[32], const emr_pre_share *shares, unsigned n)
{
	uint8_t *D = emr_pre_pool_at(pool, SUM_D_POINT);
	uint8_t B[32];
	bool good = emr_r255_mul_base(b->data, B) && emr_r255_mul(b->data, X, D) &&
		    emr_pre_dh(A, B, X, D, emr_pre_pool_at(pool, SUM_D));

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

emr_status emr_pre_combine(const emr_secret *b, const uint8_t A[32], const uint8_t X[32],
	const uint8_t ctx[32], const uint8_t capsule[96], const emr_pre_share *shares, unsigned n,
	emr_secret *out_k)
{
	EMR_AUTO_POOL pool = {0};
	uint8_t E1[32];
	uint8_t V1[32];
	uint8_t *S;
	emr_status status;

	if (b->len != 32 || n < 1 || n > EMR_PRE_AGENTS_MAX || !agents_differ(shares, n))
		return EMR_INVALID;
	status = emr_pre_capsule_check(A, ctx, capsule);
	if (status == EMR_OK)
		status = emr_pre_pool_new(SUM_SCALARS, &pool);
	if (status != EMR_OK)
		return status;
	S = emr_pre_pool_at(&pool, SUM_S);
	if (!open_bond(&pool, b, A, X, shares, n) || !interpolate(&pool, shares, n, E1, V1) ||
		!sum_fits(&pool, A, ctx, capsule, E1, V1) || !emr_r255_add(E1, V1, S) ||
		!emr_r255_mul(emr_pre_pool_at(&pool, SUM_D), S, S))
		return EMR_DAMAGED;
	return emr_pre_kem_key(A, ctx, capsule, S, out_k);
}
