/* A pin says that a block and everything below it is still needed. This file sets, removes and
 * lists pins, and says them again after the index was lost: a crash in between leaves too many
 * pins, never too few. */
#include "store_private.h"

#include <stdlib.h>

emr_status emr_store_pin(emr_store *store, const emr_pin_change *changes, size_t count)
{
	for (size_t done = 0; done < count; done += EMR_STORE_GROUP_PINS_MAX) {
		size_t n = count - done < EMR_STORE_GROUP_PINS_MAX ? count - done
								   : EMR_STORE_GROUP_PINS_MAX;
		const emr_store_group group = {.pins = changes + done, .pin_count = n};

		EMR_TRY(emr_store_append_group(store, &group, NULL));
	}
	return EMR_OK;
}

typedef enum whose { OWN_PINS, OTHERS_PINS } whose;

typedef struct pin_list {
	emr_buf pins; /* of emr_pin */
	emr_id16 writer;
	whose whose;
	bool is_sent;	  /* those alone, which are few */
	bool must_be_all; /* EMR_BUSY where it is not known that the list is whole */
} pin_list;

static emr_status list_pin(void *context, emr_id16 writer, const emr_pin *pin)
{
	pin_list *list = context;

	if (emr_id16_equal(writer, list->writer) != (list->whose == OWN_PINS))
		return EMR_OK;
	return emr_buf_append(&list->pins, pin, sizeof *pin);
}

static int compare_owner_and_root(const emr_pin *a, const emr_pin *b)
{
	int owners = memcmp(a->owner.b, b->owner.b, sizeof a->owner.b);

	return owners != 0 ? owners : memcmp(a->root.b, b->root.b, EMR_CID_BYTES);
}

static int compare_changes(const void *x, const void *y)
{
	const emr_pin_change *const *a = x, *const *b = y;
	int pins = compare_owner_and_root(&(*a)->pin, &(*b)->pin);

	return pins != 0 ? pins : (*a > *b) - (*a < *b);
}

/* Adds the pins that the index could not be told, because the disk takes nothing: the last word
 * about each pin counts. */
static emr_status add_unwritten(emr_store *store, pin_list *list)
{
	EMR_AUTO_FREE const emr_pin_change **all = calloc(store->pin_count + 1, sizeof *all);
	emr_pin *known = (void *)list->pins.data;
	size_t n_known = list->pins.len / sizeof *known, kept = 0;

	if (all == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < store->pin_count; i++)
		all[i] = &store->pins[i];
	EMR_SORT(all, store->pin_count, compare_changes);
	for (size_t i = 0; i < n_known; i++) {
		const emr_pin_change wanted = {.pin = known[i]};
		bool is_changed = false;

		for (size_t low = 0, high = store->pin_count; low < high && !is_changed;) {
			size_t middle = low + (high - low) / 2;
			int order = compare_owner_and_root(&all[middle]->pin, &wanted.pin);

			is_changed = order == 0;
			low = order < 0 ? middle + 1 : low;
			high = order > 0 ? middle : high;
		}
		if (!is_changed)
			known[kept++] = known[i];
	}
	list->pins.len = kept * sizeof *known;
	for (size_t i = 0; i < store->pin_count; i++)
		if (!all[i]->unpin &&
			(i + 1 == store->pin_count ||
				compare_owner_and_root(&all[i]->pin, &all[i + 1]->pin) != 0))
			EMR_TRY(emr_buf_append(&list->pins, &all[i]->pin, sizeof all[i]->pin));
	return EMR_OK;
}

/* Whether the list is whole is asked of the index that is read, and first: it may be lost, made
 * again and completed by others between two calls. */
static emr_status pins_collect(emr_store *store, pin_list *list)
{
	emr_status status = emr_store_index_now(store);
	bool is_stated = !list->must_be_all || store->read_only;
	/* A full disk takes no index, but reading goes on. */
	bool is_unwritten =
		list->whose == OWN_PINS && (store->is_still || emr_status_is_full(status));

	if (is_unwritten && !store->is_still)
		status = EMR_OK;
	if (is_unwritten) /* so that nothing goes from one to the other in between */
		pthread_mutex_lock(&store->index_lock);
	pthread_rwlock_rdlock(&store->index_swap);
	if (status == EMR_OK && store->index != NULL && list->must_be_all)
		status = emr_index_pins_stated(store->index, store->writer, &is_stated);
	if (status == EMR_OK && !is_stated)
		status = EMR_BUSY;
	if (status == EMR_OK && store->index != NULL)
		status = list->is_sent ? emr_index_each_sent_pin(store->index, list_pin, list)
				       : emr_index_each_pin(store->index, list_pin, list);
	if (status == EMR_IO && store->index != NULL && emr_index_was_replaced(store->index))
		status = EMR_BUSY; /* lost this moment: the next who asks opens it again */
	pthread_rwlock_unlock(&store->index_swap);
	if (!is_unwritten)
		return status;
	pthread_mutex_lock(&store->append_lock);
	if (status == EMR_OK)
		status = add_unwritten(store, list);
	pthread_mutex_unlock(&store->append_lock);
	pthread_mutex_unlock(&store->index_lock);
	return status;
}

static emr_status each_of(emr_store *store, pin_list *list, emr_pin_visit visit, void *context)
{
	emr_status status = pins_collect(store, list);
	const emr_pin *pins = (const void *)list->pins.data;

	for (size_t i = 0; status == EMR_OK && i < list->pins.len / sizeof *pins; i++)
		if (!list->is_sent || pins[i].state == EMR_PIN_SENT)
			status = visit(context, &pins[i]);
	emr_buf_free(&list->pins);
	return status;
}

