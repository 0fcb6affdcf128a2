/* These tests are about holes: a file costs only its written bytes, from the working copy to the
 * blocks, and nobody makes a hole of written bytes, nor bytes of a hole. */
#include "record_kit.h"
#include "unixfs_leaf.h"

#include "store/unixfs.h"

AUTO_OF(emr_content_reader_free, emr_content_reader *)

AUTO_OF(emr_staging_discard, emr_staging *)

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static uint64_t stored_bytes(kit *k)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < kit_store_count(k->store); i++)
		bytes += kit_store_at(k->store, i)->len;
	return bytes;
}

static emr_staging *new_staging(kit *k)
{
	emr_staging *st;

	assert_ok(emr_staging_new(k->ctx, emr_id16_random(), NULL, 0, &st));
	return st;
}

static emr_content_reader *freeze(kit *k, emr_staging *st, emr_content *content)
{
	emr_content_reader *reader;
	emr_content_key *key;

	assert_ok(emr_staging_freeze(st, content, &key));
	assert_ok(emr_content_reader_open(k->ctx, content, key, &reader));
	emr_content_key_free(key);
	return reader;
}

static void expect_bytes(emr_content_reader *reader, uint64_t at, const char *wanted, size_t len)
{
	char bytes[64];
	size_t got;

	assert_ok(emr_content_reader_read(reader, at, bytes, len, &got));
	assert_int_equal(got, len);
	assert_memory_equal(bytes, wanted, len);
}

TEST(a_file_of_12_gib_with_ten_bytes_costs_a_few_leaves)
{
	emr_content content;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader;
	AUTO(auto_emr_staging_discard) emr_staging *st;

	st = new_staging(&k);
	assert_ok(emr_staging_truncate(st, 12 * GIB));
	assert_int_equal(emr_staging_stored(st), 0);
	assert_ok(emr_staging_write(st, 7 * GIB + 12345, "ten bytes!", 10));
	assert_int_equal(emr_staging_stored(st), EMR_LEAF_BYTES);
	assert_true(kit_memory(&k) < EMR_LEAF_BYTES);
	reader = freeze(&k, st, &content);
	assert_int_equal(content.n, 12 * GIB);
	assert_int_equal(emr_leaf_count(content.padded) - content.holes, 2);
	assert_int_equal(emr_content_stored(&content), 2 * EMR_LEAF_BYTES);
	assert_int_equal(emr_staging_stored(st), 2 * EMR_LEAF_BYTES);
	/* Two leaves, the block of holes, a few nodes. */
	assert_true(stored_bytes(&k) < MIB);
	assert_ok(emr_content_reader_verify(reader));
	expect_bytes(reader, 7 * GIB + 12343, "\0\0ten bytes!\0\0", 14);
	expect_bytes(reader, 12 * GIB - 4, "\0\0\0\0", 4);
}

TEST(the_largest_file_of_nothing_is_made_read_and_verified)
{
	emr_content content;
	unsigned gets;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader;
	AUTO(auto_emr_staging_discard) emr_staging *st;

	st = new_staging(&k);
	assert_ok(emr_staging_truncate(st, EMR_RECORD_MAX_BYTES));
	reader = freeze(&k, st, &content);
	assert_true(stored_bytes(&k) < MIB);
	assert_ok(emr_content_reader_verify(reader));
	gets = kit_store_gets(k.store);
	for (uint64_t at = 0; at < EMR_RECORD_MAX_BYTES - GIB; at += 37 * GIB + 4711)
		expect_bytes(reader, at, "\0\0\0\0", 4);
	assert_true(kit_store_gets(k.store) - gets < 8); /* zeros are not fetched */
}

TEST(zeros_that_were_written_are_stored)
{
	EMR_AUTO_FREE uint8_t *zeros = calloc(1, EMR_LEAF_BYTES);
	emr_content content;
	emr_content_reader *reader;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	st = new_staging(&k);
	for (uint64_t leaf = 0; leaf < 4; leaf++)
		assert_ok(emr_staging_write(st, leaf << EMR_LEAF_LOG2, zeros, EMR_LEAF_BYTES));
	reader = freeze(&k, st, &content);
	assert_int_equal(content.holes, 0);
	assert_int_equal(content.flags, 0);
	assert_ok(emr_content_reader_verify(reader));
	emr_content_reader_free(reader);
	/* Beside a hole they have its hash, and are stored all the same. */
	assert_ok(emr_staging_truncate(st, 8 * EMR_LEAF_BYTES));
	assert_ok(emr_staging_write(st, 0, "x", 1));
	reader = freeze(&k, st, &content);
	assert_int_equal(emr_leaf_count(content.padded) - content.holes, 5);
	assert_ok(emr_content_reader_verify(reader));
	emr_content_reader_free(reader);
}

