/* This file turns a finished content into the bytes that the journal keeps and back, and seals
 * its key for this computer until it is published. */
#include "record/content.h"

#include "base/codec.h"
#include "ctx.h"
#include "format_checks.h"

/* 0 version=1, 2 with holes | 1 suite | 2 leaf_log2 | 3 flags | 4 has_dek | 5 0[3] | 8 n | 16 L' |
 * 24 salt[24] | 48 com | 80 hk | 112 root | 144 CID[36] | 180 sealed DEK[72] | 252 holes u32 | 256
 * 0[24] */
void emr_content_encode(const emr_content *content, uint8_t out[EMR_CONTENT_ENCODED_BYTES])
{
	memset(out, 0, EMR_CONTENT_ENCODED_BYTES);
	out[0] = content->holes > 0 ? 2 : 1;
	out[1] = content->suite;
	out[2] = content->leaf_log2;
	out[3] = content->flags;
	out[4] = content->has_dek;
	emr_put_u64(out + 8, content->n);
	emr_put_u64(out + 16, content->padded);
	memcpy(out + 24, content->salt, 24);
	memcpy(out + 48, content->com, 32);
	memcpy(out + 80, content->hk, 32);
	memcpy(out + 112, content->root, 32);
	memcpy(out + 144, content->c.b, EMR_CID_BYTES);
	if (content->has_dek)
		memcpy(out + 180, content->sealed_dek, EMR_SEALED_DEK_BYTES);
	emr_put_u32(out + 252, content->holes);
}

uint32_t emr_content_stored_leaves(const emr_content *content)
{
	uint64_t leaves = emr_leaf_count(content->padded);

	return content->holes == 0 ? 0 : (uint32_t)(leaves - content->holes);
}

uint64_t emr_content_stored(const emr_content *content)
{
	uint64_t stored = (uint64_t)emr_content_stored_leaves(content) << EMR_LEAF_LOG2;

	return content->holes == 0 || stored > content->n ? content->n : stored;
}

emr_status record_content_check(const emr_content *content)
{
	bool pow2 = (content->flags & EMR_M_FLAG_POW2) != 0;
	bool has_holes = (content->flags & EMR_M_FLAG_HOLES) != 0;

	if (content->suite != EMR_SUITE_AES_256_GCM &&
		content->suite != EMR_SUITE_CHACHA20_POLY1305)
		return EMR_UNSUPPORTED;
	if (content->leaf_log2 != EMR_LEAF_LOG2 || (content->flags & ~RECORD_FLAGS) != 0)
		return EMR_DAMAGED;
	if (content->n > EMR_RECORD_MAX_BYTES)
		return EMR_LIMIT;
	if (emr_padded_len(content->n, pow2) != content->padded)
		return EMR_DAMAGED;
	/* The last leaf never is one. */
	return has_holes == (content->holes > 0) && content->holes < emr_leaf_count(content->padded)
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status emr_content_decode(emr_bytes bytes, emr_content *out_content)
{
	emr_content content = {0};
	emr_reader r = emr_reader_of(bytes);
	uint8_t has_dek, version;
	emr_bytes cid;

	if (bytes.len != EMR_CONTENT_ENCODED_BYTES)
		return EMR_DAMAGED;
	version = emr_read_u8(&r);
	if (version != 1 && version != 2)
		return version > 2 ? emr_newer_format(version, 2) : EMR_DAMAGED;
	content.suite = emr_read_u8(&r);
	content.leaf_log2 = emr_read_u8(&r);
	content.flags = emr_read_u8(&r);
	has_dek = emr_read_u8(&r);
	content.has_dek = has_dek == 1;
	emr_read_zeros(&r, 3);
	content.n = emr_read_u64(&r);
	content.padded = emr_read_u64(&r);
	emr_read_copy(&r, content.salt, 24);
	emr_read_copy(&r, content.com, 32);
	emr_read_copy(&r, content.hk, 32);
	emr_read_copy(&r, content.root, 32);
	cid = emr_read_bytes(&r, EMR_CID_BYTES);
	if (content.has_dek)
		emr_read_copy(&r, content.sealed_dek, EMR_SEALED_DEK_BYTES);
	else
		emr_read_zeros(&r, EMR_SEALED_DEK_BYTES);
	content.holes = emr_read_u32(&r);
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r) || has_dek > 1 || version != (content.holes > 0 ? 2 : 1) ||
		emr_cid_parse(cid, &content.c) != EMR_OK)
		return EMR_DAMAGED;
	EMR_TRY(record_content_check(&content));
	*out_content = content;
	return EMR_OK;
}

emr_status emr_content_keep_key(
	emr_record_ctx *ctx, emr_content *content, const emr_content_key *key)
{
	EMR_TRY(emr_content_key_seal_local(
		ctx->options.keyring, key, EMR_ID16_AT(content->salt), content->sealed_dek));
	content->has_dek = true;
	return EMR_OK;
}

emr_status emr_content_open_key(
	emr_record_ctx *ctx, const emr_content *content, emr_content_key **out_key)
{
	if (!content->has_dek)
		return EMR_NOT_FOUND;
	return emr_content_key_open_local(
		ctx->options.keyring, content->sealed_dek, EMR_ID16_AT(content->salt), out_key);
}
