/* This hash map leads from the first 16 bytes of a digest to a place. It holds what the index on
 * disk does not know yet. It does not grow on insert: room is reserved first, so that an append
 * cannot fail after its write. */
#pragma once

#include "store/car_store.h"

#define EMR_DIGEST_PREFIX 16

typedef struct emr_pending_row {
	uint8_t digest[EMR_DIGEST_PREFIX];
	emr_store_position at; /* at.segment 0 = free slot */
} emr_pending_row;

/* Zero-initialised is valid and empty.  The caller locks. */
typedef struct emr_pending {
	emr_pending_row *slots;
	size_t capacity; /* a power of two */
	size_t count;
} emr_pending;

emr_status emr_pending_reserve(emr_pending *map, size_t extra);
/* Replaces an older place of the same block.  Room must have been reserved. */
void emr_pending_put(emr_pending *map, const uint8_t *digest, emr_store_position at);
const emr_store_position *emr_pending_find(const emr_pending *map, const uint8_t *digest);
/* Rows in digest order in one new array of map->count, for the caller to free; NULL when memory is
 * short. */
emr_pending_row *emr_pending_sorted(const emr_pending *map);
void emr_pending_free(emr_pending *map);
