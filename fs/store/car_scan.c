/* This file reads a CAR of strangers from its beginning to its end, block by block. Nodes and
 * gateways export any part of what they have, beside other things, below roots of their choice:
 * so the roots say nothing of what is in it, and names of other kinds are passed over. */
#include "store/car.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"

#define HEADER_MAX ((uint64_t)4 << 20) /* about 100,000 roots */
#define CID_MAX 160		       /* of other kinds: an identity of 128 bytes */
#define HEAD_MAX (EMR_VARINT_MAX + CID_MAX)
#define SHA2_256 0x12
#define DIGEST 32

static const uint8_t header_begin[] = {0xa2, 0x65, 'r', 'o', 'o', 't', 's'};
static const uint8_t header_end[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0x01};

typedef struct section {
	emr_cid cid;	       /* when it IS_OURS */
	bool is_ours, has_sha; /* a SHA-256 can be compared, whatever the name is for the rest */
	uint8_t digest[DIGEST];
	size_t head_len; /* length and name */
	size_t data_len;
} section;

/* ---- names ---- */

/* Reads a varint at *AT, which goes on. */
static bool take_varint(emr_bytes data, size_t *at, uint64_t *out)
{
	size_t n = emr_varint_get(data.data + *at, data.len - *at, out);

	*at += n;
	return n != 0;
}

/* The name at the start of DATA; its length, 0 when that is no name. */
static size_t read_name(emr_bytes data, section *out)
{
	uint64_t version, codec, hash = SHA2_256, len = DIGEST;
	size_t at = 0;

	if (data.len >= 2 && data.data[0] == SHA2_256 && data.data[1] == DIGEST)
		at = 2; /* version 0 */
	else if (!take_varint(data, &at, &version) || version != 1 ||
		 !take_varint(data, &at, &codec) || !take_varint(data, &at, &hash) ||
		 !take_varint(data, &at, &len))
		return 0;
	if (len > data.len - at || at + len > CID_MAX)
		return 0;
	out->has_sha = hash == SHA2_256 && len == DIGEST;
	if (out->has_sha)
		memcpy(out->digest, data.data + at, DIGEST);
	at += len;
	out->is_ours = emr_cid_parse(emr_bytes_of(data.data, at), &out->cid) == EMR_OK;
	return at;
}

static emr_status read_head(emr_bytes data, section *out)
{
	uint64_t len;
	size_t n = emr_varint_get(data.data, data.len, &len), name;

	*out = (section){.is_ours = false};
	if (n == 0 || len == 0)
		return EMR_DAMAGED;
	if (len > EMR_BLOCK_MAX + CID_MAX)
		return EMR_LIMIT;
	name = read_name(
		emr_bytes_of(data.data + n, len < data.len - n ? (size_t)len : data.len - n), out);
	if (name == 0)
		return EMR_DAMAGED;
	out->head_len = n + name;
	out->data_len = (size_t)len - name;
	return out->data_len > EMR_BLOCK_MAX ? EMR_LIMIT : EMR_OK;
}

/* ---- the file ---- */

