/* This file reads any range of a saved content: it finds the encrypted piece, has it checked,
 * and gives out the plain bytes. It can also verify the whole content against the hash that was
 * signed. */
#include "reader.h"

#include <stdlib.h>

#include "crypto/merkle.h"
#include "format_checks.h"
#include "leaf.h"

/* ---- Opening ---- */

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
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

/* The stream's end is there, and what follows the file in its last chunk is zeros. */
static emr_status check_last_chunk(emr_content_reader *reader)
{
	uint64_t at = (reader->content.padded - 1) / EMR_CHUNK_BYTES * EMR_CHUNK_BYTES;
	size_t len = (size_t)(reader->content.padded - at);
	size_t file_part = reader->content.n > at ? (size_t)(reader->content.n - at) : 0;
	record_leaf_source source;
	uint8_t chunk[EMR_CHUNK_BYTES];
	emr_status status;

	status = find_leaf(reader, at >> EMR_LEAF_LOG2, &source, NULL);
	if (status == EMR_OK)
		status = record_leaf_read(&source, (size_t)(at & (EMR_LEAF_BYTES - 1)), len, chunk);
	if (status == EMR_OK && !is_zero(chunk + file_part, len - file_part))
		status = EMR_DAMAGED;
	return status;
}

static emr_status open_parts(emr_content_reader *reader, const emr_content_key *key)
{
	const emr_content *content = &reader->content;
	uint8_t com[EMR_CHUNK_COM_BYTES];
	emr_status status;

	status = emr_content_key_cipher(key, content->suite, content->salt, &reader->cipher, com);
	if (status != EMR_OK)
		return status;
	status = emr_chunk_cipher_check(reader->cipher, content->com);
	if (status != EMR_OK)
		return status;
	status = emr_unixfs_tree_open(reader->ctx->options.store, &content->c, content->padded,
		content->leaf_log2, &reader->tree);
	if (status != EMR_OK)
		return status;
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
	emr_status status = record_content_check(content);

	if (status == EMR_OK)
		status = new_reader(ctx, content, &reader);
	if (status != EMR_OK)
		return status;
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
	emr_status status = new_reader(ctx, content, &reader);

	if (status != EMR_OK)
		return status;
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

		if (status == EMR_OK)
			status = record_leaf_read(&source, from, take, out + got);
		if (status != EMR_OK)
			return status;
		got += take;
	}
	*out_got = len;
	return EMR_OK;
}

/* ---- The whole ---- */

emr_status emr_content_reader_present(
	emr_content_reader *reader, bool *out_present, emr_cid *out_missing)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	emr_cid missing = reader->content.c;

	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		record_leaf_source source;
		emr_status status = find_leaf(reader, leaf, &source, &missing);

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

/* One leaf from the store: CID, tags, the zeros after the file; its segment joins the tree. */
static emr_status verify_leaf(emr_content_reader *reader, uint64_t leaf, emr_buf *sealed,
	uint8_t *plain, emr_merkle_frontier *tree)
{
	uint64_t start = leaf << EMR_LEAF_LOG2;
	uint64_t n = reader->content.n;
	size_t file_len = n <= start		       ? 0
			  : n - start < EMR_LEAF_BYTES ? (size_t)(n - start)
						       : EMR_LEAF_BYTES;
	record_leaf_source source;
	uint8_t segment[32];
	emr_status status;

	status = find_leaf(reader, leaf, &source, NULL);
	if (status == EMR_OK)
		status = record_leaf_read_stored(&source, sealed, plain);
	if (status != EMR_OK)
		return status;
	if (!is_zero(plain + file_len, source.stream_len - file_len))
		return EMR_DAMAGED;
	if (file_len > 0) {
		record_segment_hash(reader->content.hk, leaf, plain, file_len, segment);
		emr_merkle_append(tree, segment);
	}
	return EMR_OK;
}

emr_status emr_content_reader_verify(emr_content_reader *reader)
{
	uint64_t leaves = emr_leaf_count(reader->content.padded);
	EMR_AUTO_BUF sealed = {0};
	EMR_AUTO_FREE uint8_t *plain = malloc(EMR_LEAF_BYTES);
	emr_merkle_frontier tree = {0};
	uint8_t root[32];
	emr_status status = plain != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (uint64_t leaf = 0; leaf < leaves && status == EMR_OK; leaf++)
		status = verify_leaf(reader, leaf, &sealed, plain, &tree);
	if (plain != NULL)
		emr_wipe(plain, EMR_LEAF_BYTES);
	if (status != EMR_OK)
		return status;
	emr_merkle_frontier_root(&tree, root);
	return memcmp(root, reader->content.root, sizeof root) == 0 ? EMR_OK : EMR_BAD_SIGNATURE;
}
