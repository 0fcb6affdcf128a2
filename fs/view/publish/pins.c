/* Pins say which blocks on the disk are still needed. When the store's index was lost and made
 * again, or the whole store was, this file says all pins again from the ledger and the journal, so
 * that cleaning up cannot remove blocks of living records and people are told which are not here;
 * and single ones that turn out to be lost. A pin of a batch that the journal does not have ends.
 */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

#include "edit.h"
#include "erasing.h"
#include "health.h"
#include "row.h"

typedef struct keeping {
	emr_pin *pins;
	size_t count, cap;
	emr_buf roots; /* emr_cid, of lost pins, sorted */
} keeping;

static emr_status keep(keeping *k, const emr_cid *root, emr_id16 owner, emr_pin_state state)
{
	if (emr_array_room(&k->pins, k->count, &k->cap, sizeof *k->pins) != EMR_OK)
		return EMR_NO_MEMORY;
	k->pins[k->count++] = (emr_pin){.root = *root, .owner = owner, .state = state};
	return EMR_OK;
}

static emr_status keep_bundle(void *arg, emr_id16 object, const emr_cid *root)
{
	return keep(arg, root, object, EMR_PIN_REGISTERED);
}

static emr_status keep_row(void *arg, emr_id16 key, emr_bytes value)
{
	node_row row;

	EMR_TRY(row_decode(value, &row));
	if ((row.flags & ROW_HAS_CONTENT) == 0)
		return EMR_OK;
	return keep(arg, &row.content.c, key, EMR_PIN_WRITTEN);
}

static emr_status keep_sent(void *arg, const emr_awaiting *one)
{
	return one->is_new ? keep(arg, &one->root, one->object, EMR_PIN_SENT) : EMR_OK;
}

static emr_status keep_pin(void *arg, const emr_pin *pin)
{
	return keep(arg, &pin->root, pin->owner, pin->state);
}

static int by_owner_and_root(const void *a, const void *b)
{
	const emr_pin *x = a, *y = b;
	int owners = memcmp(x->owner.b, y->owner.b, sizeof x->owner.b);

	return owners != 0 ? owners : memcmp(x->root.b, y->root.b, sizeof x->root.b);
}

static void sort_pins(keeping *k)
{
	if (k->count > 1)
		qsort(k->pins, k->count, sizeof *k->pins, by_owner_and_root);
}

static bool has_pin(const keeping *sorted, const emr_pin *pin)
{
	return sorted->count > 0 &&
	       bsearch(pin, sorted->pins, sorted->count, sizeof *pin, by_owner_and_root) != NULL;
}

/* A second copy may bring pins of batches that were answered since, and a batch that cannot be read
 * leaves its own: what no batch brings is a version on the ledger, or nothing. Where a private part
 * is lost, nobody can say which, and all stay. */
static emr_status end_answered(emr_view *view, const keeping *sent)
{
	keeping rows = {0}, versions = {0};
	EMR_AUTO_BUF changes = {0};
	emr_status status = emr_settle_each_awaiting(view->options.settle, true, keep_sent, &rows);
	bool has_answered = false, lacks = false;

	sort_pins(&rows);
	for (size_t i = 0; i < sent->count; i++)
		has_answered |= !has_pin(&rows, &sent->pins[i]);
	if (status == EMR_OK && has_answered)
		status = emr_facts_each_bundle(
			view->options.facts, false, &lacks, keep_bundle, &versions);
	sort_pins(&versions);
	for (size_t i = 0; i < sent->count && status == EMR_OK && !lacks; i++) {
		emr_pin_change change = {.pin = sent->pins[i]};

		if (has_pin(&rows, &change.pin))
			continue;
		change.pin.state = EMR_PIN_REGISTERED;
		change.unpin = !has_pin(&versions, &change.pin);
		status = emr_buf_append(&changes, &change, sizeof change);
	}
	if (status == EMR_OK)
		status = emr_store_pin(view->options.store, (const void *)changes.data,
			changes.len / sizeof(emr_pin_change));
	free(rows.pins);
	free(versions.pins);
	return status;
}

