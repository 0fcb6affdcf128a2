/* This file reads any range of a saved content: it finds the encrypted piece, has it checked, and
 * gives out the plain bytes. It can also verify the whole content against the hash that was
 * signed. Bytes that were not verified are never given out. */
#include "reader.h"

#include <stdlib.h>

#include "format_checks.h"
#include "leaf.h"

static bool is_hole(const record_leaf_source *source)
{
	return emr_unixfs_is_hole(&source->cid, 0);
}

static bool has_holes(const emr_content_reader *reader)
{
	return reader->content.holes > 0;
}

/* ---- Opening ---- */

/* A hole, where there may be one, is not fetched: see is_hole. */
static emr_status find_leaf(
	emr_content_reader *reader, uint64_t leaf, record_leaf_source *out, emr_cid *out_missing)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;
	uint64_t left = reader->content.padded - start;
	emr_status status;

	out->ctx = reader->ctx;
	out->cipher = reader->cipher;
	out->leaf = leaf;
	out->stream_len = left < EMR_LEAF_BYTES ? (size_t)left : EMR_LEAF_BYTES;
	status = emr_unixfs_tree_leaf(reader->tree, leaf, &out->cid, out_missing);
	if (status == EMR_OK && is_hole(out) && (!has_holes(reader) || left < EMR_LEAF_BYTES))
		return EMR_DAMAGED;
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

/* The stream's end is there, and what follows the file in its last chunk is zeros. */
static emr_status check_last_chunk(emr_content_reader *reader)
{
	uint64_t at = (reader->content.padded - 1) / EMR_CHUNK_BYTES * EMR_CHUNK_BYTES;
	size_t len = (size_t)(reader->content.padded - at);
	size_t file_part = reader->content.n > at ? (size_t)(reader->content.n - at) : 0;
	record_leaf_source source;
	uint8_t chunk[EMR_CHUNK_BYTES];

	EMR_TRY(find_leaf(reader, at >> EMR_LEAF_LOG2, &source, NULL));
	EMR_TRY(record_leaf_read(&source, (size_t)(at & (EMR_LEAF_BYTES - 1)), len, chunk));
	if (!record_is_zeros(chunk + file_part, len - file_part))
		return EMR_DAMAGED;
	return EMR_OK;
}

static emr_status open_parts(emr_content_reader *reader, const emr_content_key *key)
{
	const emr_content *content = &reader->content;
	uint8_t com[EMR_CHUNK_COM_BYTES];

	EMR_TRY(emr_content_key_cipher(key, content->suite, content->salt, &reader->cipher, com));
	EMR_TRY(emr_chunk_cipher_check(reader->cipher, content->com));
	EMR_TRY(emr_unixfs_tree_open(reader->ctx->options.store, &content->c, content->padded,
		content->leaf_log2, &reader->tree));
	return check_last_chunk(reader);
}

static emr_status new_reader(
	emr_record_ctx *ctx, const emr_content *content, emr_content_reader **out)
{
	emr_content_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return EMR_NO_MEMORY;
	reader->ctx = ctx;
	reader->content = *content;
	atomic_init(&reader->owners, 1);
	*out = reader;
	return EMR_OK;
}

emr_status emr_content_reader_open(emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, emr_content_reader **out_reader)
{
	emr_content_reader *reader;
	emr_status status;

	EMR_TRY(record_content_check(content));
	EMR_TRY(new_reader(ctx, content, &reader));
	status = open_parts(reader, key);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	*out_reader = reader;
	return EMR_OK;
}

emr_status record_reader_of_sealed(emr_record_ctx *ctx, const emr_content *content,
	emr_chunk_cipher *cipher, emr_content_reader **out_reader)
{
	emr_content_reader *reader;
	emr_status status;

	EMR_TRY(new_reader(ctx, content, &reader));
	status = emr_unixfs_tree_open(ctx->options.store, &content->c, content->padded,
		content->leaf_log2, &reader->tree);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	reader->cipher = cipher;
	*out_reader = reader;
	return EMR_OK;
}

emr_content_reader *emr_content_reader_share(emr_content_reader *reader)
{
	if (reader != NULL)
		atomic_fetch_add(&reader->owners, 1);
	return reader;
}

