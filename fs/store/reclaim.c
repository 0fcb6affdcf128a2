/* This file gives disk space back: it marks what pins still need, copies that out of segments
 * with much dead weight, and removes these segments. Nothing is removed before its copies are on
 * the disk, and an erasure that finds no room for copies overwrites the dead blocks in place. */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

#define LIVE_PERCENT 60
#define COPY_GROUP_BYTES ((size_t)4 << 20)
#define COPY_GROUP_BLOCKS 512

typedef struct victim {
	emr_segment *segment;
	uint64_t bytes;
	uint64_t live;
	bool skip;
	size_t batch;  /* copied and removed together */
	bool is_left;  /* there is no room for what lives in it */
	bool has_dead; /* looked for when scrubbing */
} victim;

typedef struct reclaim_run {
	emr_store *store;
	const emr_reclaim_options *options;
	emr_reclaim_report report;
	emr_walk_missing missing;
	emr_pending live;     /* a set */
	emr_pending forsaken; /* what was seen below forsaken pins; with allow_missing only */
	victim *victims;      /* by slot of the segment; segment NULL: not considered */
	size_t slots;
	size_t batches, batch; /* how many; the one at work */
	emr_buf moves;	       /* of emr_store_position, live blocks in victims */
	emr_log_place floor;
} reclaim_run;

static void run_free(reclaim_run *run)
{
	emr_pending_free(&run->live);
	emr_pending_free(&run->forsaken);
	free(run->victims);
	emr_buf_free(&run->moves);
}
#define AUTO_RUN __attribute__((cleanup(run_free))) reclaim_run

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

static bool is_forsaken(const reclaim_run *run, const emr_pin *pin)
{
	return run->options->is_forsaken != NULL &&
	       run->options->is_forsaken(run->options->forsaken_context, pin->owner);
}

/* What is known to be below it need not be spared. */
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

	return is_forsaken(run, pin) ? note_forsaken(run, &pin->root) : mark_root(run, &pin->root);
}

/* What others lack or let rot below their pins is no reason to keep what is dead here. */
static emr_status mark_foreign_pin(void *context, const emr_pin *pin)
{
	reclaim_run *run = context;
	emr_walk_missing missing = {0};
	emr_status status;

	if (is_forsaken(run, pin))
		return EMR_OK;
	status = emr_store_walk_into(
		nodes_of(run), &pin->root, &run->live, NULL, NULL, true, &missing);
	return status == EMR_DAMAGED ? EMR_OK : status;
}

static emr_status mark(reclaim_run *run)
{
	emr_status status = emr_store_each_pin_of_all(run->store, mark_pin, run);

	if (status == EMR_OK)
		status = emr_store_each_foreign_pin(run->store, mark_foreign_pin, run);
	if (status == EMR_OK && run->options->extra_roots != NULL)
		status = run->options->extra_roots(run->options->roots_context, mark_root, run);
	return status;
}

/* Roots pinned since the mark began; *out_some: there were any. */
static emr_status mark_new(reclaim_run *run, bool *out_some)
{
	emr_store *store = run->store;
	emr_cid *roots;
	size_t count;
	emr_status status = EMR_OK;

	pthread_mutex_lock(&store->append_lock);
	roots = store->new_roots;
	count = store->new_root_count;
	store->new_roots = NULL;
	store->new_root_count = store->new_root_capacity = 0;
	pthread_mutex_unlock(&store->append_lock);
	for (size_t i = 0; status == EMR_OK && i < count; i++)
		status = mark_root(run, &roots[i]);
	free(roots);
	*out_some = count > 0;
	return status;
}

/* ---- Choose ---- */

