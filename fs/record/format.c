/* This file is the byte format of records: padding that hides the exact length, the header, the
 * manifest, the signed statement, and the hashes over them. Every decoder refuses wrong lengths,
 * unknown versions and impossible values. */
#include "record/format.h"

#include "base/codec.h"
#include "crypto/chunk.h"
#include "crypto/hashsig.h"
#include "format_checks.h"

uint64_t emr_padded_len(uint64_t n, bool pow2)
{
	uint64_t len = n + 1; /* the stream must end with a chunk that is short and not empty */
	unsigned exponent, kept_bits;
	uint64_t mask;

	if (n < EMR_CHUNK_BYTES)
		return EMR_CHUNK_BYTES - 1;
	exponent = 63 - (unsigned)__builtin_clzll(len);
	if (pow2)
		return (len & (len - 1)) == 0 ? len - 1 : ((uint64_t)2 << exponent) - 1;
	kept_bits = 64 - (unsigned)__builtin_clzll(exponent);
	mask = ((uint64_t)1 << (exponent - kept_bits)) - 1;
	return ((len + mask) & ~mask) - 1;
}

uint64_t emr_leaf_count(uint64_t padded)
{
	return (padded + EMR_LEAF_BYTES - 1) >> EMR_LEAF_LOG2;
}

size_t emr_leaf_sealed_len(uint64_t padded, uint64_t index)
{
	uint64_t left = padded - (index << EMR_LEAF_LOG2);
	size_t chunks;

	if (left >= EMR_LEAF_BYTES)
		return EMR_LEAF_SEALED_BYTES;
	chunks = ((size_t)left + EMR_CHUNK_BYTES - 1) / EMR_CHUNK_BYTES;
	return (size_t)left + chunks * EMR_CHUNK_TAG_BYTES;
}

bool record_padded_is_possible(uint64_t padded, bool pow2)
{
	/* Both paddings are idempotent on padded + 1: the longest file with this L' is L' itself.
	 */
	return padded <= emr_padded_len(EMR_RECORD_MAX_BYTES, pow2) &&
	       emr_padded_len(padded, pow2) == padded;
}

/* ---- m ---- */

void emr_m_header_encode(const emr_m_header *header, uint8_t out[EMR_M_HEADER_BYTES])
{
	memcpy(out, "EMRF", 4);
	out[4] = header->flags & EMR_M_FLAG_HOLES ? 2 : 1;
	out[5] = header->suite;
	out[6] = header->leaf_log2;
	out[7] = header->flags;
	emr_put_u64(out + 8, header->padded);
	memcpy(out + 16, header->salt, 24);
	memcpy(out + 40, header->com, 32);
	memcpy(out + 72, header->nonce, 24);
	emr_put_u32(out + 96, EMR_MANIFEST_BYTES + 16);
}

static emr_status header_limits(const emr_m_header *header)
{
	if (header->suite != EMR_SUITE_AES_256_GCM && header->suite != EMR_SUITE_CHACHA20_POLY1305)
		return EMR_UNSUPPORTED;
	if (header->leaf_log2 == 19 || header->leaf_log2 == 20)
		return emr_newer_format(0, 0); /* reserved for bulk import */
	if (header->leaf_log2 != EMR_LEAF_LOG2 || (header->flags & ~RECORD_FLAGS) != 0)
		return EMR_DAMAGED;
	if (!record_padded_is_possible(header->padded, (header->flags & EMR_M_FLAG_POW2) != 0))
		return EMR_DAMAGED;
	return EMR_OK;
}

emr_status emr_m_header_decode(emr_bytes m, emr_m_header *out_header, emr_bytes *out_sealed)
{
	emr_m_header header = {0};
	emr_reader r = emr_reader_of(m);
	uint8_t version;
	uint32_t sealed_len;

	emr_read_magic(&r, "EMRF");
	version = emr_read_u8(&r);
	if (!r.bad && version > 2)
		return emr_newer_format(version, 2);
	header.suite = emr_read_u8(&r);
	header.leaf_log2 = emr_read_u8(&r);
	header.flags = emr_read_u8(&r);
	header.padded = emr_read_u64(&r);
	emr_read_copy(&r, header.salt, sizeof header.salt);
	emr_read_copy(&r, header.com, sizeof header.com);
	emr_read_copy(&r, header.nonce, sizeof header.nonce);
	sealed_len = emr_read_u32(&r);
	if (r.bad || version != (header.flags & EMR_M_FLAG_HOLES ? 2 : 1) || m.len != EMR_M_BYTES ||
		sealed_len != EMR_MANIFEST_BYTES + 16)
		return EMR_DAMAGED;
	EMR_TRY(header_limits(&header));
	*out_header = header;
	*out_sealed = emr_bytes_of(m.data + EMR_M_HEADER_BYTES, sealed_len);
	return EMR_OK;
}

