/* This file says what a reclaim gives back: it marks what pins still need, and chooses segments
 * with much dead weight, or with anything dead where somebody wants it gone. It never chooses a
 * segment of another writer. */
#include "reclaim_private.h"

#include <stdlib.h>

#define LIVE_PERCENT 60

/* ---- Mark ---- */

static emr_block_store *nodes_of(reclaim_run *run)
{
	return run->options->nodes != NULL ? run->options->nodes : &run->store->face;
}

static emr_status mark_root(void *context, const emr_cid *root)
{
	reclaim_run *run = context;

	return emr_store_walk_into(nodes_of(run), root, &run->live, NULL, NULL,
		run->options->allow_missing, &run->missing);
}

bool reclaim_is_forsaken(const reclaim_run *run, const emr_pin *pin)
{
	return run->options->is_forsaken != NULL &&
	       run->options->is_forsaken(run->options->forsaken_context, pin->owner);
}

/* Blocks that are known to be below it need not be spared. */
static emr_status note_forsaken(reclaim_run *run, const emr_cid *root)
{
	emr_walk_missing missing = {0};
	emr_status status = EMR_OK;

	if (run->options->allow_missing)
		status = emr_store_walk_into(
			nodes_of(run), root, &run->forsaken, NULL, NULL, true, &missing);
	return status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status mark_pin(void *context, const emr_pin *pin)
{
	reclaim_run *run = context;

	EMR_TRY(reclaim_gives_way(run));
	return reclaim_is_forsaken(run, pin) ? note_forsaken(run, &pin->root)
					     : mark_root(run, &pin->root);
}

/* Blocks that others lack or let rot below their pins are no reason to keep what is dead here. */
static emr_status mark_foreign_pin(void *context, const emr_pin *pin)
{
	reclaim_run *run = context;
	emr_walk_missing missing = {0};
	emr_status status;

	if (reclaim_is_forsaken(run, pin))
		return EMR_OK;
	status = emr_store_walk_into(
		nodes_of(run), &pin->root, &run->live, NULL, NULL, true, &missing);
	return status == EMR_DAMAGED ? EMR_OK : status;
}

emr_status reclaim_mark(reclaim_run *run)
{
	emr_status status = emr_store_each_pin_of_all(run->store, mark_pin, run);

	if (status == EMR_OK)
		status = emr_store_each_foreign_pin(run->store, mark_foreign_pin, run);
	if (status == EMR_OK && run->options->extra_roots != NULL)
		status = run->options->extra_roots(run->options->roots_context, mark_root, run);
	return status;
}

emr_status reclaim_mark_new(reclaim_run *run, bool *out_some)
{
	emr_store *store = run->store;
	EMR_AUTO_BUF roots = {0};

	pthread_mutex_lock(&store->append_lock);
	roots = store->new_roots;
	store->new_roots = (emr_buf){0};
	pthread_mutex_unlock(&store->append_lock);
	EMR_EACH (const emr_cid, root, &roots)
		EMR_TRY(mark_root(run, root));
	*out_some = roots.len > 0;
	return EMR_OK;
}

/* ---- Choose ---- */

emr_status reclaim_consider(reclaim_run *run)
{
	emr_store *store = run->store;
	uint64_t limit;

	pthread_mutex_lock(&store->append_lock);
	limit = store->current->number;
	if (run->options->before != 0 && run->options->before < limit)
		limit = run->options->before;
	run->floor = store->frames_floor;
	pthread_mutex_lock(&store->map_lock);
	run->slots = store->segment_count;
	run->victims = calloc(run->slots + 1, sizeof *run->victims);
	for (size_t i = 0; run->victims != NULL && i < run->slots; i++) {
		emr_segment *segment = store->segments[i];

		if (segment->own && !segment->gone && segment->number < limit) {
			run->victims[i].segment = segment;
			run->victims[i].bytes = segment->known_to;
		}
	}
	pthread_mutex_unlock(&store->map_lock);
	pthread_mutex_unlock(&store->append_lock);
	return run->victims == NULL ? EMR_NO_MEMORY : EMR_OK;
}

static bool is_journal_frame(const emr_scan_item *item)
{
	return item->head.len >= 4 && memcmp(item->head.data, "EMRJ", 4) == 0 &&
	       emr_cid_codec(&item->cid) == EMR_CODEC_RAW;
}

/* Of any block that no root leads to nobody can say that it is not below the missing node. */
static emr_status spare_block(void *context, const emr_scan_item *item)
{
	const emr_store_position member = {.segment = 1};
	const uint8_t *digest = emr_cid_digest(&item->cid);
	reclaim_run *run = context;

	if (item->hole || emr_store_frame_is(item->head) || is_journal_frame(item) ||
		emr_segment_is_blank(&item->cid, item->data_len) ||
		emr_pending_find(&run->forsaken, digest) != NULL ||
		emr_pending_find(&run->live, digest) != NULL)
		return EMR_OK;
	EMR_TRY(emr_pending_reserve(&run->live, 1));
	emr_pending_put(&run->live, digest, member);
	run->report.bytes_spared += item->len;
	return EMR_OK;
}

emr_status reclaim_spare(reclaim_run *run)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < run->slots; i++) {
		emr_segment *segment = run->victims[i].segment;
		uint64_t end;
		int fd;

		if (segment == NULL)
			continue;
		status = emr_segment_use(run->store, segment, &fd);
		if (status != EMR_OK)
			break;
		status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, false, spare_block, run, &end);
		emr_segment_unuse(run->store, segment);
	}
	return status;
}

