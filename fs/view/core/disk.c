/* This file knows whether what was saved is safe on the disk: it remembers what the disk
 * answered last, finds files whose bytes are in this process only, and hands all of them to the
 * disk. */
#include "health.h"

#include <stdlib.h>

#include "file.h"

/* Under view->lock.  A folder that was made read-only refuses by itself, not because of the disk.
 */
static emr_status what_disk_said(const emr_view *view, emr_status status)
{
	if (emr_status_is_full(status))
		return EMR_NO_SPACE;
	if (status == EMR_IO || (status == EMR_READ_ONLY && !view->options.read_only))
		return EMR_IO;
	return EMR_OK;
}

void disk_hear(emr_view *view, emr_status status)
{
	bool is_news;

	pthread_mutex_lock(&view->lock);
	status = what_disk_said(view, status);
	is_news = status == EMR_IO && view->disk.status != EMR_IO;
	if (status == EMR_IO || view->disk.status == EMR_OK)
		view->disk.status = status;
	pthread_mutex_unlock(&view->lock);
	if (is_news && view->options.notice != NULL)
		view->options.notice(view->options.notice_arg, "disk-refuses", "");
}

void disk_took_all(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	/* One may have been refused while it took the others, and was not given to the disk again
	 * since; or its bytes are in this process only. */
	for (const node *n = NULL; (n = tree_next_any(view, n)) != NULL;) {
		const file *f = node_file(n);

		if (f != NULL && n->state == NODE_LIVE &&
			(view->disk.status == EMR_IO ? f->is_spill_doubted : f->wrote != f->handed))
			return;
	}
	view->disk.status = EMR_OK;
}

/* Under view->lock. */
static bool is_refusing(const emr_view *view)
{
	return view->disk.status == EMR_IO || emr_store_refuses(view->options.store);
}

bool disk_lacks(const emr_view *view, const node *n, uint64_t synced)
{
	const file *f = node_file(n);

	if (n->state != NODE_LIVE)
		return false;
	if (f != NULL && f->wrote != f->handed && node_writers(n) == 0)
		return true;
	if (f != NULL && f->is_spill_doubted)
		return true;
	return is_refusing(view) &&
	       ((f != NULL && f->is_spill_unsynced) || (n->has_row && node_row_seq(n) > synced));
}

/* ---- handing everything to the disk ---- */

/* Files with bytes in this process only; those that a program is writing, too, if ALL. */
static bool must_hand_out(const node *n, bool all)
{
	return n->state == NODE_LIVE && node_file(n)->wrote != node_file(n)->handed &&
	       (node_writers(n) == 0 || all);
}

static emr_status hand_out(emr_view *view, node *n, bool all)
{
	return all ? file_hand_out(view, n) : file_hand_out_finished(view, n, 0);
}

emr_status emr_view_secure(emr_view *view, bool all)
{
	emr_status first = file_each(view, NULL, must_hand_out, hand_out, all), status;

	disk_hear(view, first);
	status = emr_view_sync(view);
	return first != EMR_OK ? first : status;
}

/* ---- who asks ---- */

size_t emr_view_not_safe(emr_view *view, uint64_t *out, size_t max)
{
	const uint64_t synced = emr_journal_synced_seq(view->options.journal);
	size_t count = 0;
	EMR_LOCKED(&view->lock);

	for (const node *n = NULL; count < max && (n = tree_next_own(view, n)) != NULL;)
		if (disk_lacks(view, n, synced))
			out[count++] = n->number;
	return count;
}

size_t emr_view_went_back(emr_view *view, uint64_t *out, size_t max)
{
	size_t count = 0;
	EMR_LOCKED(&view->lock);

	for (const node *n = NULL; count < max && (n = tree_next_own(view, n)) != NULL;)
		if (node_file(n) != NULL && node_file(n)->went_back)
			out[count++] = n->number;
	return count;
}

emr_status emr_view_disk(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return is_refusing(view) ? EMR_IO : view->disk.status;
}
