/* This file says where a block is, by the maps, the index, and a small cache of places that were
 * right once. Nothing is read here: the reader of the place checks what lies there. */
#include "store_private.h"

/* ---- the cache ---- */

static emr_cache_slot *cache_slot(emr_store *store, const uint8_t *digest)
{
	uint32_t h;

	memcpy(&h, digest, sizeof h);
	return &store->cache[h % EMR_CACHE_SLOTS];
}

void emr_store_cache_clear(emr_store *store)
{
	memset(store->cache, 0, EMR_CACHE_SLOTS * sizeof *store->cache);
}

bool emr_store_is_cached(emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	emr_cache_slot *slot;
	bool hit;
	EMR_LOCKED(&store->map_lock);

	slot = cache_slot(store, digest);
	hit = slot->at.segment != 0 && memcmp(slot->digest, digest, EMR_DIGEST_PREFIX) == 0 &&
	      !emr_segment_by_handle(store, slot->at.segment)->gone;
	if (hit)
		*out_at = slot->at;
	return hit;
}

void emr_store_cache_put(emr_store *store, const uint8_t *digest, const emr_store_position *at)
{
	emr_cache_slot *slot;
	EMR_LOCKED(&store->map_lock);

	slot = cache_slot(store, digest);
	memcpy(slot->digest, digest, EMR_DIGEST_PREFIX);
	slot->at = *at;
}

void emr_store_cache_drop(emr_store *store, const uint8_t *digest)
{
	EMR_LOCKED(&store->map_lock);

	cache_slot(store, digest)->at.segment = 0;
}

/* ---- maps and index ---- */

/* map_lock held: a place in a map whose segment still is there. */
static const emr_store_position *in_maps(emr_store *store, const uint8_t *digest)
{
	emr_pending *maps[] = {&store->pending, &store->flushing, &store->foreign};

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		const emr_store_position *at = emr_pending_find(maps[i], digest);

		if (at != NULL && !emr_segment_by_handle(store, at->segment)->gone)
			return at;
	}
	return NULL;
}

/* index_swap held for reading. */
static emr_status in_index(emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	emr_index_place place;
	emr_segment *segment;
	emr_status status = EMR_NOT_FOUND;

	if (store->index != NULL)
		status = emr_index_find(store->index, digest, &place);
	if (status == EMR_IO && emr_index_was_replaced(store->index))
		return EMR_INTERRUPTED; /* it is opened again */
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&store->map_lock);
	segment = emr_segment_by_index_id(store, place.segment);
	if (segment == NULL)
		status = EMR_INTERRUPTED; /* younger than our listing of the directory */
	else
		*out_at = (emr_store_position){segment->handle, place.len, place.offset};
	pthread_mutex_unlock(&store->map_lock);
	return status;
}

/* Maps and index are of one moment: what one index had may be in a map beside the next. */
emr_status emr_store_find(emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	const emr_store_position *at;
	emr_status status = EMR_OK;

	pthread_rwlock_rdlock(&store->index_swap);
	pthread_mutex_lock(&store->map_lock);
	at = in_maps(store, digest);
	if (at != NULL)
		*out_at = *at;
	pthread_mutex_unlock(&store->map_lock);
	if (at == NULL)
		status = in_index(store, digest, out_at);
	pthread_rwlock_unlock(&store->index_swap);
	return status;
}

emr_status emr_store_find_quickly(
	emr_store *store, const uint8_t *digest, emr_store_position *out_at)
{
	return emr_store_is_cached(store, digest, out_at) ? EMR_OK
							  : emr_store_find(store, digest, out_at);
}

emr_status emr_store_audit(emr_store *store)
{
	emr_status status;
	EMR_LOCKED(&store->index_lock);

	status = store->index != NULL ? emr_index_audit(store->index) : EMR_OK;
	return status == EMR_IO && emr_index_was_replaced(store->index) ? EMR_OK : status;
}