void emr_content_reader_free(emr_content_reader *reader)
{
	if (reader == NULL || atomic_fetch_sub(&reader->owners, 1) != 1)
		return;
	emr_unixfs_tree_close(reader->tree);
	emr_chunk_cipher_free(reader->cipher);
	free(reader);
}

const emr_content *emr_content_reader_content(const emr_content_reader *reader)
{
	return &reader->content;
}

/* ---- Reading ---- */

static size_t clip_to_file(const emr_content_reader *reader, uint64_t offset, size_t len)
{
	uint64_t n = reader->content.n;

	if (offset >= n)
		return 0;
	return len > n - offset ? (size_t)(n - offset) : len;
}

emr_status emr_content_reader_read(
	emr_content_reader *reader, uint64_t offset, void *buffer, size_t len, size_t *out_got)
{
	uint8_t *out = buffer;
	size_t got = 0;

	len = clip_to_file(reader, offset, len);
	while (got < len) {
		size_t from = (size_t)((offset + got) & (EMR_LEAF_BYTES - 1));
		size_t take = EMR_LEAF_BYTES - from < len - got ? EMR_LEAF_BYTES - from : len - got;
		record_leaf_source source;
		emr_status status =
			find_leaf(reader, (offset + got) >> EMR_LEAF_LOG2, &source, NULL);

		if (status == EMR_OK && is_hole(&source))
			memset(out + got, 0, take);
		else if (status == EMR_OK)
			status = record_leaf_read(&source, from, take, out + got);
		if (status != EMR_OK)
			return status;
		got += take;
	}
	*out_got = len;
	return EMR_OK;
}

emr_status emr_content_reader_run(
	emr_content_reader *reader, uint64_t *leaf, size_t max, emr_unixfs_run *out)
{
	const emr_unixfs_shape *shape = emr_unixfs_tree_shape(reader->tree);
	const uint64_t end = (reader->content.n + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;
	uint64_t next = *leaf;
	emr_status status = EMR_OK;

	*out = (emr_unixfs_run){.root = reader->content.c, .leaf_bytes = shape->leaf_bytes};
	while (out->count < max && out->count < EMR_UNIXFS_RUN_MAX && next < end) {
		record_leaf_source source;

		status = record_reader_next(reader, next, false, &next, NULL);
		if (status == EMR_OK && next < end && (out->count == 0 || next == *leaf))
			status = find_leaf(reader, next, &source, NULL);
		if (status != EMR_OK || next >= end || (out->count > 0 && next != *leaf))
			break;
		if (out->count == 0)
			out->at = next * shape->leaf_bytes;
		out->leaves[out->count++] = source.cid;
		out->last_bytes = emr_unixfs_leaf_bytes(shape, next);
		*leaf = ++next;
	}
	return status;
}

/* ---- Holes ---- */

emr_status record_reader_next(emr_content_reader *reader, uint64_t leaf, bool wants_hole,
	uint64_t *out_leaf, emr_cid *out_missing)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	emr_status status;

	if (!has_holes(reader) || leaf >= leaves) {
		*out_leaf = wants_hole || leaf >= leaves ? leaves : leaf;
		return EMR_OK;
	}
	status = emr_unixfs_tree_seek(reader->tree, leaf, wants_hole, out_leaf, out_missing);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

emr_status emr_content_reader_seek(
	emr_content_reader *reader, uint64_t offset, bool wants_hole, uint64_t *out_offset)
{
	uint64_t leaf = offset >> EMR_LEAF_LOG2, found;

	if (offset >= reader->content.n)
		return EMR_NOT_FOUND;
	EMR_TRY(record_reader_next(reader, leaf, wants_hole, &found, NULL));
	return record_seek_to(reader->content.n, offset, found, wants_hole, out_offset);
}

emr_status record_seek_to(
	uint64_t size, uint64_t offset, uint64_t leaf, bool wants_hole, uint64_t *out_offset)
{
	uint64_t at = leaf << EMR_LEAF_LOG2;

	if (at >= size && !wants_hole)
		return EMR_NOT_FOUND;
	*out_offset = at >= size ? size : at > offset ? at : offset;
	return EMR_OK;
}

/* ---- The whole ---- */

emr_status emr_content_reader_present(
	emr_content_reader *reader, bool *out_present, emr_cid *out_missing)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	emr_cid missing = reader->content.c;
	uint64_t leaf = 0;

	for (;; leaf++) {
		record_leaf_source source;
		emr_status status = record_reader_next(reader, leaf, false, &leaf, &missing);

		if (status == EMR_OK && leaf == leaves)
			break;
		if (status == EMR_OK)
			status = find_leaf(reader, leaf, &source, &missing);
		if (status != EMR_OK && status != EMR_MISSING_DATA)
			return status;
		if (status == EMR_OK) {
			missing = source.cid;
			if (emr_block_store_has(reader->ctx->options.store, &source.cid))
				continue;
		}
		if (out_missing != NULL)
			*out_missing = missing;
		*out_present = false;
		return EMR_OK;
	}
	*out_present = true;
	return EMR_OK;
}

