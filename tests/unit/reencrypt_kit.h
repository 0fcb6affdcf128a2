/* One threshold set-up of the second model's pre.json, taken apart for tests. */
#pragma once

#include "emr_test.h"

#include "crypto/pre.h"
#include "crypto/reencrypt.h"
#include "vectors.h"

typedef struct reencrypt_set {
	unsigned t, n;
	emr_secret a, b, x;
	emr_secret f[EMR_PRE_AGENTS_MAX];
	emr_secret rk[EMR_PRE_AGENTS_MAX];
	emr_pre_bond bond;
	emr_pre_kfrag frags[EMR_PRE_AGENTS_MAX];
	emr_pre_share shares[EMR_PRE_AGENTS_MAX];
	uint8_t rnd[EMR_PRE_AGENTS_MAX][32];
	uint8_t ctx[32], req[32], capsule[96], k[32], sign_pk[32];
	uint8_t delta_cfrag[EMR_PRE_CFRAG_BYTES], delta_k[32];
} reencrypt_set;

static inline void reencrypt_secret(const json_t *object, const char *key, emr_secret *out)
{
	assert_ok(emr_secret_new(32, out));
	vectors_fixed(object, key, out->data, 32);
}

static inline reencrypt_set *reencrypt_set_open(const json_t *test)
{
	reencrypt_set *set = calloc(1, sizeof *set);
	const json_t *frag;
	const json_t *f = vectors_get(test, "f");
	size_t i;

	assert_non_null(set);
	set->t = (unsigned)vectors_u64(test, "t");
	set->n = (unsigned)vectors_u64(test, "n");
	reencrypt_secret(test, "a", &set->a);
	reencrypt_secret(test, "b", &set->b);
	reencrypt_secret(test, "x", &set->x);
	for (i = 0; i < json_array_size(f); i++) {
		assert_ok(emr_secret_new(32, &set->f[i]));
		assert_ok(emr_unhex(json_string_value(json_array_get(f, i)), set->f[i].data, 32));
	}
	vectors_fixed(test, "A", set->bond.A, 32);
	vectors_fixed(test, "B", set->bond.B, 32);
	vectors_fixed(test, "X", set->bond.X, 32);
	vectors_fixed(test, "gctx", set->bond.gctx, 32);
	vectors_fixed(test, "ctx", set->ctx, 32);
	vectors_fixed(test, "req", set->req, 32);
	vectors_fixed(test, "capsule", set->capsule, 96);
	vectors_fixed(test, "k", set->k, 32);
	vectors_fixed(test, "sign_pk", set->sign_pk, 32);
	vectors_fixed(test, "delta_cfrag", set->delta_cfrag, EMR_PRE_CFRAG_BYTES);
	vectors_fixed(test, "delta_k", set->delta_k, 32);
	json_array_foreach(vectors_get(test, "frags"), i, frag)
	{
		reencrypt_secret(frag, "rk", &set->rk[i]);
		vectors_fixed(frag, "agent_id", set->frags[i].agent_id, 32);
		vectors_fixed(frag, "U", set->frags[i].U, 32);
		vectors_fixed(frag, "sig", set->frags[i].sig, 64);
		vectors_fixed(frag, "rnd", set->rnd[i], 32);
		vectors_fixed(frag, "cfrag", set->shares[i].cfrag, EMR_PRE_CFRAG_BYTES);
		memcpy(set->shares[i].agent_id, set->frags[i].agent_id, 32);
	}
	assert_int_equal(i, set->n);
	return set;
}

static inline void reencrypt_set_free(reencrypt_set *set)
{
	emr_secret_free(&set->a);
	emr_secret_free(&set->b);
	emr_secret_free(&set->x);
	for (size_t i = 0; i < EMR_PRE_AGENTS_MAX; i++) {
		emr_secret_free(&set->f[i]);
		emr_secret_free(&set->rk[i]);
	}
	free(set);
}
