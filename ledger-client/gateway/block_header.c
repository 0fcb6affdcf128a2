/* This file writes a block's header as DER, and hashes it: the next block names this hash, and
 * orderers sign the header. */
#include <string.h>

#include "base/codec.h"
#include "crypto/hashsig.h"
#include "gateway_private.h"

/* SEQUENCE of INTEGER, OCTET STRING, OCTET STRING; all lengths are below 128. */
size_t block_header_der(
	uint64_t number, emr_bytes previous, emr_bytes data_hash, uint8_t der[BLOCK_HEADER_DER_MAX])
{
	uint8_t digits[9] = {0};
	size_t first = 1, n = 2;

	emr_put_u64(digits + 1, number);
	while (first < 8 && digits[first] == 0)
		first++;
	if ((digits[first] & 0x80) != 0)
		first--; /* the number is not negative */
	der[n++] = 0x02;
	der[n++] = (uint8_t)(sizeof digits - first);
	memcpy(der + n, digits + first, sizeof digits - first);
	n += sizeof digits - first;
	der[n++] = 0x04;
	der[n++] = (uint8_t)previous.len;
	if (previous.len > 0)
		memcpy(der + n, previous.data, previous.len);
	n += previous.len;
	der[n++] = 0x04;
	der[n++] = (uint8_t)data_hash.len;
	memcpy(der + n, data_hash.data, data_hash.len);
	n += data_hash.len;
	der[0] = 0x30;
	der[1] = (uint8_t)(n - 2);
	return n;
}

void block_hash(uint64_t number, emr_bytes previous, emr_bytes data_hash, uint8_t out[32])
{
	uint8_t der[BLOCK_HEADER_DER_MAX];

	emr_sha256(der, block_header_der(number, previous, data_hash, der), out);
}
