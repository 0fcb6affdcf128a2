/* This file offers the blocks of an exported file (CAR) as a store that can only be read, so
 * that import can use the same code as the folder. Each block is compared with its hash. */
#include "car_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "carry/catalogue.h"
#include "store/car.h"
#include "store/unixfs.h"

typedef struct place {
	emr_cid cid;
	uint32_t len : 24;
	uint32_t kind : 8;
	uint64_t offset; /* of the block's first byte */
} place;

struct car_blocks {
	emr_block_store face;
	int fd;
	uint64_t bytes; /* of the file */
	place *places;
	size_t n, cap; /* sorted by CID when all are known */
};

static int by_cid(const void *a, const void *b)
{
	return memcmp(((const place *)a)->cid.b, ((const place *)b)->cid.b, EMR_CID_BYTES);
}

static const place *car_place_of(const car_blocks *b, const emr_cid *cid)
{
	const place key = {.cid = *cid};

	return b->n == 0 ? NULL : bsearch(&key, b->places, b->n, sizeof key, by_cid);
}

/* ---- the face ---- */

static emr_status get_verified(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	const car_blocks *b = (const car_blocks *)face;
	const place *p = car_place_of(b, cid);
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
	const place *p = car_place_of((const car_blocks *)face, cid);

	if (p == NULL)
		return EMR_NOT_FOUND;
	*out_bytes = p->len;
	return EMR_OK;
}

static emr_status car_refuse_put(emr_block_store *face, const emr_block *blocks, size_t count)
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

	*out_stats = (emr_store_stats){.blocks = b->n, .disk_bytes = b->bytes};
	return EMR_OK;
}

static const emr_block_store_ops ops = {.put = car_refuse_put,
	.get_verified = get_verified,
	.size = size_of,
	.pin = pin,
	.unpin = pin,
	.each_pin = each_pin,
	.sync = sync_nothing,
	.stats = stats};

/* ---- opening ---- */

static car_kind kind_of(const emr_block *block)
{
	const emr_bytes data = block->data;
	emr_unixfs_bundle bundle;

	if (emr_cid_codec(&block->cid) == EMR_CODEC_RAW)
		return data.len >= 4 && memcmp(data.data, EMR_PAGE_MAGIC, 4) == 0 ? CAR_PAGE
										  : CAR_OTHER;
	return emr_unixfs_bundle_decode(data, &bundle) == EMR_OK ? CAR_BUNDLE : CAR_OTHER;
}

static emr_status note_block(void *arg, const emr_block *block, uint64_t offset)
{
	car_blocks *b = arg;

	if (b->n == CAR_BLOCKS_MAX)
		return EMR_LIMIT;
	if (emr_array_room(&b->places, b->n, &b->cap, sizeof *b->places) != EMR_OK)
		return EMR_NO_MEMORY;
	b->places[b->n++] = (place){.cid = block->cid,
		.len = (uint32_t)block->data.len & 0xffffff,
		.kind = (uint8_t)kind_of(block),
		.offset = offset};
	return EMR_OK;
}

/* A block that is there twice is one block. */
static void sort(car_blocks *b)
{
	size_t n = 0;

	if (b->n == 0)
		return;
	qsort(b->places, b->n, sizeof *b->places, by_cid);
	for (size_t i = 0; i < b->n; i++)
		if (n == 0 || by_cid(&b->places[n - 1], &b->places[i]) != 0)
			b->places[n++] = b->places[i];
	b->n = n;
}

emr_status car_blocks_open(int fd, car_blocks **out_blocks)
{
	car_blocks *b = calloc(1, sizeof *b);
	struct stat st;
	emr_status status;

	if (b == NULL)
		return EMR_NO_MEMORY;
	b->face.ops = &ops;
	b->fd = fd;
	status = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
			 ? emr_car_scan(fd, note_block, b, &b->bytes)
			 : EMR_INVALID;
	if (status != EMR_OK) {
		car_blocks_close(b);
		return status;
	}
	sort(b);
	*out_blocks = b;
	return EMR_OK;
}

emr_status car_blocks_each(
	const car_blocks *blocks, car_kind kind, car_blocks_visit visit, void *arg)
{
	for (size_t i = 0; i < blocks->n; i++)
		if (blocks->places[i].kind == kind)
			EMR_TRY(visit(arg, &blocks->places[i].cid));
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
