/* This file keeps the readers of files of others for a while after the last close, each file's once
 * and no more than KEPT_READERS, and takes them away. */
#include "kept.h"

#include "kind.h"
#include "tree.h"

static bool is_doubted(const file *f)
{
	return __atomic_load_n(&f->judged_boot_ns, __ATOMIC_ACQUIRE) == 0 ||
	       __atomic_load_n(&f->is_doubted, __ATOMIC_ACQUIRE);
}

uint64_t kept_note_closed(emr_view *view, node *n)
{
	file *f = node_file(n), *other;
	uint64_t *at, goes;
	const node *out;

	if (n->opens > 0 || !kind_is_shown(n) || !tree_has_reader(n))
		return 0;
	if (is_doubted(f))
		return n->number;
	if (f->is_kept)
		return 0;
	at = &view->index.kept.nodes[view->index.kept.next++ % KEPT_READERS];
	goes = *at;
	out = tree_by_number(view, goes);
	other = out != NULL ? node_file(out) : NULL;
	if (other != NULL)
		other->is_kept = false;
	*at = n->number;
	f->is_kept = true;
	return other != NULL ? goes : 0;
}

/* The next that goes, or 0: two programs may have closed it meanwhile. */
static uint64_t drop_one(emr_view *view, uint64_t number)
{
	uint64_t next;
	file *f;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	f = n != NULL && n->opens == 0 ? node_file(n) : NULL;
	if (f != NULL)
		n->opens++;
	pthread_mutex_unlock(&view->lock);
	if (f == NULL)
		return 0;
	pthread_rwlock_wrlock(&f->lock); /* first: who opens it from now on looks at the reader
					    after this */
	pthread_mutex_lock(&view->lock);
	if (n->opens == 1 && f->staging == NULL)
		tree_set_reader(f, NULL);
	pthread_mutex_unlock(&view->lock);
	pthread_rwlock_unlock(&f->lock);
	pthread_mutex_lock(&view->lock);
	n->opens--;
	next = kept_note_closed(view, n);
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	return next;
}

void kept_drop(emr_view *view, uint64_t number)
{
	while (number != 0)
		number = drop_one(view, number);
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
	if (n == NULL || node_file(n) == NULL || !kind_is_shown(n))
		number = 0;
	else
		__atomic_store_n(&node_file(n)->is_doubted, true, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&view->lock);
	kept_drop(view, number);
}

/* From place *IO_AT on, which is behind it then; 0: there is none. */
static uint64_t next_old(emr_view *view, unsigned *io_at)
{
	const int64_t now = view_boot_ns(view);
	EMR_LOCKED(&view->lock);

	while (*io_at < KEPT_READERS) {
		uint64_t *at = &view->index.kept.nodes[(*io_at)++], number = *at;
		node *n = number != 0 ? tree_by_number(view, number) : NULL;
		file *f = n != NULL ? node_file(n) : NULL;

		if (f != NULL && tree_has_reader(n) && !is_doubted(f) &&
			now - __atomic_load_n(&f->judged_boot_ns, __ATOMIC_ACQUIRE) <= KEPT_NS)
			continue;
		*at = 0;
		if (f == NULL)
			continue;
		f->is_kept = false;
		return number;
	}
	return 0;
}

void kept_drop_old(emr_view *view)
{
	unsigned at = 0;

	for (uint64_t number; (number = next_old(view, &at)) != 0;)
		kept_drop(view, number);
}