/* ---- Manifest ---- */

#define MANIFEST_FIXED 96

emr_status emr_manifest_encode(const emr_manifest *manifest, uint8_t out[EMR_MANIFEST_BYTES])
{
	size_t at = MANIFEST_FIXED;

	if (manifest->mime.len > 255 || manifest->doc.len > 255)
		return EMR_LIMIT;
	memset(out, 0, EMR_MANIFEST_BYTES);
	memcpy(out, "EMRM", 4);
	out[4] = manifest->holes > 0 ? 2 : 1;
	out[6] = EMR_LEAF_LOG2;
	out[7] = (uint8_t)manifest->mime.len;
	emr_put_u64(out + 8, manifest->n);
	emr_put_u64(out + 16, (uint64_t)manifest->mtime_ns);
	memcpy(out + 24, manifest->hk, 32);
	memcpy(out + 56, manifest->root, 32);
	out[88] = (uint8_t)manifest->doc.len;
	emr_put_u16(out + 90, manifest->has_statement ? EMR_STATEMENT_BYTES : 0);
	emr_put_u32(out + 92, manifest->holes);
	if (manifest->mime.len > 0)
		memcpy(out + at, manifest->mime.data, manifest->mime.len);
	at += manifest->mime.len;
	if (manifest->doc.len > 0)
		memcpy(out + at, manifest->doc.data, manifest->doc.len);
	at += manifest->doc.len;
	if (manifest->has_statement) {
		memcpy(out + at, manifest->statement, EMR_STATEMENT_BYTES);
		memcpy(out + at + EMR_STATEMENT_BYTES, manifest->sig, 64);
	}
	return EMR_OK;
}

emr_status emr_manifest_decode(emr_bytes plain, emr_manifest *out)
{
	emr_manifest manifest = {0};
	emr_reader r = emr_reader_of(plain);
	uint8_t version, seg_log2, mime_len, doc_len;
	uint16_t statement_len;

	emr_read_magic(&r, "EMRM");
	version = emr_read_u8(&r);
	if (!r.bad && version > 2)
		return emr_newer_format(version, 2);
	emr_read_zeros(&r, 1);
	seg_log2 = emr_read_u8(&r);
	mime_len = emr_read_u8(&r);
	manifest.n = emr_read_u64(&r);
	manifest.mtime_ns = (int64_t)emr_read_u64(&r);
	emr_read_copy(&r, manifest.hk, 32);
	emr_read_copy(&r, manifest.root, 32);
	doc_len = emr_read_u8(&r);
	emr_read_zeros(&r, 1);
	statement_len = emr_read_u16(&r);
	manifest.holes = emr_read_u32(&r);
	manifest.mime = emr_read_bytes(&r, mime_len);
	manifest.doc = emr_read_bytes(&r, doc_len);
	manifest.has_statement = statement_len != 0;
	if (manifest.has_statement) {
		emr_read_copy(&r, manifest.statement, EMR_STATEMENT_BYTES);
		emr_read_copy(&r, manifest.sig, 64);
	}
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r) || version != (manifest.holes > 0 ? 2 : 1) ||
		plain.len != EMR_MANIFEST_BYTES || seg_log2 != EMR_LEAF_LOG2 ||
		(statement_len != 0 && statement_len != EMR_STATEMENT_BYTES))
		return EMR_DAMAGED;
	if (manifest.n > EMR_RECORD_MAX_BYTES)
		return EMR_LIMIT;
	*out = manifest;
	return EMR_OK;
}

/* ---- Hashes ---- */

