/* This file decides when the store is searched for bytes that nobody needs any more: it counts
 * what was written and let go since the last search, and lets writers wait when they are too far
 * ahead. */

#include <malloc.h>
#include <sys/statvfs.h>

#include "node.h"
#include "reclaim.h"
#include "rest.h"

#define STEP_BYTES (UINT64_C(32) << 20)
#define WAIT_NS INT64_C(1000000000) /* one is under way: whether it is over */
#define AHEAD_STEPS 64		    /* 2 GiB */
#define AHEAD_PART 16

static uint64_t step_of(const emr_view *view)
{
	return view->options.space_step_bytes != 0 ? view->options.space_step_bytes : STEP_BYTES;
}

/* Bytes that were of use at the last look and are known to be of none. */
static uint64_t known_dead(const emr_view *view)
{
	return emr_record_ctx_left(view->options.records) - view->space.seen_left +
	       view->space.dead_bytes;
}

/* More of no use than MARGIN and an eighth of what lives is known, or could lie in what was written
 * since the last look: there has to be room for it below twice what lives.  Where that look left
 * nothing dead, much may be written before the next one, so that a folder that only grows is not
 * searched again and again. */
static bool is_beyond(const emr_view *view, uint64_t margin)
{
	uint64_t most = margin + view->space.seen_live / 8;
	uint64_t may_keep = view->space.seen_live / 3 * 5; /* of what it saw, by its rule */
	uint64_t room = may_keep > view->space.seen_kept ? may_keep - view->space.seen_kept : 0;
	uint64_t dead = known_dead(view);
	uint64_t written = emr_store_appended(view->options.store) - view->space.seen_appended;

	/* Bytes that died are missing from those that live, too, and twice that is the limit. */
	return dead >= most || (written + dead >= most && written + 2 * dead >= most + room);
}

/* MARGIN, and what else the disk has room for: a part of what is free, no more than some steps. */
static bool is_far_beyond(const emr_view *view, uint64_t margin)
{
	const uint64_t most = AHEAD_STEPS * step_of(view);
	uint64_t ahead;

	if (!is_beyond(view, margin))
		return false;
	ahead = space_for_copies(view) / AHEAD_PART;
	return is_beyond(view, margin + (ahead < most ? ahead : most));
}

/* Enough may be of no use. */
static bool look_is_due(const emr_view *view)
{
	if (!view->space.has_looked)
		return emr_store_disk_bytes(view->options.store) >= step_of(view);
	return is_beyond(view, step_of(view));
}

/* No lull is waited for any more.  A look copies that many bytes at once. */
static bool is_needed(const emr_view *view)
{
	return view->space.wants_reclaim || view->space.is_pressed || view_spared_is_due(view) ||
	       (look_is_due(view) &&
		       (space_for_copies(view) < step_of(view) + view->space.seen_live / 16 ||
			       is_far_beyond(view, step_of(view) * 3 / 2)));
}

void space_died(emr_view *view, uint64_t bytes)
{
	view->space.dead_bytes += bytes;
	if (emr_reserve_is_out(emr_store_reserve(view->options.store)))
		want_reclaim(view);
	space_check(view);
}

void space_check(emr_view *view)
{
	if (!look_is_due(view))
		return;
	/* Also for one that waits for a lull: it may have to begin without. */
	if (!view->space.wants_look ||
		(!view->space.is_looking && space_look_due(view) <= view_boot_ns(view)))
		pthread_cond_broadcast(&view->wake);
	view->space.wants_look = true;
}

int64_t space_look_due(const emr_view *view)
{
	return is_needed(view) ? view_boot_ns(view) : view_next_calm(view);
}

/* A look rests while somebody works in the folder, until its room is needed. */
static int64_t look_rests_ns(void *arg)
{
	emr_view *view = arg;
	const int64_t left = view_next_calm(view) - view_boot_ns(view);

	if (left <= 0)
		return 0;
	EMR_LOCKED(&view->lock);
	return is_needed(view) ? 0 : left;
}

emr_status space_look(emr_view *view, emr_reclaim_report *out_report)
{
	emr_reclaim_options options = {.batch_bytes = step_of(view),
		.close_from = step_of(view) / 4,
		.copy_room = space_for_copies,
		.rest_ns = view->has_threads ? look_rests_ns : NULL,
		.stop = &view->stop}; /* the next opening looks again */
	uint64_t appended = emr_store_appended(view->options.store);
	uint64_t left = emr_record_ctx_left(view->options.records);
	uint64_t disk = emr_store_disk_bytes(view->options.store);
	uint64_t dead;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	dead = view->space.dead_bytes;
	pthread_mutex_unlock(&view->lock);
	status = view_reclaim_with(view, &options, out_report);
	options.nodes = nodes_here(view);
	if (status == EMR_MISSING_DATA && options.nodes != NULL)
		status = view_reclaim_with(view, &options, out_report);
	pthread_mutex_lock(&view->lock);
	/* Also after a failed one: the next comes when as much more was written. */
	view->space.has_looked = true;
	view->space.seen_appended = appended + out_report->bytes_copied;
	view->space.seen_left = left;
	view->space.dead_bytes -= dead;
	view->space.seen_kept = disk + out_report->bytes_copied - out_report->bytes_freed;
	if (status == EMR_OK)
		view->space.seen_live = out_report->live_bytes;
	pthread_mutex_unlock(&view->lock);
	malloc_trim(0); /* the list of everything that lives goes back to the system */
	return status;
}

void space_make_room(emr_view *view)
{
	emr_reclaim_report report = {0};

	pthread_mutex_lock(&view->lock);
	if (!look_is_due(view) || view->options.read_only) {
		pthread_mutex_unlock(&view->lock);
		return;
	}
	if (!view->has_threads) {
		pthread_mutex_unlock(&view->lock);
		(void)space_look(view, &report); /* what it could not do, the next one does */
		return;
	}
	if (!view->space.is_looking)
		space_check(view);
	while (!view->stop && is_far_beyond(view, 2 * step_of(view)) && !view->space.is_asking &&
		(view->space.wants_look || view->space.is_looking))
		view_wait_ns(view, &view->settled, WAIT_NS);
	pthread_mutex_unlock(&view->lock);
}

emr_status emr_view_space(emr_view *view, emr_space *out_space)
{
	struct statvfs disk;
	uint64_t names, free_bytes, left;

	if (fstatvfs(view->options.state_dirfd, &disk) != 0)
		return EMR_IO;
	pthread_mutex_lock(&view->lock);
	names = view->index.by_name.count +
		(view->index.resting != NULL ? view->index.resting->files : 0);
	pthread_mutex_unlock(&view->lock);
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	left = emr_reserve_left(emr_store_reserve(view->options.store), free_bytes);
	*out_space = (emr_space){
		.total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
		.free_bytes = left,
		.unused_bytes = (uint64_t)disk.f_bfree * disk.f_frsize - (free_bytes - left),
		.names = names,
	};
	return EMR_OK;
}
