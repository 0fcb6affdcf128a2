/* This file keeps the readers of files of others for a while after the last close, no more than
 * KEPT_READERS of them, and takes them away. */
#include "kept.h"

#include "kind.h"
#include "tree.h"

#define LOOK_NS INT64_C(60000000000)

static bool may_stay(const emr_view *view, const file *f)
{
	const int64_t judged = __atomic_load_n(&f->judged_boot_ns, __ATOMIC_ACQUIRE);

	return judged != 0 && view_boot_ns(view) - judged <= KEPT_NS;
}

uint64_t kept_note_closed(emr_view *view, node *n)
{
	file *f = node_file(n);

	if (n->opens > 0 || !kind_is_shown(n) || !tree_has_reader(n))
		return 0;
	if (!may_stay(view, f) || (!f->is_kept && view->index.kept >= KEPT_READERS))
		return n->number;
	view->index.kept += !f->is_kept;
	f->is_kept = true;
	return 0;
}

void kept_drop(emr_view *view, uint64_t number)
{
	file *f;
	node *n;

	if (number == 0)
		return;
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	f = n != NULL && n->opens == 0 ? node_file(n) : NULL;
	if (f != NULL)
		n->opens++;
	pthread_mutex_unlock(&view->lock);
	if (f == NULL)
		return; /* open again: it goes at the close, or is judged at the next opening */
	pthread_rwlock_wrlock(&f->lock);
	pthread_mutex_lock(&view->lock);
	if (n->opens == 1 && f->staging == NULL)
		tree_set_reader(f, NULL);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
	kept_release(view, n);
}

void kept_release(emr_view *view, node *n)
{
	uint64_t goes;

	pthread_mutex_lock(&view->lock);
	n->opens--;
	goes = kept_note_closed(view, n);
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	kept_drop(view, goes);
}

void kept_doubt(emr_view *view, uint64_t number)
{
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL || node_file(n) == NULL ||
		__atomic_load_n(&node_file(n)->judged_boot_ns, __ATOMIC_ACQUIRE) == 0)
		number = 0; /* one's own: no reader of it is kept */
	else
		__atomic_store_n(&node_file(n)->judged_boot_ns, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&view->lock);
	kept_drop(view, number);
}

void kept_drop_old(emr_view *view)
{
	EMR_AUTO_BUF old = {0}; /* of uint64_t */
	const int64_t now = view_boot_ns(view);

	if (now < view->index.kept_due_boot_ns)
		return;
	pthread_mutex_lock(&view->lock);
	view->index.kept_due_boot_ns = now + LOOK_NS;
	view->index.kept = 0;
	for (node *n = NULL; (n = tree_next_any(view, n)) != NULL;) {
		file *f = tree_has_reader(n) && kind_is_shown(n) ? node_file(n) : NULL;

		if (f == NULL || n->opens > 0)
			continue;
		f->is_kept = may_stay(view, f) && view->index.kept < KEPT_READERS;
		view->index.kept += f->is_kept;
		if (!f->is_kept) /* without memory the next look takes it */
			(void)!emr_buf_append(&old, &n->number, sizeof n->number);
	}
	pthread_mutex_unlock(&view->lock);
	EMR_EACH (const uint64_t, number, &old)
		kept_drop(view, *number);
}