/* ---- Where data and holes are ---- */

static void expect_seek(emr_staging *st, emr_content_reader *reader, uint64_t from, bool hole,
	emr_status status, uint64_t wanted)
{
	uint64_t at = 0;

	if (st != NULL)
		assert_status(status, emr_staging_seek(st, from, hole, &at));
	if (reader != NULL)
		assert_status(status, emr_content_reader_seek(reader, from, hole, &at));
	if (status == EMR_OK)
		assert_int_equal(at, wanted);
}

static void expect_places(emr_staging *st, emr_content_reader *reader)
{
	const uint64_t leaf = EMR_LEAF_BYTES, data = 5000 * leaf;

	expect_seek(st, reader, 0, false, EMR_OK, data);
	expect_seek(st, reader, 0, true, EMR_OK, 0);
	expect_seek(st, reader, data + 5, false, EMR_OK, data + 5);
	expect_seek(st, reader, data + 5, true, EMR_OK, data + 2 * leaf);
	expect_seek(st, reader, data + 2 * leaf, false, EMR_NOT_FOUND, 0);
	expect_seek(st, reader, 20000 * leaf - 1, true, EMR_OK, 20000 * leaf - 1);
	expect_seek(st, reader, 20000 * leaf, true, EMR_NOT_FOUND, 0);
	expect_seek(st, reader, 20000 * leaf, false, EMR_NOT_FOUND, 0);
}

TEST(data_and_holes_are_found_in_working_copies_and_in_contents)
{
	const uint64_t leaf = EMR_LEAF_BYTES;
	emr_content content;
	emr_content_reader *reader;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	st = new_staging(&k);
	assert_ok(emr_staging_truncate(st, 20000 * leaf));
	assert_ok(emr_staging_write(st, 5001 * leaf - 3, "across", 6));
	expect_places(st, NULL);
	reader = freeze(&k, st, &content);
	expect_places(st, reader);
	/* Over the content: what is written again is data, what is cut is a hole. */
	assert_ok(emr_staging_write(st, 100 * leaf, "x", 1));
	expect_seek(st, NULL, 0, false, EMR_OK, 100 * leaf);
	expect_seek(st, NULL, 100 * leaf, true, EMR_OK, 101 * leaf);
	assert_ok(emr_staging_truncate(st, 200 * leaf));
	assert_ok(emr_staging_truncate(st, 20000 * leaf));
	expect_seek(st, NULL, 101 * leaf, false, EMR_NOT_FOUND, 0);
	emr_content_reader_free(reader);
	reader = freeze(&k, st, &content);
	assert_ok(emr_content_reader_verify(reader));
	expect_seek(st, reader, 101 * leaf, false, EMR_NOT_FOUND, 0);
	emr_content_reader_free(reader);
}

TEST(a_file_without_holes_is_data_up_to_its_end)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(1000000, 3);
	emr_content content;
	emr_content_key *key;
	emr_content_reader *reader;

	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	reader = kit_reader_of(&k, data, 1000000, &content, &key);
	expect_seek(NULL, reader, 999999, false, EMR_OK, 999999);
	expect_seek(NULL, reader, 3, true, EMR_OK, 1000000);
	expect_seek(NULL, reader, 1000000, true, EMR_NOT_FOUND, 0);
	emr_content_reader_free(reader);
	emr_content_key_free(key);
}

/* ---- Beside a plain array, leaf by leaf ---- */

#define MODEL_LEAVES 300u

typedef struct model {
	uint8_t tags[MODEL_LEAVES]; /* what its first byte is */
	bool written[MODEL_LEAVES];
	uint64_t leaves;
} model;

