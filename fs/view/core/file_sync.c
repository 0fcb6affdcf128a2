/* This file carries out close, fsync and sync: a close hands what was written to the operating
 * system, so that a killed process loses nothing, and fsync brings it to the disk, so that a
 * power cut loses nothing. When the disk refuses, the bytes are not called safe, and they are
 * written to the disk once more. */
#include <stdlib.h>

#include "base/log.h"
#include "fetch/fetch.h"

#include "file.h"
#include "health.h"
#include "node.h"

/* ---- handing out ---- */

/* The row of a node whose bytes just changed hands; nothing for one without a name. */
static emr_status put_row(node *n, edit *e)
{
	node_row row;

	if (n->state != NODE_LIVE) {
		emr_journal_rollback(e->txn);
		return EMR_OK;
	}
	row = row_of_node(n);
	edit_put(e, n->id, &row);
	EMR_TRY(edit_commit_node(e, n));
	n->has_row = true;
	return EMR_OK;
}

/* N's bytes are CONTENT from now on: one row, the old frozen content's blocks let go. */
emr_status file_adopt_content(emr_view *view, node *n, const emr_content *content, uint64_t wrote)
{
	file *f = node_file(n);
	emr_content *before = f->content, *fresh = malloc(sizeof *fresh);
	emr_place *restored = f->restored;
	bool had_content = f->has_content, was_in_row = f->staging_in_row,
	     was_former = f->is_former;
	emr_status status;
	edit e;

	EMR_TRY_MEMORY(fresh);
	*fresh = *content;
	e = edit_begin(view);
	if (had_content) {
		edit_unpin(&e, &before->c, n->id);
		edit_died(&e, before);
	}
	edit_pin(&e, &content->c, n->id, EMR_PIN_WRITTEN);
	f->content = fresh;
	f->has_content = true;
	tree_note_stored(n, content);
	f->restored = NULL;
	f->is_former = f->staging_in_row = false;
	status = put_row(n, &e);
	if (status != EMR_OK) {
		f->restored = restored;
		f->content = before;
		f->has_content = had_content;
		f->staging_in_row = was_in_row;
		f->is_former = was_former;
		free(fresh);
		return status;
	}
	free(before);
	free(restored);
	f->handed = wrote;
	return EMR_OK;
}

/* Under file->lock for writing, with a working copy: frozen, and read from the content afterwards.
 */
emr_status file_freeze_locked(emr_view *view, node *n)
{
	file *f = node_file(n);
	emr_content_key *key = NULL;
	emr_content_reader *reader;
	emr_content content;
	uint64_t wrote;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	wrote = f->wrote;
	pthread_mutex_unlock(&view->lock);
	status = emr_staging_freeze(f->staging, &content, &key);
	emr_content_key_free(key);
	if (status != EMR_OK)
		return status;
	reader = emr_staging_base(f->staging); /* not read back: it was sealed a moment ago */
	pthread_mutex_lock(&view->lock);
	status = file_adopt_content(view, n, &content, wrote);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	tree_set_reader(f, reader);
	file_end_staging(view, n);
	return EMR_OK;
}

