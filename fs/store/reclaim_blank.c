/* This file is for an erasure that finds no room for copies: dead bytes become zeros where they
 * stand. */
#include "reclaim_private.h"

#include <errno.h>
#include <unistd.h>

typedef struct dead_place {
	uint8_t digest[EMR_DIGEST_PREFIX];
	uint64_t offset, len; /* of the section */
	size_t head_len, data_len;
} dead_place;

typedef struct blanking {
	dead_call dead;
	emr_buf places; /* of dead_place */
} blanking;

static emr_status list_dead(void *context, const emr_scan_item *item)
{
	blanking *b = context;
	dead_place place = {.offset = item->offset,
		.len = item->len,
		.head_len = item->head_len,
		.data_len = item->data_len};
	bool dead;

	EMR_TRY(reclaim_is_dead(&b->dead, item, &dead));
	if (!dead)
		return EMR_OK;
	memcpy(place.digest, emr_cid_digest(&item->cid), sizeof place.digest);
	return emr_buf_append(&b->places, &place, sizeof place);
}

/* First, so that no row ever leads to zeros. */
static emr_status drop_dead_rows(reclaim_run *run, const victim *v, const dead_place *all, size_t n)
{
	emr_store *store = run->store;
	emr_index_place place;
	emr_status status = EMR_OK;
	EMR_LOCKED(&store->index_lock);

	pthread_mutex_lock(&store->map_lock);
	place.segment = v->segment->index_id;
	emr_store_cache_clear(store);
	pthread_mutex_unlock(&store->map_lock);
	EMR_TRY(emr_index_begin(store->index));
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		place.offset = all[i].offset + all[i].head_len;
		place.len = (uint32_t)all[i].data_len;
		status = emr_index_drop_block(store->index, all[i].digest, &place);
	}
	if (status == EMR_OK)
		return emr_index_commit(store->index);
	emr_index_rollback(store->index);
	return status;
}

static emr_status blank_places(int fd, const dead_place *all, size_t n)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++)
		status = emr_segment_blank_bytes(
			fd, all[i].offset + all[i].head_len, all[i].len - all[i].head_len);
	if (status == EMR_OK && fdatasync(fd) != 0)
		status = emr_status_from_errno(errno);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		status = emr_segment_blank_heads(fd, all[i].offset, all[i].len);
	if (status == EMR_OK && fdatasync(fd) != 0)
		status = emr_status_from_errno(errno);
	return status;
}

static emr_status blank_segment(reclaim_run *run, victim *v)
{
	blanking b = {.dead = {run, v}};
	const dead_place *all;
	uint64_t end;
	size_t n;
	emr_status status;
	int fd;

	EMR_TRY(emr_segment_use(run->store, v->segment, &fd));
	status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, false, list_dead, &b, &end);
	all = (const void *)b.places.data;
	n = b.places.len / sizeof *all;
	if (status == EMR_OK && n > 0)
		status = drop_dead_rows(run, v, all, n);
	if (status == EMR_OK)
		status = blank_places(fd, all, n);
	emr_segment_unuse(run->store, v->segment);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		run->report.bytes_blanked += all[i].len;
	emr_buf_free(&b.places);
	return status;
}

emr_status reclaim_blank(reclaim_run *run)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; run->options->scrub && status == EMR_OK && i < run->slots; i++) {
		victim *v = &run->victims[i];

		if (v->segment == NULL || !v->is_left || v->skip)
			continue;
		status = blank_segment(run, v);
		run->report.segments_left -= status == EMR_OK;
	}
	if (run->report.segments_left == 0)
		run->report.bytes_left = 0;
	return status;
}
