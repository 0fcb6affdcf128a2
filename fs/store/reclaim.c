/* This file gives disk space back: it marks what pins still need, copies that out of segments
 * with much dead weight, and removes these segments. Nothing is removed before its copies are on
 * the disk, and an erasure that finds no room for copies overwrites the dead blocks in place. */
#include "reclaim_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void run_free(reclaim_run *run)
{
	emr_pending_free(&run->live);
	emr_pending_free(&run->forsaken);
	free(run->victims);
	emr_buf_free(&run->moves);
}
#define AUTO_RUN __attribute__((cleanup(run_free))) reclaim_run

/* ---- Switch ---- */

/* False when pins came meanwhile; else the victims are gone for everybody in this process from here
 * on. */
static bool condemn(reclaim_run *run)
{
	emr_store *store = run->store;
	bool nothing_new;

	pthread_mutex_lock(&store->append_lock);
	nothing_new = store->new_roots.len == 0;
	if (nothing_new) {
		store->reclaiming = run->batch + 1 < run->batches;
		pthread_mutex_lock(&store->map_lock);
		emr_store_cache_clear(store);
		for (size_t i = 0; i < run->slots; i++)
			if (reclaim_is_at_work(run, &run->victims[i]))
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
	EMR_LOCKED(&run->store->map_lock);

	for (size_t i = 0; i < run->slots; i++) {
		const victim *v = &run->victims[i];

		if (reclaim_is_at_work(run, v) && v->segment->index_id != 0)
			ids[count++] = v->segment->index_id;
	}
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
	status = emr_index_drop_segments(store->index, ids, count);
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

		if (!reclaim_is_at_work(run, v))
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

/* ---- All of it ---- */

static emr_status copy_and_switch(reclaim_run *run)
{
	emr_status status;
	bool some;

	do {
		status = reclaim_copy(run);
		if (status == EMR_OK)
			status = emr_store_flush(run->store);
		if (status == EMR_OK)
			status = emr_store_index_now(run->store);
		if (status != EMR_OK)
			return status;
		EMR_TRY(reclaim_mark_new(run, &some));
	} while (some || !condemn(run));
	EMR_TRY(drop_rows(run));
	return unlink_victims(run);
}

static emr_status each_batch(reclaim_run *run)
{
	emr_status status = EMR_OK;

	for (run->batch = 0; run->batch < run->batches && status == EMR_OK; run->batch++) {
		status = reclaim_gives_way(run);
		if (status == EMR_OK)
			status = copy_and_switch(run);
	}
	return status;
}

static emr_status reclaim_locked(reclaim_run *run)
{
	emr_store *store = run->store;
	emr_status status = emr_store_index_now(store);

	if (status == EMR_OK)
		status = emr_store_audit(store);
	if (status == EMR_DAMAGED)
		status = emr_store_rebuild(store);
	if (status == EMR_OK && emr_store_pins_incomplete(store))
		status = EMR_BUSY;
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&store->append_lock);
	store->reclaiming = true;
	emr_buf_clear(&store->new_roots);
	pthread_mutex_unlock(&store->append_lock);
	status = reclaim_consider(run);
	if (status == EMR_OK)
		status = reclaim_mark(run);
	if (status == EMR_OK && run->missing.count > 0)
		status = reclaim_spare(run);
	if (status == EMR_OK)
		status = reclaim_choose(run);
	if (status == EMR_OK)
		status = reclaim_pins_again(run);
	if (status == EMR_OK)
		status = each_batch(run);
	return status == EMR_OK ? reclaim_blank(run) : status;
}

emr_status emr_store_reclaim(
	emr_store *store, const emr_reclaim_options *options, emr_reclaim_report *out_report)
{
	AUTO_RUN run = {.store = store, .options = options};
	emr_status status, purged;

	if (store->read_only)
		return EMR_READ_ONLY;
	emr_store_reclaim_lock(store);
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
