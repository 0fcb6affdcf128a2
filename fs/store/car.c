/* This file writes the header and the section heads of CAR, the file format of IPFS for many
 * blocks, and reads the section heads of our own segments. It refuses other spellings and oversized
 * blocks. */
#include "store/car.h"

#include <string.h>

/* DAG-CBOR spelled out: map(2), "roots", array, each tag(42) bytes(37) 00 cid, "version", 1. */
static const uint8_t cbor_roots[] = {0xa2, 0x65, 'r', 'o', 'o', 't', 's'};
static const uint8_t cbor_version[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n'};
static const uint8_t cbor_root[] = {0xd8, 0x2a, 0x58, 0x25, 0x00};

static size_t put_array_head(uint8_t out[3], size_t count)
{
	if (count < 24) {
		out[0] = (uint8_t)(0x80 | count);
		return 1;
	}
	if (count < 256) {
		out[0] = 0x98;
		out[1] = (uint8_t)count;
		return 2;
	}
	out[0] = 0x99;
	out[1] = (uint8_t)(count >> 8);
	out[2] = (uint8_t)count;
	return 3;
}

emr_status emr_car_write_header(emr_buf *out, const emr_cid *roots, size_t count)
{
	uint8_t array[3];
	uint8_t varint[EMR_VARINT_MAX];
	size_t array_len = put_array_head(array, count);
	size_t body = sizeof cbor_roots + array_len + count * (sizeof cbor_root + EMR_CID_BYTES) +
		      sizeof cbor_version + 1;
	size_t varint_len = emr_varint_put(varint, body);

	if (count == 0)
		return EMR_INVALID;
	if (count > EMR_CAR_ROOTS_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_reserve(out, varint_len + body));
	EMR_TRY(emr_buf_append(out, varint, varint_len));
	EMR_TRY(emr_buf_append(out, cbor_roots, sizeof cbor_roots));
	EMR_TRY(emr_buf_append(out, array, array_len));
	for (size_t i = 0; i < count; i++) {
		EMR_TRY(emr_buf_append(out, cbor_root, sizeof cbor_root));
		EMR_TRY(emr_buf_append(out, roots[i].b, EMR_CID_BYTES));
	}
	EMR_TRY(emr_buf_append(out, cbor_version, sizeof cbor_version));
	return emr_buf_append(out, "\x01", 1);
}

size_t emr_car_section_head(uint8_t out[EMR_CAR_SECTION_HEAD_MAX], const emr_cid *cid, size_t len)
{
	size_t n = emr_varint_put(out, EMR_CID_BYTES + len);

	memcpy(out + n, cid->b, EMR_CID_BYTES);
	return n + EMR_CID_BYTES;
}

emr_status emr_car_read_section_head(emr_bytes data, emr_car_section *out_section)
{
	emr_car_section section;
	uint64_t len;
	size_t n;

	if (data.len > 0 && data.data[0] == 0)
		return EMR_NOT_FOUND;
	n = emr_varint_get(data.data, data.len, &len);
	if (n == 0)
		return data.len < EMR_VARINT_MAX ? EMR_RANGE : EMR_DAMAGED;
	if (len < EMR_CID_BYTES)
		return EMR_DAMAGED;
	if (len - EMR_CID_BYTES > EMR_BLOCK_MAX)
		return EMR_LIMIT;
	if (data.len - n < EMR_CID_BYTES)
		return EMR_RANGE;
	if (emr_cid_parse(emr_bytes_of(data.data + n, EMR_CID_BYTES), &section.cid) != EMR_OK)
		return EMR_DAMAGED;
	section.head_len = n + EMR_CID_BYTES;
	section.data_len = (size_t)len - EMR_CID_BYTES;
	*out_section = section;
	return EMR_OK;
}
