/* This thread works behind the writers: it prepares room at the end of the segment so that
 * appends are cheap, writes the index in batches, and lets files go that others have removed. */
#include "store_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* append_lock held: takes the next window, or 0 when there is room enough. */
static uint64_t claim_window(emr_store *store)
{
	uint64_t from = store->allocated;

	/* On a full disk zeros would take the room that frames need. */
	if (store->failed || emr_reserve_is_out(store->reserve) ||
		store->allocated - store->current->end >= EMR_WINDOW_LOW ||
		from + EMR_WINDOW_BYTES > store->segment_bytes)
		return 0;
	store->zeroing_from = from;
	return from;
}

/* One piece of zeros at AT of FD; IS_LAST: of the window.  Appends go on as far as the zeros are
 * written: they wait for the piece that is being written, and not for the disk. */
static emr_status write_piece(emr_store *store, int fd, uint64_t at, bool is_last)
{
	static uint8_t zeros[EMR_WINDOW_PIECE]; /* never written: takes no memory */
	emr_status status = emr_pwrite_all(fd, zeros, sizeof zeros, (off_t)at);
	EMR_LOCKED(&store->append_lock);

	store->zeroing_from = status == EMR_OK && !is_last ? at + sizeof zeros : 0;
	if (status == EMR_OK && store->allocated == at)
		store->allocated = at + sizeof zeros;
	/* On a full disk the pieces before it are room that others need. */
	if (status != EMR_OK && ftruncate(fd, (off_t)store->current->end) == 0)
		store->allocated = store->current->end;
	else if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: zeros stay behind the end");
	pthread_cond_broadcast(&store->window_done);
	return status;
}

void emr_store_extend_window(emr_store *store)
{
	emr_status status = EMR_OK;
	char path[32];
	uint64_t from;
	int fd, own;

	pthread_mutex_lock(&store->append_lock);
	from = claim_window(store);
	fd = store->current->fd;
	pthread_mutex_unlock(&store->append_lock);
	if (from == 0)
		return;
	/* `current` cannot change as long as zeros are written: rolling waits for the window. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_CLOEXEC); /* none: the next flush does it all */
	for (uint64_t at = from; status == EMR_OK && at < from + EMR_WINDOW_BYTES;
		at += EMR_WINDOW_PIECE)
		status = write_piece(
			store, fd, at, at + EMR_WINDOW_PIECE == from + EMR_WINDOW_BYTES);
	if (own < 0)
		return;
	/* Their size is left to the next flush: one more would be in the way of whoever saves.  By
	 * a file of its own, because the kernel tells a failed write once to each open file: of FD
	 * that must be a flush. */
	if (status == EMR_OK)
		(void)!sync_file_range(own, (off_t)from, EMR_WINDOW_BYTES,
			SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	close(own);
}

static int64_t now_boot_ns(void)
{
	return emr_clock_boot_ns(emr_clock_system());
}

static bool has_pending(emr_store *store)
{
	bool some;

	pthread_mutex_lock(&store->append_lock);
	some = store->pin_count > 0;
	pthread_mutex_lock(&store->map_lock);
	some |= store->pending.count > 0 || store->flushing.count > 0;
	pthread_mutex_unlock(&store->map_lock);
	pthread_mutex_unlock(&store->append_lock);
	return some;
}

/* Segments that others began or dropped: files that are gone must not be held open. */
static void look_around(emr_store *store)
{
	struct stat st;
	emr_status status;

	if (fstat(store->dirfd, &st) != 0 || (st.st_mtim.tv_sec == store->looked.tv_sec &&
						     st.st_mtim.tv_nsec == store->looked.tv_nsec))
		return;
	store->looked = st.st_mtim;
	pthread_mutex_lock(&store->index_lock);
	status = emr_segment_list(store);
	pthread_mutex_unlock(&store->index_lock);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: the directory cannot be listed (%s)",
			emr_status_text(status));
}

static void do_work(emr_store *store, bool window, bool index)
{
	emr_status status;

	if (window)
		emr_store_extend_window(store);
	if (!index || !has_pending(store) || store->failed)
		return;
	status = emr_store_index_now(store);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "store: index not written (%s); will try again",
			emr_status_text(status));
}

static void *background(void *argument)
{
	emr_store *store = argument;
	int64_t delay_ns = (int64_t)store->index_delay_ms * 1000000;
	int64_t due_ns = now_boot_ns() + delay_ns;

	while (emr_worker_wait(&store->worker, due_ns)) {
		bool window = atomic_exchange(&store->want_window, false);
		bool index = atomic_exchange(&store->want_index, false) || now_boot_ns() >= due_ns;

		do_work(store, window, index);
		if (index) {
			look_around(store);
			due_ns = now_boot_ns() + delay_ns;
		}
	}
	return NULL;
}

emr_status emr_store_background_start(emr_store *store)
{
	return store->no_background ? EMR_OK
				    : emr_worker_start(&store->worker, "store", background, store);
}

void emr_store_background_stop(emr_store *store)
{
	emr_worker_stop(&store->worker);
}
