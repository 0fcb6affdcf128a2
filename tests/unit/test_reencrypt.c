/* These tests let several agents convert a key: any sufficient number gives it, and a wrong
 * answer, request, reader or epoch is found out. */

#include <sodium.h>

#include "crypto/r255.h"
#include "known_answer.h"
#include "reencrypt_kit.h"

#define SETS 5

static json_t *root;
static reencrypt_set *sets[SETS];

/* The published one: 3 of 5. */
static reencrypt_set *published(void)
{
	return sets[SETS - 1];
}

static emr_status combine(const reencrypt_set *set, const emr_pre_share *shares, unsigned n)
{
	EMR_AUTO_SECRET k = {0};
	emr_status status = emr_pre_combine(&set->b, set->bond.B, set->bond.A, set->bond.X,
		set->ctx, set->capsule, shares, n, &k);

	if (status == EMR_OK)
		assert_memory_equal(k.data, set->k, 32);
	else
		assert_null(k.data);
	return status;
}

static emr_status verify(const reencrypt_set *set, unsigned i, const uint8_t *cfrag)
{
	return emr_pre_cfrag_verify(
		set->sign_pk, &set->bond, &set->frags[i], set->capsule, set->req, cfrag);
}

/* ---- Known answers ---- */

TEST(fragments_match_the_second_model)
{
	for (size_t s = 0; s < SETS; s++) {
		const reencrypt_set *set = sets[s];
		emr_pre_kfrag frags[EMR_PRE_AGENTS_MAX];
		emr_secret rk[EMR_PRE_AGENTS_MAX] = {{0}};
		uint8_t X[32];

		memcpy(frags, set->frags, sizeof frags);
		for (unsigned i = 0; i < set->n; i++)
			memset(frags[i].U, 0, 32);
		assert_ok(emr_pre_kfrags_with(
			&set->a, set->bond.B, set->t, set->n, &set->x, set->f, frags, X, rk));
		assert_memory_equal(X, set->bond.X, 32);
		for (unsigned i = 0; i < set->n; i++) {
			assert_memory_equal(rk[i].data, set->rk[i].data, 32);
			assert_memory_equal(frags[i].U, set->frags[i].U, 32);
			assert_ok(
				emr_pre_kfrag_verify(set->sign_pk, &set->bond, &frags[i], &rk[i]));
			emr_secret_free(&rk[i]);
		}
	}
}

TEST(conversions_match_the_second_model)
{
	for (size_t s = 0; s < SETS; s++) {
		const reencrypt_set *set = sets[s];

		for (unsigned i = 0; i < set->n; i++) {
			uint8_t cfrag[EMR_PRE_CFRAG_BYTES];

			assert_ok(emr_pre_reencapsulate_with(&set->rk[i], set->frags[i].U,
				set->bond.A, set->ctx, set->capsule, set->req, set->rnd[i], cfrag));
			assert_memory_equal(cfrag, set->shares[i].cfrag, sizeof cfrag);
			assert_ok(verify(set, i, cfrag));
		}
	}
}

TEST(any_t_answers_in_any_order_give_the_key)
{
	unsigned tried = 0;

	for (size_t s = 0; s < SETS; s++) {
		const reencrypt_set *set = sets[s];

		for (unsigned mask = 1; mask < 1u << set->n; mask++) {
			emr_pre_share forward[EMR_PRE_AGENTS_MAX];
			emr_pre_share backward[EMR_PRE_AGENTS_MAX];
			unsigned n = 0;

			for (unsigned i = 0; i < set->n; i++) {
				if ((mask >> i & 1) != 0)
					forward[n++] = set->shares[i];
			}
			for (unsigned i = 0; i < n; i++)
				backward[i] = forward[n - 1 - i];
			/* More than t lie on the same line; fewer say nothing. */
			assert_status(n >= set->t ? EMR_OK : EMR_DAMAGED, combine(set, forward, n));
			assert_status(
				n >= set->t ? EMR_OK : EMR_DAMAGED, combine(set, backward, n));
			tried++;
		}
	}
	assert_true(tried > 40);
}

/* ---- Fresh fragments ---- */

