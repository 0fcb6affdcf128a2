/* This file erases what the journal rows E name: on the ledger first, then readers and trees of
 * the past, then blocks, frames and pins, then the rows. It erases nothing that no row names. */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "settle/takeover.h"

#include "node.h"
#include "ops_tree.h"
#include "past.h"
#include "reclaim.h"
#include "rest.h"

#define RETRY_NS INT64_C(30000000000)
#define TXN_UNPINS 4000
#define TXN_ROWS 20000

/* ---- rows ---- */

emr_status erase_node(emr_view *view, node *n)
{
	vacated *v;
	emr_status status;
	edit e = edit_begin(view);

	edit_remove(&e, n, &v);
	if (v != NULL) {
		v->may_be_adopted = false;
		edit_vacate(&e, v);
	}
	status = edit_commit(&e, NULL);
	if (status == EMR_OK)
		finish_remove(view, n, v);
	else
		free(v);
	return status;
}

static emr_status load_row(void *arg, emr_id16 object, emr_bytes value)
{
	emr_view *view = arg;
	erasing what = {.object = object};

	if (value.len < ERASING_BYTES || value.data[0] != ERASING_VERSION)
		return value.len > 0 && value.data[0] > ERASING_VERSION
			       ? emr_newer_format(value.data[0], ERASING_VERSION)
			       : EMR_DAMAGED;
	what.is_local = (value.data[1] & ERASING_LOCAL) != 0;
	memcpy(what.domain.b, value.data + 2, sizeof what.domain.b);
	EMR_TRY(erase_reserve(view, 1));
	erase_note(view, &what);
	return EMR_OK;
}

/* A directory goes when everything below it has gone: once more for each level. */
static emr_status remove_begun(emr_view *view)
{
	emr_status status = EMR_OK;
	bool some = true;

	while (some && status == EMR_OK) {
		some = false;
		for (size_t i = 0; i < view->erasing.n && status == EMR_OK; i++) {
			node *n = tree_by_id(view, view->erasing.list[i].object);

			if (n == NULL || n->state != NODE_LIVE || node_has_kids(n) ||
				n->parent == NULL)
				continue;
			status = erase_node(view, n);
			some = true;
		}
	}
	return status;
}

emr_status erase_load(emr_view *view)
{
	emr_status status;

	view->erasing.due_boot_ns = view_boot_ns(view);
	EMR_TRY(emr_journal_each(view->options.journal, EMR_ROW_ERASING, load_row, view));
	if (view->erasing.n == 0 || view->options.read_only)
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	status = remove_begun(view);
	note_due(view, view->erasing.due_boot_ns);
	pthread_mutex_unlock(&view->lock);
	return status;
}

bool erase_is_due(const emr_view *view)
{
	return view->erasing.n > 0 && view->erasing.due_boot_ns <= view_boot_ns(view);
}

/* ---- what one try works on ---- */

typedef struct trying {
	emr_view *view;
	erasing *all; /* a copy, sorted by object */
	size_t n;
} trying;

static erasing *find(const trying *t, emr_id16 object)
{
	return erasing_find(t->all, t->n, object);
}

static bool is_forsaken(void *arg, emr_id16 owner)
{
	return find(arg, owner) != NULL;
}

static emr_status copy_list(trying *t)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&t->view->lock);
	t->all = calloc(t->view->erasing.n + 1, sizeof *t->all);
	if (t->all == NULL)
		status = EMR_NO_MEMORY;
	else if (t->view->erasing.n > 0)
		memcpy(t->all, t->view->erasing.list, t->view->erasing.n * sizeof *t->all);
	t->n = status == EMR_OK ? t->view->erasing.n : 0;
	pthread_mutex_unlock(&t->view->lock);
	erasing_sort(t->all, t->n);
	return status;
}

/* ---- the ledger ---- */

/* The next operation for WHAT; *OUT_NEEDED false: the ledger is done with it. */
static emr_status next_change(
	emr_view *view, const erasing *what, emr_change *out, bool *out_needed)
{
	emr_replica *replica = view->options.replica;
	emr_replica_head head;
	uint64_t from = 0;
	emr_status status;

	*out_needed = false;
	if (what->is_local || what->is_refused)
		return EMR_OK;
	status = emr_replica_head_get(replica, what->domain, what->object, &head);
	if (status == EMR_NOT_FOUND || (status == EMR_OK && head.state == EMR_OBJECT_ERASED))
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_replica_oldest_part(replica, &head, &from);
	if (status != EMR_OK)
		return status;
	*out_needed = true;
	*out = (emr_change){.kind = EMR_CHANGE_ERASE,
		.node = what->object,
		.domain = what->domain,
		.object = what->object,
		.erase_from = from,
		.erase_to = head.version};
	if (out->erase_to - out->erase_from >= EMR_ERASE_SPAN)
		out->erase_to = out->erase_from + EMR_ERASE_SPAN - 1;
	return EMR_OK;
}

