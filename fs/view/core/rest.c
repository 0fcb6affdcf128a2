/* This file makes the nodes of files that rested, when somebody looks into their directory. To open
 * a folder of a million records then costs what its directories cost. */
#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"

#include "edit.h"
#include "times.h"
#include "tree.h"

void rest_end(emr_view *view)
{
	resting *r = view->index.resting;

	view->index.resting = NULL;
	if (r != NULL)
		emr_kept_close(r->kept);
	free(r);
}

void rest_in(resting *r, emr_kept_run *run, node *directory)
{
	kid_list *in = directory->listing;

	run->owner = directory;
	run->next = in->resting != NULL ? in->first_run : UINT32_MAX;
	in->first_run = (uint32_t)(run - r->runs);
	in->resting = r;
	in->live_kids += run->count;
	r->files += run->count;
	r->bytes += run->bytes;
}

emr_status rest_take_meta(emr_view *view, node *n, const emr_place *place, const emr_meta *meta)
{
	char *target = NULL;

	n->mode = meta->mode;
	n->size = meta->n;
	n->stored_leaves = meta->stored_leaves;
	n->mtime_ns = n->ctime_ns = meta->mtime_ns;
	if (n->type == EMR_META_SYMLINK &&
		(target = strndup((const char *)meta->target.data, meta->target.len)) == NULL)
		return EMR_NO_MEMORY;
	tree_take_target(n, target);
	EMR_TRY(tree_set_attributes(n, meta->xattrs));
	EMR_TRY(tree_need_place(view, place));
	n->is_published = true;
	tree_set_place(view, n, place);
	n->is_domain = tree_is_root_object(n);
	return EMR_OK;
}

emr_status rest_attach(emr_view *view, node *directory, const char *name, node *n, bool is_by_id)
{
	char lent[EMR_NAME_MAX + 1], *copy = NULL;
	node *there;
	bool is_kept;

	if (emr_name_check(name) != EMR_OK)
		name = "unnamed";
	is_kept = tree_is_kept_name(view, directory, name, n->is_domain);
	there = tree_child(view, directory, name);
	if (there == NULL && !is_kept)
		return tree_attach(view, directory, name, n);
	if (directory->listing != NULL)
		directory->listing->has_lent = true;
	/* Of two the one that is on the ledger has the name, and of two that are, the one with the
	 * smaller id: whichever is attached first, today or tomorrow, here or elsewhere. */
	if (is_kept || !is_by_id || (there->is_published && !n->is_published) ||
		(there->is_published == n->is_published &&
			memcmp(n->id.b, there->id.b, sizeof n->id.b) > 0)) {
		tree_free_name(view, directory, n->id, name, lent);
		return tree_attach(view, directory, lent, n);
	}
	tree_free_name(view, directory, there->id, name, lent);
	EMR_TRY(tree_prepare(view, directory, lent, &copy));
	tree_move(view, there, directory, copy);
	return tree_attach(view, directory, name, n);
}

/* ---- waking ---- */

/* The inode number and the time that only this computer knows, as load.c and load_times.c say. */
static emr_status take_local_facts(const resting *r, node *n, emr_buf *row)
{
	emr_status status;

	emr_buf_clear(row);
	status = emr_journal_get(r->view->options.journal, EMR_ROW_INO, n->id, row);
	if (status == EMR_OK && row->len == 8)
		n->ino = emr_get_u64(row->data);
	else if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	status = times_find(r->view, n->id, node_version(n), row, &n->ctime_ns);
	if (status != EMR_NOT_FOUND && status != EMR_DAMAGED)
		return status;
	n->ctime_ns = r->opened_ns;
	times_keep(r->view, n);
	return EMR_OK;
}