TEST(fresh_fragments_work_and_never_repeat)
{
	const reencrypt_set *set = published();
	uint8_t first[32];

	for (int round = 0; round < 2; round++) {
		emr_pre_kfrag frags[3];
		emr_pre_share shares[2];
		emr_secret rk[3] = {{0}};
		EMR_AUTO_SECRET k = {0};
		uint8_t X[32];

		memcpy(frags, set->frags, sizeof frags);
		assert_ok(emr_pre_kfrags(&set->a, set->bond.B, set->bond.gctx, 2, 3, frags, X, rk));
		for (int i = 0; i < 2; i++) {
			memcpy(shares[i].agent_id, frags[i + 1].agent_id, 32);
			assert_ok(emr_pre_reencapsulate(&rk[i + 1], frags[i + 1].U, set->bond.A,
				set->ctx, set->capsule, set->req, shares[i].cfrag));
		}
		assert_ok(emr_pre_combine(&set->b, set->bond.B, set->bond.A, X, set->ctx,
			set->capsule, shares, 2, &k));
		assert_memory_equal(k.data, set->k, 32);
		if (round == 0)
			memcpy(first, X, 32);
		else
			assert_memory_not_equal(first, X, 32);
		for (int i = 0; i < 3; i++)
			emr_secret_free(&rk[i]);
	}
}

TEST(two_conversions_of_one_request_differ_and_both_hold)
{
	const reencrypt_set *set = published();
	uint8_t one[EMR_PRE_CFRAG_BYTES];
	uint8_t two[EMR_PRE_CFRAG_BYTES];

	assert_ok(emr_pre_reencapsulate(
		&set->rk[0], set->frags[0].U, set->bond.A, set->ctx, set->capsule, set->req, one));
	assert_ok(emr_pre_reencapsulate(
		&set->rk[0], set->frags[0].U, set->bond.A, set->ctx, set->capsule, set->req, two));
	assert_memory_equal(one, two, 64);
	assert_memory_not_equal(one + 64, two + 64, 64);
	assert_ok(verify(set, 0, one));
	assert_ok(verify(set, 0, two));
}

TEST(impossible_thresholds_and_twins_are_refused)
{
	const reencrypt_set *set = published();
	emr_pre_kfrag frags[EMR_PRE_AGENTS_MAX + 1];
	emr_pre_share twice[3] = {set->shares[0], set->shares[1], set->shares[0]};
	emr_secret rk[EMR_PRE_AGENTS_MAX + 1] = {{0}};
	uint8_t X[32];
	uint8_t bad[32];
	const unsigned sizes[][2] = {{0, 0}, {0, 1}, {2, 1}, {1, 17}, {17, 17}};

	memset(frags, 0, sizeof frags);
	for (size_t i = 0; i < EMR_PRE_AGENTS_MAX + 1; i++)
		frags[i].agent_id[0] = (uint8_t)i;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_status(EMR_INVALID, emr_pre_kfrags(&set->a, set->bond.B, set->bond.gctx,
						   sizes[i][0], sizes[i][1], frags, X, rk));
	frags[2].agent_id[0] = 0;
	assert_status(EMR_INVALID,
		emr_pre_kfrags(&set->a, set->bond.B, set->bond.gctx, 2, 3, frags, X, rk));
	frags[2].agent_id[0] = 2;
	/* The identity, and the second encoding of a point that libsodium takes. */
	memset(bad, 0, 32);
	assert_status(
		EMR_INVALID, emr_pre_kfrags(&set->a, bad, set->bond.gctx, 2, 3, frags, X, rk));
	memcpy(bad, set->bond.B, 32);
	bad[31] |= 0x80;
	assert_status(
		EMR_INVALID, emr_pre_kfrags(&set->a, bad, set->bond.gctx, 2, 3, frags, X, rk));
	assert_null(rk[0].data);
	assert_status(EMR_INVALID, combine(set, twice, 3));
	assert_status(EMR_INVALID, combine(set, twice, 0));
}

/* ---- Every bit ---- */

