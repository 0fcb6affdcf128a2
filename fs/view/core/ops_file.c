/* This file carries out writing, truncation, reserving room, and changes of mode and time. The
 * first write makes a working copy, so that the saved version stays as it was until the new one
 * is complete. */
#include <fcntl.h>

#include "fetch/fetch.h"

#include "file.h"
#include "kind.h"
#include "node.h"
#include "reclaim.h"
#include "times.h"

#define GIVEN_BYTES ((uint64_t)4 << 20) /* and what the spill of other working copies needs */

emr_status file_start_staging(emr_view *view, node *n, uint64_t base_size)
{
	emr_id16 id = emr_id16_random();
	emr_content_reader *base = NULL;
	emr_staging *staging;

	if (base_size > 0)
		EMR_TRY(file_base(view, n, &base));
	EMR_TRY(emr_staging_new(view->options.records, id, base, base_size, &staging));
	pthread_mutex_lock(&view->lock);
	node_file(n)->staging = staging;
	node_file(n)->staging_id = id;
	node_file(n)->staging_in_row = node_file(n)->keep_spill = node_file(n)->went_back = false;
	node_file(n)->promised = 0;
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

/* Takes file->lock for reading with a working copy there. */
static emr_status lock_writable(emr_view *view, node *n)
{
	emr_status status = EMR_OK;
	const node_kind *kind;
	bool is_theirs;
	uint64_t size;

	for (;;) {
		pthread_rwlock_rdlock(&node_file(n)->lock);
		if (node_file(n)->staging != NULL)
			return EMR_OK;
		pthread_rwlock_unlock(&node_file(n)->lock);
		pthread_rwlock_wrlock(&node_file(n)->lock);
		if (node_file(n)->staging == NULL) {
			pthread_mutex_lock(&view->lock);
			size = n->size;
			kind = kind_where(n);
			is_theirs = kind->is_theirs != NULL && kind->is_theirs(n);
			pthread_mutex_unlock(&view->lock);
			status = is_theirs ? kind->start_staging(view, n, size)
					   : file_start_staging(view, n, size);
		}
		pthread_rwlock_unlock(&node_file(n)->lock);
		if (status != EMR_OK)
			return status;
	}
}

/* The working copy of N changed: under file->lock. */
static void note_write(emr_view *view, node *n)
{
	EMR_LOCKED(&view->lock);

	n->size = emr_staging_size(node_file(n)->staging);
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	node_file(n)->wrote++;
	n->content_dirty = true;
	mark_changed(view, n);
}

/* True: there is room now that what was brought from elsewhere went. */
static bool gives_way(const emr_view *view, emr_status status, uint64_t bytes)
{
	return emr_status_is_full(status) &&
	       emr_fetcher_give_way(view->options.fetcher, bytes + GIVEN_BYTES);
}

emr_status emr_view_write(emr_handle *handle, uint64_t at, emr_bytes bytes)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status;

	space_make_room(view);
	status = file_bring_base(view, n, EMR_RECORD_MAX_BYTES);
	if (status == EMR_OK)
		status = lock_writable(view, n);
	if (status == EMR_OK) {
		status = emr_staging_write(node_file(n)->staging, at, bytes.data, bytes.len);
		if (gives_way(view, status, bytes.len))
			status =
				emr_staging_write(node_file(n)->staging, at, bytes.data, bytes.len);
		if (status == EMR_OK)
			note_write(view, n);
		pthread_rwlock_unlock(&node_file(n)->lock);
	}
	if (status != EMR_OK && status != EMR_BUSY)
		file_notice_unsaved(view, n, status);
	return status;
}

/* Under view->lock. */
void file_set_spill_unsynced(emr_view *view, file *f, bool is_unsynced_now)
{
	if (f->is_spill_unsynced == is_unsynced_now)
		return;
	if (is_unsynced_now) {
		note_unsynced(view);
		view->disk.unsynced_spills++;
	} else {
		view->disk.unsynced_spills--;
	}
	f->is_spill_unsynced = is_unsynced_now;
}

/* Under file->lock for writing: there is no working copy any more. */
void file_end_staging(emr_view *view, node *n)
{
	ended e;

	pthread_mutex_lock(&view->lock);
	e = take_working_copy(view, node_file(n));
	pthread_mutex_unlock(&view->lock);
	end_working_copy(e);
}

/* To nothing: the old bytes are not even looked at. */
static emr_status empty_file(emr_view *view, node *n)
{
	emr_status status;

	pthread_rwlock_wrlock(&node_file(n)->lock);
	status = node_file(n)->staging == NULL ? file_start_staging(view, n, 0)
					       : emr_staging_truncate(node_file(n)->staging, 0);
	if (status == EMR_OK)
		note_write(view, n);
	pthread_rwlock_unlock(&node_file(n)->lock);
	return status;
}

emr_status file_truncate(emr_view *view, node *n, uint64_t size)
{
	emr_status status;

	if (size > EMR_RECORD_MAX_BYTES)
		return EMR_TOO_BIG;
	if (size == 0) {
		status = empty_file(view, n);
	} else {
		status = file_bring_base(view, n, size);
		if (status == EMR_OK)
			status = lock_writable(view, n);
		if (status == EMR_OK) {
			status = emr_staging_truncate(node_file(n)->staging, size);
			if (status == EMR_OK)
				note_write(view, n);
			pthread_rwlock_unlock(&node_file(n)->lock);
		}
	}
	if (status != EMR_OK && status != EMR_BUSY)
		file_notice_unsaved(view, n, status);
	return status;
}

