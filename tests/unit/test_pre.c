/* These tests check the arithmetic and the capsules of proxy re-encryption against RFC 9496 and
 * the second model; other encodings of a point are refused. */
#include "emr_test.h"

#include <sodium.h>

#include "crypto/hashsig.h"
#include "crypto/pre.h"
#include "crypto/r255.h"
#include "known_answer.h"
#include "vectors.h"

static emr_secret secret_from(const json_t *object, const char *key, size_t len)
{
	emr_secret secret = {0};

	assert_ok(emr_secret_new(len, &secret));
	vectors_fixed(object, key, secret.data, len);
	return secret;
}

static void hex32(const json_t *array, size_t i, uint8_t out[32])
{
	assert_ok(emr_unhex(json_string_value(json_array_get(array, i)), out, 32));
}

/* ---- ristretto255 and the traps of libsodium 1.0.18 ---- */

TEST(multiples_of_the_base_match_rfc_9496)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc9496.json");
	const json_t *multiples = vectors_get(root, "generator_multiples");
	uint8_t sum[32];
	uint8_t base[32];

	hex32(multiples, 1, base);
	for (uint8_t i = 0; i < json_array_size(multiples); i++) {
		uint8_t scalar[32] = {i};
		uint8_t want[32];
		uint8_t got[32];

		hex32(multiples, i, want);
		assert_int_equal(emr_r255_mul_base(scalar, got), i != 0);
		if (i == 0)
			continue;
		assert_memory_equal(got, want, 32);
		assert_true(emr_r255_point_ok(want));
		assert_true(emr_r255_mul(scalar, base, got));
		assert_memory_equal(got, want, 32);
		if (i >= 2) {
			assert_true(emr_r255_add(sum, base, sum));
			assert_memory_equal(sum, want, 32);
		} else {
			memcpy(sum, base, 32);
		}
	}
}

TEST(bad_encodings_are_refused)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc9496.json");
	const json_t *bad = vectors_get(root, "bad_encodings");
	const json_t *aliases = vectors_get(root, "bit255_encodings");
	uint8_t one[32] = {1};
	uint8_t base[32];
	uint8_t point[32];
	uint8_t out[32];

	assert_true(emr_r255_mul_base(one, base));
	for (size_t i = 0; i < json_array_size(bad); i++) {
		vectors_fixed(json_array_get(bad, i), "encoding", point, 32);
		assert_false(emr_r255_point_ok(point));
		assert_false(emr_r255_mul(one, point, out));
		assert_false(emr_r255_add(point, base, out));
		assert_false(emr_r255_add(base, point, out));
		assert_false(emr_r255_sub(point, base, out));
		assert_false(emr_r255_sub(base, point, out));
	}
	/* libsodium 1.0.18 takes these as a second name of a point: a revoked key could come back
	 * under it. */
	for (size_t i = 0; i < json_array_size(aliases); i++) {
		hex32(aliases, i, point);
		assert_false(emr_r255_point_ok(point));
		assert_false(emr_r255_mul(one, point, out));
		assert_false(emr_r255_add(point, base, out));
		assert_false(emr_r255_sub(base, point, out));
		point[31] &= 0x7f;
		assert_true(emr_r255_point_ok(point));
	}
	memset(point, 0, 32);
	assert_false(emr_r255_point_ok(point)); /* the identity; the library accepts it */
	assert_false(emr_r255_mul(one, point, out));
	assert_false(emr_r255_add(point, base, out));
	assert_false(emr_r255_sub(base, point, out));
}

TEST(an_identity_as_result_is_refused)
{
	uint8_t two[32] = {2};
	uint8_t zero[32] = {0};
	uint8_t point[32];
	uint8_t negative[32];
	uint8_t minus_two[32];
	uint8_t out[32];

	assert_true(emr_r255_mul_base(two, point));
	assert_true(emr_r255_scalar_sub(zero, two, minus_two));
	assert_true(emr_r255_mul_base(minus_two, negative));
	assert_false(emr_r255_add(point, negative, out));
	assert_false(emr_r255_sub(point, point, out));
	assert_false(emr_r255_mul(zero, point, out));
	assert_false(emr_r255_mul_base(zero, out));
}