TEST(every_bit_of_a_fragment_matters)
{
	const reencrypt_set *set = published();
	emr_pre_kfrag frag = set->frags[0];
	EMR_AUTO_SECRET rk = {0};
	emr_pre_bond bond = set->bond;

	assert_ok(emr_secret_new(32, &rk));
	memcpy(rk.data, set->rk[0].data, 32);
	assert_ok(emr_pre_kfrag_verify(set->sign_pk, &bond, &frag, &rk));
	for (size_t bit = 0; bit < sizeof frag * 8; bit++) {
		((uint8_t *)&frag)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, emr_pre_kfrag_verify(set->sign_pk, &bond, &frag, &rk));
		assert_int_not_equal(EMR_OK, emr_pre_kfrag_check(set->sign_pk, &bond, &frag));
		((uint8_t *)&frag)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < sizeof bond * 8; bit++) {
		((uint8_t *)&bond)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, emr_pre_kfrag_check(set->sign_pk, &bond, &frag));
		((uint8_t *)&bond)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 256; bit++) {
		rk.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_status(EMR_DAMAGED, emr_pre_kfrag_verify(set->sign_pk, &bond, &frag, &rk));
		rk.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_status(EMR_BAD_SIGNATURE,
		emr_pre_kfrag_check(sets[0]->sign_pk, &bond, &frag)); /* another owner */
}

