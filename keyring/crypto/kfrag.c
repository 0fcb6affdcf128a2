/* This file cuts a re-encryption key into fragments for an owner, and checks fragments for agents
 * and grantees. It refuses a fragment whose signature or point does not fit. */
#include "crypto/reencrypt.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "crypto/pre.h"
#include "crypto/r255.h"
#include "known_answer.h"
#include "pre_private.h"

/* ---- Shared with combine ---- */

bool emr_pre_dh(const uint8_t A[32], const uint8_t B[32], const uint8_t X[32], const uint8_t D[32],
	uint8_t out_d[32])
{
	const emr_pre_part parts[] = {{A, 32}, {B, 32}, {X, 32}, {D, 32}};

	return emr_pre_hs("dh", parts, 4, out_d);
}

bool emr_pre_index(const uint8_t A[32], const uint8_t B[32], const uint8_t X[32],
	const uint8_t D[32], const uint8_t agent_id[32], uint8_t out_sigma[32])
{
	const emr_pre_part parts[] = {{A, 32}, {B, 32}, {X, 32}, {D, 32}, {agent_id, 32}};

	return emr_pre_hs("index", parts, 5, out_sigma);
}

#define PER_PART (EMR_SECRET_MAX / 32)

emr_status emr_pre_pool_new(size_t scalars, emr_pre_pool *out_pool)
{
	EMR_AUTO_POOL pool = {0};

	if (scalars > EMR_PRE_POOL_MAX)
		return EMR_INVALID;
	for (size_t i = 0; i * PER_PART < scalars; i++) {
		EMR_TRY(emr_secret_new(EMR_SECRET_MAX, &pool.parts[i]));
	}
	*out_pool = pool;
	memset(&pool, 0, sizeof pool);
	return EMR_OK;
}

void emr_pre_pool_free(emr_pre_pool *pool)
{
	for (size_t i = 0; i < sizeof pool->parts / sizeof pool->parts[0]; i++)
		emr_secret_free(&pool->parts[i]);
}

uint8_t *emr_pre_pool_at(emr_pre_pool *pool, size_t i)
{
	return pool->parts[i / PER_PART].data + i % PER_PART * 32;
}

/* ---- Making ---- */

/* Places in the pool of one cut. */
enum { CUT_D_POINT, CUT_D, CUT_SIGMA, CUT_F, CUT_SCALARS = CUT_F + EMR_PRE_AGENTS_MAX };

static bool agents_differ(const emr_pre_kfrag *frags, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (memcmp(frags[i].agent_id, frags[j].agent_id, 32) == 0)
				return false;
		}
	}
	return true;
}

/* OUT = f(SIGMA) by Horner's rule, the coefficients lying in the pool from CUT_F. */
static bool evaluate(emr_pre_pool *pool, unsigned t, const uint8_t *sigma, uint8_t *out)
{
	bool good = true;

	memcpy(out, emr_pre_pool_at(pool, CUT_F + t - 1), 32);
	for (unsigned j = t - 1; j > 0 && good; j--)
		good = emr_r255_scalar_mul(out, sigma, out) &&
		       emr_r255_scalar_add(out, emr_pre_pool_at(pool, CUT_F + j - 1), out);
	return good;
}

/* d and f0 = a / d into the pool. */
static bool begin_cut(emr_pre_pool *pool, const emr_secret *a, const emr_secret *x,
	const uint8_t A[32], const uint8_t B[32], uint8_t X[32])
{
	uint8_t *D = emr_pre_pool_at(pool, CUT_D_POINT);
	uint8_t *d = emr_pre_pool_at(pool, CUT_D);
	uint8_t *f0 = emr_pre_pool_at(pool, CUT_F);

	return emr_r255_mul_base(x->data, X) && emr_r255_mul(x->data, B, D) &&
	       emr_pre_dh(A, B, X, D, d) && emr_r255_scalar_invert(d, f0) &&
	       emr_r255_scalar_mul(a->data, f0, f0);
}

static void free_all(emr_secret *secrets, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		emr_secret_free(&secrets[i]);
}

/* rk_i and U_i of every agent; on failure nothing is left. */
static emr_status cut(emr_pre_pool *pool, const uint8_t A[32], const uint8_t B[32],
	const uint8_t X[32], unsigned t, unsigned n, emr_pre_kfrag *frags, emr_secret *rk)
{
	uint8_t *D = emr_pre_pool_at(pool, CUT_D_POINT);
	uint8_t *sigma = emr_pre_pool_at(pool, CUT_SIGMA);
	uint8_t u[32];

	emr_pre_generator_u(u);
	for (unsigned i = 0; i < n; i++) {
		EMR_TRY(emr_secret_new(32, &rk[i]));
		if (!emr_pre_index(A, B, X, D, frags[i].agent_id, sigma) ||
			!evaluate(pool, t, sigma, rk[i].data) ||
			!emr_r255_mul(rk[i].data, u, frags[i].U))
			return EMR_INVALID;
	}
	return EMR_OK;
}