static emr_status consider_segments(reclaim_run *run)
{
	emr_store *store = run->store;
	uint64_t limit;

	pthread_mutex_lock(&store->append_lock);
	limit = store->current->number;
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
	emr_status status;

	if (item->hole || emr_store_frame_is(item->head) || is_journal_frame(item) ||
		emr_segment_is_blank(&item->cid, item->data_len) ||
		emr_pending_find(&run->forsaken, digest) != NULL ||
		emr_pending_find(&run->live, digest) != NULL)
		return EMR_OK;
	status = emr_pending_reserve(&run->live, 1);
	if (status == EMR_OK) {
		emr_pending_put(&run->live, digest, member);
		run->report.bytes_spared += item->len;
	}
	return status;
}

static emr_status spare(reclaim_run *run)
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
	status = emr_segment_use(run->store, v->segment, &fd);
	if (status != EMR_OK)
		return status;
	status = emr_scan(fd, from, false, look_for_frames, v, &end);
	emr_segment_unuse(run->store, v->segment);
	return status;
}

typedef emr_status (*live_row)(reclaim_run *run, victim *v, const emr_store_position *at);

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

static emr_status each_live(reclaim_run *run, live_row row)
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

static bool is_at_work(const reclaim_run *run, const victim *v)
{
	return v->segment != NULL && !v->skip && !v->is_left && v->batch == run->batch;
}

static emr_status list_move(reclaim_run *run, victim *v, const emr_store_position *at)
{
	return is_at_work(run, v) ? emr_buf_append(&run->moves, at, sizeof *at) : EMR_OK;
}

static int compare_moves(const void *x, const void *y)
{
	const emr_store_position *a = x;
	const emr_store_position *b = y;

	if (a->segment != b->segment)
		return a->segment < b->segment ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* ---- What a scrub takes: segments with anything dead in them ---- */

typedef struct dead_call {
	reclaim_run *run;
	victim *v;
} dead_call;

/* Frames with pins name blocks and owners, no more.  What a root leads to is dead only where the
 * index leads to another copy of it; a disk that does not answer says nothing about that. */
static emr_status is_dead(const dead_call *call, const emr_scan_item *item, bool *out_dead)
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
	emr_status status = is_dead(call, item, &call->v->has_dead);

	return status == EMR_OK && call->v->has_dead ? EMR_INTERRUPTED : status;
}

static emr_status check_dead(reclaim_run *run, victim *v)
{
	dead_call call = {run, v};
	uint64_t end;
	emr_status status;
	int fd;

	status = emr_segment_use(run->store, v->segment, &fd);
	if (status != EMR_OK)
		return status;
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
	uint64_t most = options->max_copy_bytes == 0 ? UINT64_MAX : options->max_copy_bytes;
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

static emr_status choose(reclaim_run *run)
{
	emr_status status = each_live(run, count_live);

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

/* ---- Copy ---- */

typedef struct copy_group {
	emr_buf bytes;
	emr_block blocks[COPY_GROUP_BLOCKS];
	size_t offsets[COPY_GROUP_BLOCKS];
	size_t count;
} copy_group;

static emr_status append_copies(reclaim_run *run, copy_group *group)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < group->count; i++)
		group->blocks[i].data.data = group->bytes.data + group->offsets[i];
	if (group->count > 0)
		status = emr_store_append_group(run->store,
			&(emr_store_group){.blocks = group->blocks,
				.block_count = group->count,
				.is_needed = true},
			NULL);
	if (status == EMR_OK) {
		run->report.blocks_moved += group->count;
		run->report.bytes_copied +=
			group->bytes.len + group->count * EMR_CAR_SECTION_HEAD_MAX;
	}
	group->count = 0;
	emr_buf_clear(&group->bytes);
	return status;
}

