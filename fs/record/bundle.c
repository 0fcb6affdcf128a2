/* A bundle is the block that one version of a record is known by: the link to its content and
 * the sealed manifest. This file builds it when a version is saved and opens it when it is read;
 * it refuses a bundle that belongs to another record, another version or another content. */
#include "record/content.h"

#include <sodium.h>

#include "base/codec.h"
#include "ctx.h"
#include "format_checks.h"
#include "store/unixfs.h"

#define M_AAD_BYTES (EMR_M_HEADER_BYTES + 16 + 8)

/* m[0..99] || record_id || u64 cver */
static void manifest_aad(const uint8_t header[EMR_M_HEADER_BYTES], emr_id16 record_id,
	uint64_t cver, uint8_t out[M_AAD_BYTES])
{
	memcpy(out, header, EMR_M_HEADER_BYTES);
	memcpy(out + EMR_M_HEADER_BYTES, record_id.b, 16);
	emr_put_u64(out + EMR_M_HEADER_BYTES + 16, cver);
}

/* ---- Building ---- */

static emr_status build_m(const emr_content *content, const emr_content_key *key,
	const emr_bundle_facts *facts, uint8_t out[EMR_M_BYTES])
{
	emr_m_header header = {.suite = content->suite,
		.leaf_log2 = content->leaf_log2,
		.flags = content->flags,
		.padded = content->padded};
	emr_manifest manifest = {.n = content->n,
		.mtime_ns = facts->mtime_ns,
		.mime = facts->mime,
		.doc = facts->doc,
		.holes = content->holes,
		.has_statement = facts->statement != NULL};
	uint8_t plain[EMR_MANIFEST_BYTES], aad[M_AAD_BYTES];
	emr_status status;

	memcpy(header.salt, content->salt, sizeof header.salt);
	memcpy(header.com, content->com, sizeof header.com);
	randombytes_buf(header.nonce, sizeof header.nonce);
	memcpy(manifest.hk, content->hk, sizeof manifest.hk);
	memcpy(manifest.root, content->root, sizeof manifest.root);
	if (manifest.has_statement) {
		memcpy(manifest.statement, facts->statement, EMR_STATEMENT_BYTES);
		memcpy(manifest.sig, facts->sig, sizeof manifest.sig);
	}
	status = emr_manifest_encode(&manifest, plain);
	if (status != EMR_OK) {
		emr_wipe(plain, sizeof plain);
		return status;
	}
	emr_m_header_encode(&header, out);
	manifest_aad(out, facts->record_id, facts->cver, aad);
	status = emr_content_key_manifest_seal(key, header.nonce, emr_bytes_of(aad, sizeof aad),
		emr_bytes_of(plain, sizeof plain), out + EMR_M_HEADER_BYTES);
	emr_wipe(plain, sizeof plain);
	return status;
}

/* So that a reclaim keeps them until whoever holds bundles has pinned them. */
static emr_status note_held(emr_record_ctx *ctx, const emr_block *blocks, size_t count)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&ctx->fresh_lock);

	for (size_t i = 0; ctx->holders > 0 && i < count && status == EMR_OK; i++)
		status = emr_buf_append(&ctx->bundles.cids, &blocks[i].cid, sizeof blocks[i].cid);
	return status;
}

emr_status emr_record_hold_content(emr_record_ctx *ctx, const emr_content *content)
{
	const emr_block root = {.cid = content->c};

	return note_held(ctx, &root, 1);
}

emr_status emr_bundle_build(emr_record_ctx *ctx, const emr_content *content,
	const emr_content_key *key, const emr_bundle_facts *facts, emr_cid *out_root)
{
	EMR_AUTO_BUF directory = {0};
	emr_unixfs_shape shape;
	emr_unixfs_link link;
	emr_unixfs_bundle bundle = {.content = content->c, .manifest_bytes = EMR_M_BYTES};
	uint8_t m[EMR_M_BYTES];
	emr_block blocks[2];

	EMR_TRY(record_content_check(content));
	EMR_TRY(emr_unixfs_shape_of(content->padded, content->leaf_log2, &shape));
	EMR_TRY(build_m(content, key, facts, m));
	bundle.content_tsize = emr_unixfs_tsize_of(&shape);
	bundle.manifest = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(m, sizeof m));
	EMR_TRY(emr_unixfs_bundle_encode(&bundle, &directory, &link));
	blocks[0] = (emr_block){.cid = bundle.manifest, .data = emr_bytes_of(m, sizeof m)};
	blocks[1] = (emr_block){.cid = link.cid, .data = emr_buf_view(&directory)};
	EMR_TRY(note_held(ctx, blocks, 2));
	EMR_TRY(emr_block_store_put(ctx->options.store, blocks, 2));
	*out_root = link.cid;
	return EMR_OK;
}

/* ---- Opening ---- */

