/* This file makes one change of the folder durable: it collects rows for the journal (the log
 * that survives a crash), commits them together, and only then may the tree change. It also keeps
 * the queue of changes that still have to go to the ledger, and removes temporary files once
 * nothing on the disk names them. */
#include "edit.h"

#include <string.h>

#include "base/codec.h"
#include "base/log.h"

#include "kind.h"
#include "node.h"
#include "reclaim.h"
#include "times.h"

edit edit_begin(emr_view *view)
{
	edit e = {.view = view};

	e.status = view->options.read_only ? EMR_READ_ONLY
					   : emr_journal_begin(view->options.journal, &e.txn);
	return e;
}

edit edit_with(emr_view *view, emr_journal_txn *txn)
{
	return (edit){.view = view, .txn = txn};
}

void edit_put(edit *e, emr_id16 id, const node_row *row)
{
	EMR_AUTO_BUF bytes = {0};
	const node *n = row->type == EMR_META_DIR ? tree_by_id(e->view, id) : NULL;

	if (e->status == EMR_OK)
		e->status = row_encode(row, &bytes);
	if (e->status == EMR_OK)
		e->status = emr_journal_put(e->txn, EMR_ROW_NODE, id, emr_buf_view(&bytes));
	if (n != NULL && n->type == EMR_META_DIR && kind_top(n) == NULL)
		edit_directory_times(e, id,
			&(directory_times){
				(row->flags & ROW_HAS_PLACE) != 0 ? row->place.version : 0,
				n->listing->live_kids, row->mtime_ns, row->ctime_ns});
}

void edit_delete(edit *e, emr_id16 id)
{
	if (e->status == EMR_OK)
		e->status = emr_journal_delete(e->txn, EMR_ROW_NODE, id);
}

void edit_vacate(edit *e, const vacated *v)
{
	EMR_AUTO_BUF bytes = {0};
	vacated_row row = {.place = v->place,
		.directory = v->directory,
		.type = v->type,
		.may_be_adopted = v->may_be_adopted,
		.name = emr_bytes_of(v->name, strlen(v->name))};

	if (e->status == EMR_OK)
		e->status = vacated_encode(&row, &bytes);
	if (e->status == EMR_OK)
		e->status = emr_journal_put(
			e->txn, EMR_ROW_VACATED, v->place.object, emr_buf_view(&bytes));
}

void edit_unvacate(edit *e, emr_id16 object)
{
	if (e->status == EMR_OK)
		e->status = emr_journal_delete(e->txn, EMR_ROW_VACATED, object);
}

void edit_ino(edit *e, emr_id16 object, uint64_t ino)
{
	uint8_t bytes[8];

	if (e->status != EMR_OK || tree_ino_of(object) == ino)
		return;
	emr_put_u64(bytes, ino);
	e->status = emr_journal_put(e->txn, EMR_ROW_INO, object, emr_bytes_of(bytes, sizeof bytes));
}

void edit_moved(edit *e, emr_id16 from, emr_id16 to)
{
	if (e->status == EMR_OK)
		e->status = emr_journal_put(
			e->txn, EMR_ROW_MOVED, from, emr_bytes_of(to.b, sizeof to.b));
}

void edit_touch(edit *e, node *directory, int more)
{
	unsigned i = 0;

	while (i < e->ntouched && e->touched[i].directory != directory)
		i++;
	if (i == sizeof e->touched / sizeof *e->touched) {
		e->status = EMR_INVALID;
		return;
	}
	if (i == e->ntouched) {
		e->touched[e->ntouched++].directory = directory;
		e->touched[i].more = 0;
	}
	e->touched[i].more += more;
}

/* Puts the times that are kept into the transaction. */
static void put_times(edit *e, int64_t now_ns)
{
	emr_status status = EMR_OK;

	for (unsigned i = 0; i < e->ntouched; i++) {
		const node *n = e->touched[i].directory;

		if (kind_top(n) == NULL)
			edit_directory_times(e, n->id,
				&(directory_times){node_version(n),
					n->listing->live_kids + (uint64_t)e->touched[i].more,
					now_ns, now_ns});
	}
	if (e->status == EMR_OK && e->times.len > 0)
		status = times_put(e->view, e->txn, (file_time *)(void *)e->times.data,
			e->times.len / sizeof(file_time));
	if (status != EMR_LIMIT && e->status == EMR_OK) /* no room: the next start has no time */
		e->status = status;
	emr_buf_free(&e->times);
}

void edit_pin(edit *e, const emr_cid *root, emr_id16 owner, emr_pin_state state)
{
	emr_pin pin = {.root = *root, .owner = owner, .state = state};

	e->has_pins = e->has_pins || state == EMR_PIN_REGISTERED;
	if (e->status == EMR_OK)
		e->status = emr_journal_pin(e->txn, &pin);
}

