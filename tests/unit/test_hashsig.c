/* These tests check hashes, signatures and Merkle trees against standards, Wycheproof and the
 * second model, and that no wrong proof verifies. */
#include "emr_test.h"

#include "crypto/hashsig.h"
#include "crypto/merkle.h"
#include "vectors.h"

TEST(sha256_matches_the_standard_in_any_pieces)
{
	static const char message[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t expected[32];
	uint8_t got[32];
	emr_sha256_ctx ctx;

	/* FIPS 180-2, appendix B. */
	assert_ok(emr_unhex(
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected, 32));
	emr_sha256("abc", 3, got);
	assert_memory_equal(got, expected, 32);
	assert_ok(emr_unhex(
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", expected, 32));
	for (size_t cut = 0; cut <= 56; cut++) {
		emr_sha256_init(&ctx);
		emr_sha256_update(&ctx, message, cut);
		emr_sha256_update(&ctx, NULL, 0);
		emr_sha256_update(&ctx, message + cut, 56 - cut);
		emr_sha256_final(&ctx, got);
		assert_memory_equal(got, expected, 32);
	}
}

TEST(ed25519_accepts_what_wycheproof_accepts)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("wycheproof/ed25519.json");
	EMR_AUTO_BUF msg = {0};
	EMR_AUTO_BUF sig = {0};
	uint8_t pk[32];
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		bool good;

		vectors_fixed(test, "pk", pk, 32);
		vectors_hex(test, "msg", &msg);
		vectors_hex(test, "sig", &sig);
		/* A signature of another length has no form in this interface. */
		good = sig.len == 64 && emr_ed25519_verify(pk, msg.data, msg.len, sig.data);
		if (good != vectors_valid(test))
			fail_msg("tcId %d", (int)vectors_u64(test, "tcId"));
	}
	assert_true(i > 140);
}

static const char spki_head[] = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/* n - s, for turning a high s into the low one. */
static void negate(uint8_t s[32])
{
	static const char n_hex[] =
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	uint8_t n[32];
	int borrow = 0;

	assert_ok(emr_unhex(n_hex, n, 32));
	for (int i = 31; i >= 0; i--) {
		int v = n[i] - s[i] - borrow;

		borrow = v < 0;
		s[i] = (uint8_t)v;
	}
}

static bool is_low(const uint8_t s[32])
{
	uint8_t half[32];

	assert_ok(emr_unhex(
		"7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8", half, 32));
	return memcmp(s, half, 32) <= 0;
}

/* Wycheproof has no low-S rule: of each valid signature exactly one of s and n - s is ours. */
TEST(p256_accepts_the_low_form_of_what_wycheproof_accepts)
{
	AUTO(auto_json_decref)
	json_t *root = vectors_open("wycheproof/ecdsa_secp256r1_sha256_p1363.json");
	EMR_AUTO_BUF msg = {0};
	EMR_AUTO_BUF sig = {0};
	EMR_AUTO_BUF spki = {0};
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "tests"), i, test)
	{
		bool good;
		bool low;

		vectors_unhex(printed("%s%s", spki_head, vectors_text(test, "pk")), &spki);
		vectors_hex(test, "msg", &msg);
		vectors_hex(test, "sig", &sig);
		if (sig.len != 64)
			continue;
		low = is_low(sig.data + 32);
		good = emr_p256_verify(spki.data, spki.len, msg.data, msg.len, sig.data);
		if (good != (vectors_valid(test) && low))
			fail_msg("tcId %d", (int)vectors_u64(test, "tcId"));
		if (!vectors_valid(test))
			continue;
		negate(sig.data + 32);
		if (emr_p256_verify(spki.data, spki.len, msg.data, msg.len, sig.data) == low)
			fail_msg("tcId %d, negated", (int)vectors_u64(test, "tcId"));
	}
	assert_true(i > 200);
}

TEST(p256_takes_one_encoding_of_a_key)
{
	AUTO(auto_json_decref)
	json_t *root = vectors_open("wycheproof/ecdsa_secp256r1_sha256_p1363.json");
	const json_t *test = json_array_get(vectors_get(root, "tests"), 0);
	EMR_AUTO_BUF msg = {0};
	EMR_AUTO_BUF sig = {0};
	EMR_AUTO_BUF spki = {0};

	vectors_unhex(printed("%s%s00", spki_head, vectors_text(test, "pk")), &spki);
	vectors_hex(test, "msg", &msg);
	vectors_hex(test, "sig", &sig);
	if (!is_low(sig.data + 32))
		negate(sig.data + 32);
	assert_true(emr_p256_verify(spki.data, 91, msg.data, msg.len, sig.data));
	assert_false(emr_p256_verify(spki.data, 92, msg.data, msg.len, sig.data));
	assert_false(emr_p256_verify(spki.data, 90, msg.data, msg.len, sig.data));
	assert_false(emr_p256_verify(spki.data, 0, msg.data, msg.len, sig.data));
	for (size_t i = 0; i < 91; i++) {
		spki.data[i] ^= 1;
		assert_false(emr_p256_verify(spki.data, 91, msg.data, msg.len, sig.data));
		spki.data[i] ^= 1;
	}
}