TEST(scalars_must_be_canonical)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc9496.json");
	const json_t *good = vectors_get(root, "scalars_canonical");
	const json_t *bad = vectors_get(root, "scalars_not_canonical");
	uint8_t one[32] = {1};
	uint8_t base[32];
	uint8_t scalar[32];
	uint8_t out[32];

	assert_true(emr_r255_mul_base(one, base));
	for (size_t i = 0; i < json_array_size(good); i++) {
		hex32(good, i, scalar);
		assert_true(emr_r255_scalar_ok(scalar));
		assert_true(emr_r255_scalar_add(scalar, one, out));
		assert_true(emr_r255_scalar_ok(out));
	}
	/* The library drops bit 255, loses a carry, and inverts the order itself: none of that is
	 * reached. */
	for (size_t i = 0; i < json_array_size(bad); i++) {
		hex32(bad, i, scalar);
		assert_false(emr_r255_scalar_ok(scalar));
		assert_false(emr_r255_mul(scalar, base, out));
		assert_false(emr_r255_mul_base(scalar, out));
		assert_false(emr_r255_scalar_add(scalar, one, out));
		assert_false(emr_r255_scalar_add(one, scalar, out));
		assert_false(emr_r255_scalar_sub(one, scalar, out));
		assert_false(emr_r255_scalar_mul(scalar, one, out));
		assert_false(emr_r255_scalar_invert(scalar, out));
	}
	memset(scalar, 0, 32);
	assert_false(emr_r255_scalar_invert(scalar, out));
}

TEST(scalar_arithmetic_matches_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc9496.json");
	const json_t *test;
	uint8_t x[32], y[32], want[32], got[32], wide[64];
	size_t i;

	json_array_foreach(vectors_get(root, "scalar_ops"), i, test)
	{
		vectors_fixed(test, "x", x, 32);
		vectors_fixed(test, "y", y, 32);
		vectors_fixed(test, "add", want, 32);
		assert_true(emr_r255_scalar_add(x, y, got));
		assert_memory_equal(got, want, 32);
		vectors_fixed(test, "sub", want, 32);
		assert_true(emr_r255_scalar_sub(x, y, got));
		assert_memory_equal(got, want, 32);
		vectors_fixed(test, "mul", want, 32);
		assert_true(emr_r255_scalar_mul(x, y, got));
		assert_memory_equal(got, want, 32);
		assert_true(emr_r255_scalar_invert(x, got));
		assert_true(emr_r255_scalar_mul(got, x, got));
		assert_int_equal(got[0], 1);
		assert_true(sodium_is_zero(got + 1, 31));
	}
	json_array_foreach(vectors_get(root, "scalar_reduce"), i, test)
	{
		vectors_fixed(test, "wide", wide, 64);
		vectors_fixed(test, "scalar", want, 32);
		assert_int_equal(emr_r255_reduce(wide, got), !sodium_is_zero(want, 32));
		assert_memory_equal(got, want, 32);
	}
}

/* ---- Capsules ---- */

TEST(the_second_generator_is_known)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	uint8_t want[32];
	uint8_t got[32];

	vectors_fixed(root, "U", want, 32);
	emr_pre_generator_u(got);
	assert_memory_equal(got, want, 32);
}

TEST(capsules_match_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "capsules"), i, test)
	{
		EMR_AUTO_SECRET a = secret_from(test, "a", 32);
		EMR_AUTO_SECRET r = secret_from(test, "r", 32);
		EMR_AUTO_SECRET u = secret_from(test, "u", 32);
		EMR_AUTO_SECRET k = {0};
		EMR_AUTO_SECRET k2 = {0};
		uint8_t A[32], got_A[32], ctx[32], want[96], capsule[96], want_k[32];

		vectors_fixed(test, "A", A, 32);
		vectors_fixed(test, "ctx", ctx, 32);
		vectors_fixed(test, "capsule", want, 96);
		vectors_fixed(test, "k", want_k, 32);
		assert_ok(emr_pre_public(&a, got_A));
		assert_memory_equal(got_A, A, 32);
		assert_ok(emr_pre_encapsulate(A, NULL, ctx, &r, &u, capsule, &k));
		assert_memory_equal(capsule, want, 96);
		assert_memory_equal(k.data, want_k, 32);
		emr_secret_free(&k);
		assert_ok(emr_pre_encapsulate(A, &a, ctx, &r, &u, capsule, &k));
		assert_memory_equal(capsule, want, 96);
		assert_memory_equal(k.data, want_k, 32);
		assert_ok(emr_pre_capsule_check(A, ctx, capsule));
		assert_ok(emr_pre_decapsulate(&a, ctx, capsule, &k2));
		assert_memory_equal(k2.data, want_k, 32);
	}
	assert_true(i > 0);
}