static emr_status fetch_block(emr_record_ctx *ctx, const emr_cid *cid, emr_buf *out)
{
	emr_status status = emr_block_store_get_verified(ctx->options.store, cid, out);

	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static emr_status check_commitment(const emr_content_key *key, const emr_m_header *header)
{
	emr_chunk_cipher *cipher;
	uint8_t com[EMR_CHUNK_COM_BYTES];
	emr_status status;

	EMR_TRY(emr_content_key_cipher(key, header->suite, header->salt, &cipher, com));
	status = emr_chunk_cipher_check(cipher, header->com);
	emr_chunk_cipher_free(cipher);
	return status;
}

/* The tree under c has the one shape and size that L' allows. */
static emr_status check_shape(const emr_m_header *header, const emr_unixfs_bundle *links)
{
	emr_unixfs_shape shape;
	emr_status status = emr_unixfs_shape_of(header->padded, header->leaf_log2, &shape);
	emr_codec wanted;

	if (status != EMR_OK)
		return status == EMR_INVALID ? EMR_DAMAGED : status;
	wanted = shape.height == 0 ? EMR_CODEC_RAW : EMR_CODEC_DAG_PB;
	if (emr_cid_codec(&links->content) != wanted ||
		links->content_tsize != emr_unixfs_tsize_of(&shape))
		return EMR_DAMAGED;
	return EMR_OK;
}

static emr_status take_manifest(const emr_m_header *header, const emr_unixfs_bundle *links,
	const emr_manifest *manifest, emr_bundle *out)
{
	emr_bundle bundle = {0};
	emr_content *content = &bundle.content;

	content->n = manifest->n;
	content->padded = header->padded;
	content->suite = header->suite;
	content->leaf_log2 = header->leaf_log2;
	content->flags = header->flags;
	content->holes = manifest->holes;
	memcpy(content->salt, header->salt, sizeof content->salt);
	memcpy(content->com, header->com, sizeof content->com);
	memcpy(content->hk, manifest->hk, sizeof content->hk);
	memcpy(content->root, manifest->root, sizeof content->root);
	content->c = links->content;
	bundle.mtime_ns = manifest->mtime_ns;
	bundle.mime_len = (uint8_t)manifest->mime.len;
	bundle.doc_len = (uint8_t)manifest->doc.len;
	if (manifest->mime.len > 0)
		memcpy(bundle.mime, manifest->mime.data, manifest->mime.len);
	if (manifest->doc.len > 0)
		memcpy(bundle.doc, manifest->doc.data, manifest->doc.len);
	bundle.has_statement = manifest->has_statement;
	if (bundle.has_statement) {
		memcpy(bundle.statement_bytes, manifest->statement, EMR_STATEMENT_BYTES);
		memcpy(bundle.sig, manifest->sig, sizeof bundle.sig);
		EMR_TRY(emr_statement_decode(bundle.statement_bytes, &bundle.statement));
	}
	EMR_TRY(record_content_check(content));
	*out = bundle;
	return EMR_OK;
}

static emr_status open_manifest(const emr_content_key *key, emr_bytes m, emr_id16 record_id,
	uint64_t cver, const emr_unixfs_bundle *links, emr_bundle *out)
{
	uint8_t aad[M_AAD_BYTES], plain[EMR_MANIFEST_BYTES];
	emr_m_header header;
	emr_manifest manifest;
	emr_bytes sealed;
	emr_status status;

	EMR_TRY(emr_m_header_decode(m, &header, &sealed));
	EMR_TRY(check_commitment(key, &header));
	manifest_aad(m.data, record_id, cver, aad);
	status = emr_content_key_manifest_open(
		key, header.nonce, emr_bytes_of(aad, sizeof aad), sealed, plain);
	if (status == EMR_OK)
		status = emr_manifest_decode(emr_bytes_of(plain, sizeof plain), &manifest);
	if (status == EMR_OK)
		status = check_shape(&header, links);
	if (status == EMR_OK)
		status = take_manifest(&header, links, &manifest, out);
	emr_wipe(plain, sizeof plain);
	return status;
}

emr_status emr_bundle_open(emr_record_ctx *ctx, const emr_cid *root, const emr_content_key *key,
	emr_id16 record_id, uint64_t cver, emr_bundle *out_bundle)
{
	EMR_AUTO_BUF directory = {0};
	EMR_AUTO_BUF m = {0};
	emr_unixfs_bundle links;

	if (emr_cid_codec(root) != EMR_CODEC_DAG_PB)
		return EMR_DAMAGED;
	EMR_TRY(fetch_block(ctx, root, &directory));
	EMR_TRY(emr_unixfs_bundle_decode(emr_buf_view(&directory), &links));
	EMR_TRY(fetch_block(ctx, &links.manifest, &m));
	return open_manifest(key, emr_buf_view(&m), record_id, cver, &links, out_bundle);
}
