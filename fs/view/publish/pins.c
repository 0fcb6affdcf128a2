/* Pins say which blocks on the disk are still needed. When the store's index was lost and made
 * anew, this file says all pins again from the ledger and the journal, so that cleaning up cannot
 * remove blocks of living records. */
#include "pins.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"

#include "row.h"

typedef struct keeping {
	emr_pin *pins;
	size_t count, cap;
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
	emr_status status = row_decode(value, &row);

	if (status != EMR_OK || (row.flags & ROW_HAS_CONTENT) == 0)
		return status;
	return keep(arg, &row.content.c, key, EMR_PIN_WRITTEN);
}

emr_status pins_restore(emr_view *view)
{
	keeping k = {0};
	emr_status status;

	if (!emr_store_pins_incomplete(view->options.store))
		return EMR_OK;
	status = emr_facts_each_bundle(view->options.facts, keep_bundle, &k);
	if (status == EMR_OK)
		status = emr_journal_each(view->options.journal, EMR_ROW_NODE, keep_row, &k);
	if (status == EMR_OK)
		status = emr_store_pins_complete(view->options.store, k.pins, k.count);
	if (status == EMR_OK)
		emr_log(EMR_LOG_INFO, "the store's index was made anew: %zu pins said again",
			k.count);
	free(k.pins);
	return status;
}
