/* This file counts what `emrfs status` tells: records, changes that wait for the ledger, what
 * failed, and files that a program is writing at this moment. Its answer says whether it is safe
 * to switch off or to unplug a disk. It changes nothing. */
#include "publish.h"

#include <string.h>

#include "awaiting.h"
#include "conflict.h"
#include "edit.h"
#include "foreign.h"
#include "health.h"
#include "rest.h"
#include "tree.h"

/* A program has it open for writing, and has changed it since it was last on the ledger: a copy
 * under way. */
static bool is_being_written(const node *n)
{
	return n->type == EMR_META_FILE && node_writers(n) > 0 && n->state == NODE_LIVE &&
	       (n->content_dirty || !n->is_published);
}

static void count_bytes(emr_view_counts *counts, const node *n)
{
	if (n->type != EMR_META_FILE || node_file(n) == NULL)
		return;
	if (is_being_written(n)) {
		counts->writing++;
		counts->writing_bytes += n->size;
	}
	counts->unhanded += node_file(n)->wrote != node_file(n)->handed;
}

static void count_one(const emr_view *view, const node *n, uint64_t synced, emr_view_counts *counts)
{
	counts->not_safe += disk_lacks(view, n, synced);
	if (n->type == EMR_META_DIR && n != view->root)
		counts->directories++;
	if (n->type == EMR_META_DIR && !needs_settling(n))
		return;
	count_bytes(counts, n); /* also under a name of scratch: many programs copy so */
	if (n->is_local) {
		counts->local += !needs_settling(n);
		/* It is a record once it stayed; or the ledger does not know yet that it left, or
		 * never will. */
		counts->failed += needs_settling(n) && n->failure != EMR_OK;
		counts->pending += needs_settling(n) && n->failure == EMR_OK;
		return;
	}
	if (n->type != EMR_META_DIR) {
		counts->files++;
		counts->bytes += n->size;
		counts->conflicts += n->type == EMR_META_FILE && conflict_is_copy(n->name);
	}
	if (n->failure != EMR_OK) {
		counts->failed++;
	} else if (needs_settling(n)) {
		counts->pending++;
		counts->awaiting += n->type == EMR_META_FILE && awaiting_holds(view, n);
		if (n->type == EMR_META_FILE && (n->content_dirty || !n->is_published))
			counts->pending_bytes += n->size;
	} else {
		counts->confirmed++;
	}
}

void emr_view_count(emr_view *view, emr_view_counts *out_counts)
{
	const uint64_t synced = emr_journal_synced_seq(view->options.journal);
	emr_view_counts counts = {0},
			theirs = {0}; /* of what lies in others' folders, what waits here counts */

	pthread_mutex_lock(&view->lock);
	for (const node *n = NULL; (n = tree_next_own(view, n)) != NULL;)
		count_one(view, n, synced, kind_top(n) == NULL ? &counts : &theirs);
	if (view->index.resting != NULL) {
		counts.files += view->index.resting->files;
		counts.bytes += view->index.resting->bytes;
		counts.confirmed += view->index.resting->files;
	}
	counts.pending += theirs.pending;
	counts.awaiting += theirs.awaiting;
	counts.failed += theirs.failed;
	counts.pending_bytes += theirs.pending_bytes;
	counts.writing += theirs.writing;
	counts.writing_bytes += theirs.writing_bytes;
	counts.unhanded += theirs.unhanded;
	counts.not_safe += theirs.not_safe;
	counts.has_no_room = emr_status_is_full(view->keeper->last_run);
	counts.conflicts += theirs.conflicts;
	counts.local += theirs.local;
	counts.spared_bytes = view->space.spared_bytes;
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (v->has_failed)
			counts.failed++;
		else if (!v->is_held) /* it goes when what failed in it has gone, and is counted */
			counts.pending++;
	pthread_mutex_unlock(&view->lock);
	*out_counts = counts;
}

emr_status emr_view_each_unsent(emr_view *view, const char *path, emr_unsent_fn fn, void *arg)
{
	bool goes_on = true;
	const node *top;
	EMR_LOCKED(&view->lock);

	top = tree_find(view, path);
	if (top == NULL)
		return EMR_NOT_FOUND;
	for (const node *n = NULL; goes_on && (n = tree_next_own(view, n)) != NULL;) {
		EMR_AUTO_FREE char *at = NULL;
		bool settles = needs_settling(n);

		if ((!settles && !(n->is_local && n->type != EMR_META_DIR)) ||
			(top != view->root && !tree_is_below(n, top)))
			continue;
		at = kind_path(n);
		EMR_TRY_MEMORY(at);
		goes_on = fn(arg, at, n->size, !settles);
	}
	return EMR_OK;
}

size_t emr_view_writing(emr_view *view, emr_view_written *out, size_t max)
{
	size_t count = 0;
	EMR_LOCKED(&view->lock);

	for (const node *n = NULL; count < max && (n = tree_next_own(view, n)) != NULL;)
		if (is_being_written(n))
			out[count++] = (emr_view_written){.node = n->number, .bytes = n->size};
	return count;
}
