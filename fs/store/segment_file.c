/* This file handles a segment as a file: how it is called, how it begins, and, for a backup,
 * where its last whole block ends and whether all its blocks fit their hashes. It refuses
 * symbolic links and anything that is no regular file. */
#include "store/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/hashsig.h"
#include "store_private.h"

/* CARv1 header with one root, the empty raw block (SHA-256 of nothing), and that block as first
 * section. */
#define EMPTY_CID                                                                                  \
	0x01, 0x55, 0x12, 0x20, 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,  \
		0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,      \
		0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55
const uint8_t emr_segment_prefix[EMR_SEGMENT_PREFIX_BYTES] = {0x3a, 0xa2, 0x65, 'r', 'o', 'o', 't',
	's', 0x81, 0xd8, 0x2a, 0x58, 0x25, 0x00, EMPTY_CID, 0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n',
	0x01, 0x24, EMPTY_CID};

void emr_segment_name_of(emr_id16 writer, uint64_t number, char out[EMR_SEGMENT_NAME_MAX])
{
	char hex[33];

	emr_hex(writer.b, sizeof writer.b, hex);
	snprintf(out, EMR_SEGMENT_NAME_MAX, "seg-%s-%06llu.car", hex, (unsigned long long)number);
}

void emr_writer_text(emr_id16 writer, char out[EMR_WRITER_TEXT_BYTES + 1])
{
	char hex[33], check[9];
	uint8_t sum[32];

	emr_sha256(writer.b, sizeof writer.b, sum);
	emr_hex(writer.b, sizeof writer.b, hex);
	emr_hex(sum, 4, check);
	snprintf(out, EMR_WRITER_TEXT_BYTES + 1, "%s\n%s\n", hex, check);
}

emr_status emr_writer_text_parse(emr_bytes text, emr_id16 *out_writer)
{
	char hex[33] = "", again[EMR_WRITER_TEXT_BYTES + 1];
	emr_id16 writer;

	if (text.len != EMR_WRITER_TEXT_BYTES && text.len != sizeof hex)
		return EMR_DAMAGED;
	memcpy(hex, text.data, sizeof hex - 1);
	if (emr_unhex(hex, writer.b, sizeof writer.b) != EMR_OK)
		return EMR_DAMAGED;
	emr_writer_text(writer, again);
	if (memcmp(again, text.data, text.len) != 0)
		return EMR_DAMAGED;
	*out_writer = writer;
	return EMR_OK;
}

bool emr_segment_file_parse(const char *name, emr_id16 *out_writer, uint64_t *out_number)
{
	char hex[33];
	char again[EMR_SEGMENT_NAME_MAX];
	unsigned long long number;

	/* Accepts exactly what emr_segment_name_of writes. */
	if (sscanf(name, "seg-%32[0-9a-f]-%18llu.car", hex, &number) != 2 || number == 0 ||
		number > EMR_SEGMENT_NUMBER_MAX)
		return false;
	if (emr_unhex(hex, out_writer->b, sizeof out_writer->b) != EMR_OK)
		return false;
	*out_number = number;
	emr_segment_name_of(*out_writer, *out_number, again);
	return strcmp(name, again) == 0;
}

emr_status emr_segment_file_open(int dirfd, const char *name, int flags, int *out_fd)
{
	/* O_NONBLOCK: a FIFO must not make us wait before we see that it is no file. */
	int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	emr_status status = EMR_OK;

	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return EMR_INVALID;
	if (fd < 0)
		return emr_status_from_errno(errno);
	if (fstat(fd, &st) != 0)
		status = emr_status_from_errno(errno);
	else if (!S_ISREG(st.st_mode))
		status = EMR_INVALID;
	if (status != EMR_OK) {
		close(fd);
		return status;
	}
	*out_fd = fd;
	return EMR_OK;
}

/* EMR_NOT_FOUND when the file is shorter than every segment. */
static emr_status check_prefix(int fd)
{
	uint8_t prefix[EMR_SEGMENT_PREFIX_BYTES];
	struct stat st;
	emr_status status;

	if (fstat(fd, &st) != 0)
		return EMR_IO;
	if (st.st_size < (off_t)sizeof prefix)
		return EMR_NOT_FOUND;
	status = emr_pread_all(fd, prefix, sizeof prefix, 0);
	if (status != EMR_OK)
		return EMR_IO;
	return memcmp(prefix, emr_segment_prefix, sizeof prefix) == 0 ? EMR_OK : EMR_DAMAGED;
}

typedef struct extent_walk {
	uint64_t end, holes, damaged;
} extent_walk;

static emr_status walk_on(void *context, const emr_scan_item *item)
{
	extent_walk *walk = context;

	if (item->hole) {
		walk->holes++;
		return EMR_OK;
	}
	walk->end = item->offset + item->len;
	walk->damaged = walk->holes;
	return EMR_OK;
}

