/* These tests are about CIDs, varints, dag-pb, UnixFS and CAR against known answers of other
 * implementations, and strictness against the rest. */
#include "store_kit.h"
#include "unixfs_leaf.h"

#include <sodium.h>
#include "store/car.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"
#include "vectors.h"

static json_t *unixfs_json;

static emr_cid hex_cid(const char *hex)
{
	uint8_t bytes[EMR_CID_BYTES];
	emr_cid cid;

	assert_ok(emr_unhex(hex, bytes, sizeof bytes));
	assert_ok(emr_cid_parse(emr_bytes_of(bytes, sizeof bytes), &cid));
	return cid;
}

/* ---- CID and varint ---- */

TEST(cids_have_the_known_bytes_and_texts)
{
	const json_t *cases = vectors_get(unixfs_json, "cids");
	size_t i;
	json_t *one;

	json_array_foreach(cases, i, one)
	{
		emr_buf block = {0};
		emr_bytes bytes = vectors_unhex(vectors_text(one, "block"), &block);
		bool raw = strcmp(vectors_text(one, "codec"), "raw") == 0;
		emr_cid cid = emr_cid_of_block(raw ? EMR_CODEC_RAW : EMR_CODEC_DAG_PB, bytes);
		emr_cid expected = hex_cid(vectors_text(one, "cid"));
		char text[EMR_CID_TEXT_CHARS + 1];
		emr_cid parsed;

		assert_true(emr_cid_equal(&cid, &expected));
		emr_cid_text(&cid, text);
		assert_string_equal(text, vectors_text(one, "text"));
		assert_ok(emr_cid_parse_text(text, &parsed));
		assert_true(emr_cid_equal(&cid, &parsed));
		assert_ok(emr_cid_verify(&cid, bytes));
		assert_status(EMR_DAMAGED, emr_cid_verify(&cid, emr_bytes_of("?", 1)));
		emr_buf_free(&block);
	}
}

TEST(a_cid_has_one_spelling)
{
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("x", 1));
	char text[EMR_CID_TEXT_CHARS + 2] = {0};
	char good[EMR_CID_TEXT_CHARS + 1];
	emr_cid out;

	emr_cid_text(&cid, good);
	for (int i = 0; i < EMR_CID_TEXT_CHARS; i++) {
		for (int c = 1; c < 256; c++) {
			memcpy(text, good, sizeof good);
			text[i] = (char)c;
			if (emr_cid_parse_text(text, &out) == EMR_OK) {
				char again[EMR_CID_TEXT_CHARS + 1];

				emr_cid_text(&out, again);
				assert_string_equal(again, text);
			}
		}
	}
	memcpy(text, good, sizeof good);
	text[EMR_CID_TEXT_CHARS] = 'a';
	assert_status(EMR_INVALID, emr_cid_parse_text(text, &out));
	assert_status(EMR_INVALID, emr_cid_parse_text("", &out));
	assert_status(EMR_INVALID,
		emr_cid_parse_text("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", &out));
}

TEST(identity_and_other_hashes_and_codecs_are_refused)
{
	uint8_t bytes[EMR_CID_BYTES] = {0x01, 0x55, 0x12, 0x20};
	static const uint8_t wrong[][4] = {
		{0x01, 0x55, 0x00, 0x20},
		{0x01, 0x55, 0x13, 0x20},
		{0x01, 0x55, 0x12, 0x1f},
		{0x01, 0x71, 0x12, 0x20},
		{0x00, 0x55, 0x12, 0x20},
		{0x02, 0x55, 0x12, 0x20},
	};
	emr_cid out;

	assert_ok(emr_cid_parse(emr_bytes_of(bytes, sizeof bytes), &out));
	assert_status(EMR_INVALID, emr_cid_parse(emr_bytes_of(bytes, sizeof bytes - 1), &out));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		memcpy(bytes, wrong[i], 4);
		assert_status(EMR_INVALID, emr_cid_parse(emr_bytes_of(bytes, sizeof bytes), &out));
	}
}

