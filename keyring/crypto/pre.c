/* This file is the proxy re-encryption for one owner: it wraps a key into a capsule for a folder
 * and opens it again, and checks capsules of others. It refuses points that are not canonical. */
#include "crypto/pre.h"

#include <sodium.h>
#include <string.h>

#include "crypto/r255.h"
#include "known_answer.h"
#include "pre_private.h"

/* Moves a finished secret to its receiver. */
static void hand_over(emr_secret *made, emr_secret *out)
{
	*out = *made;
	*made = (emr_secret){0};
}

emr_status emr_pre_scalar(const emr_secret *wide, emr_secret *out_scalar)
{
	EMR_AUTO_SECRET scalar = {0};

	if (wide->len != 64)
		return EMR_INVALID;
	EMR_TRY(emr_secret_new(32, &scalar));
	if (!emr_r255_reduce(wide->data, scalar.data))
		return EMR_INVALID;
	hand_over(&scalar, out_scalar);
	return EMR_OK;
}

emr_status emr_pre_public(const emr_secret *scalar, uint8_t out_point[32])
{
	if (scalar->len != 32 || !emr_r255_mul_base(scalar->data, out_point))
		return EMR_INVALID;
	return EMR_OK;
}

bool emr_pre_capsule_hash(
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96], uint8_t out_h[32])
{
	const emr_pre_part parts[] = {{A, 32}, {ctx, 32}, {capsule, 32}, {capsule + 32, 32}};

	return emr_pre_hs("capsule", parts, 4, out_h);
}

emr_status emr_pre_kem_key(const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const uint8_t S[32], emr_secret *out_k)
{
	const emr_pre_part parts[] = {
		{A, 32}, {ctx, 32}, {capsule, 32}, {capsule + 32, 32}, {S, 32}};
	EMR_AUTO_SECRET k = {0};
	uint8_t wide[64];

	EMR_TRY(emr_secret_new(32, &k));
	emr_pre_h512("kem", parts, 5, wide);
	memcpy(k.data, wide, 32);
	sodium_memzero(wide, sizeof wide);
	hand_over(&k, out_k);
	return EMR_OK;
}

/* E = rG, V = uG, s = u + r h into CAPSULE, S = (r + u)A into SHARED: with A's own secret that is a
 * multiplication of the base, which takes a third of the time. */
static bool encapsulate(const uint8_t A[32], const emr_secret *own, const uint8_t ctx[32],
	const emr_secret *r, const emr_secret *u, uint8_t capsule[96], emr_secret *scratch,
	emr_secret *shared)
{
	uint8_t h[32];

	return emr_r255_mul_base(r->data, capsule) && emr_r255_mul_base(u->data, capsule + 32) &&
	       emr_pre_capsule_hash(A, ctx, capsule, h) &&
	       emr_r255_scalar_mul(r->data, h, scratch->data) &&
	       emr_r255_scalar_add(u->data, scratch->data, capsule + 64) &&
	       emr_r255_scalar_add(r->data, u->data, scratch->data) &&
	       (own != NULL ? emr_r255_scalar_mul(scratch->data, own->data, scratch->data) &&
				       emr_r255_mul_base(scratch->data, shared->data)
			    : emr_r255_point_ok(A) && emr_r255_mul(scratch->data, A, shared->data));
}

emr_status emr_pre_encapsulate(const uint8_t A[32], const emr_secret *own, const uint8_t ctx[32],
	const emr_secret *r, const emr_secret *u, uint8_t out_capsule[96], emr_secret *out_k)
{
	EMR_AUTO_SECRET scratch = {0};
	EMR_AUTO_SECRET shared = {0};
	uint8_t capsule[96];

	if (r->len != 32 || u->len != 32 || (own != NULL && own->len != 32))
		return EMR_INVALID;
	EMR_TRY(emr_secret_new(32, &scratch));
	EMR_TRY(emr_secret_new(32, &shared));
	if (!encapsulate(A, own, ctx, r, u, capsule, &scratch, &shared))
		return EMR_INVALID;
	EMR_TRY(emr_pre_kem_key(A, ctx, capsule, shared.data, out_k));
	memcpy(out_capsule, capsule, sizeof capsule);
	return EMR_OK;
}

