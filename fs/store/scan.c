/* This file walks through a segment block by block, also past damage: it finds the next block
 * whose hash fits. A hostile file cannot make it search without end. */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define READ_AHEAD ((size_t)1 << 20)
#define BUFFER_BYTES (EMR_BLOCK_MAX + READ_AHEAD + 256)
#define HEAD_BYTES 256
/* A hostile block could be full of section heads that claim 2 MiB each: looking for the next
 * section stops here. */
#define RESYNC_HASH_BUDGET ((uint64_t)1 << 30)

typedef struct scanner {
	int fd;
	uint64_t size;
	bool hashed;
	uint8_t *buffer;
	uint64_t at; /* file offset of buffer[0] */
	size_t len;
	uint64_t budget;
} scanner;

/* The file became shorter while we read: room that was set aside behind the last block was given
 * back. The bytes from OFFSET on, up to *LEN, are all there is. */
static emr_status see_shrunk(scanner *s, uint64_t offset, size_t *len)
{
	struct stat st;
	uint64_t size;

	if (fstat(s->fd, &st) != 0)
		return EMR_IO;
	size = (uint64_t)st.st_size > offset ? (uint64_t)st.st_size : offset;
	if (size >= offset + *len) /* and yet those bytes were not there */
		return EMR_IO;
	s->size = size;
	*len = (size_t)(size - offset);
	return *len > 0 ? emr_pread_all(s->fd, s->buffer, *len, (off_t)offset) : EMR_OK;
}

/* Up to WANT bytes at OFFSET, fewer at the end of the file; valid until the next load. */
static emr_status load(scanner *s, uint64_t offset, size_t want, emr_bytes *out)
{
	size_t ahead = s->hashed ? READ_AHEAD : 0;

	if (want > s->size - offset)
		want = (size_t)(s->size - offset);
	if (offset < s->at || offset + want > s->at + s->len) {
		size_t len = want > ahead ? want : ahead;
		emr_status status;

		if (len > s->size - offset)
			len = (size_t)(s->size - offset);
		status = emr_pread_all(s->fd, s->buffer, len, (off_t)offset);
		while (status == EMR_DAMAGED)
			status = see_shrunk(s, offset, &len);
		if (status != EMR_OK) {
			s->len = 0;
			return status;
		}
		s->at = offset;
		s->len = len;
		want = want < len ? want : len;
	}
	*out = emr_bytes_of(s->buffer + (offset - s->at), want);
	return EMR_OK;
}

/* The first place at or after OFFSET that may hold something: holes of a sparse file are zeros, and
 * reading them costs as if they were there.  The end of the file when nothing does; OFFSET itself
 * where that cannot be told. */