TEST(varints_are_the_known_ones_and_shortest)
{
	const json_t *cases = vectors_get(unixfs_json, "varints");
	static const uint8_t padded[] = {0x80, 0x00};
	uint64_t value;
	json_t *one;
	size_t i;

	json_array_foreach(cases, i, one)
	{
		uint64_t expected = strtoull(vectors_text(one, "value"), NULL, 10);
		emr_buf buf = {0};
		emr_bytes bytes = vectors_unhex(vectors_text(one, "bytes"), &buf);
		uint8_t out[EMR_VARINT_MAX];

		if (expected >> 63) {
			assert_int_equal(emr_varint_get(bytes.data, bytes.len, &value), 0);
		} else {
			assert_int_equal(emr_varint_get(bytes.data, bytes.len, &value), bytes.len);
			assert_true(value == expected);
			assert_int_equal(emr_varint_put(out, expected), bytes.len);
			assert_int_equal(emr_varint_len(expected), bytes.len);
			assert_memory_equal(out, bytes.data, bytes.len);
		}
		emr_buf_free(&buf);
	}
	assert_int_equal(emr_varint_get(padded, 2, &value), 0);
	assert_int_equal(emr_varint_get(padded, 1, &value), 0);
}

/* ---- Building files ---- */

typedef struct nodes {
	size_t count;
	size_t bytes;
	emr_buf last;
} nodes;

static emr_status take_node(void *context, const emr_cid *cid, emr_bytes block)
{
	nodes *n = context;

	assert_ok(emr_cid_verify(cid, block));
	assert_true(block.len <= EMR_UNIXFS_NODE_MAX);
	n->count++;
	n->bytes += block.len;
	emr_buf_clear(&n->last);
	return emr_buf_append(&n->last, block.data, block.len);
}

static void check_root(const json_t *one, const emr_unixfs_link *root, const nodes *n)
{
	char text[EMR_CID_TEXT_CHARS + 1];

	emr_cid_text(&root->cid, text);
	assert_string_equal(text, vectors_text(one, "cid_text"));
	assert_true(root->tsize == strtoull(vectors_text(one, "tsize"), NULL, 10));
	assert_true(root->file_bytes == vectors_u64(one, "n"));
	assert_int_equal(n->count, vectors_u64(one, "inner_count"));
	assert_int_equal(n->count > 0 ? n->last.len : 0, vectors_u64(one, "root_block_len"));
}

static void add_leaf(emr_unixfs_builder *builder, emr_bytes leaf)
{
	emr_unixfs_link link = {.cid = emr_cid_of_block(EMR_CODEC_RAW, leaf),
		.file_bytes = leaf.len,
		.tsize = leaf.len};

	assert_ok(emr_unixfs_builder_add(builder, &link));
}

static void check_file(const json_t *one)
{
	uint64_t left = vectors_u64(one, "n");
	size_t chunk = vectors_u64(one, "chunk_size");
	bool zeros = strcmp(vectors_text(one, "stream"), "zeros") == 0;
	emr_unixfs_builder *builder;
	emr_unixfs_link root;
	EMR_AUTO_FREE uint8_t *leaf = calloc(1, chunk);
	/* Leaves of 10 bytes do not end at a word of the stream: it is made whole where it is
	 * small. */
	EMR_AUTO_FREE uint8_t *all = left <= 1 << 20 ? calloc(1, left + 1) : NULL;
	uint32_t state = 1;
	uint64_t at = 0;
	nodes n = {0};

	if (all != NULL && !zeros)
		kit_xorshift(&state, all, left);
	assert_ok(emr_unixfs_builder_new(take_node, &n, &builder));
	do {
		size_t len = left < chunk ? left : chunk;

		if (all == NULL)
			kit_xorshift(&state, leaf, len);
		add_leaf(builder, emr_bytes_of(all == NULL ? leaf : all + at, len));
		at += len;
		left -= len;
	} while (left > 0);
	assert_ok(emr_unixfs_builder_finish(builder, &root));
	check_root(one, &root, &n);
	emr_unixfs_builder_free(builder);
	emr_buf_free(&n.last);
}

TEST(files_have_the_cids_of_ipfs_add)
{
	const json_t *files = vectors_get(unixfs_json, "files");
	size_t i, checked = 0;
	json_t *one;

	json_array_foreach(files, i, one)
	{
		if (vectors_u64(one, "max_links") != EMR_UNIXFS_LINKS_MAX)
			continue;
		check_file(one);
		checked++;
	}
	assert_true(checked >= 15);
}

/* Kubo's own answers for 1 MiB leaves; the two largest share all but their last byte, and one pass.
 */
