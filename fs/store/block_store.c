/* This file is the common face of every block store: each call goes to the store at hand (files
 * here, memory in tests), so that the callers need not know which it is. */
#include "store/block_store.h"

emr_status emr_block_store_put(emr_block_store *store, const emr_block *blocks, size_t count)
{
	return store->ops->put(store, blocks, count);
}

emr_status emr_block_store_get_verified(emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	return store->ops->get_verified(store, cid, out);
}

emr_status emr_block_store_get_units(
	emr_block_store *store, const emr_cid *cid, emr_units units, uint8_t *out)
{
	return store->ops->get_units == NULL ? EMR_NOT_FOUND
					     : store->ops->get_units(store, cid, units, out);
}

void emr_block_store_note_units(
	emr_block_store *store, const emr_cid *cid, emr_units units, const uint8_t *bytes)
{
	if (store->ops->note_units != NULL)
		store->ops->note_units(store, cid, units, bytes);
}

emr_status emr_block_store_size(emr_block_store *store, const emr_cid *cid, uint64_t *out_bytes)
{
	return store->ops->size(store, cid, out_bytes);
}

bool emr_block_store_has(emr_block_store *store, const emr_cid *cid)
{
	uint64_t bytes;

	return store->ops->size(store, cid, &bytes) == EMR_OK;
}

emr_status emr_block_store_pin(emr_block_store *store, const emr_pin *pins, size_t count)
{
	return store->ops->pin(store, pins, count);
}

emr_status emr_block_store_unpin(emr_block_store *store, const emr_pin *pins, size_t count)
{
	return store->ops->unpin(store, pins, count);
}

emr_status emr_block_store_each_pin(emr_block_store *store, emr_pin_visit visit, void *context)
{
	return store->ops->each_pin(store, visit, context);
}

emr_status emr_block_store_sync(emr_block_store *store)
{
	return store->ops->sync(store);
}

emr_status emr_block_store_stats(emr_block_store *store, emr_store_stats *out_stats)
{
	return store->ops->stats(store, out_stats);
}
