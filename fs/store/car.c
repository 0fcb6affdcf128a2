/* This file reads and writes CAR, the file format of IPFS for many blocks. It checks each block
 * against its hash and refuses other spellings, oversized blocks and more bytes than the caller
 * allows. */
#include "store/car.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
	emr_status status;

	if (count == 0)
		return EMR_INVALID;
	if (count > EMR_CAR_ROOTS_MAX)
		return EMR_LIMIT;
	status = emr_buf_reserve(out, varint_len + body);
	if (status == EMR_OK)
		status = emr_buf_append(out, varint, varint_len);
	if (status == EMR_OK)
		status = emr_buf_append(out, cbor_roots, sizeof cbor_roots);
	if (status == EMR_OK)
		status = emr_buf_append(out, array, array_len);
	for (size_t i = 0; status == EMR_OK && i < count; i++) {
		status = emr_buf_append(out, cbor_root, sizeof cbor_root);
		if (status == EMR_OK)
			status = emr_buf_append(out, roots[i].b, EMR_CID_BYTES);
	}
	if (status == EMR_OK)
		status = emr_buf_append(out, cbor_version, sizeof cbor_version);
	return status == EMR_OK ? emr_buf_append(out, "\x01", 1) : status;
}

size_t emr_car_section_head(uint8_t out[EMR_CAR_SECTION_HEAD_MAX], const emr_cid *cid, size_t len)
{
	size_t n = emr_varint_put(out, EMR_CID_BYTES + len);

	memcpy(out + n, cid->b, EMR_CID_BYTES);
	return n + EMR_CID_BYTES;
}

static bool car_expect(emr_bytes *rest, const uint8_t *expected, size_t len)
{
	if (rest->len < len || memcmp(rest->data, expected, len) != 0)
		return false;
	rest->data += len;
	rest->len -= len;
	return true;
}

static emr_status take_array_head(emr_bytes *rest, size_t *out_count)
{
	uint8_t again[3];
	size_t count, n;

	if (rest->len < 3)
		return EMR_DAMAGED;
	if ((rest->data[0] & 0xe0) == 0x80 && rest->data[0] < 0x98)
		count = rest->data[0] & 0x1f;
	else if (rest->data[0] == 0x98)
		count = rest->data[1];
	else if (rest->data[0] == 0x99)
		count = (size_t)rest->data[1] << 8 | rest->data[2];
	else
		return EMR_DAMAGED;
	if (count > EMR_CAR_ROOTS_MAX)
		return EMR_LIMIT;
	n = put_array_head(again, count);
	if (!car_expect(rest, again, n)) /* a longer spelling of the same number */
		return EMR_DAMAGED;
	*out_count = count;
	return EMR_OK;
}

static emr_status parse_header_body(emr_bytes rest, emr_cid *out_roots, size_t *out_count)
{
	size_t count;
	emr_status status;
	emr_cid root;

	if (rest.len > 0 && rest.data[0] == 0xa1 && rest.len >= 10 &&
		memcmp(rest.data + 1, cbor_version, sizeof cbor_version) == 0)
		return emr_newer_format(2, 1); /* the pragma of CARv2 */
	if (!car_expect(&rest, cbor_roots, sizeof cbor_roots))
		return EMR_DAMAGED;
	status = take_array_head(&rest, &count);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < count; i++) {
		if (!car_expect(&rest, cbor_root, sizeof cbor_root) || rest.len < EMR_CID_BYTES)
			return EMR_DAMAGED;
		if (emr_cid_parse(emr_bytes_of(rest.data, EMR_CID_BYTES), &root) != EMR_OK)
			return EMR_DAMAGED;
		car_expect(&rest, root.b, EMR_CID_BYTES);
		if (out_roots != NULL)
			out_roots[i] = root;
	}
	if (!car_expect(&rest, cbor_version, sizeof cbor_version) || rest.len != 1)
		return EMR_DAMAGED;
	if (rest.data[0] != 1)
		return emr_newer_format(rest.data[0], 1);
	*out_count = count;
	return EMR_OK;
}