TEST(kubo_profile_files_have_their_cids)
{
	const json_t *files = vectors_get(unixfs_json, "profile");
	const size_t chunk = 1 << 20;
	EMR_AUTO_FREE uint8_t *leaf = malloc(chunk);
	size_t i;
	json_t *one;

	json_array_foreach(files, i, one)
	{
		uint64_t left = vectors_u64(one, "n");
		static const uint8_t nonce[12];
		const char *seed = vectors_text(one, "seed");
		emr_unixfs_builder *builder;
		emr_unixfs_link root;
		uint8_t key[32];
		nodes n = {0};
		uint32_t counter = 0;

		/* One of the two large ones is enough of a second. */
		if (vectors_u64(one, "chunk_size") != chunk || left == (uint64_t)1 << 30)
			continue;
		crypto_hash_sha256(key, (const uint8_t *)seed, strlen(seed));
		assert_ok(emr_unixfs_builder_new(take_node, &n, &builder));
		for (; left > 0; counter += chunk / 64) {
			size_t len = left < chunk ? left : chunk;

			memset(leaf, 0, len);
			crypto_stream_chacha20_ietf_xor_ic(leaf, leaf, len, nonce, counter, key);
			add_leaf(builder, emr_bytes_of(leaf, len));
			left -= len;
		}
		assert_ok(emr_unixfs_builder_finish(builder, &root));
		check_root(one, &root, &n);
		emr_unixfs_builder_free(builder);
		emr_buf_free(&n.last);
	}
}

/* ---- Holes ---- */

TEST(subtrees_of_holes_have_the_known_cids)
{
	const json_t *cases = vectors_get(unixfs_json, "holes");
	emr_unixfs_link hole = {.cid = emr_unixfs_hole(0),
		.file_bytes = EMR_UNIXFS_HOLE_BYTES,
		.tsize = EMR_UNIXFS_HOLE_BYTES};
	uint64_t count = 1;
	size_t i;
	json_t *one;

	assert_int_equal(json_array_size(cases), EMR_UNIXFS_HOLE_LEVELS);
	json_array_foreach((json_t *)(uintptr_t)cases, i, one)
	{
		emr_cid wanted = hex_cid(vectors_text(one, "cid"));
		emr_cid known = emr_unixfs_hole((unsigned)i);
		emr_unixfs_builder *builder;
		emr_unixfs_link root;
		nodes n = {0};

		assert_true(emr_cid_equal(&known, &wanted));
		assert_true(emr_unixfs_is_hole(&wanted, (unsigned)i));
		assert_false(emr_unixfs_is_hole(&wanted, (unsigned)i + 1));
		assert_ok(emr_unixfs_builder_new(take_node, &n, &builder));
		assert_ok(emr_unixfs_builder_add_run(builder, &hole, count));
		assert_ok(emr_unixfs_builder_finish(builder, &root));
		emr_unixfs_builder_free(builder);
		emr_buf_free(&n.last);
		assert_true(emr_cid_equal(&root.cid, &wanted));
		assert_int_equal(n.count, i); /* one block for each height, not a million */
		assert_true(root.tsize == vectors_u64(one, "tsize"));
		count *= EMR_UNIXFS_LINKS_MAX;
	}
}

static emr_cid leaf_cid(uint64_t i)
{
	return emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(&i, sizeof i));
}

static emr_cid root_of_runs(const uint64_t *runs, size_t count, bool one_by_one)
{
	emr_unixfs_builder *builder;
	emr_unixfs_link root;
	nodes n = {0};

	assert_ok(emr_unixfs_builder_new(take_node, &n, &builder));
	for (size_t i = 0; i < count; i++) {
		emr_unixfs_link link = {
			.cid = leaf_cid(i % 3), .file_bytes = 10 + i % 3, .tsize = 10 + i % 3};

		if (!one_by_one)
			assert_ok(emr_unixfs_builder_add_run(builder, &link, runs[i]));
		for (uint64_t k = 0; one_by_one && k < runs[i]; k++)
			assert_ok(emr_unixfs_builder_add(builder, &link));
	}
	assert_ok(emr_unixfs_builder_finish(builder, &root));
	emr_unixfs_builder_free(builder);
	emr_buf_free(&n.last);
	return root.cid;
}

