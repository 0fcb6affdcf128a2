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

typedef struct counting {
	const emr_view *view;
	uint64_t synced;
	emr_view_counts counts;
} counting;

static void count_one(void *arg, node *n)
{
	counting *c = arg;
	emr_view_counts *counts = &c->counts;

	counts->not_safe += disk_lacks(c->view, n, c->synced);
	if (n->type == EMR_META_DIR)
		counts->directories++;
	if (n->type == EMR_META_DIR && !needs_settling(n))
		return;
	count_bytes(counts, n); /* also under a name of scratch: many programs copy so */
	if (n->is_local) {
		counts->local++;
		/* The ledger does not know yet that it left, or never will. */
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
		counts->awaiting += n->type == EMR_META_FILE && awaiting_holds(c->view, n);
		if (n->type == EMR_META_FILE && (n->content_dirty || !n->is_published))
			counts->pending_bytes += n->size;
	} else {
		counts->confirmed++;
	}
}

void emr_view_count(emr_view *view, emr_view_counts *out_counts)
{
	counting mine = {.view = view, .synced = emr_journal_synced_seq(view->options.journal)};
	counting others = mine; /* what lies in others' folders is theirs but for what waits here */
	const emr_view_counts *theirs = &others.counts;
	emr_view_counts counts;

	pthread_mutex_lock(&view->lock);
	tree_walk(view->root, count_one, &mine);
	tree_walk_elsewhere(view, count_one, &others);
	counts = mine.counts;
	counts.pending += theirs->pending;
	counts.awaiting += theirs->awaiting;
	counts.failed += theirs->failed;
	counts.pending_bytes += theirs->pending_bytes;
	counts.writing += theirs->writing;
	counts.writing_bytes += theirs->writing_bytes;
	counts.unhanded += theirs->unhanded;
	counts.not_safe += theirs->not_safe;
	counts.has_no_room = emr_status_is_full(view->keeper->last_run);
	counts.conflicts += theirs->conflicts;
	counts.spared_bytes = view->space.spared_bytes;
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (v->has_failed)
			counts.failed++;
		else if (!v->is_held) /* it goes when what failed in it has gone, and is counted */
			counts.pending++;
	pthread_mutex_unlock(&view->lock);
	*out_counts = counts;
}

typedef struct listing {
	emr_view_written *out;
	size_t max, n;
} listing;

static void list_one(void *arg, node *n)
{
	listing *l = arg;

	if (l->n < l->max && is_being_written(n))
		l->out[l->n++] = (emr_view_written){.node = n->number, .bytes = n->size};
}

size_t emr_view_writing(emr_view *view, emr_view_written *out, size_t max)
{
	listing l = {.out = out, .max = max};
	EMR_LOCKED(&view->lock);

	tree_walk(view->root, list_one, &l);
	tree_walk_elsewhere(view, list_one, &l);
	return l.n;
}
