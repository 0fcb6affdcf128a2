/* This file remembers which signed records of others were read, the latest 4,096 of them, so that
 * a new file can be told to be a copy of one. It keeps no content of them. */
#include "signed.h"

#include <string.h>

#include "base/log.h"
#include "ledger/hash.h"

static bool is_noted(const emr_view *view, const emr_cid *root)
{
	EMR_EACH (const original, one, &view->originals)
		if (emr_cid_equal(&one->root, root))
			return true;
	return false;
}

emr_status originals_head(emr_content_reader *reader, emr_id32 *out_head)
{
	uint8_t head[ORIGINAL_HEAD_BYTES];
	size_t got = 0;
	emr_status status = emr_content_reader_read(reader, 0, head, sizeof head, &got);
	const emr_bytes bytes = emr_bytes_of(head, got);

	if (status == EMR_OK)
		*out_head = emr_sha256_of(&bytes, 1);
	return status;
}

/* The older half makes room. */
static void make_room(emr_buf *all)
{
	size_t half = ORIGINALS_MAX / 2 * sizeof(original);

	if (all->len < ORIGINALS_MAX * sizeof(original))
		return;
	memmove(all->data, all->data + half, all->len - half);
	all->len -= half;
}

void originals_note(emr_view *view, const node *n, const emr_cid *root, emr_content_reader *reader)
{
	original one = {
		.root = *root, .node = n->number, .size = emr_content_reader_content(reader)->n};
	emr_status status;
	bool is_known;

	pthread_mutex_lock(&view->lock);
	is_known = is_noted(view, root);
	pthread_mutex_unlock(&view->lock);
	if (is_known || one.size == 0)
		return;
	status = originals_head(reader, &one.head);
	pthread_mutex_lock(&view->lock);
	make_room(&view->originals);
	if (status == EMR_OK)
		status = emr_buf_append(&view->originals, &one, sizeof one);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) /* who reads on hears of it; a copy of it is not told of */
		emr_log(EMR_LOG_DEBUG, "originals: %s", emr_status_text(status));
}

emr_status originals_of_size(const emr_view *view, uint64_t size, emr_buf *out)
{
	EMR_EACH (const original, one, &view->originals)
		if (one->size == size)
			EMR_TRY(emr_buf_append(out, one, sizeof *one));
	return EMR_OK;
}
