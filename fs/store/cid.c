/* This file makes, checks and spells CIDs, the hashes by which blocks are named. It accepts
 * exactly one spelling of each, in bytes and as text. It refuses every other kind. */
#include "store/cid.h"

#include "crypto/hashsig.h"

static const uint8_t sha256_multihash[2] = {0x12, 0x20};

static int base32_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

emr_cid emr_cid_of_digest(emr_codec codec, const uint8_t digest[32])
{
	emr_cid cid = {{0x01, (uint8_t)codec}};

	memcpy(cid.b + 2, sha256_multihash, sizeof sha256_multihash);
	memcpy(cid.b + 4, digest, 32);
	return cid;
}

emr_cid emr_cid_of_block(emr_codec codec, emr_bytes block)
{
	uint8_t digest[32];

	emr_sha256(block.data, block.len, digest);
	return emr_cid_of_digest(codec, digest);
}

emr_status emr_cid_verify(const emr_cid *cid, emr_bytes block)
{
	uint8_t digest[32];

	emr_sha256(block.data, block.len, digest);
	return memcmp(digest, emr_cid_digest(cid), sizeof digest) == 0 ? EMR_OK : EMR_DAMAGED;
}

emr_status emr_cid_parse(emr_bytes bytes, emr_cid *out_cid)
{
	if (bytes.len != EMR_CID_BYTES || bytes.data[0] != 0x01)
		return EMR_INVALID;
	if (bytes.data[1] != EMR_CODEC_RAW && bytes.data[1] != EMR_CODEC_DAG_PB)
		return EMR_INVALID;
	if (memcmp(bytes.data + 2, sha256_multihash, sizeof sha256_multihash) != 0)
		return EMR_INVALID;
	memcpy(out_cid->b, bytes.data, EMR_CID_BYTES);
	return EMR_OK;
}

emr_status emr_cid_parse_text(const char *text, emr_cid *out_cid)
{
	uint8_t bytes[EMR_CID_BYTES];
	uint32_t bits = 0;
	size_t have = 0;
	size_t at = 0;

	if (strnlen(text, EMR_CID_TEXT_CHARS + 1) != EMR_CID_TEXT_CHARS || text[0] != 'b')
		return EMR_INVALID;
	for (size_t i = 1; i < EMR_CID_TEXT_CHARS; i++) {
		int value = base32_value(text[i]);

		if (value < 0)
			return EMR_INVALID;
		bits = bits << 5 | (uint32_t)value;
		have += 5;
		if (have >= 8 && at < sizeof bytes) {
			have -= 8;
			bytes[at++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	/* 58 digits carry 290 bits; the two left over must be zero or the text has a twin. */
	if (at != sizeof bytes || bits != 0)
		return EMR_INVALID;
	return emr_cid_parse(emr_bytes_of(bytes, sizeof bytes), out_cid);
}

void emr_cid_text(const emr_cid *cid, char out[EMR_CID_TEXT_CHARS + 1])
{
	out[0] = 'b';
	emr_base32(cid->b, EMR_CID_BYTES, out + 1);
}
