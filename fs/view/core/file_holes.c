/* This file answers lseek(SEEK_DATA and SEEK_HOLE): where a file has bytes, and where nobody
 * ever wrote any. Programs that copy sparse files ask for it. */
#include "file.h"

/* A mapping that another handle wrote through may have bytes that the kernel has not sent yet: what
 * looks like a hole here may be none.  Only who may read and write can map so. */
static bool may_be_mapped(emr_handle *handle)
{
	emr_view *view = handle->view;
	bool is_own = handle_may_map(handle);
	EMR_LOCKED(&view->lock);

	return node_file(handle->node)->may_map > (is_own ? 1u : 0u);
}

/* As if it had none. */
static emr_status seek_plain(emr_handle *handle, uint64_t at, bool wants_hole, uint64_t *out_at)
{
	emr_view *view = handle->view;
	uint64_t size;

	pthread_mutex_lock(&view->lock);
	size = handle->node->size;
	pthread_mutex_unlock(&view->lock);
	if (at >= size)
		return EMR_NOT_FOUND;
	*out_at = wants_hole ? size : at;
	return EMR_OK;
}

emr_status emr_view_seek(emr_handle *handle, uint64_t at, bool wants_hole, uint64_t *out_at)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status;

	if (kind_is_shown(n) || may_be_mapped(handle))
		return seek_plain(handle, at, wants_hole, out_at);
	status = file_may_read(view, n);
	if (status == EMR_OK)
		status = file_lock_readable(view, n);
	if (status != EMR_OK)
		return status;
	if (node_file(n)->staging != NULL)
		status = emr_staging_seek(node_file(n)->staging, at, wants_hole, out_at);
	else if (node_file(n)->reader != NULL)
		status = emr_content_reader_seek(node_file(n)->reader, at, wants_hole, out_at);
	else
		status = EMR_NOT_FOUND;
	pthread_rwlock_unlock(&node_file(n)->lock);
	return status;
}
