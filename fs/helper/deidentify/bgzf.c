/* This file reads gzip as if it were not packed, from its first byte on, and writes BGZF (SAM
 * specification 4.1), which every reader of gzip reads. A copy has no name, time or comment in its
 * blocks: of what is called one, that is looked for. */
#include "bgzf.h"

#include <string.h>

#include "base/file.h"

#define PLAIN_MAX (UINT64_C(8) << 30) /* what a file is at most, without its compression */
#define HEAD 18
#define TAIL 8

static const flat_walk little = {0};
static const uint8_t start[HEAD] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0};

/* A helper reads one packed file at a time. */
static struct {
	flat_file *file;
	z_stream z;
	uint64_t from, at; /* in the file; in what comes out */
	uint64_t block_end;
	bool is_copy, is_inside, is_bad;
} in;

static void begin(void)
{
	in.is_bad = (in.z.state == NULL ? inflateInit2(&in.z, 31) : inflateReset(&in.z)) != Z_OK;
	in.from = in.at = 0;
	in.is_inside = false;
}

/* A block begins, in a copy as all of them do. */
static bool enter_block(void)
{
	const uint8_t *p = in.is_copy ? flat_bytes(in.file, in.from, HEAD) : NULL;

	in.is_inside = true;
	if (p != NULL)
		in.block_end = in.from + flat_u16(&little, p + 16) + 1;
	return !in.is_copy || (p != NULL && memcmp(p, start, 16) == 0);
}

/* Some of the next bytes; 0: there are none. */
static size_t unpack(uint8_t *out, size_t len)
{
	in.z.next_out = out;
	in.z.avail_out = (uInt)len;
	while (in.z.avail_out == len && in.from < in.file->size && !in.is_bad) {
		const uint64_t left = in.file->size - in.from;
		const size_t n = left < FLAT_VALUE_MAX ? (size_t)left : FLAT_VALUE_MAX;
		int did;

		in.is_bad = !in.is_inside && !enter_block();
		in.z.next_in = flat_bytes(in.file, in.from, n);
		in.z.avail_in = (uInt)n;
		did = in.is_bad || in.z.next_in == NULL ? Z_DATA_ERROR : inflate(&in.z, Z_NO_FLUSH);
		in.from += n - in.z.avail_in;
		in.is_inside = did == Z_OK;
		in.is_bad =
			(did != Z_OK && did != Z_STREAM_END) ||
			(did == Z_STREAM_END && (inflateReset(&in.z) != Z_OK ||
							(in.is_copy && in.from != in.block_end)));
	}
	return in.is_bad ? 0 : len - in.z.avail_out;
}

static size_t read_plain(uint64_t at, uint8_t *out, size_t len)
{
	static uint8_t passed[FLAT_VALUE_MAX];
	size_t n = 1;

	if (at < in.at)
		begin();
	while (in.at < at && n > 0) {
		n = unpack(
			passed, at - in.at < sizeof passed ? (size_t)(at - in.at) : sizeof passed);
		in.at += n;
	}
	n = n > 0 ? unpack(out, len) : 0;
	in.at += n;
	return n;
}

flat_file *bgzf_open(flat_file *file, bool is_copy)
{
	static flat_file plain;
	const uint8_t *p = flat_bytes(file, 0, 2);

	if (p == NULL || p[0] != start[0] || p[1] != start[1])
		return file;
	in.file = file;
	in.is_copy = is_copy;
	begin();
	plain.read = read_plain;
	plain.size = PLAIN_MAX;
	plain.at = plain.len = 0;
	return &plain;
}

bool bgzf_count(flat_file *plain)
{
	uint64_t size = 0;
	size_t n = 1;

	if (plain->read != read_plain)
		return true;
	while (n > 0 && size < PLAIN_MAX) {
		n = read_plain(size, plain->block, FLAT_BLOCK);
		size += n;
	}
	plain->at = plain->len = 0;
	plain->size = size;
	return n == 0 && !in.is_bad && !in.is_inside;
}

emr_status bgzf_put(bgzf_out *to, const uint8_t *bytes, size_t len, bool is_last)
{
	static uint8_t block[0x10000];
	static z_stream z;

	for (size_t n; len > 0 || is_last; bytes += n, len -= n) {
		size_t end = HEAD;

		n = len < sizeof to->plain - to->len ? len : sizeof to->plain - to->len;
		memcpy(to->plain + to->len, bytes, n);
		to->len += n;
		if (to->len < sizeof to->plain && !is_last)
			return EMR_OK;
		if ((z.state == NULL ? deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY)
				     : deflateReset(&z)) != Z_OK)
			return EMR_NO_MEMORY;
		memcpy(block, start, HEAD);
		z.next_in = to->plain;
		z.avail_in = (uInt)to->len;
		z.next_out = block + HEAD;
		z.avail_out = sizeof block - HEAD - TAIL;
		if (deflate(&z, Z_FINISH) != Z_STREAM_END)
			return EMR_LIMIT;
		end += z.total_out + TAIL;
		block[16] = (uint8_t)(end - 1);
		block[17] = (uint8_t)((end - 1) >> 8);
		bgzf_number(block + end - 8, (uint32_t)crc32(0, to->plain, (uInt)to->len));
		bgzf_number(block + end - 4, (uint32_t)to->len);
		EMR_TRY(emr_pwrite_all(to->fd, block, end, (off_t)to->at));
		to->at += end;
		is_last = is_last && to->len > 0; /* the block without bytes, which ends all */
		to->len = 0;
	}
	return EMR_OK;
}