static uint64_t next_data(const scanner *s, uint64_t offset)
{
	off_t data = lseek(s->fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? s->size : offset;
	return (uint64_t)data < s->size ? (uint64_t)data : s->size;
}

/* End of the last byte that is not zero at or after OFFSET; OFFSET when all are zero. */
static emr_status last_byte(scanner *s, uint64_t offset, uint64_t *out_end)
{
	uint64_t end = offset;
	emr_bytes bytes;

	while ((offset = next_data(s, offset)) < s->size) {
		EMR_TRY(load(s, offset, READ_AHEAD, &bytes));
		for (size_t i = bytes.len; i > 0; i--) {
			if (bytes.data[i - 1] != 0) {
				end = offset + i;
				break;
			}
		}
		offset += bytes.len;
	}
	*out_end = end;
	return EMR_OK;
}

typedef enum verdict { GOOD, END, BAD_FRAMING, BAD_HASH } verdict;

/* Looks at OFFSET. An I/O error is the status; damage is the verdict. */
static emr_status scan_look(
	scanner *s, uint64_t offset, bool hashed, emr_scan_item *out, verdict *out_verdict)
{
	emr_car_section section;
	emr_bytes bytes;
	emr_status status;
	uint64_t end;
	size_t body;

	*out_verdict = END;
	if (offset == s->size)
		return EMR_OK;
	status = load(s, offset, EMR_CAR_SECTION_HEAD_MAX + HEAD_BYTES, &bytes);
	if (status != EMR_OK || bytes.len == 0)
		return status;
	*out_verdict = BAD_FRAMING;
	switch ((int)emr_car_read_section_head(bytes, &section)) {
	case EMR_OK:
		break;
	case EMR_NOT_FOUND:
		status = last_byte(s, offset, &end);
		if (status == EMR_OK && end == offset)
			*out_verdict = END;
		return status;
	default:
		return EMR_OK;
	}
	if (section.head_len + section.data_len > s->size - offset)
		return EMR_OK;
	body = hashed || section.data_len < HEAD_BYTES ? section.data_len : HEAD_BYTES;
	EMR_TRY(load(s, offset, section.head_len + body, &bytes));
	if (bytes.len < section.head_len + body)
		return EMR_OK;
	*out = (emr_scan_item){.offset = offset,
		.len = section.head_len + section.data_len,
		.cid = section.cid,
		.head_len = section.head_len,
		.data_len = section.data_len,
		.head = emr_bytes_of(bytes.data + section.head_len, body)};
	*out_verdict = GOOD;
	if (hashed && emr_cid_verify(&section.cid, out->head) != EMR_OK)
		*out_verdict = BAD_HASH;
	return EMR_OK;
}

/* Is there a whole, well-hashed section whose CID begins at P, and which starts after AFTER? */
static emr_status try_section(
	scanner *s, uint64_t p, uint64_t after, bool *out_found, uint64_t *out_start)
{
	for (uint64_t n = 1; n <= 4 && p - n >= after; n++) {
		emr_scan_item item;
		verdict v;

		EMR_TRY(scan_look(s, p - n, false, &item, &v));
		if (v != GOOD || item.head_len != n + EMR_CID_BYTES || item.len > s->budget)
			continue;
		s->budget -= item.len;
		EMR_TRY(scan_look(s, p - n, true, &item, &v));
		if (v == GOOD) {
			*out_found = true;
			*out_start = p - n;
			return EMR_OK;
		}
	}
	return EMR_OK;
}

/* The next good section after OFFSET, byte by byte. */
static emr_status find_section(scanner *s, uint64_t offset, bool *out_found, uint64_t *out_start)
{
	uint64_t p = offset + 1;

	*out_found = false;
	while (!*out_found && (p = next_data(s, p)) + EMR_CID_BYTES <= s->size) {
		emr_bytes bytes;
		emr_status status = load(s, p, 65536, &bytes);
		const uint8_t *hit;

		if (status != EMR_OK)
			return status;
		hit = bytes.len < 4 ? NULL : memchr(bytes.data, 0x01, bytes.len - 3);
		if (hit == NULL) {
			p += bytes.len < 4 ? bytes.len : bytes.len - 3;
			continue;
		}
		p += (uint64_t)(hit - bytes.data);
		if ((hit[1] == EMR_CODEC_RAW || hit[1] == EMR_CODEC_DAG_PB) && hit[2] == 0x12 &&
			hit[3] == 0x20) {
			EMR_TRY(try_section(s, p, offset + 1, out_found, out_start));
		}
		p++;
	}
	return EMR_OK;
}

/* Where reading can go on after the damage at BAD->offset; the hole is what lies between. */
static emr_status find_hole_end(
	scanner *s, const emr_scan_item *bad, uint64_t offset, verdict kind, uint64_t *out_end)
{
	emr_scan_item next;
	verdict v = BAD_FRAMING;
	bool found;

	if (kind == BAD_HASH) {
		uint64_t after = offset + bad->len;

		EMR_TRY(scan_look(s, after, true, &next, &v));
		if (v == GOOD || v == END) {
			*out_end = after;
			return EMR_OK;
		}
	}
	EMR_TRY(find_section(s, offset, &found, out_end));
	if (!found)
		EMR_TRY(last_byte(s, offset, out_end));
	return EMR_OK;
}

static emr_status scan_all(
	scanner *s, uint64_t from, emr_scan_visit visit, void *context, uint64_t *out_end)
{
	uint64_t offset = from;

	for (;;) {
		emr_scan_item item = {0};
		verdict v;
		emr_status status = scan_look(s, offset, s->hashed, &item, &v);

		if (status == EMR_OK && (v == BAD_FRAMING || v == BAD_HASH)) {
			uint64_t end;

			status = find_hole_end(s, &item, offset, v, &end);
			item = (emr_scan_item){.offset = offset, .hole = true};
			if (status == EMR_OK)
				item.len = end - offset;
		}
		if (status != EMR_OK)
			return status;
		if (v == END) {
			*out_end = offset;
			return EMR_OK;
		}
		EMR_TRY(visit(context, &item));
		offset += item.len;
	}
}

emr_status emr_scan(
	int fd, uint64_t from, bool hashed, emr_scan_visit visit, void *context, uint64_t *out_end)
{
	EMR_AUTO_FREE uint8_t *buffer = NULL;
	scanner s = {.fd = fd, .hashed = hashed, .budget = RESYNC_HASH_BUDGET};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return EMR_IO;
	s.size = (uint64_t)st.st_size;
	if (from >= s.size) {
		*out_end = s.size;
		return EMR_OK;
	}
	buffer = malloc(BUFFER_BYTES);
	if (buffer == NULL)
		return EMR_NO_MEMORY;
	s.buffer = buffer;
	return scan_all(&s, from, visit, context, out_end);
}