/* Where a leaf lies in the file: how many of its bytes are the file's. */
static size_t file_part(const emr_content_reader *reader, uint64_t leaf)
{
	uint64_t start = leaf << EMR_LEAF_LOG2, n = reader->content.n;

	return n <= start ? 0 : n - start < EMR_LEAF_BYTES ? (size_t)(n - start) : EMR_LEAF_BYTES;
}

/* The findings of a verification so far. */
typedef struct verifying {
	emr_content_reader *reader;
	emr_buf sealed;
	uint8_t *plain; /* EMR_LEAF_BYTES */
	emr_merkle_frontier tree;
	uint64_t holes;
} verifying;

/* One leaf from the store: CID, tags, the zeros after the file; its segment joins the tree. */
static emr_status verify_leaf(verifying *v, uint64_t leaf)
{
	emr_content_reader *reader = v->reader;
	size_t file_len = file_part(reader, leaf);
	record_leaf_source source;
	uint8_t segment[32];

	EMR_TRY(find_leaf(reader, leaf, &source, NULL));
	EMR_TRY(record_leaf_read_stored(&source, &v->sealed, v->plain));
	if (!record_is_zeros(v->plain + file_len, source.stream_len - file_len))
		return EMR_DAMAGED;
	if (has_holes(reader) && file_len == 0 && source.stream_len == EMR_LEAF_BYTES)
		return EMR_DAMAGED; /* padding between the file and the last leaf is a hole, too */
	if (has_holes(reader) && file_len > 0 && record_is_zeros(v->plain, file_len)) {
		record_append_holes(&v->tree, reader->content.hk, 1);
	} else if (file_len > 0) {
		record_segment_hash(reader->content.hk, leaf, v->plain, file_len, segment);
		emr_merkle_append(&v->tree, segment);
	}
	return EMR_OK;
}

/* The leaves from FROM to TO are holes. */
static void verify_holes(verifying *v, uint64_t from, uint64_t to)
{
	uint64_t file_leaves = (v->reader->content.n + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;

	v->holes += to - from;
	if (to > file_leaves)
		to = file_leaves;
	if (from < to)
		record_append_holes(&v->tree, v->reader->content.hk, to - from);
}

static emr_status verify_leaves(verifying *v)
{
	uint64_t leaves = emr_leaf_count(v->reader->content.padded);
	uint64_t leaf = 0, next;

	for (; leaf < leaves; leaf = next + 1) {
		EMR_TRY(record_reader_next(v->reader, leaf, false, &next, NULL));
		verify_holes(v, leaf, next);
		if (next < leaves)
			EMR_TRY(verify_leaf(v, next));
	}
	if (v->holes != v->reader->content.holes)
		return EMR_DAMAGED;
	return EMR_OK;
}

emr_status emr_content_reader_verify(emr_content_reader *reader)
{
	verifying v = {.reader = reader, .plain = malloc(EMR_LEAF_BYTES)};
	uint8_t root[32];
	emr_status status = v.plain != NULL ? verify_leaves(&v) : EMR_NO_MEMORY;

	if (v.plain != NULL)
		emr_wipe(v.plain, EMR_LEAF_BYTES);
	free(v.plain);
	emr_buf_free(&v.sealed);
	if (status != EMR_OK)
		return status;
	emr_merkle_frontier_root(&v.tree, root);
	return memcmp(root, reader->content.root, sizeof root) == 0 ? EMR_OK : EMR_BAD_SIGNATURE;
}