static emr_status note_answers(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	trying *t = arg;

	for (size_t i = 0; i < n; i++) {
		const emr_change_outcome *o = &outcomes[i];
		erasing *what = find(t, o->place.object);
		char id[33];

		if (what == NULL ||
			(o->error == EMR_OK &&
				(o->result <= EMR_RESULT_ALREADY || o->result == EMR_RESULT_GONE ||
					o->result == EMR_RESULT_CONFLICT)))
			continue;
		emr_hex(o->place.object.b, sizeof o->place.object.b, id);
		emr_log(EMR_LOG_ERROR, "object %s was not erased: %s", id,
			o->error != EMR_OK ? emr_status_text(o->error)
					   : emr_result_text(o->result));
		what->is_refused = true;
	}
	return emr_journal_commit(txn, NULL);
}

/* The changes of the domain of the first that is not zero; they are taken out. */
static emr_status send_domain(trying *t, emr_change *changes, size_t n, emr_change *scratch)
{
	size_t count = 0;
	emr_id16 domain = {{0}};

	for (size_t i = 0; i < n; i++) {
		if (changes[i].kind == 0 ||
			(count > 0 && !emr_id16_equal(changes[i].domain, domain)))
			continue;
		domain = changes[i].domain;
		scratch[count++] = changes[i];
		changes[i].kind = 0;
	}
	if (count == 0)
		return EMR_NOT_FOUND;
	return emr_settle_publish(t->view->options.settle, scratch, count, note_answers, t);
}

/* One ERASE of each object that needs one. */
static emr_status erase_once(trying *t, bool *out_some)
{
	EMR_AUTO_FREE emr_change *changes = calloc(t->n + 1, sizeof *changes);
	EMR_AUTO_FREE emr_change *scratch = calloc(t->n + 1, sizeof *scratch);
	emr_status status = changes != NULL && scratch != NULL ? EMR_OK : EMR_NO_MEMORY;
	size_t count = 0;

	for (size_t i = 0; i < t->n && status == EMR_OK; i++) {
		bool is_needed;

		status = next_change(t->view, &t->all[i], &changes[count], &is_needed);
		count += status == EMR_OK && is_needed;
	}
	*out_some = count > 0;
	while (status == EMR_OK && count > 0)
		status = send_domain(t, changes, count, scratch);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* Of each ledger that was left, too: its keys open earlier versions still. */
static emr_status erase_in_annex(const trying *t)
{
	const emr_view_options *o = &t->view->options;
	const emr_annex *annex = emr_facts_annex(o->facts);

	for (; annex != NULL; annex = emr_facts_annex(annex->facts)) {
		const emr_side side = {.ledger = annex->ledger, .replica = annex->replica};

		for (size_t i = 0; i < t->n; i++)
			EMR_TRY(emr_side_erase(
				&side, o->keyring, o->clock, t->all[i].domain, t->all[i].object));
		emr_replica_forget_erased(annex->replica);
	}
	return EMR_OK;
}

static emr_status erase_on_ledger(trying *t)
{
	bool some = true;
	/* A version that came meanwhile is here with the ledger's answer, and makes another turn.
	 */
	emr_status status = emr_settle_followed(t->view->options.settle);

	while (status == EMR_OK && some) /* more than once for objects with many versions */
		status = erase_once(t, &some);
	if (status == EMR_OK)
		status = erase_in_annex(t);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < t->n; i++)
		if (t->all[i].is_refused)
			status = EMR_REFUSED;
	emr_replica_forget_erased(t->view->options.replica);
	return status;
}

/* ---- what this process still holds ---- */

/* Takes the key and the node's pages from whoever has an erased file open, alive or of the past. */
static void close_reader(emr_view *view, node *n)
{
	file *f;

	pthread_mutex_lock(&view->lock);
	f = node_file(n); /* NULL: never opened */
	pthread_mutex_unlock(&view->lock);
	if (f != NULL) {
		pthread_rwlock_wrlock(&f->lock);
		tree_set_reader(f, NULL);
		pthread_rwlock_unlock(&f->lock);
	}
	emr_view_tell(view, n->number, NULL);
	tree_let_go(view, n);
}

static emr_status close_readers(trying *t)
{
	emr_view *view = t->view;
	EMR_AUTO_FREE node **held = NULL;
	size_t count = 0;

	pthread_mutex_lock(&view->lock);
	held = calloc(view->nodes.used + 1, sizeof *held);
	for (node *n = NULL; held != NULL && (n = tree_next_any(view, n)) != NULL;) {
		if (!node_is_file(n) || find(t, node_object(n)) == NULL)
			continue;
		n->opens++;
		held[count++] = n;
	}
	pthread_mutex_unlock(&view->lock);
	EMR_TRY_MEMORY(held);
	for (size_t i = 0; i < count; i++)
		close_reader(view, held[i]);
	return EMR_OK;
}

/* ---- blocks, frames, pins ---- */

/* Everything dead goes from the segments.  One pass: what has no room to be copied away from it
 * becomes zeros where it stands, so a full disk keeps no key. */