TEST(possession_is_proven_for_one_network_and_signer)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "pops"), i, test)
	{
		uint8_t B[32];
		uint8_t net[16];
		uint8_t signer[32];
		uint8_t pop[64];

		vectors_fixed(test, "B", B, 32);
		vectors_fixed(test, "net_id", net, 16);
		vectors_fixed(test, "signer_id", signer, 32);
		vectors_fixed(test, "pop", pop, 64);
		assert_true(emr_pre_pop_verify(B, net, signer, pop));
		for (size_t bit = 0; bit < 512; bit++) {
			pop[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(emr_pre_pop_verify(B, net, signer, pop));
			pop[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		net[0] ^= 1;
		assert_false(emr_pre_pop_verify(B, net, signer, pop));
		net[0] ^= 1;
		signer[31] ^= 1;
		assert_false(emr_pre_pop_verify(B, net, signer, pop));
		signer[31] ^= 1;
		B[31] |= 0x80; /* the same point to libsodium */
		assert_false(emr_pre_pop_verify(B, net, signer, pop));
	}
	assert_true(i > 0);
}

/* ---- Merkle trees ---- */

#define LEAVES_MAX 1100

static emr_merkle_hash counter_leaves[LEAVES_MAX];

static void fill_counter_leaves(void)
{
	for (size_t i = 0; i < LEAVES_MAX; i++) {
		uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

		emr_merkle_leaf(bytes, 2, counter_leaves[i].b);
	}
}

static size_t path_of(const json_t *test, const char *key, emr_merkle_hash *path)
{
	const json_t *array = vectors_get(test, key);

	for (size_t i = 0; i < json_array_size(array); i++)
		assert_ok(emr_unhex(json_string_value(json_array_get(array, i)), path[i].b, 32));
	return json_array_size(array);
}

static void assert_frontier(const json_t *tree, const emr_merkle_hash *leaves)
{
	size_t n = (size_t)vectors_u64(tree, "n");
	emr_merkle_hash expected[64];
	emr_merkle_hash got[64];
	emr_merkle_frontier frontier = {0};
	emr_merkle_frontier again;
	uint8_t root[32];
	uint8_t want[32];
	size_t hashes;

	vectors_fixed(tree, "root", want, 32);
	emr_merkle_root(leaves, n, root);
	assert_memory_equal(root, want, 32);
	for (size_t i = 0; i < n; i++)
		emr_merkle_append(&frontier, leaves[i].b);
	hashes = emr_merkle_frontier_pack(&frontier, got);
	assert_int_equal(hashes, path_of(tree, "frontier", expected));
	assert_memory_equal(got, expected, hashes * 32);
	assert_true(emr_merkle_frontier_unpack(n, got, hashes, &again));
	emr_merkle_frontier_root(&again, root);
	assert_memory_equal(root, want, 32);
	assert_false(emr_merkle_frontier_unpack(n + 1 == 1 ? 3 : n, got, hashes + 1, &again));
}

TEST(roots_and_frontiers_match_rfc_6962)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc6962.json");
	emr_merkle_hash leaves[8];
	EMR_AUTO_BUF input = {0};
	const json_t *tree;
	size_t i;

	for (i = 0; i < 8; i++) {
		uint8_t want[32];

		vectors_unhex(
			json_string_value(json_array_get(vectors_get(root, "inputs"), i)), &input);
		emr_merkle_leaf(input.data, input.len, leaves[i].b);
		assert_ok(emr_unhex(
			json_string_value(json_array_get(vectors_get(root, "leaf_hashes"), i)),
			want, 32));
		assert_memory_equal(leaves[i].b, want, 32);
	}
	json_array_foreach(vectors_get(root, "trees"), i, tree) assert_frontier(tree, leaves);
	json_array_foreach(vectors_get(root, "counter_roots"), i, tree)
		assert_frontier(tree, counter_leaves);
}

TEST(a_leaf_in_pieces_is_the_same_leaf)
{
	emr_sha256_ctx ctx;
	uint8_t whole[32];
	uint8_t pieces[32];

	emr_merkle_leaf("hello", 5, whole);
	emr_merkle_leaf_init(&ctx);
	emr_sha256_update(&ctx, "he", 2);
	emr_sha256_update(&ctx, "llo", 3);
	emr_sha256_final(&ctx, pieces);
	assert_memory_equal(whole, pieces, 32);
}

TEST(proofs_match_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("rfc6962.json");
	emr_merkle_hash want[EMR_MERKLE_PATH_MAX];
	emr_merkle_hash got[EMR_MERKLE_PATH_MAX];
	const json_t *test;
	size_t len;
	size_t i;

	json_array_foreach(vectors_get(root, "counter_inclusion"), i, test)
	{
		assert_true(emr_merkle_inclusion_of(counter_leaves, (size_t)vectors_u64(test, "n"),
			(size_t)vectors_u64(test, "index"), got, &len));
		assert_int_equal(len, path_of(test, "path", want));
		assert_memory_equal(got, want, len * 32);
	}
	assert_true(i > 0);
}

TEST(every_inclusion_proof_of_small_trees_verifies_and_no_other)
{
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX + 1];
	uint8_t root[32];
	size_t len;

	for (size_t n = 1; n <= 33; n++) {
		emr_merkle_root(counter_leaves, n, root);
		for (size_t i = 0; i < n; i++) {
			assert_true(emr_merkle_inclusion_of(counter_leaves, n, i, path, &len));
			assert_true(emr_merkle_inclusion_verify(
				counter_leaves[i].b, i, n, path, len, root));
			/* Another place, another leaf, a shorter and a longer path. */
			for (size_t j = 0; j < n; j++) {
				if (j != i)
					assert_false(emr_merkle_inclusion_verify(
						counter_leaves[i].b, j, n, path, len, root));
			}
			assert_false(emr_merkle_inclusion_verify(
				counter_leaves[i + 1].b, i, n, path, len, root));
			if (len > 0)
				assert_false(emr_merkle_inclusion_verify(
					counter_leaves[i].b, i, n, path, len - 1, root));
			path[len] = path[0];
			assert_false(emr_merkle_inclusion_verify(
				counter_leaves[i].b, i, n, path, len + 1, root));
		}
		assert_false(emr_merkle_inclusion_of(counter_leaves, n, n, path, &len));
		assert_false(emr_merkle_inclusion_verify(counter_leaves[0].b, n, n, path, 0, root));
	}
	assert_false(emr_merkle_inclusion_of(counter_leaves, 0, 0, path, &len));
}

