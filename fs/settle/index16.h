/* A hash table from an id of 16 bytes to a number.  It removes nothing.  The maker of an
 * object chooses its id, so places are chosen by a secret key, and nobody can make ids that share
 * one. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"

#define INDEX16_NONE UINT32_MAX

typedef struct index16_slot {
	emr_id16 id;
	uint32_t number;
} index16_slot;

typedef struct index16 {
	index16_slot *slots;
	size_t count, cap; /* cap: 0 or a power of two */
	uint8_t hash_key[16];
} index16;

uint32_t index16_get(const index16 *index, emr_id16 id);	      /* INDEX16_NONE */
emr_status index16_put(index16 *index, emr_id16 id, uint32_t number); /* ID is not in it yet */
void index16_free(index16 *index);
