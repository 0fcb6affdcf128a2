/* This file brings a CAR file from elsewhere into the store, and writes chosen trees of blocks
 * out as one CAR file, for export and import. */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUP_BYTES ((size_t)4 << 20)

/* ---- In: blocks are gathered into groups, so that small ones do not cost a write each ---- */

typedef struct import_run {
	emr_store *store;
	emr_buf bytes;
	emr_block blocks[EMR_STORE_GROUP_BLOCKS_MAX];
	size_t offsets[EMR_STORE_GROUP_BLOCKS_MAX];
	size_t count;
} import_run;

static emr_status import_group(import_run *run)
{
	emr_status status;

	if (run->count == 0)
		return EMR_OK;
	for (size_t i = 0; i < run->count; i++)
		run->blocks[i].data.data = run->bytes.data + run->offsets[i];
	status = emr_store_append(run->store, run->blocks, run->count, NULL);
	run->count = 0;
	emr_buf_clear(&run->bytes);
	return status;
}

static emr_status import_block(void *context, const emr_block *block)
{
	import_run *run = context;
	emr_status status = EMR_OK;

	if (run->count == EMR_STORE_GROUP_BLOCKS_MAX ||
		run->bytes.len + block->data.len > GROUP_BYTES)
		status = import_group(run);
	if (status != EMR_OK)
		return status;
	run->offsets[run->count] = run->bytes.len;
	status = emr_buf_append(&run->bytes, block->data.data, block->data.len);
	if (status == EMR_OK)
		run->blocks[run->count++] = *block;
	return status;
}

emr_status emr_store_import(
	emr_store *store, int fd, uint64_t max_bytes, emr_cid *out_roots, size_t *out_count)
{
	import_run *run = calloc(1, sizeof *run);
	size_t count = 0;
	emr_status status;

	if (run == NULL)
		return EMR_NO_MEMORY;
	run->store = store;
	status = emr_car_read(fd, max_bytes, import_block, run, out_roots, &count);
	if (status == EMR_OK)
		status = import_group(run);
	emr_buf_free(&run->bytes);
	free(run);
	if (status == EMR_OK && out_count != NULL)
		*out_count = count;
	return status;
}

/* ---- Out ---- */

typedef struct export_run {
	emr_store *store;
	int fd;
} export_run;

static emr_status write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		data += n;
		len -= (size_t)n;
	}
	return EMR_OK;
}

static emr_status export_block(void *context, const emr_cid *cid)
{
	const export_run *run = context;
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	EMR_AUTO_BUF block = {0};
	emr_status status = emr_store_get_verified(run->store, cid, &block);

	if (status == EMR_OK)
		status = write_all(run->fd, head, emr_car_section_head(head, cid, block.len));
	return status == EMR_OK ? write_all(run->fd, block.data, block.len) : status;
}

emr_status emr_store_export(emr_store *store, int fd, const emr_cid *roots, size_t count)
{
	export_run run = {.store = store, .fd = fd};
	EMR_AUTO_BUF header = {0};
	emr_pending seen = {0};
	emr_walk_missing missing = {0};
	emr_status status = emr_car_write_header(&header, roots, count);

	if (status == EMR_OK)
		status = write_all(fd, header.data, header.len);
	for (size_t i = 0; status == EMR_OK && i < count; i++)
		status = emr_store_walk_into(
			&store->face, &roots[i], &seen, export_block, &run, false, &missing);
	emr_pending_free(&seen);
	return status;
}