static emr_status copy_block(reclaim_run *run, copy_group *group, const emr_store_position *at)
{
	victim *v = &run->victims[at->segment - 1];
	size_t offset = group->bytes.len;
	emr_status status;

	if (v->skip)
		return EMR_OK;
	status = emr_store_read_place(
		run->store, at, &group->blocks[group->count].cid, &group->bytes);
	if (status == EMR_DAMAGED) {
		/* The only copy perhaps: the segment stays, for salvage. */
		v->skip = true;
		run->report.segments_skipped++;
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	group->blocks[group->count].data.len = at->len;
	group->offsets[group->count++] = offset;
	if (group->count == COPY_GROUP_BLOCKS || group->bytes.len >= COPY_GROUP_BYTES)
		status = append_copies(run, group);
	return status;
}

static emr_status copy_live(reclaim_run *run)
{
	copy_group *group = calloc(1, sizeof *group);
	emr_store_position *moves;
	size_t count;
	emr_status status;

	if (group == NULL)
		return EMR_NO_MEMORY;
	emr_buf_clear(&run->moves);
	status = each_live(run, list_move);
	moves = (void *)run->moves.data;
	count = run->moves.len / sizeof *moves;
	if (count > 0)
		qsort(moves, count, sizeof *moves, compare_moves);
	for (size_t i = 0; status == EMR_OK && i < count; i++)
		status = copy_block(run, group, &moves[i]);
	if (status == EMR_OK)
		status = append_copies(run, group);
	emr_buf_free(&group->bytes);
	free(group);
	return status;
}

/* ---- Pins whose frames stand in victims are written again ---- */

typedef struct pin_call {
	reclaim_run *run;
	victim *v;
	int fd;
	emr_buf roots; /* of emr_pin: named in the victims' frames */
	emr_buf again; /* of emr_pin_change */
} pin_call;

static emr_status note_frame_pins(void *context, const emr_scan_item *item)
{
	pin_call *call = context;
	emr_log_place place = {call->v->segment->number, item->offset};
	emr_store_position at = {
		call->v->segment->handle, (uint32_t)item->data_len, item->offset + item->head_len};
	EMR_AUTO_BUF block = {0};
	emr_store_frame frame;
	emr_cid cid;
	emr_status status;

	if (item->hole || !emr_store_frame_is(item->head))
		return EMR_OK;
	status = emr_store_read_place(call->run->store, &at, &cid, &block);
	if (status == EMR_DAMAGED)
		return EMR_OK;
	if (status != EMR_OK || emr_store_frame_read(emr_buf_view(&block), call->run->store->writer,
					place, &frame) != EMR_OK)
		return status;
	for (size_t i = 0; status == EMR_OK && i < frame.count; i++) {
		emr_pin_change change;

		if (emr_store_frame_row(emr_buf_view(&block), i, &change) == EMR_OK &&
			!change.unpin)
			status = emr_buf_append(&call->roots, &change.pin, sizeof change.pin);
	}
	return status;
}

static int compare_pins(const void *x, const void *y)
{
	const emr_pin *a = x;
	const emr_pin *b = y;
	int owners = memcmp(a->owner.b, b->owner.b, sizeof a->owner.b);

	return owners != 0 ? owners : memcmp(a->root.b, b->root.b, EMR_CID_BYTES);
}

static emr_status pin_again(void *context, const emr_pin *pin)
{
	pin_call *call = context;
	emr_pin_change change = {.pin = *pin};

	if (is_forsaken(call->run, pin) ||
		bsearch(pin, call->roots.data, call->roots.len / sizeof *pin, sizeof *pin,
			compare_pins) == NULL)
		return EMR_OK;
	return emr_buf_append(&call->again, &change, sizeof change);
}

static emr_status rewrite_pins(reclaim_run *run)
{
	pin_call call = {.run = run};
	emr_status status = EMR_OK;
	uint64_t end;

	for (size_t i = 0; status == EMR_OK && i < run->slots; i++) {
		call.v = &run->victims[i];
		if (call.v->segment == NULL || call.v->skip)
			continue;
		status = emr_segment_use(run->store, call.v->segment, &call.fd);
		if (status != EMR_OK)
			break;
		status = emr_scan(
			call.fd, EMR_SEGMENT_PREFIX_BYTES, false, note_frame_pins, &call, &end);
		emr_segment_unuse(run->store, call.v->segment);
	}
	if (status == EMR_OK && call.roots.len > 0) {
		qsort(call.roots.data, call.roots.len / sizeof(emr_pin), sizeof(emr_pin),
			compare_pins);
		status = emr_store_each_pin_of_all(run->store, pin_again, &call);
	}
	if (status == EMR_OK && call.again.len > 0)
		status = emr_store_pin(run->store, (const void *)call.again.data,
			call.again.len / sizeof(emr_pin_change));
	emr_buf_free(&call.roots);
	emr_buf_free(&call.again);
	return status;
}

/* ---- Switch ---- */

/* False when pins came meanwhile; else the victims are gone for everybody in this process from here
 * on. */
static bool condemn(reclaim_run *run)
{
	emr_store *store = run->store;
	bool nothing_new;

	pthread_mutex_lock(&store->append_lock);
	nothing_new = store->new_root_count == 0;
	if (nothing_new) {
		store->reclaiming = run->batch + 1 < run->batches;
		pthread_mutex_lock(&store->map_lock);
		emr_store_cache_clear(store);
		for (size_t i = 0; i < run->slots; i++)
			if (is_at_work(run, &run->victims[i]))
				run->victims[i].segment->gone = run->victims[i].segment->condemned =
					true;
		pthread_mutex_unlock(&store->map_lock);
	}
	pthread_mutex_unlock(&store->append_lock);
	return nothing_new;
}

/* index_lock held: these are numbers of the index that is open, and the next one has others. */
static size_t ids_of_victims(reclaim_run *run, int64_t *ids)
{
	size_t count = 0;

	pthread_mutex_lock(&run->store->map_lock);
	for (size_t i = 0; i < run->slots; i++) {
		const victim *v = &run->victims[i];

		if (is_at_work(run, v) && v->segment->index_id != 0)
			ids[count++] = v->segment->index_id;
	}
	pthread_mutex_unlock(&run->store->map_lock);
	return count;
}

static emr_status drop_rows(reclaim_run *run)
{
	emr_store *store = run->store;
	EMR_AUTO_FREE int64_t *ids = malloc((run->slots + 1) * sizeof *ids);
	size_t count;
	emr_status status;

	if (ids == NULL)
		return EMR_NO_MEMORY;
	pthread_mutex_lock(&store->index_lock);
	count = ids_of_victims(run, ids);
	status = emr_index_begin(store->index);
	if (status == EMR_OK) {
		(void)emr_index_drop_segments(store->index, ids, count);
		status = emr_index_commit(store->index);
	}
	pthread_mutex_unlock(&store->index_lock);
	return status;
}

static emr_status unlink_victims(reclaim_run *run)
{
	emr_status status = EMR_OK;
	char name[EMR_SEGMENT_NAME_MAX];

	for (size_t i = 0; i < run->slots; i++) {
		const victim *v = &run->victims[i];
		int fd;

		if (!is_at_work(run, v))
			continue;
		emr_segment_name_of(v->segment->writer, v->segment->number, name);
		if (unlinkat(run->store->dirfd, name, 0) != 0 && errno != ENOENT) {
			status = emr_status_from_errno(errno);
			continue;
		}
		emr_tags_drop(run->store, v->segment);
		/* Counts a user and lets it go again: the last one closes what is gone. */
		if (emr_segment_use(run->store, v->segment, &fd) == EMR_OK)
			emr_segment_unuse(run->store, v->segment);
		run->report.segments_removed++;
		run->report.bytes_freed += v->bytes;
	}
	return status;
}

/* ---- Where there is no room for copies: what is dead becomes zeros where it stands ---- */

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
	emr_status status = is_dead(&b->dead, item, &dead);

	if (status != EMR_OK || !dead)
		return status;
	memcpy(place.digest, emr_cid_digest(&item->cid), sizeof place.digest);
	return emr_buf_append(&b->places, &place, sizeof place);
}