/* A segment with a live frame of the journal stays as it is. */
static emr_status look_for_frames(void *context, const emr_scan_item *item)
{
	victim *v = context;

	v->skip = v->skip || (!item->hole && is_journal_frame(item));
	return EMR_OK;
}

static emr_status check_frames(reclaim_run *run, victim *v)
{
	uint64_t from = EMR_SEGMENT_PREFIX_BYTES;
	uint64_t end;
	emr_status status;
	int fd;

	if (run->floor.number > v->segment->number)
		return EMR_OK;
	if (run->floor.number == v->segment->number)
		from = run->floor.offset;
	EMR_TRY(emr_segment_use(run->store, v->segment, &fd));
	status = emr_scan(fd, from, false, look_for_frames, v, &end);
	emr_segment_unuse(run->store, v->segment);
	return status;
}

typedef struct live_call {
	reclaim_run *run;
	live_row row;
} live_call;

static emr_status live_block(void *context, const uint8_t *digest, const emr_index_place *place)
{
	const live_call *call = context;
	reclaim_run *run = call->run;
	emr_segment *segment;
	emr_store_position at;

	EMR_TRY(reclaim_goes_on(run));
	if (emr_pending_find(&run->live, digest) == NULL)
		return EMR_OK;
	pthread_mutex_lock(&run->store->map_lock);
	segment = emr_segment_by_index_id(run->store, place->segment);
	pthread_mutex_unlock(&run->store->map_lock);
	if (segment == NULL || !segment->own || segment->handle > run->slots)
		return EMR_OK;
	at = (emr_store_position){segment->handle, place->len, place->offset};
	return call->row(run, &run->victims[segment->handle - 1], &at);
}

emr_status reclaim_each_live(reclaim_run *run, live_row row)
{
	live_call call = {run, row};
	emr_status status;

	pthread_rwlock_rdlock(&run->store->index_swap);
	status = emr_index_each_block(run->store->index, live_block, &call);
	pthread_rwlock_unlock(&run->store->index_swap);
	return status;
}

static emr_status count_live(reclaim_run *run, victim *v, const emr_store_position *at)
{
	run->report.live_bytes += at->len + EMR_CAR_SECTION_HEAD_MAX;
	if (v->segment != NULL)
		v->live += at->len + EMR_CAR_SECTION_HEAD_MAX;
	return EMR_OK;
}

/* ---- What a scrub takes: segments with anything dead in them ---- */