emr_status emr_pre_kfrags_with(const emr_secret *a, const uint8_t B[32], unsigned t, unsigned n,
	const emr_secret *x, const emr_secret *f, emr_pre_kfrag *frags, uint8_t out_X[32],
	emr_secret *out_rk)
{
	EMR_AUTO_POOL pool = {0};
	emr_pre_kfrag made[EMR_PRE_AGENTS_MAX];
	emr_secret rk[EMR_PRE_AGENTS_MAX] = {{0}};
	uint8_t A[32];
	uint8_t X[32];
	emr_status status;

	if (t < 1 || t > n || n > EMR_PRE_AGENTS_MAX || !agents_differ(frags, n) ||
		!emr_r255_point_ok(B))
		return EMR_INVALID;
	EMR_TRY(emr_pre_public(a, A));
	EMR_TRY(emr_pre_pool_new(CUT_SCALARS, &pool));
	for (unsigned j = 1; j < t; j++)
		memcpy(emr_pre_pool_at(&pool, CUT_F + j), f[j - 1].data, 32);
	if (!begin_cut(&pool, a, x, A, B, X))
		return EMR_INVALID;
	memcpy(made, frags, n * sizeof made[0]);
	status = cut(&pool, A, B, X, t, n, made, rk);
	if (status != EMR_OK) {
		free_all(rk, n);
		return status;
	}
	memcpy(frags, made, n * sizeof made[0]);
	memcpy(out_X, X, 32);
	memcpy(out_rk, rk, n * sizeof rk[0]);
	return EMR_OK;
}

/* HS(TAG, rand32, a, B, gctx, LAST), fresh random bytes each time. */
static emr_status hedged(const char *tag, const emr_secret *a, const uint8_t B[32],
	const uint8_t gctx[32], emr_bytes last, emr_secret *out)
{
	EMR_AUTO_SECRET fresh = {0};
	emr_secret made = {0};

	EMR_TRY(emr_secret_random(32, &fresh));
	EMR_TRY(emr_secret_new(32, &made));
	const emr_pre_part parts[] = {
		{fresh.data, 32}, {a->data, a->len}, {B, 32}, {gctx, 32}, {last.data, last.len}};

	if (!emr_pre_hs(tag, parts, last.len > 0 ? 5 : 4, made.data)) {
		emr_secret_free(&made);
		return EMR_INVALID;
	}
	*out = made;
	return EMR_OK;
}

emr_status emr_pre_kfrags(const emr_secret *a, const uint8_t B[32], const uint8_t gctx[32],
	unsigned t, unsigned n, emr_pre_kfrag *frags, uint8_t out_X[32], emr_secret *out_rk)
{
	EMR_AUTO_SECRET x = {0};
	emr_secret f[EMR_PRE_AGENTS_MAX] = {{0}};
	emr_status status;

	if (a->len != 32 || t < 1 || t > EMR_PRE_AGENTS_MAX)
		return EMR_INVALID;
	status = hedged("kfrag-x", a, B, gctx, (emr_bytes){0}, &x);
	for (uint8_t j = 1; j < t && status == EMR_OK; j++)
		status = hedged("kfrag-f", a, B, gctx, emr_bytes_of(&j, 1), &f[j - 1]);
	if (status == EMR_OK)
		status = emr_pre_kfrags_with(a, B, t, n, &x, f, frags, out_X, out_rk);
	free_all(f, EMR_PRE_AGENTS_MAX);
	return status;
}

/* ---- Checking ---- */

void emr_pre_kfrag_message(const emr_pre_bond *bond, const emr_pre_kfrag *frag,
	uint8_t out[EMR_PRE_KFRAG_MESSAGE_BYTES])
{
	memcpy(out, bond->gctx, 32);
	memcpy(out + 32, bond->A, 32);
	memcpy(out + 64, bond->B, 32);
	memcpy(out + 96, bond->X, 32);
	memcpy(out + 128, frag->agent_id, 32);
	memcpy(out + 160, frag->U, 32);
}

emr_status emr_pre_kfrag_check(
	const uint8_t owner_pk[32], const emr_pre_bond *bond, const emr_pre_kfrag *frag)
{
	static const char label[] = "emrfs-kfrag-v1"; /* signed with its NUL */
	uint8_t message[sizeof label + EMR_PRE_KFRAG_MESSAGE_BYTES];

	if (!emr_r255_point_ok(bond->A) || !emr_r255_point_ok(bond->B) ||
		!emr_r255_point_ok(bond->X) || !emr_r255_point_ok(frag->U))
		return EMR_DAMAGED;
	memcpy(message, label, sizeof label);
	emr_pre_kfrag_message(bond, frag, message + sizeof label);
	return emr_ed25519_verify(owner_pk, message, sizeof message, frag->sig) ? EMR_OK
										: EMR_BAD_SIGNATURE;
}

emr_status emr_pre_kfrag_verify(const uint8_t owner_pk[32], const emr_pre_bond *bond,
	const emr_pre_kfrag *frag, const emr_secret *rk)
{
	uint8_t u[32];

	emr_pre_generator_u(u);
	if (rk->len != 32 || !emr_r255_mul(rk->data, u, u) || memcmp(u, frag->U, 32) != 0)
		return EMR_DAMAGED;
	return emr_pre_kfrag_check(owner_pk, bond, frag);
}