emr_status emr_car_read_header(
	emr_bytes data, emr_cid *out_roots, size_t *out_count, size_t *out_len)
{
	uint64_t body;
	size_t n = emr_varint_get(data.data, data.len, &body);
	emr_status status;

	if (n == 0)
		return data.len < EMR_VARINT_MAX ? EMR_RANGE : EMR_DAMAGED;
	if (body > EMR_CAR_HEADER_MAX - EMR_VARINT_MAX)
		return EMR_LIMIT;
	if (body > data.len - n)
		return EMR_RANGE;
	status = parse_header_body(emr_bytes_of(data.data + n, (size_t)body), out_roots, out_count);
	if (status == EMR_OK)
		*out_len = n + (size_t)body;
	return status;
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

/* Reads on until BUF holds WANT bytes or the file ends. */
static emr_status car_read_on(int fd, emr_buf *buf, size_t want, uint64_t *budget)
{
	emr_status status;

	if (buf->len >= want)
		return EMR_OK;
	status = emr_buf_reserve(buf, want - buf->len);
	while (status == EMR_OK && buf->len < want) {
		ssize_t got = read(fd, buf->data + buf->len, want - buf->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return emr_status_from_errno(errno);
		if (got == 0)
			break;
		if ((uint64_t)got > *budget)
			return EMR_LIMIT;
		*budget -= (uint64_t)got;
		buf->len += (size_t)got;
	}
	return status;
}

static void drop_front(emr_buf *buf, size_t n)
{
	memmove(buf->data, buf->data + n, buf->len - n);
	buf->len -= n;
}

static emr_status read_header(
	int fd, emr_buf *buf, uint64_t *budget, emr_cid *out_roots, size_t *out_count)
{
	uint64_t body = 0;
	size_t len = 0;
	size_t n;
	emr_status status = car_read_on(fd, buf, EMR_CAR_SECTION_HEAD_MAX, budget);

	if (status != EMR_OK)
		return status;
	n = emr_varint_get(buf->data, buf->len, &body);
	if (n == 0 || body > EMR_CAR_HEADER_MAX)
		return n == 0 ? EMR_DAMAGED : EMR_LIMIT;
	status = car_read_on(fd, buf, n + (size_t)body, budget);
	if (status == EMR_OK)
		status = emr_car_read_header(emr_buf_view(buf), out_roots, out_count, &len);
	if (status == EMR_OK)
		drop_front(buf, len);
	return status == EMR_RANGE ? EMR_DAMAGED : status;
}

static emr_status read_section(
	int fd, emr_buf *buf, uint64_t *budget, emr_car_visit visit, void *context)
{
	emr_car_section section;
	emr_block block;
	emr_status status = emr_car_read_section_head(emr_buf_view(buf), &section);

	if (status != EMR_OK)
		return status == EMR_LIMIT ? status : EMR_DAMAGED;
	status = car_read_on(fd, buf, section.head_len + section.data_len, budget);
	if (status != EMR_OK)
		return status;
	if (buf->len < section.head_len + section.data_len)
		return EMR_DAMAGED;
	block.cid = section.cid;
	block.data = emr_bytes_of(buf->data + section.head_len, section.data_len);
	status = emr_cid_verify(&block.cid, block.data);
	if (status == EMR_OK)
		status = visit(context, &block);
	drop_front(buf, section.head_len + section.data_len);
	return status;
}

emr_status emr_car_read(int fd, uint64_t max_bytes, emr_car_visit visit, void *context,
	emr_cid *out_roots, size_t *out_count)
{
	EMR_AUTO_BUF buf = {0};
	uint64_t budget = max_bytes;
	emr_status status = read_header(fd, &buf, &budget, out_roots, out_count);

	while (status == EMR_OK) {
		status = car_read_on(fd, &buf, EMR_CAR_SECTION_HEAD_MAX, &budget);
		if (status != EMR_OK || buf.len == 0)
			break;
		status = read_section(fd, &buf, &budget, visit, context);
	}
	return status;
}