/* First, so that no row ever leads to zeros. */
static emr_status drop_dead_rows(reclaim_run *run, const victim *v, const dead_place *all, size_t n)
{
	emr_store *store = run->store;
	emr_index_place place;
	emr_status status;

	pthread_mutex_lock(&store->index_lock);
	pthread_mutex_lock(&store->map_lock);
	place.segment = v->segment->index_id;
	emr_store_cache_clear(store);
	pthread_mutex_unlock(&store->map_lock);
	status = emr_index_begin(store->index);
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		place.offset = all[i].offset + all[i].head_len;
		place.len = (uint32_t)all[i].data_len;
		status = emr_index_drop_block(store->index, all[i].digest, &place);
	}
	if (status == EMR_OK)
		status = emr_index_commit(store->index);
	else
		emr_index_rollback(store->index);
	pthread_mutex_unlock(&store->index_lock);
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

	status = emr_segment_use(run->store, v->segment, &fd);
	if (status != EMR_OK)
		return status;
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

/* Only for a scrub: zeros cost sections of their own, and nobody asked for less. */
static emr_status blank_left(reclaim_run *run)
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

/* ---- All of it ---- */

static emr_status copy_and_switch(reclaim_run *run)
{
	emr_status status;
	bool some;

	do {
		status = copy_live(run);
		if (status == EMR_OK)
			status = emr_store_flush(run->store);
		if (status == EMR_OK)
			status = emr_store_index_now(run->store);
		if (status != EMR_OK)
			return status;
		status = mark_new(run, &some);
		if (status != EMR_OK)
			return status;
	} while (some || !condemn(run));
	status = drop_rows(run);
	return status == EMR_OK ? unlink_victims(run) : status;
}