/* Two scalars from the same parts under two tags. */
static emr_status two_scalars(const char *r_tag, const char *u_tag, const emr_pre_part *parts,
	size_t n, emr_secret *out_r, emr_secret *out_u)
{
	EMR_AUTO_SECRET r = {0};
	EMR_AUTO_SECRET u = {0};

	EMR_TRY(emr_secret_new(32, &r));
	EMR_TRY(emr_secret_new(32, &u));
	if (!emr_pre_hs(r_tag, parts, n, r.data) || !emr_pre_hs(u_tag, parts, n, u.data))
		return EMR_INVALID;
	hand_over(&r, out_r);
	hand_over(&u, out_u);
	return EMR_OK;
}

emr_status emr_pre_hedged(
	const emr_secret *secret, const uint8_t ctx[32], emr_secret *out_r, emr_secret *out_u)
{
	EMR_AUTO_SECRET fresh = {0};

	EMR_TRY(emr_secret_random(32, &fresh));
	const emr_pre_part parts[] = {{fresh.data, 32}, {secret->data, secret->len}, {ctx, 32}};

	return two_scalars("enc-r", "enc-u", parts, 3, out_r, out_u);
}

emr_status emr_pre_derived(
	const emr_secret *secret, const uint8_t ctx[32], emr_secret *out_r, emr_secret *out_u)
{
	const emr_pre_part parts[] = {{secret->data, secret->len}, {ctx, 32}};

	return two_scalars("list-r", "list-u", parts, 2, out_r, out_u);
}

emr_status emr_pre_capsule_check(
	const uint8_t A[32], const uint8_t ctx[32], const uint8_t capsule[96])
{
	const uint8_t *E = capsule;
	const uint8_t *V = capsule + 32;
	const uint8_t *s = capsule + 64;
	uint8_t h[32];
	uint8_t left[32];
	uint8_t right[32];

	if (!emr_r255_point_ok(E) || !emr_r255_point_ok(V) ||
		!emr_pre_capsule_hash(A, ctx, capsule, h) || !emr_r255_mul_base(s, left) ||
		!emr_r255_mul(h, E, right) || !emr_r255_add(V, right, right) ||
		memcmp(left, right, 32) != 0)
		return EMR_DAMAGED;
	return EMR_OK;
}

emr_status emr_pre_decapsulate(
	const emr_secret *a, const uint8_t ctx[32], const uint8_t capsule[96], emr_secret *out_k)
{
	EMR_AUTO_SECRET shared = {0};
	uint8_t A[32];
	uint8_t sum[32];

	EMR_TRY(emr_pre_public(a, A));
	EMR_TRY(emr_pre_capsule_check(A, ctx, capsule));
	EMR_TRY(emr_secret_new(32, &shared));
	if (!emr_r255_add(capsule, capsule + 32, sum) || !emr_r255_mul(a->data, sum, shared.data))
		return EMR_DAMAGED;
	return emr_pre_kem_key(A, ctx, capsule, shared.data, out_k);
}

emr_status emr_pre_pop_with(const emr_secret *b, const emr_secret *k, const uint8_t net_id[16],
	const uint8_t signer_id[32], uint8_t out_pop[64])
{
	EMR_AUTO_SECRET product = {0};
	uint8_t B[32];
	uint8_t R[32];
	uint8_t pop[64];
	const emr_pre_part parts[] = {{B, 32}, {R, 32}, {net_id, 16}, {signer_id, 32}};

	EMR_TRY(emr_secret_new(32, &product));
	if (!emr_r255_mul_base(b->data, B) || !emr_r255_mul_base(k->data, R) ||
		!emr_pre_hs("pop", parts, 4, pop) ||
		!emr_r255_scalar_mul(pop, b->data, product.data) ||
		!emr_r255_scalar_add(k->data, product.data, pop + 32))
		return EMR_INVALID;
	memcpy(out_pop, pop, sizeof pop);
	return EMR_OK;
}

emr_status emr_pre_pop(const emr_secret *b, const uint8_t net_id[16], const uint8_t signer_id[32],
	uint8_t out_pop[64])
{
	EMR_AUTO_SECRET fresh = {0};
	EMR_AUTO_SECRET k = {0};

	EMR_TRY(emr_secret_random(32, &fresh));
	EMR_TRY(emr_secret_new(32, &k));
	const emr_pre_part parts[] = {
		{b->data, b->len}, {fresh.data, 32}, {net_id, 16}, {signer_id, 32}};

	if (b->len != 32 || !emr_pre_hs("popnonce", parts, 4, k.data))
		return EMR_INVALID;
	return emr_pre_pop_with(b, &k, net_id, signer_id, out_pop);
}
