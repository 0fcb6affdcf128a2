/* This is a small hash table from ids of 16 bytes to numbers. */
#include "index16.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static size_t slot_of(const index16 *index, emr_id16 id)
{
	uint64_t hash;
	size_t at;

	crypto_shorthash((uint8_t *)&hash, id.b, sizeof id.b, index->hash_key);
	at = (size_t)hash & (index->cap - 1);
	while (index->slots[at].number != INDEX16_NONE && !emr_id16_equal(index->slots[at].id, id))
		at = (at + 1) & (index->cap - 1);
	return at;
}

uint32_t index16_get(const index16 *index, emr_id16 id)
{
	return index->cap == 0 ? INDEX16_NONE : index->slots[slot_of(index, id)].number;
}

static emr_status grow_index(index16 *index)
{
	index16 grown = {.cap = index->cap == 0 ? 64 : index->cap * 2, .count = index->count};

	grown.slots = malloc(grown.cap * sizeof *grown.slots);
	if (grown.slots == NULL)
		return EMR_NO_MEMORY;
	crypto_shorthash_keygen(grown.hash_key);
	for (size_t i = 0; i < grown.cap; i++)
		grown.slots[i].number = INDEX16_NONE;
	for (size_t i = 0; i < index->cap; i++)
		if (index->slots[i].number != INDEX16_NONE)
			grown.slots[slot_of(&grown, index->slots[i].id)] = index->slots[i];
	free(index->slots);
	*index = grown;
	return EMR_OK;
}

emr_status index16_put(index16 *index, emr_id16 id, uint32_t number)
{
	EMR_TRY(index->count * 4 < index->cap * 3 ? EMR_OK : grow_index(index));
	index->slots[slot_of(index, id)] = (index16_slot){.id = id, .number = number};
	index->count++;
	return EMR_OK;
}

void index16_free(index16 *index)
{
	free(index->slots);
	*index = (index16){0};
}