static emr_status wake_one(const resting *r, node *directory, const emr_place *place,
	const emr_meta *meta, emr_buf *row)
{
	char name[EMR_NAME_MAX + 1] = {0};
	emr_status status;
	node *n;

	EMR_TRY(tree_new_node(r->view, meta->type, place->object, 0, &n));
	memcpy(name, meta->name.data, meta->name.len);
	status = rest_take_meta(r->view, n, place, meta);
	if (status == EMR_OK)
		status = rest_attach(r->view, directory, name, n, true);
	if (status != EMR_OK) {
		tree_free_node(r->view, n);
		return status;
	}
	tree_mark_local(n);
	if (needs_settling(n))
		enqueue(r->view, n);
	return take_local_facts(r, n, row);
}

static emr_status wake_run(const resting *r, node *directory, const emr_kept_run *run)
{
	EMR_AUTO_FACTS_WALK rows = emr_kept_resting(r->view->options.facts, r->kept, run);
	EMR_AUTO_BUF row = {0};
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(&rows, &place, &meta))
		EMR_TRY(wake_one(r, directory, &place, &meta, &row));
	return rows.status;
}

void rest_make_nodes(const node *directory)
{
	kid_list *in = node_listing(directory);
	resting *r = in->resting;
	emr_status status = EMR_OK;
	emr_place *spare_place;
	packed_ids *spare_ids;
	uint64_t vacated_changes;
	emr_view *view = r->view;

	/* The caller may have a spare place for something else; and no name is new to anybody. */
	spare_place = view->index.spare_place;
	spare_ids = view->index.spare_ids;
	view->index.spare_place = NULL;
	view->index.spare_ids = NULL;
	vacated_changes = view->vacated_changes;
	in->resting = NULL; /* what is made now looks for its name here */
	for (uint32_t at = in->first_run; at != UINT32_MAX; at = r->runs[at].next) {
		emr_kept_run *run = &r->runs[at];

		run->owner = NULL;
		r->files -= run->count;
		r->bytes -= run->bytes;
		in->live_kids -= run->count;
		if (status == EMR_OK)
			status = wake_run(r, (node *)(uintptr_t)directory, run);
	}
	free(view->index.spare_place);
	free(view->index.spare_ids);
	view->index.spare_place = spare_place;
	view->index.spare_ids = spare_ids;
	view->vacated_changes = vacated_changes;
	if (status == EMR_OK)
		return;
	emr_log(EMR_LOG_ERROR, "a directory is not whole until the folder is opened again: %s",
		emr_status_text(status));
	in->is_partial = view->index.is_partial = view->options.read_only = true;
}

void rest_tell(emr_view *view, uint64_t directory, const char *name)
{
	EMR_AUTO_FREE char *above = NULL, *path = NULL;
	const node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, directory);
	if (n != NULL && view->index.is_partial && !view->index.is_told)
		above = tree_path(n);
	view->index.is_told = view->index.is_told || above != NULL;
	pthread_mutex_unlock(&view->lock);
	if (above != NULL && view->options.notice != NULL &&
		asprintf(&path, "%s%s%s", above, above[0] != 0 ? "/" : "", name) >= 0)
		view->options.notice(view->options.notice_arg, "disk-unreadable", path);
}

emr_status rest_wake_below(const node *top)
{
	emr_status status = EMR_OK;

	for (const node *n = NULL; (n = tree_next_awake(top, n)) != NULL;) {
		rest_wake(n);
		if (node_listing(n) != NULL && n->listing->is_partial)
			status = EMR_IO;
	}
	return status;
}

bool rest_find_id(const emr_view *view, emr_id16 id)
{
	const resting *r = view->index.resting;
	uint32_t run;

	if (!emr_kept_find(r->kept, id, &run) || r->runs[run].owner == NULL)
		return false;
	rest_wake(r->runs[run].owner);
	return true;
}

void rest_wake_all(emr_view *view)
{
	resting *r;

	pthread_mutex_lock(&view->lock);
	r = view->index.resting; /* nobody else frees it */
	for (uint32_t i = 0; r != NULL && i < r->n; i++) {
		if (r->runs[i].owner == NULL)
			continue;
		rest_wake(r->runs[i].owner);
		pthread_mutex_unlock(&view->lock);
		pthread_mutex_lock(&view->lock);
	}
	rest_end(view);
	pthread_mutex_unlock(&view->lock);
}
