/* This file offers the blocks of an exported file (CAR) as a store that can only be read, so
 * that import can use the same code as the folder. Each block is compared with its hash. */
#include "car_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/car.h"

typedef struct place {
	emr_cid cid;
	uint32_t len;
	uint64_t offset; /* of the block's first byte */
} place;

struct car_blocks {
	emr_block_store face;
	int fd;
	uint64_t at; /* while it is read */
	place *places;
	size_t n, cap; /* sorted by CID when all are known */
};

static int by_cid(const void *a, const void *b)
{
	return memcmp(((const place *)a)->cid.b, ((const place *)b)->cid.b, EMR_CID_BYTES);
}

static const place *find(const car_blocks *b, const emr_cid *cid)
{
	const place key = {.cid = *cid};

	return b->n == 0 ? NULL : bsearch(&key, b->places, b->n, sizeof key, by_cid);
}

/* ---- the face ---- */

static emr_status get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	const car_blocks *b = (const car_blocks *)face;
	const place *p = find(b, cid);
	size_t before = out->len;
	emr_status status;

	if (p == NULL)
		return EMR_NOT_FOUND;
	status = emr_buf_append_zeros(out, p->len);
	if (status == EMR_OK)
		status = emr_pread_all(b->fd, out->data + before, p->len, (off_t)p->offset);
	if (status == EMR_OK)
		status = emr_cid_verify(cid, emr_bytes_of(out->data + before, p->len));
	if (status != EMR_OK)
		out->len = before;
	return status;
}

static emr_status size_of(emr_block_store *face, const emr_cid *cid, uint64_t *out_bytes)
{
	const place *p = find((const car_blocks *)face, cid);

	if (p == NULL)
		return EMR_NOT_FOUND;
	*out_bytes = p->len;
	return EMR_OK;
}

static emr_status put(emr_block_store *face, const emr_block *blocks, size_t count)
{
	(void)face, (void)blocks, (void)count;
	return EMR_READ_ONLY;
}

static emr_status pin(emr_block_store *face, const emr_pin *pins, size_t count)
{
	(void)face, (void)pins, (void)count;
	return EMR_READ_ONLY;
}

static emr_status each_pin(emr_block_store *face, emr_pin_visit visit, void *context)
{
	(void)face, (void)visit, (void)context;
	return EMR_OK;
}

static emr_status sync_nothing(emr_block_store *face)
{
	(void)face;
	return EMR_OK;
}

static emr_status stats(emr_block_store *face, emr_store_stats *out_stats)
{
	const car_blocks *b = (const car_blocks *)face;

	*out_stats = (emr_store_stats){.blocks = b->n, .disk_bytes = b->at};
	return EMR_OK;
}

static void close_face(emr_block_store *face)
{
	(void)face; /* car_blocks_close does it */
}

static const emr_block_store_ops ops = {.put = put,
	.get_verified = get_verified,
	.size = size_of,
	.pin = pin,
	.unpin = pin,
	.each_pin = each_pin,
	.sync = sync_nothing,
	.stats = stats,
	.close = close_face};

/* ---- opening ---- */

static emr_status note_block(void *context, const emr_block *block)
{
	car_blocks *b = context;
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	size_t head_len = emr_car_section_head(head, &block->cid, block->data.len);

	if (b->n == CAR_BLOCKS_MAX)
		return EMR_LIMIT;
	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 256 : b->cap * 2;
		place *more = reallocarray(b->places, cap, sizeof *more);

		if (more == NULL)
			return EMR_NO_MEMORY;
		b->places = more;
		b->cap = cap;
	}
	b->places[b->n++] = (place){
		.cid = block->cid, .len = (uint32_t)block->data.len, .offset = b->at + head_len};
	b->at += head_len + block->data.len;
	return EMR_OK;
}

/* Where the first section begins. */
static emr_status skip_header(car_blocks *b)
{
	EMR_AUTO_BUF head = {0};
	size_t roots, len = 0;
	ssize_t got;
	emr_status status = emr_buf_reserve(&head, EMR_CAR_HEADER_MAX);

	if (status != EMR_OK)
		return status;
	got = pread(b->fd, head.data, EMR_CAR_HEADER_MAX, 0);
	if (got < 0)
		return EMR_IO;
	status = emr_car_read_header(emr_bytes_of(head.data, (size_t)got), NULL, &roots, &len);
	b->at = len;
	return status == EMR_RANGE ? EMR_DAMAGED : status;
}

static emr_status read_all(car_blocks *b, emr_cid *out_roots, size_t *out_count)
{
	emr_status status = skip_header(b);

	if (status == EMR_OK && lseek(b->fd, 0, SEEK_SET) != 0)
		status = EMR_INVALID; /* no regular file */
	if (status == EMR_OK)
		status = emr_car_read(b->fd, INT64_MAX, note_block, b, out_roots, out_count);
	if (status == EMR_OK && b->n > 0)
		qsort(b->places, b->n, sizeof *b->places, by_cid);
	return status;
}

emr_status car_blocks_open(int fd, emr_cid *out_roots, size_t *out_count, car_blocks **out_blocks)
{
	car_blocks *b = calloc(1, sizeof *b);
	emr_status status;

	if (b == NULL)
		return EMR_NO_MEMORY;
	b->face.ops = &ops;
	b->fd = fd;
	status = read_all(b, out_roots, out_count);
	if (status != EMR_OK) {
		car_blocks_close(b);
		return status;
	}
	*out_blocks = b;
	return EMR_OK;
}

emr_block_store *car_blocks_face(car_blocks *blocks)
{
	return &blocks->face;
}

void car_blocks_close(car_blocks *blocks)
{
	if (blocks == NULL)
		return;
	free(blocks->places);
	free(blocks);
}
