/* The right to write in another's folder has ended, and something that was written there has not
 * been sent: it is kept, in a folder of one's own.  Names, removals and other changes without bytes
 * are let go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "conflict.h"
#include "foreign.h"
#include "node.h"
#include "ops_tree.h"
#include "tree.h"

typedef struct keeping {
	emr_view *view;
	shared_share *share;
	emr_buf numbers; /* of the nodes, uint64_t, the deepest first */
	emr_buf tell;
	node *folder; /* where they go; NULL: nothing had to yet */
	size_t kept;
} keeping;

/* Bytes that the ledger does not have; a backup is nobody's record, unless a program is at it. */
static bool is_unsent(const node *n)
{
	return node_is_file(n) && (!n->is_local || tree_may_become(n) || node_writers(n) > 0) &&
	       (!n->is_published || n->content_dirty) && (n->size > 0 || node_writers(n) > 0);
}

/* "SHARE (not sent to WHO, 2026-11-20 14.05)" at the top. */
static emr_status make_folder(keeping *k)
{
	emr_view *view = k->view;
	char head[128], text[EMR_NAME_MAX + 1], name[EMR_NAME_MAX + 1], who[EMR_NAME_MAX + 1];
	emr_id16 id = emr_id16_random();
	node_row row;
	emr_status status;
	node *n;
	edit e;

	snprintf(head, sizeof head, "%.80s (not sent to ", k->share->name);
	snprintf(who, sizeof who, "%s", k->share->owner->name);
	who[strcspn(who, "([")] = 0; /* neither the code nor own words */
	for (size_t len = strlen(who); len > 0 && who[len - 1] == ' '; len--)
		who[len - 1] = 0;
	conflict_mark(head, who, view_now_ns(view), text);
	strcpy(name, text);
	if (tree_child(view, view->root, name) != NULL)
		tree_free_name(view, view->root, id, text, name);
	EMR_TRY(tree_new_node(view, EMR_META_DIR, id, 0, &n));
	n->mode = 0700;
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->is_domain = view_makes_domains(view);
	n->meta_dirty = true;
	status = tree_attach(view, view->root, name, n);
	if (status != EMR_OK) {
		tree_free_node(view, n);
		return status;
	}
	row = row_of_node(n);
	row.change++;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	status = edit_commit_node(&e, n);
	if (status == EMR_OK)
		status = shared_tell_later(&k->tell, EMR_ROOT_NODE, name);
	if (status != EMR_OK) {
		tree_detach(view, n);
		tree_free_node(view, n);
		return status;
	}
	n->has_row = true;
	touch_directory(view, view->root);
	mark_changed(view, n);
	k->folder = n;
	return EMR_OK;
}

/* N becomes a record of one's own in the folder: the journal first. */
static emr_status keep(keeping *k, node *n)
{
	emr_view *view = k->view;
	emr_id16 before = n->id, id = emr_id16_random();
	bool was_published = n->is_published;
	char name[EMR_NAME_MAX + 1], *copy = NULL;
	node *directory = n->parent;
	node_row row;
	edit e;
	emr_status status = k->folder == NULL ? make_folder(k) : EMR_OK;

	strcpy(name, n->name);
	if (status == EMR_OK && tree_child(view, k->folder, n->name) != NULL)
		tree_free_name(view, k->folder, n->id, n->name, name);
	if (status == EMR_OK)
		status = tree_prepare(view, k->folder, name, &copy);
	if (status == EMR_OK)
		status = tree_reserve_ids(view, 2);
	if (status == EMR_OK)
		status = foreign_tell_name(view, n, &k->tell);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	n->is_published = false;
	row = row_of_node(n);
	row.flags &= (uint16_t)~ROW_IS_FOREIGN;
	row.flags |= ROW_META_DIRTY | ROW_CONTENT_DIRTY;
	row.parent = k->folder->id;
	row.name = emr_bytes_of(name, strlen(name));
	row.change++;
	e = edit_begin(view);
	edit_delete(&e, before);
	edit_put(&e, id, &row);
	if (node_file(n) != NULL && node_file(n)->has_content) {
		edit_unpin(&e, &node_file(n)->content->c, before);
		edit_pin(&e, &node_file(n)->content->c, id, EMR_PIN_WRITTEN);
	}
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		n->is_published = was_published;
		free(copy);
		return status;
	}
	n->has_row = n->meta_dirty = n->content_dirty = true;
	node_set_top_cver(n, 0);
	n->failure = EMR_OK;
	free(n->was);
	n->was = NULL;
	status = tree_change_id(view, n, id); /* reserved: cannot fail */
	tree_move(view, n, k->folder, copy);
	tree_mark_local(n);
	mark_changed(view, n);
	tree_release_if_unused(view, directory);
	k->kept++;
	return status;
}

emr_status foreign_keep_one(emr_view *view, shared_share *s, node *n, emr_buf *tell)
{
	keeping k = {.view = view, .share = s, .tell = *tell};
	emr_status status = keep(&k, n);

	*tell = k.tell;
	return status;
}

static emr_status forget_vacated(emr_view *view, emr_id16 domain)
{
	vacated *next;

	for (vacated *v = view->vacated; v != NULL; v = next) {
		emr_id16 object = v->place.object;
		edit e;

		next = v->next;
		if (!emr_id16_equal(v->place.domain, domain))
			continue;
		e = edit_begin(view);
		edit_unvacate(&e, object);
		EMR_TRY(edit_commit(&e, NULL));
		vacated_drop(view, object);
	}
	return EMR_OK;
}

static emr_status keep_all(keeping *k)
{
	for (const node *n = NULL; (n = tree_next_elsewhere(k->view, n)) != NULL;)
		if (shared_share_of(n) == k->share)
			EMR_TRY(emr_buf_append(&k->numbers, &n->number, sizeof n->number));
	for (size_t at = k->numbers.len; at > 0; at -= sizeof(uint64_t)) {
		uint64_t number;
		node *n;

		memcpy(&number, k->numbers.data + at - sizeof number, sizeof number);
		n = tree_by_number(k->view, number);
		if (n == NULL || n->state != NODE_LIVE || shared_share_of(n) != k->share ||
			n->in_run)
			continue; /* IN_RUN: its answer is on its way */
		if (is_unsent(n))
			EMR_TRY(keep(k, n));
		else if (!node_has_kids(n))
			EMR_TRY(foreign_retire(k->view, n, &k->tell));
	}
	return forget_vacated(k->view, k->share->domain);
}

void foreign_keep_unsent(emr_view *view, shared_share *s)
{
	keeping k = {.view = view, .share = s};
	char *path = NULL;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = keep_all(&k);
	if (k.folder != NULL)
		path = tree_path(k.folder);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "shares: what was not sent could not be kept yet: %s",
			emr_status_text(status));
	shared_tell(view, &k.tell);
	if (k.kept > 0 && view->options.notice != NULL)
		view->options.notice(
			view->options.notice_arg, "not-sent", path != NULL ? path : "");
	free(path);
	emr_buf_free(&k.numbers);
	emr_buf_free(&k.tell);
}