/* Under file->lock: the bytes go to the spill, which the row names. */
static emr_status spill_locked(emr_view *view, node *n)
{
	file *f = node_file(n);
	uint64_t wrote;
	int64_t mtime_ns;
	emr_status status;
	edit e;

	pthread_mutex_lock(&view->lock);
	wrote = f->wrote;
	mtime_ns = n->mtime_ns;
	pthread_mutex_unlock(&view->lock);
	status = emr_staging_spill(f->staging, mtime_ns);
	if (emr_status_is_full(status) &&
		emr_fetcher_give_way(view->options.fetcher, emr_staging_size(f->staging)))
		status = emr_staging_spill(f->staging, mtime_ns);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	if (!f->staging_in_row) {
		f->staging_in_row = f->is_spill_named = true;
		e = edit_begin(view);
		status = put_row(n, &e);
		if (status != EMR_OK)
			f->staging_in_row = false;
	}
	if (status == EMR_OK) {
		f->handed = wrote;
		f->is_spill_doubted = false;
		file_set_spill_unsynced(view, f, true);
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* Under file->lock for writing. */
static emr_status hand_out_locked(emr_view *view, node *n)
{
	if (node_file(n)->staging == NULL || node_file(n)->wrote == node_file(n)->handed)
		return EMR_OK;
	return emr_staging_is_simple(node_file(n)->staging) ? file_freeze_locked(view, n)
							    : spill_locked(view, n);
}

emr_status file_hand_out(emr_view *view, node *n)
{
	emr_status status;

	pthread_rwlock_wrlock(&node_file(n)->lock);
	status = hand_out_locked(view, n);
	pthread_rwlock_unlock(&node_file(n)->lock);
	return status;
}

/* As file_hand_out, but not while anybody writes besides the caller, who has MINE handles for it:
 * what a writer has begun is handed out by his own close, so that a killed process leaves the old
 * bytes or the new. */
emr_status file_hand_out_finished(emr_view *view, node *n, uint32_t mine)
{
	emr_status status = EMR_OK;
	bool is_finished;

	pthread_rwlock_wrlock(&node_file(n)->lock);
	/* A program that opens it from now on cannot change the working copy before the lock is
	 * free. */
	pthread_mutex_lock(&view->lock);
	is_finished = node_writers(n) <= mine;
	pthread_mutex_unlock(&view->lock);
	if (is_finished)
		status = hand_out_locked(view, n);
	pthread_rwlock_unlock(&node_file(n)->lock);
	return status;
}

bool file_is_handed_out(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return node_file(n) == NULL || node_file(n)->wrote == node_file(n)->handed ||
	       n->state == NODE_GONE;
}

static bool is_doubted(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return node_file(n) != NULL && node_file(n)->is_spill_doubted;
}

static bool is_gone(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return n->state == NODE_GONE;
}

emr_status emr_view_flush(emr_handle *handle)
{
	emr_status status;

	if (!handle->may_write || kind_is_shown(handle->node) ||
		file_is_handed_out(handle->view, handle->node))
		return EMR_OK;
	status = file_hand_out(handle->view, handle->node);
	if (status != EMR_OK)
		file_notice_unsaved(handle->view, handle->node, status);
	return status;
}

/* Under file->lock: the working copy as last handed out. */
static emr_status sync_spill(emr_view *view, file *f)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&view->lock);
	file_set_spill_unsynced(view, f, false); /* what comes meanwhile sets it again */
	pthread_mutex_unlock(&view->lock);
	if (emr_staging_needs_store_flush(f->staging)) {
		status = emr_store_flush(view->options.store);
		if (status == EMR_OK)
			emr_staging_store_flushed(f->staging);
	}
	if (status == EMR_OK)
		status = emr_staging_sync(f->staging);
	if (status != EMR_OK) {
		pthread_mutex_lock(&view->lock);
		file_set_spill_unsynced(view, f, true);
		f->handed = f->wrote - 1; /* handing out again writes another spill */
		f->is_spill_doubted = true;
		pthread_mutex_unlock(&view->lock);
	}
	return status;
}

/* The row says how much a flush has covered, so that a spill that is missing or cut is noticed. The
 * row itself goes to the disk with the next sync: the promise is kept by the spill. */
static void note_promise(emr_view *view, node *n, uint64_t mark)
{
	file *f = node_file(n);
	node_row row;
	edit e;
	EMR_LOCKED(&view->lock);

	if (f->staging != NULL && f->staging_in_row && n->state == NODE_LIVE &&
		mark > f->promised) {
		f->promised = mark;
		row = row_of_node(n);
		e = edit_begin(view);
		edit_put(&e, n->id, &row);
		if (edit_commit(&e, NULL) != EMR_OK)
			emr_log(EMR_LOG_WARN, "how much was flushed is not in the journal");
	}
}