emr_status emr_segment_file_extent(int fd, uint64_t from, emr_segment_extent *out_extent)
{
	uint64_t start = from > EMR_SEGMENT_PREFIX_BYTES ? from : EMR_SEGMENT_PREFIX_BYTES,
		 data_end;
	extent_walk walk = {.end = start};
	emr_status status = check_prefix(fd);

	if (status == EMR_NOT_FOUND) {
		*out_extent = (emr_segment_extent){0};
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_scan(fd, start, true, walk_on, &walk, &data_end);
	if (status != EMR_OK)
		return status;
	*out_extent = (emr_segment_extent){.end = walk.end, .damaged = walk.damaged};
	return EMR_OK;
}

typedef struct check_walk {
	uint64_t end, reached;
	bool is_damaged;
	emr_segment_damage_fn visit;
	void *arg;
} check_walk;

static emr_status check_on(void *context, const emr_scan_item *item)
{
	check_walk *walk = context;

	if (item->offset >= walk->end)
		return EMR_INTERRUPTED; /* what stands behind is nobody's concern here */
	walk->reached = item->offset + item->len;
	if (item->hole || walk->reached > walk->end) {
		walk->is_damaged = true;
		walk->visit(walk->arg, item->offset, item->len);
	}
	return EMR_OK;
}

emr_status emr_segment_file_check(int fd, uint64_t end, emr_segment_damage_fn visit, void *arg)
{
	check_walk walk = {
		.end = end, .reached = EMR_SEGMENT_PREFIX_BYTES, .visit = visit, .arg = arg};
	uint64_t data_end;
	emr_status status = check_prefix(fd);

	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED) {
		visit(arg, 0, EMR_SEGMENT_PREFIX_BYTES);
		return EMR_DAMAGED;
	}
	if (status == EMR_OK)
		status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, true, check_on, &walk, &data_end);
	if (status != EMR_OK && status != EMR_INTERRUPTED)
		return status;
	if (walk.reached < end) {
		walk.is_damaged = true;
		visit(arg, walk.reached, end - walk.reached);
	}
	return walk.is_damaged ? EMR_DAMAGED : EMR_OK;
}

typedef struct contents_walk {
	int fd;
	uint64_t end, number;
	emr_id16 writer;
	const emr_segment_visitor *visitor;
} contents_walk;

/* *OUT_OURS stays false for somebody's block that only looks like a frame. */
static emr_status tell_pins(
	const contents_walk *walk, const emr_scan_item *item, emr_bytes block, bool *out_ours)
{
	emr_log_place place = {walk->number, item->offset};
	emr_store_frame frame;
	emr_status status = emr_store_frame_read(block, walk->writer, place, &frame);

	if (status != EMR_OK)
		return status == EMR_DAMAGED ? EMR_OK : status;
	*out_ours = true;
	for (size_t i = 0; i < frame.count && status == EMR_OK; i++) {
		emr_pin_change change;

		if (emr_store_frame_row(block, i, &change) != EMR_OK)
			return EMR_OK;
		status = walk->visitor->pin(walk->visitor->arg, &change.pin, change.unpin);
	}
	return status;
}

static emr_status tell_item(void *context, const emr_scan_item *item)
{
	const contents_walk *walk = context;
	uint64_t at = item->offset + item->head_len;
	EMR_AUTO_BUF block = {0};
	bool is_ours = false;

	if (item->offset + item->len > walk->end)
		return EMR_INTERRUPTED; /* what stands behind is nobody's concern here */
	if (item->hole)
		return EMR_OK;
	if (emr_cid_codec(&item->cid) == EMR_CODEC_RAW && emr_store_frame_is(item->head)) {
		EMR_TRY(emr_buf_append_zeros(&block, item->data_len));
		EMR_TRY(emr_pread_all(walk->fd, block.data, block.len, (off_t)at));
		if (emr_cid_verify(&item->cid, emr_buf_view(&block)) == EMR_OK)
			EMR_TRY(tell_pins(walk, item, emr_buf_view(&block), &is_ours));
		if (is_ours)
			return EMR_OK;
	}
	return walk->visitor->block(walk->visitor->arg, &item->cid, at, item->data_len);
}

emr_status emr_segment_file_contents(int fd, uint64_t end, emr_id16 writer, uint64_t number,
	bool hashed, const emr_segment_visitor *visitor)
{
	contents_walk walk = {
		.fd = fd, .end = end, .number = number, .writer = writer, .visitor = visitor};
	uint64_t data_end;
	emr_status status = check_prefix(fd);

	if (status == EMR_OK)
		status =
			emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, hashed, tell_item, &walk, &data_end);
	return status == EMR_INTERRUPTED || status == EMR_NOT_FOUND || status == EMR_DAMAGED
		       ? EMR_OK
		       : status;
}