/* A store that lost everything is made again, and is as good as one that never had anything. */
emr_status pins_restore(emr_view *view)
{
	const emr_view_options *o = &view->options;
	keeping k = {0}, sent = {0};
	emr_status status = EMR_OK;

	if (!emr_store_pins_incomplete(o->store) && emr_store_has_pins(o->store)) {
		status = emr_store_each_sent_pin(o->store, keep_pin, &sent);
		if (status == EMR_OK && sent.count > 0)
			status = end_answered(view, &sent);
		free(sent.pins);
		return status;
	}
	status = emr_facts_each_bundle(o->facts, false, NULL, keep_bundle, &k);
	if (status == EMR_OK)
		status = emr_journal_each(o->journal, EMR_ROW_NODE, keep_row, &k);
	if (status == EMR_OK)
		status = emr_settle_each_awaiting(o->settle, true, keep_sent, &k);
	if (status == EMR_OK)
		status = emr_store_pins_complete(o->store, k.pins, k.count);
	if (status == EMR_OK && k.count > 0)
		emr_log(EMR_LOG_INFO, "the store's index was made again: %zu pins said again",
			k.count);
	free(k.pins);
	return status;
}

/* ---- single ones ---- */

static emr_status keep_registered(void *arg, const emr_pin *pin)
{
	return pin->state == EMR_PIN_REGISTERED ? keep_pin(arg, pin) : EMR_OK;
}

static int by_cid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_cid));
}

static emr_status keep_lost(void *arg, emr_id16 object, const emr_cid *root)
{
	const keeping *k = arg;
	const size_t n = k->roots.len / sizeof *root;

	return bsearch(root, k->roots.data, n, sizeof *root, by_cid) != NULL
		       ? keep_bundle(arg, object, root)
		       : EMR_OK;
}

static emr_status say_again(emr_view *view, const emr_pin *pin, size_t *count)
{
	emr_status status = EMR_OK;
	EMR_LOCKED(&view->lock);

	/* A version that an erasure has unpinned, or will, is not pinned again. */
	if (!erase_has(view, pin->owner) && !erase_has_finished(view, pin->owner)) {
		edit e = edit_begin(view);

		edit_pin(&e, &pin->root, pin->owner, pin->state);
		status = edit_commit(&e, NULL);
		*count += status == EMR_OK;
	}
	return status;
}

static emr_status say_lost(emr_view *view, const emr_cid *roots, size_t n)
{
	keeping there = {0}, living = {0};
	size_t count = 0;
	emr_status status = emr_buf_append(&living.roots, roots, n * sizeof *roots);

	if (status == EMR_OK)
		qsort(living.roots.data, n, sizeof *roots, by_cid);
	/* Before the pins: what is registered meanwhile has its own. */
	if (status == EMR_OK)
		status =
			emr_facts_each_bundle(view->options.facts, false, NULL, keep_lost, &living);
	if (status == EMR_OK)
		status = emr_store_each_pin_of_all(view->options.store, keep_registered, &there);
	sort_pins(&there);
	for (size_t i = 0; status == EMR_OK && i < living.count; i++)
		if (!has_pin(&there, &living.pins[i]))
			status = say_again(view, &living.pins[i], &count);
	if (count > 0)
		emr_log(EMR_LOG_WARN, "%zu pins of living records were lost, and said again",
			count);
	free(there.pins);
	free(living.pins);
	emr_buf_free(&living.roots);
	return status;
}

emr_status emr_view_pins_lost(emr_view *view, const emr_cid *roots, size_t n)
{
	emr_status status = EMR_OK;

	if (view_is_read_only(view))
		return EMR_READ_ONLY;
	if (n > 0)
		status = say_lost(view, roots, n);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	view->space.doubts_pins = false;
	pthread_cond_broadcast(&view->settled);
	pthread_mutex_unlock(&view->lock);
	return EMR_OK;
}