/* Up to LEN bytes at OFFSET; fewer at the end of the file. */
static emr_status read_at(int fd, uint64_t offset, size_t len, emr_buf *out)
{
	emr_buf_clear(out);
	EMR_TRY(emr_buf_reserve(out, len));
	while (out->len < len) {
		ssize_t got =
			pread(fd, out->data + out->len, len - out->len, (off_t)(offset + out->len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return emr_status_from_errno(errno);
		if (got == 0)
			break;
		out->len += (size_t)got;
	}
	return EMR_OK;
}

/* The header, in BUF, and where what is behind it begins. */
static emr_status read_header(int fd, emr_buf *buf, uint64_t *out_at)
{
	uint64_t body;
	size_t n;

	EMR_TRY(read_at(fd, 0, EMR_VARINT_MAX, buf));
	n = emr_varint_get(buf->data, buf->len, &body);
	if (n == 0)
		return EMR_DAMAGED;
	if (body > HEADER_MAX)
		return EMR_LIMIT;
	EMR_TRY(read_at(fd, n, (size_t)body, buf));
	/* The pragma of version 2 is a map with a version alone. */
	if (buf->len == body && body >= 10 && buf->data[0] == 0xa1 &&
		memcmp(buf->data + 1, header_end, sizeof header_end - 1) == 0)
		return EMR_NEWER_FORMAT;
	if (buf->len < body || body < sizeof header_begin + sizeof header_end ||
		memcmp(buf->data, header_begin, sizeof header_begin) != 0 ||
		memcmp(buf->data + body - sizeof header_end, header_end, sizeof header_end) != 0)
		return EMR_DAMAGED;
	*out_at = n + body;
	return EMR_OK;
}

static emr_status check_digest(const section *s, emr_bytes data)
{
	const emr_cid cid = emr_cid_of_digest(EMR_CODEC_RAW, s->digest);

	return s->has_sha ? emr_cid_verify(&cid, data) : EMR_OK;
}

static emr_status read_section(
	int fd, uint64_t at, const section *s, emr_buf *buf, emr_car_section_fn fn, void *arg)
{
	emr_block block = {.cid = s->cid};

	EMR_TRY(read_at(fd, at + s->head_len, s->data_len, buf));
	if (buf->len < s->data_len)
		return EMR_DAMAGED;
	block.data = emr_buf_view(buf);
	EMR_TRY(check_digest(s, block.data));
	return s->is_ours ? fn(arg, &block, at + s->head_len) : EMR_OK;
}

emr_status emr_car_scan(int fd, emr_car_section_fn fn, void *arg, uint64_t *out_end)
{
	EMR_AUTO_BUF buf = {0};
	uint64_t at = 0;
	section s;
	emr_status status = read_header(fd, &buf, &at);

	while (status == EMR_OK) {
		status = read_at(fd, at, HEAD_MAX, &buf);
		if (status != EMR_OK || buf.len == 0)
			break;
		status = read_head(emr_buf_view(&buf), &s);
		if (status == EMR_OK)
			status = read_section(fd, at, &s, &buf, fn, arg);
		at += s.head_len + s.data_len;
	}
	*out_end = at;
	return status;
}

/* The number of an array of DAG-CBOR, which is written as short as it can be. */
static uint64_t read_count(emr_reader *r)
{
	uint8_t first = emr_read_u8(r);

	if (first >= 0x80 && first <= 0x97)
		return first - 0x80u;
	if (first == 0x98)
		return emr_read_u8(r);
	if (first == 0x99)
		return emr_read_u16(r);
	r->bad = true;
	return 0;
}

emr_status emr_car_scan_roots(int fd, emr_cid *out, size_t max, size_t *out_n)
{
	/* A link: tag 42, and bytes of which the first is 0. */
	static const uint8_t link[] = {0xd8, 0x2a, 0x58, EMR_CID_BYTES + 1, 0x00};
	EMR_AUTO_BUF buf = {0};
	uint64_t at;
	emr_reader r;

	EMR_TRY(read_header(fd, &buf, &at));
	r = emr_reader_of(emr_buf_view(&buf));
	(void)emr_read_bytes(&r, sizeof header_begin);
	*out_n = (size_t)read_count(&r);
	if (*out_n > max)
		return EMR_LIMIT;
	for (size_t i = 0; i < *out_n; i++) {
		emr_bytes head = emr_read_bytes(&r, sizeof link);
		emr_bytes cid = emr_read_bytes(&r, EMR_CID_BYTES);

		if (r.bad || memcmp(head.data, link, sizeof link) != 0 ||
			emr_cid_parse(cid, &out[i]) != EMR_OK)
			return EMR_DAMAGED;
	}
	return !r.bad && r.left == sizeof header_end ? EMR_OK : EMR_DAMAGED;
}
