/* The files of `.emrfs` (log, notices and others) are made when somebody reads them. This file
 * keeps what one reader has opened unchanged until the end, and lets `tail -f` see what is added
 * later. */
#include "special.h"

#include <malloc.h>
#include <string.h>

#include "edit.h"
#include "node.h"

#define LARGE_BYTES ((size_t)256 << 10)

/* N's size and time become those of BYTES, made just now. */
static void note_made(emr_view *view, node *n, const emr_buf *bytes)
{
	EMR_LOCKED(&view->lock);

	if (n->size != bytes->len || node_changed_boot_ns(n) == 0)
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->size = bytes->len;
	tree_note_changed(n, view_boot_ns(view));
}

static emr_status make(emr_view *view, node *n, emr_buf *out)
{
	EMR_TRY(kind_of(n)->make(view, n, out));
	note_made(view, n, out);
	return EMR_OK;
}

void special_learn(emr_view *view, node *n)
{
	EMR_AUTO_BUF bytes = {0};
	bool is_fresh;

	pthread_mutex_lock(&view->lock);
	is_fresh = node_changed_boot_ns(n) != 0 &&
		   view_boot_ns(view) - node_changed_boot_ns(n) < SPECIAL_FRESH_NS;
	pthread_mutex_unlock(&view->lock);
	/* A size that cannot be told now stays what it was; opening says what is wrong. */
	if (!is_fresh && make(view, n, &bytes) != EMR_OK)
		emr_buf_clear(&bytes);
}

emr_status special_open(emr_view *view, emr_handle *handle)
{
	emr_status status = make(view, handle->node, &handle->virtual_bytes);

	handle->made_boot_ns = view_boot_ns(view);
	return status;
}

/* Without view->lock: if the newest bytes go on where those of HANDLE end, HANDLE gets them. */
static emr_status go_on(emr_handle *handle)
{
	EMR_AUTO_BUF newer = {0};
	emr_view *view = handle->view;
	emr_buf *old = &handle->virtual_bytes, swapped;

	EMR_TRY(make(view, handle->node, &newer));
	pthread_mutex_lock(&view->lock);
	handle->made_boot_ns = view_boot_ns(view);
	if (newer.len > old->len &&
		(old->len == 0 || memcmp(newer.data, old->data, old->len) == 0)) {
		swapped = *old;
		*old = newer;
		newer = swapped;
	}
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

emr_status special_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len)
{
	emr_view *view = handle->view;
	bool is_at_end;
	size_t size, got;

	pthread_mutex_lock(&view->lock);
	is_at_end = kind_of(handle->node)->make != NULL && at >= handle->virtual_bytes.len &&
		    at > 0 && view_boot_ns(view) - handle->made_boot_ns >= SPECIAL_FRESH_NS;
	pthread_mutex_unlock(&view->lock);
	if (is_at_end)
		EMR_TRY(go_on(handle));
	pthread_mutex_lock(&view->lock);
	size = handle->virtual_bytes.len;
	got = at >= size ? 0 : size - at < len ? (size_t)(size - at) : len;
	if (got > 0)
		memcpy(data, handle->virtual_bytes.data + at, got);
	pthread_mutex_unlock(&view->lock);
	*out_len = got;
	return EMR_OK;
}

void special_close(emr_handle *handle)
{
	bool was_large = handle->virtual_bytes.len > LARGE_BYTES;

	emr_buf_free(&handle->virtual_bytes);
	if (was_large)
		malloc_trim(0);
}

static emr_status special_make(emr_view *view, const node *n, emr_buf *out)
{
	return view->options.make_special(
		view->options.special_arg, view->options.special_names[n->special - 1], out);
}

const node_kind special_file_kind = {
	.refuses = EMR_DENIED, .is_shown = true, .has_size = true, .make = special_make};