/* Folding complete subtrees gives the root of the whole. */
TEST(folded_subtrees_are_the_whole_tree)
{
	emr_merkle_frontier folded = {0};
	uint8_t want[32];
	uint8_t got[32];

	for (size_t at = 0; at < 1024; at += 64) {
		emr_merkle_root(counter_leaves + at, 64, got);
		assert_true(emr_merkle_append_subtree(&folded, 6, got));
	}
	assert_true(emr_merkle_append_subtree(&folded, 0, counter_leaves[1024].b));
	/* 1,025 leaves end inside a subtree of 64. */
	assert_false(emr_merkle_append_subtree(&folded, 6, got));
	assert_false(emr_merkle_append_subtree(&folded, 63, got));
	emr_merkle_root(counter_leaves, 1025, want);
	emr_merkle_frontier_root(&folded, got);
	assert_memory_equal(got, want, 32);
}

typedef struct node_source {
	size_t asked;
	size_t n;
} node_source;

/* Knows every complete subtree, as a ledger's table does. */
static bool node_of(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	node_source *source = user;

	source->asked++;
	if ((index + 1) << level > source->n)
		return false;
	emr_merkle_root(counter_leaves + (index << level), (size_t)1 << level, out);
	return true;
}

static bool node_missing(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	(void)user;
	if (level != 0 || index == 5)
		return false;
	memcpy(out, counter_leaves[index].b, 32);
	return true;
}

TEST(a_proof_needs_few_nodes_when_subtrees_are_known)
{
	node_source source = {.n = 1000};
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX];
	emr_merkle_hash want[EMR_MERKLE_PATH_MAX];
	size_t len;
	size_t want_len;

	assert_true(emr_merkle_inclusion(node_of, &source, 700, 1000, path, &len));
	assert_true(emr_merkle_inclusion_of(counter_leaves, 1000, 700, want, &want_len));
	assert_int_equal(len, want_len);
	assert_memory_equal(path, want, len * 32);
	assert_true(source.asked < 40);
	assert_false(emr_merkle_inclusion(node_missing, NULL, 1, 8, path, &len));
	assert_true(emr_merkle_inclusion(node_missing, NULL, 5, 8, path, &len));
}

int main(void)
{
	fill_counter_leaves();
	return emr_tests_run(NULL, NULL);
}