TEST(every_bit_of_an_answer_matters)
{
	const reencrypt_set *set = published();
	emr_pre_share shares[3] = {set->shares[0], set->shares[1], set->shares[2]};
	uint8_t *cfrag = shares[1].cfrag;

	for (size_t bit = 0; bit < EMR_PRE_CFRAG_BYTES * 8; bit++) {
		cfrag[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_status(EMR_DAMAGED, verify(set, 1, cfrag));
		/* The proof is for the verifier; points that changed never sum up. */
		if (bit < 512)
			assert_status(EMR_DAMAGED, combine(set, shares, 3));
		cfrag[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_ok(combine(set, shares, 3));
}

TEST(every_bit_of_the_capsule_is_checked_before_the_fragment_touches_it)
{
	reencrypt_set *set = published();
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES] = {0};
	static const uint8_t untouched[EMR_PRE_CFRAG_BYTES];

	for (size_t bit = 0; bit < 768; bit++) {
		set->capsule[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_status(
			EMR_DAMAGED, emr_pre_reencapsulate(&set->rk[0], set->frags[0].U,
					     set->bond.A, set->ctx, set->capsule, set->req, cfrag));
		assert_status(EMR_DAMAGED, combine(set, set->shares, 3));
		set->capsule[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	set->ctx[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_pre_reencapsulate(&set->rk[0], set->frags[0].U, set->bond.A,
					   set->ctx, set->capsule, set->req, cfrag));
	set->ctx[0] ^= 1;
	assert_memory_equal(cfrag, untouched, sizeof cfrag);
}

/* ---- The wrong request, grantee, epoch, set ---- */

TEST(an_answer_to_another_request_is_refused)
{
	const reencrypt_set *set = published();
	uint8_t req[32];

	for (size_t bit = 0; bit < 256; bit++) {
		memcpy(req, set->req, 32);
		req[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_status(
			EMR_DAMAGED, emr_pre_cfrag_verify(set->sign_pk, &set->bond, &set->frags[0],
					     set->capsule, req, set->shares[0].cfrag));
	}
}

TEST(an_answer_of_another_agent_does_not_pass_as_ones_own)
{
	const reencrypt_set *set = published();
	emr_pre_share swapped[3] = {set->shares[0], set->shares[1], set->shares[2]};

	assert_status(EMR_DAMAGED, verify(set, 0, set->shares[1].cfrag));
	memcpy(swapped[0].agent_id, set->shares[3].agent_id, 32);
	assert_status(EMR_DAMAGED, combine(set, swapped, 3));
}

TEST(another_grantee_gets_nothing)
{
	const reencrypt_set *set = published();
	EMR_AUTO_SECRET k = {0};

	assert_status(
		EMR_DAMAGED, emr_pre_combine(&sets[0]->b, sets[0]->bond.B, set->bond.A, set->bond.X,
				     set->ctx, set->capsule, set->shares, 3, &k));
	assert_null(k.data);
}

TEST(fragments_of_an_older_epoch_do_not_convert_newer_capsules)
{
	const reencrypt_set *old = published();
	reencrypt_set *now = sets[3]; /* the same owner's next epoch: another A */
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
	emr_pre_share shares[2];
	EMR_AUTO_SECRET k = {0};

	/* An honest agent sees that the capsule is not for its A. */
	assert_status(EMR_DAMAGED, emr_pre_reencapsulate(&old->rk[0], old->frags[0].U, old->bond.A,
					   now->ctx, now->capsule, now->req, cfrag));
	/* One that does it all the same is found out, and gives nothing away. */
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(emr_pre_reencapsulate(&old->rk[i], old->frags[i].U, now->bond.A, now->ctx,
			now->capsule, now->req, shares[i].cfrag));
		memcpy(shares[i].agent_id, old->frags[i].agent_id, 32);
		assert_status(EMR_BAD_SIGNATURE,
			emr_pre_cfrag_verify(now->sign_pk, &now->bond, &old->frags[i], now->capsule,
				now->req, shares[i].cfrag));
	}
	assert_status(EMR_DAMAGED, emr_pre_combine(&now->b, now->bond.B, now->bond.A, now->bond.X,
					   now->ctx, now->capsule, shares, 2, &k));
	assert_status(EMR_DAMAGED, emr_pre_combine(&now->b, now->bond.B, now->bond.A, old->bond.X,
					   now->ctx, now->capsule, shares, 2, &k));
}

TEST(answers_of_two_sets_of_one_grant_do_not_mix)
{
	const reencrypt_set *set = published();
	emr_pre_kfrag frags[3];
	emr_pre_share shares[3] = {set->shares[0], set->shares[1], set->shares[2]};
	emr_secret rk[3] = {{0}};
	uint8_t X[32];

	memcpy(frags, set->frags, sizeof frags);
	assert_ok(emr_pre_kfrags(&set->a, set->bond.B, set->bond.gctx, 3, 3, frags, X, rk));
	assert_ok(emr_pre_reencapsulate(&rk[2], frags[2].U, set->bond.A, set->ctx, set->capsule,
		set->req, shares[2].cfrag));
	assert_status(EMR_DAMAGED, combine(set, shares, 3));
	for (int i = 0; i < 3; i++)
		emr_secret_free(&rk[i]);
}

TEST(a_lie_that_the_sum_cannot_see_is_seen_by_the_proof)
{
	for (size_t s = 0; s < SETS; s++) {
		const reencrypt_set *set = sets[s];
		emr_pre_share shares[EMR_PRE_AGENTS_MAX];
		EMR_AUTO_SECRET k = {0};

		memcpy(shares, set->shares, sizeof shares);
		memcpy(shares[0].cfrag, set->delta_cfrag, EMR_PRE_CFRAG_BYTES);
		assert_ok(emr_pre_combine(&set->b, set->bond.B, set->bond.A, set->bond.X, set->ctx,
			set->capsule, shares, set->t, &k));
		assert_memory_equal(k.data, set->delta_k, 32);
		assert_memory_not_equal(k.data, set->k, 32);
		assert_status(EMR_DAMAGED, verify(set, 0, shares[0].cfrag));
	}
}

TEST(points_and_scalars_from_outside_must_be_canonical)
{
	const reencrypt_set *set = published();
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
	emr_pre_share shares[3] = {set->shares[0], set->shares[1], set->shares[2]};

	/* The identity as E1, as V1; the order and a scalar with bit 255 as h' and z. */
	for (int part = 0; part < 4; part++) {
		memcpy(cfrag, set->shares[0].cfrag, sizeof cfrag);
		if (part < 2)
			memset(cfrag + 32 * part, 0, 32);
		else
			cfrag[32 * part + 31] |= 0x80;
		assert_status(EMR_DAMAGED, verify(set, 0, cfrag));
		if (part >= 2)
			continue;
		memcpy(shares[0].cfrag, cfrag, sizeof cfrag);
		assert_status(EMR_DAMAGED, combine(set, shares, 3));
	}
}

AROUND(set_up)
{
	root = vectors_open("pre.json");
	for (size_t s = 0; s < SETS; s++)
		sets[s] = reencrypt_set_open(json_array_get(vectors_get(root, "threshold"), s));
}

AROUND(tear_down)
{
	for (size_t s = 0; s < SETS; s++)
		reencrypt_set_free(sets[s]);
	json_decref(root);
}

TESTS(set_up, tear_down)
