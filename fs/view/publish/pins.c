/* Pins say which blocks on the disk are still needed. When the store's index was lost and made
 * again, or the whole store was, this file says all pins again from the ledger and the journal, so
 * that cleaning up cannot remove blocks of living records and people are told which are not here;
 * and single ones that turn out to be lost. A pin of a batch that the journal does not have ends.
 */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "edit.h"
#include "erasing.h"
#include "health.h"
#include "row.h"

static emr_status keep_row(void *arg, emr_id16 key, emr_bytes value)
{
	emr_pin pin = {.owner = key, .state = EMR_PIN_WRITTEN};
	node_row row;

	EMR_TRY(row_decode(value, &row));
	if ((row.flags & ROW_HAS_CONTENT) == 0)
		return EMR_OK;
	pin.root = row.content.c;
	return emr_buf_append(arg, &pin, sizeof pin);
}

static emr_status keep_pin(void *arg, const emr_pin *pin)
{
	return emr_buf_append(arg, pin, sizeof *pin);
}

/* Those of batches that the ledger has not answered. */
static emr_status add_sent(emr_settle *settle, emr_buf *pins)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_settle_awaiting(settle, true, &all));
	EMR_EACH (const emr_awaiting, one, &all) {
		const emr_pin pin = {
			.root = one->root, .owner = one->object, .state = EMR_PIN_SENT};

		if (one->is_new)
			EMR_TRY(emr_buf_append(pins, &pin, sizeof pin));
	}
	return EMR_OK;
}

static int by_owner_and_root(const void *a, const void *b)
{
	const emr_pin *x = a, *y = b;
	int owners = memcmp(x->owner.b, y->owner.b, sizeof x->owner.b);

	return owners != 0 ? owners : memcmp(x->root.b, y->root.b, sizeof x->root.b);
}

static bool has_pin(const emr_buf *sorted, const emr_pin *pin)
{
	return sorted->len > 0 && bsearch(pin, sorted->data, sorted->len / sizeof *pin, sizeof *pin,
					  by_owner_and_root) != NULL;
}

/* A second copy may bring pins of batches that were answered since, and a batch that cannot be read
 * leaves its own: what no batch brings is a version on the ledger, or nothing. Where a private part
 * is lost, nobody can say which, and all stay. */
static emr_status end_answered(emr_view *view, const emr_buf *sent)
{
	EMR_AUTO_BUF rows = {0};
	EMR_AUTO_BUF versions = {0};
	EMR_AUTO_BUF changes = {0};
	bool has_answered = false, lacks = false;

	EMR_TRY(add_sent(view->options.settle, &rows));
	emr_buf_sort(&rows, sizeof(emr_pin), by_owner_and_root);
	EMR_EACH (const emr_pin, pin, sent)
		has_answered |= !has_pin(&rows, pin);
	if (has_answered)
		EMR_TRY(emr_facts_bundles(view->options.facts, false, &lacks, &versions));
	emr_buf_sort(&versions, sizeof(emr_pin), by_owner_and_root);
	EMR_EACH (const emr_pin, pin, sent) {
		emr_pin_change change = {.pin = *pin, .unpin = !has_pin(&versions, pin)};

		change.pin.state = EMR_PIN_REGISTERED;
		if (!lacks && !has_pin(&rows, pin))
			EMR_TRY(emr_buf_append(&changes, &change, sizeof change));
	}
	return emr_store_pin(view->options.store, (const void *)changes.data,
		changes.len / sizeof(emr_pin_change));
}

/* A store that lost everything is made again, and is as good as one that never had anything. */
emr_status pins_restore(emr_view *view)
{
	const emr_view_options *o = &view->options;
	EMR_AUTO_BUF pins = {0};
	size_t n;

	if (!emr_store_pins_incomplete(o->store) && emr_store_has_pins(o->store)) {
		EMR_TRY(emr_store_each_sent_pin(o->store, keep_pin, &pins));
		return pins.len > 0 ? end_answered(view, &pins) : EMR_OK;
	}
	EMR_TRY(emr_facts_bundles(o->facts, false, NULL, &pins));
	EMR_TRY(emr_journal_each(o->journal, EMR_ROW_NODE, keep_row, &pins));
	EMR_TRY(add_sent(o->settle, &pins));
	n = pins.len / sizeof(emr_pin);
	EMR_TRY(emr_store_pins_complete(o->store, (const emr_pin *)(const void *)pins.data, n));
	if (n > 0)
		emr_log(EMR_LOG_INFO, "the store's index was made again: %zu pins said again", n);
	return EMR_OK;
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
	EMR_AUTO_BUF lost = {0};
	EMR_AUTO_BUF living = {0};
	EMR_AUTO_BUF there = {0};
	size_t count = 0;
	emr_status status;

	EMR_TRY(emr_buf_append(&lost, roots, n * sizeof *roots));
	qsort(lost.data, n, sizeof *roots, by_cid);
	/* Before the pins: what is registered meanwhile has its own. */
	EMR_TRY(emr_facts_bundles(view->options.facts, false, NULL, &living));
	status = emr_store_each_pin_of_all(view->options.store, keep_registered, &there);
	emr_buf_sort(&there, sizeof(emr_pin), by_owner_and_root);
	EMR_EACH (const emr_pin, pin, &living) {
		if (status != EMR_OK)
			break;
		if (bsearch(&pin->root, lost.data, n, sizeof *roots, by_cid) != NULL &&
			!has_pin(&there, pin))
			status = say_again(view, pin, &count);
	}
	if (count > 0)
		emr_log(EMR_LOG_WARN, "%zu pins of living records were lost, and said again",
			count);
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