emr_status emr_store_each_pin(emr_store *store, emr_pin_visit visit, void *context)
{
	pin_list list = {.writer = store->writer, .whose = OWN_PINS};

	return each_of(store, &list, visit, context);
}

emr_status emr_store_each_sent_pin(emr_store *store, emr_pin_visit visit, void *context)
{
	pin_list list = {.writer = store->writer, .whose = OWN_PINS, .is_sent = true};

	return each_of(store, &list, visit, context);
}

emr_status emr_store_each_pin_of_all(emr_store *store, emr_pin_visit visit, void *context)
{
	pin_list list = {.writer = store->writer, .whose = OWN_PINS, .must_be_all = true};

	return each_of(store, &list, visit, context);
}

static int compare_needed(const void *x, const void *y)
{
	const emr_pin *a = x, *b = y;
	int roots = memcmp(a->root.b, b->root.b, EMR_CID_BYTES);

	return roots != 0 ? roots : (int)b->state - (int)a->state;
}

emr_status emr_store_needed(emr_store *store, bool is_sure, emr_buf *out)
{
	pin_list list = {.writer = store->writer, .whose = OWN_PINS, .must_be_all = is_sure};
	emr_status status = pins_collect(store, &list);
	emr_pin *pins = (void *)list.pins.data;
	size_t n = status == EMR_OK ? list.pins.len / sizeof *pins : 0, kept = 0;

	EMR_SORT(pins, n, compare_needed);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !emr_cid_equal(&pins[kept - 1].root, &pins[i].root))
			pins[kept++] = pins[i];
	if (status == EMR_OK)
		status = emr_buf_append(out, list.pins.data, kept * sizeof *pins);
	emr_buf_free(&list.pins);
	return status;
}

emr_status emr_store_each_foreign_pin(emr_store *store, emr_pin_visit visit, void *context)
{
	pin_list list = {.writer = store->writer, .whose = OTHERS_PINS};

	/* An index of one's own is told by nobody: what they have said stands in their segments. */
	EMR_TRY(store->has_own_index ? emr_store_refresh(store) : EMR_OK);
	return each_of(store, &list, visit, context);
}

static bool asks_index(
	emr_store *store, emr_status (*ask)(emr_index *, emr_id16, bool *), bool if_unknown)
{
	bool is_so = if_unknown;

	pthread_rwlock_rdlock(&store->index_swap);
	if (store->index != NULL && ask(store->index, store->writer, &is_so) != EMR_OK)
		is_so = if_unknown;
	pthread_rwlock_unlock(&store->index_swap);
	return is_so;
}

/* Only what this writer says protects his segments for sure, so nobody waits for another who may
 * never come back. */
bool emr_store_pins_incomplete(emr_store *store)
{
	return !asks_index(store, emr_index_pins_stated, false);
}

bool emr_store_has_pins(emr_store *store)
{
	return asks_index(store, emr_index_has_pins, true);
}

static int compare_pins(const void *x, const void *y)
{
	return compare_owner_and_root(x, y);
}

/* Appends a change for every pin of FROM that OTHER (sorted) lacks, or has in another state when
 * PINNING. */
static emr_status add_differences(const emr_pin *from, size_t count, const emr_pin *other,
	size_t other_count, bool pinning, emr_buf *out)
{
	for (size_t i = 0; i < count; i++) {
		emr_pin_change change = {.pin = from[i], .unpin = !pinning};
		const emr_pin *same = other_count == 0 ? NULL
						       : bsearch(&from[i], other, other_count,
								 sizeof *other, compare_pins);

		if (same == NULL || (pinning && same->state != from[i].state))
			EMR_TRY(emr_buf_append(out, &change, sizeof change));
	}
	return EMR_OK;
}

/* Differences only: a crash between two frames then leaves too many pins, never too few.  New ones
 * first. */
static emr_status state_difference(
	emr_store *store, emr_pin *now, size_t now_count, const emr_pin *keep, size_t keep_count)
{
	EMR_AUTO_FREE emr_pin *wanted = malloc((keep_count + 1) * sizeof *wanted);
	EMR_AUTO_BUF changes = {0};

	if (wanted == NULL)
		return EMR_NO_MEMORY;
	if (keep_count > 0)
		memcpy(wanted, keep, keep_count * sizeof *wanted);
	qsort(wanted, keep_count, sizeof *wanted, compare_pins);
	EMR_SORT(now, now_count, compare_pins);
	EMR_TRY(add_differences(wanted, keep_count, now, now_count, true, &changes));
	EMR_TRY(add_differences(now, now_count, wanted, keep_count, false, &changes));
	EMR_TRY(emr_store_pin(
		store, (const void *)changes.data, changes.len / sizeof(emr_pin_change)));
	return emr_store_index_now(store);
}

emr_status emr_store_pins_complete(emr_store *store, const emr_pin *keep, size_t count)
{
	pin_list list = {.writer = store->writer, .whose = OWN_PINS};
	emr_status status = store->read_only ? EMR_READ_ONLY : pins_collect(store, &list);

	if (status == EMR_OK)
		status = state_difference(store, (void *)list.pins.data,
			list.pins.len / sizeof(emr_pin), keep, count);
	emr_buf_free(&list.pins);
	if (status != EMR_OK)
		return status;
	EMR_LOCKED(&store->index_lock);

	return emr_store_pins_are_stated(store);
}