TEST(a_run_of_leaves_builds_the_tree_of_its_leaves)
{
	static const uint64_t runs[][5] = {{1, 0, 0, 0, 0}, {1023, 1, 1, 1023, 1},
		{1, 1023, 1024, 2048, 1}, {5, 5000, 1, 3000, 2}, {1024, 1024, 0, 1, 1025},
		{1048576, 1, 0, 0, 0}, {3, 1048576, 1047, 1, 0}};

	for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
		emr_cid fast = root_of_runs(runs[i], 5, false);
		emr_cid slow = root_of_runs(runs[i], 5, true);

		assert_true(emr_cid_equal(&fast, &slow));
	}
}

static emr_status refuse_node(void *context, const emr_cid *cid, emr_bytes block)
{
	(void)context;
	(void)cid;
	(void)block;
	return EMR_NO_SPACE;
}

TEST(a_builder_tells_what_its_receiver_said)
{
	emr_unixfs_builder *builder;
	emr_unixfs_link root;

	assert_ok(emr_unixfs_builder_new(refuse_node, NULL, &builder));
	add_leaf(builder, emr_bytes_of("a", 1));
	add_leaf(builder, emr_bytes_of("b", 1));
	assert_status(EMR_NO_SPACE, emr_unixfs_builder_finish(builder, &root));
	emr_unixfs_builder_free(builder);
	assert_ok(emr_unixfs_builder_new(refuse_node, NULL, &builder));
	assert_status(EMR_INVALID, emr_unixfs_builder_finish(builder, &root));
	emr_unixfs_builder_free(builder);
}

/* ---- Directories and bundles ---- */

TEST(directories_are_the_known_blocks_in_any_order_of_names)
{
	const json_t *dirs = vectors_get(unixfs_json, "directories");
	json_t *one;
	size_t i;

	json_array_foreach(dirs, i, one)
	{
		const json_t *links = vectors_get(one, "links");
		emr_unixfs_entry entries[8];
		size_t count = json_array_size(links);
		emr_buf expected = {0}, block = {0};
		emr_unixfs_link dir;
		emr_bytes bytes = vectors_unhex(vectors_text(one, "block"), &expected);

		for (size_t j = 0; j < count; j++) {
			const json_t *link = json_array_get(links, count - 1 - j);

			entries[j] = (emr_unixfs_entry){vectors_text(link, "name"),
				hex_cid(vectors_text(link, "cid")),
				strtoull(vectors_text(link, "tsize"), NULL, 10)};
		}
		assert_ok(emr_unixfs_dir_encode(entries, count, &block, &dir));
		assert_true(emr_bytes_equal(emr_buf_view(&block), bytes));
		assert_true(dir.tsize == strtoull(vectors_text(one, "tsize"), NULL, 10));
		emr_buf_free(&expected);
		emr_buf_free(&block);
	}
}

TEST(two_entries_of_one_name_are_refused)
{
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("x", 1));
	emr_unixfs_entry entries[2] = {{"a", cid, 1}, {"a", cid, 1}};
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link dir;

	assert_status(EMR_EXISTS, emr_unixfs_dir_encode(entries, 2, &block, &dir));
	entries[1].name = "";
	assert_status(EMR_BAD_NAME, emr_unixfs_dir_encode(entries, 2, &block, &dir));
	assert_int_equal(block.len, 0);
}

TEST(bundles_of_the_content_vectors_have_their_root_cid)
{
	AUTO(auto_json_decref) json_t *content = vectors_open("content.json");
	const json_t *cases = vectors_get(content, "cases");
	json_t *one;
	size_t i;

	json_array_foreach(cases, i, one)
	{
		emr_unixfs_bundle bundle = {.content = hex_cid(vectors_text(one, "content_cid")),
			.content_tsize = vectors_u64(one, "content_tsize"),
			.manifest = hex_cid(vectors_text(one, "m_cid")),
			.manifest_bytes = vectors_u64(one, "m_len")};
		emr_unixfs_bundle back;
		emr_unixfs_shape shape;
		emr_buf block = {0};
		emr_unixfs_link dir;
		char text[EMR_CID_TEXT_CHARS + 1];

		assert_ok(emr_unixfs_shape_of(vectors_u64(one, "padded_len"), 18, &shape));
		assert_int_equal(shape.sealed_bytes, vectors_u64(one, "stream_len"));
		assert_int_equal(shape.leaves, vectors_u64(one, "leaf_count"));
		assert_int_equal(emr_unixfs_tsize_of(&shape), bundle.content_tsize);
		assert_ok(emr_unixfs_bundle_encode(&bundle, &block, &dir));
		emr_cid_text(&dir.cid, text);
		assert_string_equal(text, vectors_text(one, "root_cid_text"));
		assert_ok(emr_unixfs_bundle_decode(emr_buf_view(&block), &back));
		assert_true(emr_cid_equal(&back.content, &bundle.content));
		assert_true(emr_cid_equal(&back.manifest, &bundle.manifest));
		emr_buf_free(&block);
	}
}