/* Everything handed out so far of N is on the disk. */
static emr_status sync_file(emr_view *view, node *n)
{
	file *f = node_file(n);
	emr_status status = EMR_OK;
	uint64_t row_seq;

	pthread_rwlock_rdlock(&f->lock);
	if (f->staging != NULL) {
		uint64_t mark = emr_staging_mark(f->staging);

		status = sync_spill(view, f);
		if (status == EMR_OK)
			note_promise(view, n, mark);
	}
	pthread_rwlock_unlock(&f->lock);
	/* Asked last: bytes that were frozen meanwhile are on the disk with the row that names
	 * them. */
	pthread_mutex_lock(&view->lock);
	row_seq = node_row_seq(n);
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK && row_seq > emr_journal_synced_seq(view->options.journal))
		status = emr_journal_sync(view->options.journal, row_seq);
	return status;
}

emr_status emr_view_fsync(emr_handle *handle)
{
	emr_view *view = handle->view;
	node *n = handle->node;
	emr_status status = EMR_OK;

	if (kind_is_shown(n) || is_gone(view, n))
		return EMR_OK; /* a file without a name has nothing to keep */
	if (!file_is_handed_out(view, n))
		status = file_hand_out(view, n);
	if (status == EMR_OK)
		status = sync_file(view, n);
	if (status != EMR_OK)
		file_notice_unsaved(view, n, status);
	return status;
}

emr_status file_each(emr_view *view, const unsigned *most,
	bool (*is_wanted)(const node *n, bool all),
	emr_status (*what)(emr_view *view, node *n, bool all), bool all)
{
	EMR_AUTO_FREE node **nodes = NULL;
	emr_status first = EMR_OK;
	size_t count = 0, max;

	pthread_mutex_lock(&view->lock);
	max = most != NULL ? *most : view->nodes.count;
	nodes = calloc(max + 1, sizeof *nodes);
	for (node *n = NULL;
		nodes != NULL && count < max && (n = tree_next_any(view, n)) != NULL;) {
		if (node_file(n) == NULL || !is_wanted(n, all))
			continue;
		n->opens++;
		nodes[count++] = n;
	}
	pthread_mutex_unlock(&view->lock);
	EMR_TRY_MEMORY(nodes);
	for (size_t i = 0; i < count; i++) {
		emr_status status = what(view, nodes[i], all);

		if (status != EMR_OK && first == EMR_OK)
			first = status;
		pthread_mutex_lock(&view->lock);
		nodes[i]->opens--;
		tree_release_if_unused(view, nodes[i]);
		pthread_mutex_unlock(&view->lock);
	}
	return first;
}

static bool has_unsynced(const node *n, bool all)
{
	(void)all;
	return node_file(n)->is_spill_unsynced;
}

/* A spill that the disk once refused is written again whole, whoever is at work on it. */
static emr_status bring_spill(emr_view *view, node *n, bool all)
{
	(void)all;
	EMR_TRY(file_is_handed_out(view, n) ? EMR_OK
		: is_doubted(view, n)	    ? file_hand_out(view, n)
					    : file_hand_out_finished(view, n, 0));
	return sync_file(view, n);
}

/* Of the rows up to SEQ, 0: none. */
static emr_status sync_rows(emr_view *view, uint64_t seq)
{
	EMR_TRY(seq == 0 ? EMR_OK : emr_journal_sync(view->options.journal, seq));
	if (seq == 0)
		return EMR_OK;
	remove_doomed(view);
	pthread_mutex_lock(&view->lock);
	if (view->disk.unsynced_seq <= seq)
		view->disk.unsynced_seq = 0;
	view->disk.unsynced_since_boot_ns = view_boot_ns(view); /* of whatever came since */
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

emr_status emr_view_sync(emr_view *view)
{
	emr_status status = file_each(
			   view, &view->disk.unsynced_spills, has_unsynced, bring_spill, false),
		   rows;
	uint64_t seq;

	pthread_mutex_lock(&view->lock);
	seq = view->disk.unsynced_seq;
	pthread_mutex_unlock(&view->lock);
	rows = sync_rows(view, seq);
	if (status == EMR_OK)
		status = rows;
	if (status == EMR_OK)
		disk_took_all(view);
	else
		disk_hear(view, status);
	return status;
}
