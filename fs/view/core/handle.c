/* This file opens files and ends them with their last close. Whichever comes last, a read or the
 * close, frees the handle, so that two threads cannot use it after its end. */
#include <fcntl.h>
#include <stdlib.h>

#include "view/received.h"

#include "file.h"
#include "kept.h"
#include "kind.h"
#include "node.h"
#include "reclaim.h"
#include "special.h"

static int accmode(int flags)
{
	return flags & O_ACCMODE;
}

bool handle_may_map(const emr_handle *handle)
{
	return accmode(handle->flags) == O_RDWR;
}

/* ---- handles ---- */

emr_status handle_new(emr_view *view, node *n, int flags, emr_handle **out_handle)
{
	emr_handle *handle;

	if (tree_need_file(n) != EMR_OK)
		return EMR_NO_MEMORY;
	handle = calloc(1, sizeof *handle);
	EMR_TRY_MEMORY(handle);
	handle->view = view;
	handle->node = n;
	handle->refs = 1;
	handle->flags = flags;
	handle->may_read = accmode(flags) != O_WRONLY;
	handle->may_write = accmode(flags) != O_RDONLY || (flags & O_TRUNC) != 0;
	n->opens++;
	if (handle->may_write)
		node_file(n)->writers++;
	node_file(n)->may_map += handle_may_map(handle);
	*out_handle = handle;
	return EMR_OK;
}

bool emr_handle_is_past_cache(const emr_handle *handle)
{
	return handle->is_past_cache;
}

bool emr_handle_leaves_old_pages(const emr_handle *handle)
{
	return handle->is_past_cache &&
	       __atomic_load_n(&node_file(handle->node)->is_opened_again, __ATOMIC_ACQUIRE);
}

emr_status emr_view_open_file(emr_view *view, uint64_t number, int flags, emr_handle **out_handle)
{
	bool writes = accmode(flags) != O_RDONLY || (flags & O_TRUNC) != 0;
	emr_handle *handle = NULL;
	emr_status status = EMR_OK;
	const node_kind *kind = &own_kind;
	node *n;

	view_note_reader(view);
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (n->type == EMR_META_DIR)
		status = EMR_IS_DIRECTORY;
	else if (n->type != EMR_META_FILE)
		status = EMR_INVALID;
	else if (writes && view->options.read_only)
		status = EMR_READ_ONLY;
	else if (writes && n->state == NODE_VIRTUAL && !shared_has(n))
		status = kind_of(n)->refuses != EMR_OK ? kind_of(n)->refuses : EMR_DENIED;
	else if (writes && kind_where(n)->prepare != NULL)
		status = kind_where(n)->prepare(view, n, CHANGE_CONTENT);
	if (status == EMR_OK)
		status = handle_new(view, n, flags, &handle);
	if (status == EMR_OK)
		__atomic_store_n(&node_file(n)->is_opened_again, true, __ATOMIC_RELEASE);
	if (status == EMR_OK)
		kind = kind_where(n); /* it may be taken from now on, but not go back */
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		return status;
	if (kind->make != NULL)
		status = special_open(view, handle);
	else if (flags & O_TRUNC)
		status = file_truncate(view, n, 0);
	else if (kind->open != NULL)
		status = kind->open(view, handle);
	if (status == EMR_OK)
		*out_handle = handle;
	else
		emr_view_release(handle);
	return status;
}

/* Under view->lock: the file NUMBER that only people read; NULL: it is none. */
static node *for_people(emr_view *view, uint64_t number)
{
	node *n = tree_by_number(view, number);

	return n != NULL && n->type == EMR_META_FILE && kind_of(n)->make == NULL &&
			       kind_where(n)->note_refused != NULL
		       ? n
		       : NULL;
}

bool emr_view_is_for_people(emr_view *view, uint64_t number)
{
	EMR_LOCKED(&view->lock);

	return for_people(view, number) != NULL;
}

void emr_view_refuse_program(emr_view *view, uint64_t number, const char *program)
{
	node *n;
	EMR_LOCKED(&view->lock);

	n = for_people(view, number);
	if (n != NULL)
		kind_where(n)->note_refused(view, n, program);
}

/* ---- closing ---- */

/* The last handle of a file without a name: its working copy is wanted by nobody. */
static void discard_if_gone(emr_view *view, node *n)
{
	bool gone;

	pthread_rwlock_wrlock(
		&node_file(n)
			 ->lock); /* first: it may be opened again by its number and written to */
	pthread_mutex_lock(&view->lock);
	gone = n->state == NODE_GONE && n->opens == 1;
	pthread_mutex_unlock(&view->lock);
	if (gone)
		file_end_staging(view, n);
	pthread_rwlock_unlock(&node_file(n)->lock);
}

/* A published file that nobody has open keeps its reader only while it is cheap; that of what
 * another shares: kept.h. */
static void close_reader(emr_view *view, node *n)
{
	bool is_last;

	pthread_rwlock_wrlock(&node_file(n)->lock); /* first: who opens it from now on looks at the
						  reader after this */
	pthread_mutex_lock(&view->lock);
	is_last = n->opens == 1 && !kind_is_shown(n);
	pthread_mutex_unlock(&view->lock);
	if (is_last && node_file(n)->staging == NULL)
		tree_set_reader(node_file(n), NULL);
	pthread_rwlock_unlock(&node_file(n)->lock);
}

/* A mapping written after the last FLUSH: its bytes came since.  RELEASE comes late: the next
 * writer may have begun. */
static void finish_writing(emr_handle *handle)
{
	emr_status status;

	if (file_is_handed_out(handle->view, handle->node))
		return;
	status = file_hand_out_finished(handle->view, handle->node, 1);
	if (status != EMR_OK) /* release(2) has nobody to tell */
		file_notice_unsaved(handle->view, handle->node, status);
}

/* The last one out closes. */
void handle_put(emr_handle *handle)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	uint64_t goes;

	if (__atomic_sub_fetch(&handle->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (handle->report != NULL)
		handle->report->note_closed(view, handle);
	if (kind_of(n)->make == NULL) {
		discard_if_gone(view, n);
		close_reader(view, n);
	}
	pthread_mutex_lock(&view->lock);
	n->opens--;
	node_file(n)->may_map -= handle_may_map(handle);
	if (handle->may_write) {
		node_file(n)->writers--;
		if (n->pending != NULL || n->is_local)
			tree_note_changed(n, view_boot_ns(view));
		if (n->is_local && needs_settling(n))
			enqueue(view, n);
		note_due(view, view_boot_ns(view) + view_soonest_ns(view));
	}
	if (handle->is_let_in)
		node_file(n)->let_in--;
	goes = kept_note_closed(view, n);
	tree_release_if_unused(view, n);
	if (handle->may_write)
		space_check(view);
	pthread_mutex_unlock(&view->lock);
	kept_drop(view, goes);
	special_close(handle);
	free(handle);
}

void emr_view_release(emr_handle *handle)
{
	if (handle->may_write && !kind_is_shown(handle->node))
		finish_writing(handle);
	file_bring_way(handle);
	handle_put(handle);
}
