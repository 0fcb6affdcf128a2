/* A copy that a program makes of what somebody else has signed is its maker's own record, without
 * that signature.  This file says so when the copy is published first, and to no other new file. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "file.h"
#include "kind.h"
#include "publish.h"
#include "signed.h"
#include "tree.h"

#define PIECE_BYTES ((size_t)256 << 10)

/* Under view->lock: N is a record from now on, and has not been looked at with these bytes. */
static bool is_new_record(const emr_view *view, const node *n)
{
	const file *f = node_file(n);

	return n->type == EMR_META_FILE && !n->is_published && !n->is_local &&
	       n->state == NODE_LIVE && kind_top(n) == NULL && view->originals.len > 0 &&
	       f != NULL && f->has_content && f->staging == NULL && f->restored == NULL &&
	       f->content->n > 0 && f->looked != f->wrote;
}

/* ---- two contents ---- */

static bool must_stop(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return view->stop;
}

/* Up to the first byte that differs.  Both are SIZE long. */
static emr_status compare(emr_view *view, emr_content_reader *a, emr_content_reader *b,
	uint64_t size, bool *out_is_same)
{
	EMR_AUTO_FREE uint8_t *pieces = malloc(2 * PIECE_BYTES);
	bool is_same = true;

	EMR_TRY_MEMORY(pieces);
	for (uint64_t at = 0; at < size && is_same;) {
		size_t of_a = 0, of_b = 0;

		EMR_TRY(emr_content_reader_read(a, at, pieces, PIECE_BYTES, &of_a));
		EMR_TRY(emr_content_reader_read(b, at, pieces + PIECE_BYTES, PIECE_BYTES, &of_b));
		if (must_stop(view))
			return EMR_INTERRUPTED;
		is_same =
			of_a > 0 && of_a == of_b && memcmp(pieces, pieces + PIECE_BYTES, of_a) == 0;
		at += of_a;
	}
	*out_is_same = is_same;
	return EMR_OK;
}

/* ---- the original ---- */

/* The node that ONE was read from, held by one more open; NULL: it is not there as it was. */
static node *hold_original(emr_view *view, const original *one, emr_place *out_place)
{
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, one->node);
	if (n != NULL)
		*out_place = node_place(n);
	if (n != NULL && (n->state != NODE_LIVE || !n->is_published ||
				 !emr_cid_equal(&out_place->root, &one->root)))
		n = NULL;
	if (n != NULL)
		n->opens++;
	return n;
}

static char *path_of(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return kind_path(n);
}

static void tell(emr_view *view, const node *copy, const node *n, const emr_place *place)
{
	EMR_AUTO_FREE char *path = path_of(view, copy), *from = path_of(view, n);
	static const char end[1];
	EMR_AUTO_BUF by = {0};
	emr_shared_notice notice = {.id = "copy-unsigned", .path = path, .inside = from};
	bool may;

	if (path == NULL || from == NULL || view->options.shared_notice == NULL ||
		signed_say_by(view, place, &by) != EMR_OK ||
		emr_buf_append(&by, end, sizeof end) != EMR_OK)
		return;
	pthread_mutex_lock(&view->lock);
	may = refusals_may_tell(view, REFUSAL_COPY);
	pthread_mutex_unlock(&view->lock);
	notice.owner = notice.organisation = (const char *)by.data;
	if (may)
		view->options.shared_notice(view->options.shared_notice_arg, &notice);
}

/* Whether COPY, which READER opens, is ONE's; then it is said. */
static emr_status look_at_one(emr_view *view, const node *copy, emr_content_reader *reader,
	const original *one, bool *out_is_same)
{
	emr_content_reader *other = NULL;
	emr_place place;
	node *n = hold_original(view, one, &place);
	emr_status status;

	if (n == NULL)
		return EMR_OK;
	status = signed_open(view, n, &place, &other);
	if (status == EMR_OK)
		status = compare(view, reader, other, one->size, out_is_same);
	emr_content_reader_free(other);
	if (status == EMR_OK && *out_is_same)
		tell(view, copy, n, &place);
	tree_let_go(view, n);
	return status;
}

/* ---- the copy ---- */

/* Without view->lock.  CONTENT is frozen: nobody changes it any more. */
static emr_status look_at(
	emr_view *view, const node *copy, const emr_content *content, const emr_buf *alike)
{
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	emr_id32 head;
	bool is_same = false;
	emr_status status = emr_content_open_key(view->options.records, content, &key);

	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, content, key, &reader);
	emr_content_key_free(key);
	if (status == EMR_OK)
		status = originals_head(reader, &head);
	for (size_t at = 0; at < alike->len && status == EMR_OK && !is_same;
		at += sizeof(original)) {
		original one;

		memcpy(&one, alike->data + at, sizeof one);
		if (emr_id32_equal(one.head, head))
			status = look_at_one(view, copy, reader, &one, &is_same);
	}
	emr_content_reader_free(reader);
	return status;
}

void copies_tell(publishing *p)
{
	emr_view *view = p->view;

	for (size_t i = 0; i < p->nnodes; i++) {
		emr_status status = EMR_OK;
		EMR_AUTO_BUF alike = {0};
		node *n = p->nodes[i];
		emr_content content;

		pthread_mutex_lock(&view->lock);
		if (is_new_record(view, n)) {
			content = *node_file(n)->content;
			node_file(n)->looked = node_file(n)->wrote;
			status = originals_of_size(view, content.n, &alike);
		}
		pthread_mutex_unlock(&view->lock);
		if (status == EMR_OK && alike.len > 0)
			status = look_at(view, n, &content, &alike);
		if (status != EMR_OK)
			emr_log(EMR_LOG_INFO, "copies: a new file was not compared: %s",
				emr_status_text(status));
	}
}