/* Every changed bit of a bundle's block is refused, or names another CID or size: never the same
 * meaning twice. */
TEST(no_second_spelling_of_a_bundle_is_accepted)
{
	AUTO(kit_block_free) emr_block content = kit_block(1, 16399), manifest = kit_block(2, 1140);
	emr_unixfs_bundle bundle = {content.cid, 16399, manifest.cid, 1140};
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link dir;

	assert_ok(emr_unixfs_bundle_encode(&bundle, &block, &dir));
	for (size_t bit = 0; bit < block.len * 8; bit++) {
		emr_unixfs_bundle other;

		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (emr_unixfs_bundle_decode(emr_buf_view(&block), &other) == EMR_OK) {
			emr_buf again = {0};

			assert_ok(emr_unixfs_bundle_encode(&other, &again, &dir));
			assert_true(emr_bytes_equal(emr_buf_view(&again), emr_buf_view(&block)));
			emr_buf_free(&again);
		}
		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < block.len; len++) {
		emr_unixfs_bundle other;

		assert_status(EMR_DAMAGED,
			emr_unixfs_bundle_decode(emr_bytes_of(block.data, len), &other));
	}
}

/* ---- Trees ---- */

static emr_status put_node(void *context, const emr_cid *cid, emr_bytes block)
{
	emr_block node = {*cid, block};

	return emr_store_append(((kit *)context)->store, &node, 1, NULL);
}

/* A tree over leaves that are only named: LEAVES of them, the last one as L' asks. */
static emr_unixfs_link build_tree(kit *k, const emr_unixfs_shape *shape)
{
	emr_unixfs_builder *builder;
	emr_unixfs_link root;

	assert_ok(emr_unixfs_builder_new(put_node, k, &builder));
	for (uint64_t i = 0; i < shape->leaves; i++) {
		uint32_t bytes = emr_unixfs_leaf_bytes(shape, i);
		emr_unixfs_link leaf = {leaf_cid(i), bytes, bytes};

		assert_ok(emr_unixfs_builder_add(builder, &leaf));
	}
	assert_ok(emr_unixfs_builder_finish(builder, &root));
	emr_unixfs_builder_free(builder);
	return root;
}

TEST_IN(kit_setup, kit_teardown, every_leaf_of_a_tree_is_found)
{
	static const uint64_t leaves[] = {1, 2, 1023, 1024, 1025, 2048, 5000};
	kit *k = *state;

	for (size_t c = 0; c < sizeof leaves / sizeof leaves[0]; c++) {
		uint64_t padded = leaves[c] * 262144 - 1;
		emr_unixfs_shape shape;
		emr_unixfs_tree *tree;
		emr_unixfs_link root;
		emr_cid cid;

		assert_ok(emr_unixfs_shape_of(padded, 18, &shape));
		assert_int_equal(shape.leaves, leaves[c]);
		root = build_tree(k, &shape);
		assert_true(root.tsize == emr_unixfs_tsize_of(&shape));
		assert_true(root.file_bytes == shape.sealed_bytes);
		assert_ok(emr_unixfs_tree_open(
			emr_store_blocks(k->store), &root.cid, padded, 18, &tree));
		for (uint64_t i = 0; i < leaves[c]; i += 1 + leaves[c] / 301) {
			emr_cid expected = leaf_cid(i);

			assert_ok(emr_unixfs_tree_leaf(tree, i, &cid, NULL));
			assert_true(emr_cid_equal(&cid, &expected) || leaves[c] == 1);
		}
		assert_status(EMR_LIMIT, emr_unixfs_tree_leaf(tree, leaves[c], &cid, NULL));
		emr_unixfs_tree_close(tree);
		assert_ok(emr_unixfs_leaf_at(
			emr_store_blocks(k->store), &root.cid, padded, leaves[c] - 1, &cid));
		/* The same root claimed for another length is refused. */
		if (leaves[c] > 1) {
			assert_status(EMR_DAMAGED, emr_unixfs_leaf_at(emr_store_blocks(k->store),
							   &root.cid, padded - 1, 0, &cid));
			assert_status(EMR_DAMAGED, emr_unixfs_leaf_at(emr_store_blocks(k->store),
							   &root.cid, padded + 262144, 0, &cid));
		}
	}
}