emr_status reclaim_is_dead(const dead_call *call, const emr_scan_item *item, bool *out_dead)
{
	emr_store_position at;
	emr_status status;

	*out_dead = false;
	if (item->hole || emr_store_frame_is(item->head))
		return EMR_OK;
	if (emr_pending_find(&call->run->live, emr_cid_digest(&item->cid)) != NULL) {
		status = emr_store_locate(call->run->store, &item->cid, &at);
		if (status != EMR_OK)
			return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
		if (at.segment == call->v->segment->handle &&
			at.offset == item->offset + item->head_len)
			return EMR_OK;
	}
	*out_dead = !emr_segment_is_blank(&item->cid, item->data_len);
	return EMR_OK;
}

static emr_status look_for_dead(void *context, const emr_scan_item *item)
{
	const dead_call *call = context;

	EMR_TRY(reclaim_is_dead(call, item, &call->v->has_dead));
	return call->v->has_dead ? EMR_INTERRUPTED : EMR_OK;
}

static emr_status check_dead(reclaim_run *run, victim *v)
{
	dead_call call = {run, v};
	uint64_t end;
	emr_status status;
	int fd;

	EMR_TRY(emr_segment_use(run->store, v->segment, &fd));
	status = emr_scan(fd, EMR_SEGMENT_PREFIX_BYTES, false, look_for_dead, &call, &end);
	emr_segment_unuse(run->store, v->segment);
	return status == EMR_INTERRUPTED && v->has_dead ? EMR_OK : status;
}

static emr_status is_wanted(reclaim_run *run, victim *v, bool *out_wanted)
{
	uint64_t percent =
		run->options->max_live_percent == 0 ? LIVE_PERCENT : run->options->max_live_percent;
	emr_status status = EMR_OK;

	*out_wanted = v->live * 100 <= v->bytes * percent;
	if (!run->options->scrub)
		return EMR_OK;
	if (v->live > 0)
		status = check_dead(run, v);
	*out_wanted = v->live == 0 || v->has_dead;
	return status;
}

static int by_live(const void *x, const void *y)
{
	const victim *const *a = x, *const *b = y;

	return (*a)->live < (*b)->live ? -1 : (*a)->live > (*b)->live;
}

/* In batches, those with the least to copy first: each is removed before the next one needs room.
 */
static emr_status make_batches(reclaim_run *run)
{
	const emr_reclaim_options *options = run->options;
	uint64_t most = options->copy_room == NULL ? UINT64_MAX
						   : options->copy_room(options->roots_context);
	uint64_t wanted = options->batch_bytes == 0
				  ? UINT64_MAX
				  : options->batch_bytes + run->report.live_bytes / 16;
	EMR_AUTO_FREE victim **order = calloc(run->slots + 1, sizeof *order);
	uint64_t used = 0;
	size_t n = 0;

	if (order == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < run->slots; i++)
		if (run->victims[i].segment != NULL && !run->victims[i].skip)
			order[n++] = &run->victims[i];
	qsort(order, n, sizeof *order, by_live);
	run->batches = 1;
	for (size_t i = 0; i < n; i++) {
		if (order[i]->live > most) {
			if (run->report.segments_left++ == 0)
				run->report.bytes_left = order[i]->live;
			order[i]->is_left = true;
			continue;
		}
		if (used > 0 && order[i]->live > (most < wanted ? most : wanted) - used) {
			run->batches++;
			used = 0;
		}
		used += order[i]->live;
		order[i]->batch = run->batches - 1;
		if (used > wanted)
			used = wanted;
	}
	return EMR_OK;
}

emr_status reclaim_choose(reclaim_run *run)
{
	emr_status status = reclaim_each_live(run, count_live);

	for (size_t i = 0; status == EMR_OK && i < run->slots; i++) {
		victim *v = &run->victims[i];
		bool wanted = false;

		if (v->segment == NULL)
			continue;
		status = is_wanted(run, v, &wanted);
		if (status != EMR_OK)
			return status;
		if (!wanted) {
			v->segment = NULL;
			continue;
		}
		status = check_frames(run, v);
		if (v->skip)
			run->report.segments_skipped++;
	}
	return status == EMR_OK ? make_batches(run) : status;
}