TEST(every_bit_of_a_capsule_matters)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	const json_t *test = json_array_get(vectors_get(root, "capsules"), 0);
	EMR_AUTO_SECRET a = secret_from(test, "a", 32);
	uint8_t A[32], ctx[32], capsule[96];
	emr_secret k = {0};

	vectors_fixed(test, "A", A, 32);
	vectors_fixed(test, "ctx", ctx, 32);
	vectors_fixed(test, "capsule", capsule, 96);
	for (size_t bit = 0; bit < 768; bit++) {
		capsule[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_status(EMR_DAMAGED, emr_pre_decapsulate(&a, ctx, capsule, &k));
		capsule[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ctx[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_pre_decapsulate(&a, ctx, capsule, &k));
	ctx[0] ^= 1;
	a.data[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_pre_decapsulate(&a, ctx, capsule, &k));
	assert_null(k.data);
	A[31] |= 0x80;
	a.data[0] ^= 1;
	{
		EMR_AUTO_SECRET r = secret_from(test, "r", 32);
		uint8_t out[96];

		assert_status(EMR_INVALID, emr_pre_encapsulate(A, NULL, ctx, &r, &r, out, &k));
		memset(A, 0, 32);
		assert_status(EMR_INVALID, emr_pre_encapsulate(A, NULL, ctx, &r, &r, out, &k));
	}
}

TEST(derived_scalars_match_and_hedged_ones_differ)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	const json_t *test = vectors_get(root, "hedged");
	EMR_AUTO_SECRET secret = secret_from(test, "secret", 32);
	EMR_AUTO_SECRET r = {0};
	EMR_AUTO_SECRET u = {0};
	uint8_t ctx[32], rnd[32], want[32], first[32], scalar[32];

	vectors_fixed(test, "ctx", ctx, 32);
	vectors_fixed(test, "rand32", rnd, 32);
	assert_ok(emr_pre_derived(&secret, ctx, &r, &u));
	vectors_fixed(test, "list_r", want, 32);
	assert_memory_equal(r.data, want, 32);
	vectors_fixed(test, "list_u", want, 32);
	assert_memory_equal(u.data, want, 32);
	emr_secret_free(&r);
	emr_secret_free(&u);
	/* The equation of the hedged ones, with the model's random bytes in their place. */
	{
		const emr_pre_part parts[] = {{rnd, 32}, {secret.data, 32}, {ctx, 32}};

		assert_true(emr_pre_hs("enc-r", parts, 3, scalar));
		vectors_fixed(test, "enc_r", want, 32);
		assert_memory_equal(scalar, want, 32);
		assert_true(emr_pre_hs("enc-u", parts, 3, scalar));
		vectors_fixed(test, "enc_u", want, 32);
		assert_memory_equal(scalar, want, 32);
	}
	assert_ok(emr_pre_hedged(&secret, ctx, &r, &u));
	memcpy(first, r.data, 32);
	assert_memory_not_equal(r.data, u.data, 32);
	emr_secret_free(&r);
	emr_secret_free(&u);
	assert_ok(emr_pre_hedged(&secret, ctx, &r, &u));
	assert_memory_not_equal(first, r.data, 32);
}

TEST(possession_proofs_match_and_verify)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "pops"), i, test)
	{
		EMR_AUTO_SECRET b = secret_from(test, "b", 32);
		EMR_AUTO_SECRET k = secret_from(test, "k", 32);
		uint8_t net[16], signer[32], want[64], got[64], B[32];

		vectors_fixed(test, "net_id", net, 16);
		vectors_fixed(test, "signer_id", signer, 32);
		vectors_fixed(test, "pop", want, 64);
		assert_ok(emr_pre_pop_with(&b, &k, net, signer, got));
		assert_memory_equal(got, want, 64);
		assert_ok(emr_pre_pop(&b, net, signer, got));
		assert_memory_not_equal(got, want, 64);
		assert_ok(emr_pre_public(&b, B));
		assert_true(emr_pre_pop_verify(B, net, signer, got));
	}
}

TESTS(NULL, NULL)
