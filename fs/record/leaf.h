/* A leaf is one raw block that holds 16 encrypted chunks of a content. These functions seal and
 * open one. It refuses to give out a chunk whose tag does not fit, or a block that is shorter than
 * its place in the stream says. */
#pragma once

#include "crypto/merkle.h"
#include "ctx.h"
#include "store/block_store.h"

/* A sealed leaf as its tree will name it, and the Merkle leaf of its plaintext segment. */
typedef struct record_sealed_leaf {
	uint8_t digest[32];  /* of the raw block */
	uint8_t segment[32]; /* valid when has_segment */
	bool has_segment;    /* false for a leaf of padding only */
	bool is_zeros;	     /* its file bytes are: in a content with holes its segment is theirs */
} record_sealed_leaf;

/* The facts that sealing one content needs, the same for all of its leaves. */
typedef struct record_sealer {
	emr_chunk_cipher *cipher;
	const uint8_t *hk; /* 32 bytes */
	emr_record_ctx *ctx;
	record_fresh *fresh; /* notes every leaf before it is put; NULL: nobody reclaims */
} record_sealer;

/* SHA-256(0x00 || hk || u64 index || segment). */
void record_segment_hash(
	const uint8_t hk[32], uint64_t leaf, const uint8_t *plain, size_t len, uint8_t out[32]);
void record_append_holes(emr_merkle_frontier *tree, const uint8_t hk[32], uint64_t count);
bool record_is_zeros(const uint8_t *bytes, size_t len);
/* PLAIN holds STREAM_LEN bytes, of which the first FILE_LEN are the file's and the rest zeros.
 * Hashes, seals, appends. SEALED has room for the block. */
emr_status record_leaf_seal(const record_sealer *sealer, uint64_t leaf, const uint8_t *plain,
	size_t file_len, size_t stream_len, uint8_t *sealed, record_sealed_leaf *out);

/* The name of a sealed leaf, and how it opens. */
typedef struct record_leaf_source {
	emr_record_ctx *ctx;
	emr_chunk_cipher *cipher;
	emr_cid cid;
	uint64_t leaf;
	size_t stream_len; /* plaintext bytes in it */
} record_leaf_source;

/* LEN plaintext bytes from FROM within the leaf: out of units of it that this computer knows, or of
 * a copy of the whole block whose hash was its CID (held.h), which makes them known.  EMR_DAMAGED,
 * EMR_MISSING_DATA, EMR_IO, EMR_NO_MEMORY. */
emr_status record_leaf_read(
	const record_leaf_source *source, size_t from, size_t len, uint8_t *out);
/* The whole leaf, all STREAM_LEN bytes of it, as the store has it now, whatever copy is held;
 * SEALED is room that the next call may use again. */
emr_status record_leaf_read_stored(const record_leaf_source *source, emr_buf *sealed, uint8_t *out);