/* Under view->lock: the sealed bytes that every working copy but N's may still need. */
static uint64_t promised_to_others(const emr_view *view, const node *n)
{
	uint64_t bytes = 0;

	for (const node *other = NULL; (other = tree_next_any(view, other)) != NULL;)
		if (other != n && node_file(other) != NULL && node_file(other)->staging != NULL)
			bytes += emr_padded_len(other->size, false);
	return bytes;
}

/* A write that was told it has room has it, also when all that is being written is sealed again. */
static emr_status has_room(emr_view *view, const node *n, uint64_t end)
{
	emr_space space;
	uint64_t wanted;

	EMR_TRY(emr_view_space(view, &space));
	pthread_mutex_lock(&view->lock);
	wanted = emr_padded_len(end > n->size ? end : n->size, false) + promised_to_others(view, n);
	pthread_mutex_unlock(&view->lock);
	return wanted <= space.free_bytes ? EMR_OK : EMR_NO_SPACE;
}

emr_status emr_view_allocate(emr_handle *handle, uint64_t at, uint64_t len, bool keep_size)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_attr now = {0};
	uint64_t size;

	if (len == 0 || at > EMR_RECORD_MAX_BYTES || len > EMR_RECORD_MAX_BYTES - at)
		return len == 0 ? EMR_INVALID : EMR_TOO_BIG;
	EMR_TRY(has_room(view, n, at + len));
	pthread_mutex_lock(&view->lock);
	size = n->size;
	pthread_mutex_unlock(&view->lock);
	if (!keep_size && at + len > size)
		return file_truncate(view, n, at + len);
	/* Nothing of the bytes changes; the times do, as on other file systems. */
	now.mtime_ns = view_now_ns(view);
	return emr_view_set_attr(view, n->number, EMR_SET_MTIME, &now, &now);
}

/* ---- attributes that the kernel sets ---- */

static emr_status set_mode_and_time(emr_view *view, node *n, unsigned mask, const emr_attr *wanted)
{
	node_row row = row_of_node(n);
	emr_status status = EMR_OK;
	bool is_done = false, is_same;
	edit e;

	if (kind_where(n)->set_attr != NULL)
		status = kind_where(n)->set_attr(view, n, mask, wanted, &is_done);
	if (is_done)
		return status;
	if (mask & EMR_SET_MODE)
		row.mode = wanted->mode & 01777;
	if (mask & EMR_SET_MTIME)
		row.mtime_ns = wanted->mtime_ns;
	row.ctime_ns = view_now_ns(view);
	is_same = row.mode == n->mode && row.mtime_ns == n->mtime_ns;
	if (is_same && !n->has_row) {
		n->ctime_ns = row.ctime_ns;
		if (n->state == NODE_LIVE)
			times_keep(view, n);
		return EMR_OK;
	}
	row.flags |= is_same ? 0 : ROW_META_DIRTY;
	row.change += !is_same;
	if (n->state == NODE_LIVE) {
		e = edit_begin(view);
		edit_put(&e, n->id, &row);
		EMR_TRY(edit_commit_node(&e, n));
		n->has_row = true;
	}
	n->mode = row.mode;
	n->mtime_ns = row.mtime_ns;
	n->ctime_ns = row.ctime_ns;
	if (is_same)
		return EMR_OK;
	n->meta_dirty = true;
	mark_changed(view, n);
	return EMR_OK;
}

emr_status emr_view_set_attr(
	emr_view *view, uint64_t number, unsigned mask, const emr_attr *wanted, emr_attr *out_attr)
{
	emr_status status = EMR_OK;
	bool is_closed;
	node *n;

	emr_fetcher_begin(view->options.fetcher);
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (mask != 0 && view->options.read_only)
		status = EMR_READ_ONLY;
	else if (mask != 0 && n->state == NODE_VIRTUAL && !shared_has(n))
		status = kind_of(n)->refuses != EMR_OK ? kind_of(n)->refuses : EMR_DENIED;
	else if ((mask & EMR_SET_SIZE) && n->type != EMR_META_FILE)
		status = n->type == EMR_META_DIR ? EMR_IS_DIRECTORY : EMR_INVALID;
	else if ((mask & EMR_SET_SIZE) && tree_need_file(n) != EMR_OK)
		status = EMR_NO_MEMORY;
	else if (mask != 0 && kind_where(n)->prepare_attr != NULL)
		status = kind_where(n)->prepare_attr(view, n, mask, wanted);
	if (status == EMR_OK)
		n->opens++;
	is_closed = status == EMR_OK && node_writers(n) == 0;
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	if (mask & EMR_SET_SIZE)
		status = file_truncate(view, n, wanted->size_bytes);
	/* truncate(2) on a file that nobody has open: there will be no close. */
	if (status == EMR_OK && (mask & EMR_SET_SIZE) && is_closed)
		status = file_hand_out_finished(view, n, 0);
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK && (mask & (EMR_SET_MODE | EMR_SET_MTIME)))
		status = set_mode_and_time(view, n, mask, wanted);
	if (status == EMR_OK)
		tree_attr(n, out_attr);
	n->opens--;
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}