static emr_status each_batch(reclaim_run *run)
{
	emr_status status = EMR_OK;

	for (run->batch = 0; status == EMR_OK && run->batch < run->batches; run->batch++)
		status = copy_and_switch(run);
	return status;
}

static emr_status reclaim_locked(reclaim_run *run)
{
	emr_store *store = run->store;
	emr_status status = emr_store_index_now(store);

	if (status == EMR_OK) {
		pthread_mutex_lock(&store->index_lock);
		status = emr_index_audit(store->index);
		pthread_mutex_unlock(&store->index_lock);
	}
	if (status == EMR_DAMAGED)
		status = emr_store_rebuild(store);
	if (status == EMR_OK && emr_store_pins_incomplete(store))
		status = EMR_BUSY;
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&store->append_lock);
	store->reclaiming = true;
	store->new_root_count = 0;
	pthread_mutex_unlock(&store->append_lock);
	status = consider_segments(run);
	if (status == EMR_OK)
		status = mark(run);
	if (status == EMR_OK && run->missing.count > 0)
		status = spare(run);
	if (status == EMR_OK)
		status = choose(run);
	if (status == EMR_OK)
		status = rewrite_pins(run);
	if (status == EMR_OK)
		status = each_batch(run);
	return status == EMR_OK ? blank_left(run) : status;
}

emr_status emr_store_reclaim(
	emr_store *store, const emr_reclaim_options *options, emr_reclaim_report *out_report)
{
	AUTO_RUN run = {.store = store, .options = options};
	emr_status status, purged;

	if (store->read_only)
		return EMR_READ_ONLY;
	pthread_mutex_lock(&store->reclaim_lock);
	status = reclaim_locked(&run);
	purged = options->scrub ? emr_tags_purge(store) : EMR_OK;
	pthread_mutex_lock(&store->append_lock);
	store->reclaiming = false;
	pthread_mutex_unlock(&store->append_lock);
	pthread_mutex_unlock(&store->reclaim_lock);
	run.report.missing_nodes = run.missing.count;
	run.report.first_missing = run.missing.first;
	if (out_report != NULL)
		*out_report = run.report;
	return status == EMR_OK ? purged : status;
}