void edit_pin_place(edit *e, const emr_place *place)
{
	if (place->pversion != 0)
		edit_pin(e, &place->root, place->object, EMR_PIN_REGISTERED);
}

void edit_unpin(edit *e, const emr_cid *root, emr_id16 owner)
{
	emr_pin pin = {.root = *root, .owner = owner};

	if (e->status == EMR_OK)
		e->status = emr_journal_unpin(e->txn, &pin);
}

void edit_died(edit *e, const emr_content *content)
{
	e->died += content->padded;
}

bool is_unsynced(const emr_view *view)
{
	return view->disk.unsynced_seq != 0 || view->disk.unsynced_spills > 0;
}

void note_unsynced(emr_view *view)
{
	if (is_unsynced(view))
		return;
	view->disk.unsynced_since_boot_ns = view_boot_ns(view);
	pthread_cond_broadcast(&view->wake);
}

emr_status edit_commit(edit *e, uint64_t *out_seq)
{
	emr_view *view = e->view;
	emr_journal_txn *txn = e->txn;
	const int64_t now_ns = e->ntouched > 0 ? view_now_ns(view) : 0;
	uint64_t seq;
	emr_status status;

	put_times(e, now_ns);
	status = e->status;
	e->txn = NULL;
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	EMR_TRY(emr_journal_commit(txn, &seq));
	for (unsigned i = 0; i < e->ntouched; i++)
		e->touched[i].directory->mtime_ns = e->touched[i].directory->ctime_ns = now_ns;
	note_unsynced(view);
	view->disk.unsynced_seq = seq;
	if (e->died > 0)
		space_died(view, e->died);
	if (e->has_pins && view->options.pins_changed != NULL)
		view->options.pins_changed(view->options.copies_arg);
	if (out_seq != NULL)
		*out_seq = seq;
	return EMR_OK;
}

emr_status edit_commit_node(edit *e, node *n)
{
	uint64_t seq;

	if (e->status == EMR_OK)
		e->status = tree_need_pending(n);
	EMR_TRY(edit_commit(e, &seq));
	n->pending->row_seq = seq;
	return EMR_OK;
}

bool needs_settling(const node *n)
{
	emr_id16 domain;

	if (n->state != NODE_LIVE)
		return false;
	if (n->is_local) /* a program that has it open is not done with it */
		return n->is_published || (node_writers(n) == 0 && tree_may_become(n));
	if (kind_is_unsent(n))
		return false;
	if (!n->is_published || n->meta_dirty || n->content_dirty)
		return true;
	domain = tree_domain(n);
	return !emr_id16_equal(node_domain(n), domain);
}

void enqueue(emr_view *view, node *n)
{
	if (n->is_queued)
		return;
	n->is_queued = true;
	n->next_queued = NULL;
	if (view->queue_tail != NULL)
		view->queue_tail->next_queued = n;
	else
		view->queue_head = n;
	view->queue_tail = n;
	note_due(view, node_changed_boot_ns(n) + view_soonest_ns(view));
}

void note_due(emr_view *view, int64_t boot_ns)
{
	if (boot_ns >= view->next_due_boot_ns)
		return;
	view->next_due_boot_ns = boot_ns;
	pthread_cond_broadcast(&view->wake);
}

void mark_changed(emr_view *view, node *n)
{
	view_note_busy(view);
	tree_note_changed(n, view->busy_boot_ns);
	if (n->pending != NULL) /* else nothing of it is on its way that could be taken for this */
		n->pending->change++;
	n->failure = EMR_OK;
	if (!needs_settling(n))
		return;
	enqueue(view, n);
	note_due(view, node_changed_boot_ns(n) + view_soonest_ns(view));
}

int64_t emr_view_quiet_ns(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return view_boot_ns(view) - view->busy_boot_ns;
}

void requeue_below(emr_view *view, node *n)
{
	for (node *at = NULL; (at = tree_next_below(n, at)) != NULL;)
		if (needs_settling(at))
			enqueue(view, at);
}

emr_status edit_stay(emr_view *view, node *n)
{
	node_row row;
	emr_status status;
	edit e;

	n->is_published = false;
	row = row_of_node(n);
	row.flags |= ROW_META_DIRTY;
	row.change++;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	status = edit_commit_node(&e, n);
	n->is_published = status != EMR_OK;
	if (status != EMR_OK)
		return status;
	n->meta_dirty = n->has_row = true;
	mark_changed(view, n);
	return EMR_OK;
}