static void expect_model(
	kit *k, const model *m, const emr_content *content, emr_content_reader *reader)
{
	uint64_t stored = 0;

	(void)k;
	for (uint64_t leaf = 0; leaf < m->leaves; leaf++) {
		char tag = (char)m->tags[leaf];
		uint64_t at;

		stored += m->written[leaf];
		expect_bytes(reader, leaf << EMR_LEAF_LOG2, &tag, 1);
		assert_ok(emr_content_reader_seek(reader, leaf << EMR_LEAF_LOG2, true, &at));
		assert_int_equal(at == leaf << EMR_LEAF_LOG2, !m->written[leaf] && content->holes);
	}
	if (content->holes > 0)
		assert_int_equal(emr_leaf_count(content->padded) - content->holes, stored + 1);
	assert_ok(emr_content_reader_verify(reader));
}

/* One step; a leaf always lies after the file's last one, because the padding does. */
static void change(model *m, emr_staging *st, uint32_t *random)
{
	uint64_t leaf = kit_random(random) % MODEL_LEAVES;
	uint8_t tag = (uint8_t)(1 + kit_random(random) % 255);

	if (kit_random(random) % 4 == 0) {
		assert_ok(emr_staging_truncate(st, leaf << EMR_LEAF_LOG2));
		for (uint64_t i = leaf; i < MODEL_LEAVES; i++) {
			m->tags[i] = 0;
			m->written[i] = false;
		}
		m->leaves = leaf;
		return;
	}
	assert_ok(emr_staging_write(st, leaf << EMR_LEAF_LOG2, &tag, 1));
	m->tags[leaf] = tag;
	m->written[leaf] = true;
	if (leaf + 1 > m->leaves)
		m->leaves = leaf + 1;
	assert_ok(emr_staging_truncate(st, m->leaves << EMR_LEAF_LOG2));
}

TEST(holes_stay_where_they_are_through_freezes_and_crashes)
{
	SCENE_OF(kit, k, kit_close, kit_open, 0, 0);
	for (uint32_t seed = 1; seed <= 12; seed++) {
		emr_id16 id = emr_id16_random();
		uint32_t random = seed;
		model m = {.leaves = 0};
		emr_staging *st;

		assert_ok(emr_staging_new(k.ctx, id, NULL, 0, &st));
		for (unsigned round = 0; round < 6; round++) {
			emr_content content;
			emr_content_reader *reader;

			for (unsigned i = 0; i < 8; i++)
				change(&m, st, &random);
			if (kit_random(&random) % 2 == 0) {
				assert_ok(emr_staging_spill(st, 0));
				emr_staging_free(st);
				assert_ok(emr_staging_recover(k.ctx, id, NULL, &st));
			}
			reader = freeze(&k, st, &content);
			expect_model(&k, &m, &content, reader);
			emr_content_reader_free(reader);
		}
		emr_staging_discard(st);
	}
}

/* ---- Cost of a working copy ---- */

TEST(a_long_copy_with_a_hole_is_sealed_while_it_is_written)
{
	EMR_AUTO_FREE uint8_t *data = kit_bytes(EMR_LEAF_BYTES, 5);

	SCENE_OF(kit, k, kit_close, kit_open, EMR_RECORD_NO_WORKERS, 0);
	AUTO(auto_emr_staging_discard) emr_staging *st;

	st = new_staging(&k);
	for (uint64_t leaf = 0; leaf < 64; leaf++)
		if (leaf < 8 || leaf >= 24)
			assert_ok(
				emr_staging_write(st, leaf << EMR_LEAF_LOG2, data, EMR_LEAF_BYTES));
	/* All but the last 4 MiB, the lag for writers who come out of order. */
	assert_int_equal(kit_store_count(k.store), 8 + 64 - 24 - 16);
}

/* ---- Attacks ---- */

typedef struct victim {
	kit k;
	emr_content content;
	emr_content_key *key;
	emr_cid leaves[4]; /* data, hole, data, end */
} victim;

static void make_victim(victim *v)
{
	emr_staging *st;

	kit_open(&v->k, 0, 0);
	st = new_staging(&v->k);
	assert_ok(emr_staging_write(st, 2 * EMR_LEAF_BYTES, "malignant", 9));
	assert_ok(emr_staging_write(st, 0, "data", 4));
	assert_ok(emr_staging_truncate(st, 3 * EMR_LEAF_BYTES + 10));
	assert_ok(emr_staging_freeze(st, &v->content, &v->key));
	emr_staging_discard(st);
	assert_int_equal(v->content.holes, 1);
	for (uint64_t leaf = 0; leaf < 4; leaf++)
		assert_ok(emr_unixfs_leaf_at(
			v->k.store, &v->content.c, v->content.padded, leaf, &v->leaves[leaf]));
	assert_true(emr_unixfs_is_hole(&v->leaves[1], 0));
}