TEST_IN(kit_setup, kit_teardown, a_missing_node_is_named)
{
	kit *k = *state;
	emr_cid nowhere = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_bytes_of("x", 1));
	emr_cid raw = leaf_cid(1), cid, missing;
	emr_unixfs_tree *tree;

	assert_ok(emr_unixfs_tree_open(emr_store_blocks(k->store), &nowhere, 999999, 18, &tree));
	assert_status(EMR_NOT_FOUND, emr_unixfs_tree_leaf(tree, 2, &cid, &missing));
	assert_true(emr_cid_equal(&missing, &nowhere));
	emr_unixfs_tree_close(tree);
	assert_status(EMR_DAMAGED,
		emr_unixfs_tree_open(emr_store_blocks(k->store), &raw, 999999, 18, &tree));
	assert_status(EMR_DAMAGED,
		emr_unixfs_tree_open(emr_store_blocks(k->store), &nowhere, 16383, 18, &tree));
}

/* A node with one changed bit, stored under its own new CID, is not a tree of this shape, or has
 * other leaves. */
TEST_IN(kit_setup, kit_teardown, no_second_spelling_of_a_node_is_accepted)
{
	kit *k = *state;
	emr_unixfs_shape shape;
	EMR_AUTO_BUF block = {0};
	emr_unixfs_link root;
	emr_cid cid;

	assert_ok(emr_unixfs_shape_of(3 * 262144 - 1, 18, &shape));
	root = build_tree(k, &shape);
	assert_ok(emr_store_get_verified(k->store, &root.cid, &block));
	for (size_t bit = 0; bit < block.len * 8; bit++) {
		emr_block node;
		emr_status status;
		size_t in_link = bit / 8 % 46;

		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		node.data = emr_buf_view(&block);
		node.cid = emr_cid_of_block(EMR_CODEC_DAG_PB, node.data);
		assert_ok(emr_store_append(k->store, &node, 1, NULL));
		status = emr_unixfs_leaf_at(
			emr_store_blocks(k->store), &node.cid, shape.padded_length, 0, &cid);
		/* Only the digests of the three links may differ. */
		if (status == EMR_OK)
			assert_true(bit / 8 < 3 * 46 && in_link >= 8 && in_link < 40);
		else
			assert_status(EMR_DAMAGED, status);
		block.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST(shapes_have_limits)
{
	emr_unixfs_shape shape;

	assert_status(EMR_INVALID, emr_unixfs_shape_of(0, 18, &shape));
	assert_status(EMR_INVALID, emr_unixfs_shape_of(16384, 18, &shape));
	assert_status(EMR_NEWER_FORMAT, emr_unixfs_shape_of(16383, 19, &shape));
	assert_status(EMR_TOO_BIG, emr_unixfs_shape_of((uint64_t)1 << 43 | 1, 18, &shape));
	assert_ok(emr_unixfs_shape_of(((uint64_t)1 << 43) - 1, 18, &shape));
	assert_int_equal(shape.height, EMR_UNIXFS_HEIGHT_MAX);
	assert_int_equal(shape.leaves, 1 << 25);
}

/* ---- CAR ---- */

TEST(headers_are_those_of_other_tools)
{
	static emr_cid roots[EMR_CAR_ROOTS_MAX + 1];
	json_t *one;
	size_t i;

	json_array_foreach(vectors_get(unixfs_json, "cars"), i, one)
	{
		EMR_AUTO_BUF header = {0}, expected = {0};
		emr_cid root = hex_cid(vectors_text(one, "root"));

		assert_ok(emr_car_write_header(&header, &root, 1));
		assert_true(emr_bytes_equal(emr_buf_view(&header),
			vectors_unhex(vectors_text(one, "header"), &expected)));
	}
	assert_status(EMR_LIMIT, emr_car_write_header(&(emr_buf){0}, roots, EMR_CAR_ROOTS_MAX + 1));
	assert_status(EMR_INVALID, emr_car_write_header(&(emr_buf){0}, roots, 0));
}

int main(void)
{
	int failed;

	unixfs_json = vectors_open("unixfs.json");
	failed = emr_tests_run(NULL, NULL);
	json_decref(unixfs_json);
	return failed;
}
