/* A CID names a block by its hash. emrfs uses CIDv1 with SHA-256, for raw and dag-pb blocks, as 36
 * bytes by value. It refuses every other version, codec, hash, base and spelling: one block has
 * one name here. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"

#define EMR_CID_BYTES 36
#define EMR_CID_TEXT_CHARS 59 /* without the final NUL */

typedef enum emr_codec {
	EMR_CODEC_RAW = 0x55,
	EMR_CODEC_DAG_PB = 0x70,
} emr_codec;

/* 01 | codec | 12 20 | SHA-256 of the block (multiformats CID specification, sha2-256 multihash).
 */
typedef struct emr_cid {
	uint8_t b[EMR_CID_BYTES];
} emr_cid;

/* Hashes BLOCK.  Thread-safe, like everything here. */
emr_cid emr_cid_of_block(emr_codec codec, emr_bytes block);
/* When the SHA-256 of the block is known already. */
emr_cid emr_cid_of_digest(emr_codec codec, const uint8_t digest[32]);
/* EMR_DAMAGED unless BLOCK is the block that CID names. */
emr_status emr_cid_verify(const emr_cid *cid, emr_bytes block);

/* Exactly the 36 bytes above; EMR_INVALID for anything else. */
emr_status emr_cid_parse(emr_bytes bytes, emr_cid *out_cid);
/* "b" and lower-case RFC 4648 base32 without padding, exactly 59 characters and the NUL;
 * EMR_INVALID. */
emr_status emr_cid_parse_text(const char *text, emr_cid *out_cid);
void emr_cid_text(const emr_cid *cid, char out[EMR_CID_TEXT_CHARS + 1]);

static inline emr_codec emr_cid_codec(const emr_cid *cid)
{
	return (emr_codec)cid->b[1];
}
static inline const uint8_t *emr_cid_digest(const emr_cid *cid)
{
	return cid->b + 4;
}
static inline bool emr_cid_equal(const emr_cid *x, const emr_cid *y)
{
	return memcmp(x->b, y->b, EMR_CID_BYTES) == 0;
}