void emr_content_hash(
	uint8_t suite, uint8_t leaf_log2, uint64_t padded, const emr_cid *c, uint8_t out[32])
{
	static const char label[] = "emrfs/v1/content"; /* with its NUL */
	uint8_t fixed[10] = {suite, leaf_log2};
	emr_sha256_ctx hash;

	emr_put_u64(fixed + 2, padded);
	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label);
	emr_sha256_update(&hash, fixed, sizeof fixed);
	emr_sha256_update(&hash, c->b, sizeof c->b);
	emr_sha256_final(&hash, out);
}

void emr_type_hash(emr_bytes mime, emr_bytes doc, uint8_t out[32])
{
	uint8_t lengths[2] = {(uint8_t)mime.len, (uint8_t)doc.len};
	emr_sha256_ctx hash;

	emr_sha256_init(&hash);
	emr_sha256_update(&hash, &lengths[0], 1);
	emr_sha256_update(&hash, mime.data, mime.len);
	emr_sha256_update(&hash, &lengths[1], 1);
	emr_sha256_update(&hash, doc.data, doc.len);
	emr_sha256_final(&hash, out);
}

void emr_pid_commit(const uint8_t r_pid[32], const uint8_t identity_pk[32], uint8_t out[32])
{
	emr_sha256_ctx hash;

	emr_sha256_init(&hash);
	emr_sha256_update(&hash, "emrfs/v1/pid", 12);
	emr_sha256_update(&hash, r_pid, 32);
	emr_sha256_update(&hash, identity_pk, 32);
	emr_sha256_final(&hash, out);
}

/* ---- Statement ---- */

static const char statement_label[14] = "emrfs-stmt-v1"; /* with its NUL */

void emr_statement_encode(const emr_statement *statement, uint8_t out[EMR_STATEMENT_BYTES])
{
	memcpy(out, statement_label, sizeof statement_label);
	out[14] = statement->alg;
	out[15] = statement->kind;
	memcpy(out + 16, statement->issuer_id, 32);
	memcpy(out + 48, statement->pid_commit, 32);
	memcpy(out + 80, statement->record_id.b, 16);
	emr_put_u64(out + 96, statement->cver);
	memcpy(out + 104, statement->prev, 32);
	memcpy(out + 136, statement->root, 32);
	emr_put_u64(out + 168, statement->n);
	memcpy(out + 176, statement->type_hash, 32);
	emr_put_u64(out + 208, statement->issued_at);
	emr_put_u64(out + 216, statement->issuer_seq);
	memcpy(out + 224, statement->cert_ref, 32);
	memcpy(out + 256, statement->content, 32);
	memcpy(out + 288, statement->com, 32);
}

emr_status emr_statement_decode(const uint8_t bytes[EMR_STATEMENT_BYTES], emr_statement *out)
{
	emr_statement statement = {.alg = bytes[14], .kind = bytes[15]};

	if (memcmp(bytes, statement_label, sizeof statement_label) != 0)
		return EMR_DAMAGED;
	if (statement.alg != EMR_STATEMENT_ED25519 && statement.alg != EMR_STATEMENT_P256)
		return EMR_UNSUPPORTED;
	if (statement.kind < EMR_STATEMENT_ORIGINAL || statement.kind > EMR_STATEMENT_ATTESTATION)
		return EMR_UNSUPPORTED;
	memcpy(statement.issuer_id, bytes + 16, 32);
	memcpy(statement.pid_commit, bytes + 48, 32);
	memcpy(statement.record_id.b, bytes + 80, 16);
	statement.cver = emr_get_u64(bytes + 96);
	memcpy(statement.prev, bytes + 104, 32);
	memcpy(statement.root, bytes + 136, 32);
	statement.n = emr_get_u64(bytes + 168);
	memcpy(statement.type_hash, bytes + 176, 32);
	statement.issued_at = emr_get_u64(bytes + 208);
	statement.issuer_seq = emr_get_u64(bytes + 216);
	memcpy(statement.cert_ref, bytes + 224, 32);
	memcpy(statement.content, bytes + 256, 32);
	memcpy(statement.com, bytes + 288, 32);
	if (statement.n > EMR_RECORD_MAX_BYTES)
		return EMR_LIMIT;
	*out = statement;
	return EMR_OK;
}