static void end_victim(victim *v)
{
	emr_content_key_free(v->key);
	kit_close(&v->k);
}

static emr_status put_node(void *context, const emr_cid *cid, emr_bytes block)
{
	emr_block made = {.cid = *cid, .data = block};

	return emr_block_store_put(context, &made, 1);
}

/* The same leaves in a tree of the attacker's, who has everything but the signature. */
static void rebuild(victim *v)
{
	emr_unixfs_builder *builder;
	emr_unixfs_link link;

	assert_ok(emr_unixfs_builder_new(put_node, v->k.store, &builder));
	for (uint64_t leaf = 0; leaf < 4; leaf++) {
		link.cid = v->leaves[leaf];
		link.file_bytes = link.tsize = emr_leaf_sealed_len(v->content.padded, leaf);
		assert_ok(emr_unixfs_builder_add(builder, &link));
	}
	assert_ok(emr_unixfs_builder_finish(builder, &link));
	emr_unixfs_builder_free(builder);
	v->content.c = link.cid;
}

static emr_status verify(victim *v)
{
	emr_content_reader *reader;
	emr_status status = emr_content_reader_open(v->k.ctx, &v->content, v->key, &reader);

	if (status != EMR_OK)
		return status;
	status = emr_content_reader_verify(reader);
	emr_content_reader_free(reader);
	return status;
}

TEST(data_does_not_become_a_hole)
{
	SCENE(victim, v, make_victim, end_victim);
	assert_ok(verify(&v));
	v.leaves[2] = emr_unixfs_hole(0);
	rebuild(&v);
	assert_status(EMR_DAMAGED, verify(&v)); /* one hole more than the manifest says */
	v.content.holes = 2;
	assert_status(EMR_BAD_SIGNATURE, verify(&v));
}

TEST(a_hole_does_not_become_data)
{
	EMR_AUTO_FREE uint8_t *sealed = malloc(EMR_LEAF_SEALED_BYTES);
	EMR_AUTO_FREE uint8_t *plain = kit_bytes(EMR_LEAF_BYTES, 9);
	uint8_t com[EMR_CHUNK_COM_BYTES];
	emr_chunk_cipher *cipher;
	emr_block block;

	SCENE(victim, v, make_victim, end_victim);
	assert_ok(emr_content_key_cipher(v.key, v.content.suite, v.content.salt, &cipher, com));
	for (size_t chunk = 0; chunk < EMR_LEAF_CHUNKS; chunk++)
		assert_ok(emr_chunk_seal(cipher, EMR_LEAF_CHUNKS + chunk,
			plain + chunk * EMR_CHUNK_BYTES, EMR_CHUNK_BYTES,
			sealed + chunk * EMR_CHUNK_SEALED_BYTES));
	emr_chunk_cipher_free(cipher);
	block.data = emr_bytes_of(sealed, EMR_LEAF_SEALED_BYTES);
	block.cid = emr_cid_of_block(EMR_CODEC_RAW, block.data);
	assert_ok(emr_block_store_put(v.k.store, &block, 1));
	v.leaves[1] = block.cid;
	rebuild(&v);
	assert_status(EMR_DAMAGED, verify(&v));
	v.content.holes = 0;
	assert_status(EMR_DAMAGED, verify(&v)); /* the flag stands for nothing */
	v.content.flags = 0;
	assert_status(EMR_BAD_SIGNATURE, verify(&v));
}

TEST(a_hole_where_none_was_announced_is_damage)
{
	uint8_t byte;
	size_t got;

	SCENE(victim, v, make_victim, end_victim);
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader;

	v.content.flags = 0;
	v.content.holes = 0;
	assert_ok(emr_content_reader_open(v.k.ctx, &v.content, v.key, &reader));
	assert_status(EMR_DAMAGED, emr_content_reader_read(reader, EMR_LEAF_BYTES, &byte, 1, &got));
	assert_status(EMR_DAMAGED, emr_content_reader_verify(reader));
}

TEST(a_stream_that_ends_in_a_hole_does_not_open)
{
	SCENE(victim, v, make_victim, end_victim);
	v.leaves[3] = emr_unixfs_hole(0);
	rebuild(&v);
	assert_status(EMR_DAMAGED, verify(&v));
}

TESTS(NULL, NULL)