static emr_status scrub(trying *t, emr_reclaim_report *out_left)
{
	EMR_TRY(view_scrub(t->view, is_forsaken, t, out_left));
	if (out_left->segments_left > 0)
		return EMR_NO_SPACE;
	return out_left->segments_skipped > 0 ? EMR_BUSY : EMR_OK;
}

typedef struct unpinning {
	const trying *t;
	emr_buf pins; /* emr_pin, ... */
} unpinning;

static emr_status note_pin(void *arg, const emr_pin *pin)
{
	unpinning *u = arg;

	return find(u->t, pin->owner) != NULL ? emr_buf_append(&u->pins, pin, sizeof *pin) : EMR_OK;
}

/* Gives view->lock back. */
static emr_status commit_synced(edit *e)
{
	emr_view *view = e->view;
	uint64_t seq = 0;
	emr_status status = edit_commit(e, &seq);

	pthread_mutex_unlock(&view->lock);
	return status == EMR_OK ? emr_journal_sync(view->options.journal, seq) : status;
}

/* IPFS nodes may have it, too, and are told until they let go. */
static emr_status note_leaving(edit *e, const emr_pin *pin)
{
	emr_id16 key;

	if (!e->view->options.has_nodes || pin->state != EMR_PIN_REGISTERED)
		return EMR_OK;
	memcpy(key.b, emr_cid_digest(&pin->root), sizeof key.b);
	return emr_journal_put(
		e->txn, EMR_ROW_LEAVING, key, emr_bytes_of(pin->root.b, sizeof pin->root.b));
}

static emr_status unpin_some(emr_view *view, const emr_pin *pins, size_t n)
{
	edit e;

	pthread_mutex_lock(&view->lock);
	e = edit_begin(view);
	e.has_pins = true;
	for (size_t i = 0; i < n && e.status == EMR_OK; i++) {
		e.status = emr_journal_unpin(e.txn, &pins[i]);
		if (e.status == EMR_OK)
			e.status = note_leaving(&e, &pins[i]);
	}
	return commit_synced(&e);
}

static emr_status unpin_all(trying *t)
{
	unpinning u = {.t = t};
	emr_status status = emr_store_each_pin(t->view->options.store, note_pin, &u);
	const emr_pin *pins = (const emr_pin *)(const void *)u.pins.data;
	size_t n = u.pins.len / sizeof *pins;

	for (size_t at = 0; at < n && status == EMR_OK; at += TXN_UNPINS)
		status = unpin_some(t->view, pins + at, n - at < TXN_UNPINS ? n - at : TXN_UNPINS);
	emr_buf_free(&u.pins);
	return status;
}

/* ---- the end ---- */

static emr_status forget_some(emr_view *view, const erasing *all, size_t n)
{
	edit e;

	pthread_mutex_lock(&view->lock);
	e = edit_begin(view);
	for (size_t i = 0; i < n; i++)
		if (e.status == EMR_OK)
			e.status = emr_journal_delete(e.txn, EMR_ROW_ERASING, all[i].object);
	return commit_synced(&e);
}

static emr_status forget_rows(trying *t)
{
	emr_view *view = t->view;
	size_t kept = 0;

	for (size_t at = 0; at < t->n; at += TXN_ROWS)
		EMR_TRY(forget_some(
			view, t->all + at, t->n - at < TXN_ROWS ? t->n - at : TXN_ROWS));
	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < view->erasing.n; i++)
		if (find(t, view->erasing.list[i].object) == NULL)
			view->erasing.list[kept++] = view->erasing.list[i];
		else if (emr_buf_append(&view->erasing.erased, view->erasing.list[i].object.b,
				 sizeof(emr_id16)) != EMR_OK)
			emr_log(EMR_LOG_INFO, "an erasure will be looked at once more");
	view->erasing.n = kept;
	view->erasing.n_sorted = 0;
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}

/* In this order a crash leaves at most work that can be done again. */
static emr_status erase_all(trying *t, emr_reclaim_report *out_left)
{
	EMR_TRY(erase_on_ledger(t));
	rest_wake_all(t->view); /* names that must not be anywhere may be in the file */
	EMR_TRY(emr_facts_forget_kept(t->view->options.facts));
	EMR_TRY(close_readers(t));
	past_forget_all(t->view);
	EMR_TRY(scrub(t, out_left));
	EMR_TRY(unpin_all(t));
	return forget_rows(t);
}

void erase_run(emr_view *view)
{
	trying t = {.view = view};
	emr_reclaim_report left = {0};
	emr_status status = scratch_follow(view);

	if (status == EMR_OK)
		status = copy_list(&t);
	/* Names whose going the journal refused when their rows E were made. */
	pthread_mutex_lock(&view->lock);
	if (status == EMR_OK)
		status = remove_begun(view);
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK && t.n > 0)
		status = erase_all(&t, &left);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "erasing %zu objects is not finished: %s", t.n,
			emr_status_text(status));
	free(t.all);
	pthread_mutex_lock(&view->lock);
	view->keeper->erase_status = status;
	view->keeper->erase_left = left;
	view->erasing.due_boot_ns = view_boot_ns(view) + RETRY_NS;
	pthread_mutex_unlock(&view->lock);
}
