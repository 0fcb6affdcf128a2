#include "index16.h"

#include <stdlib.h>
#include <string.h>

/* The ids are random already. */
static size_t slot_of(const index16_slot *slots, size_t cap, emr_id16 id)
{
	uint64_t hash;
	size_t at;

	memcpy(&hash, id.b, sizeof hash);
	at = (size_t)hash & (cap - 1);
	while (slots[at].number != INDEX16_NONE && !emr_id16_equal(slots[at].id, id))
		at = (at + 1) & (cap - 1);
	return at;
}

uint32_t index16_get(const index16 *index, emr_id16 id)
{
	return index->cap == 0 ? INDEX16_NONE
			       : index->slots[slot_of(index->slots, index->cap, id)].number;
}

static emr_status grow(index16 *index)
{
	size_t cap = index->cap == 0 ? 64 : index->cap * 2;
	index16_slot *slots = malloc(cap * sizeof *slots);

	if (slots == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < cap; i++)
		slots[i].number = INDEX16_NONE;
	for (size_t i = 0; i < index->cap; i++)
		if (index->slots[i].number != INDEX16_NONE)
			slots[slot_of(slots, cap, index->slots[i].id)] = index->slots[i];
	free(index->slots);
	index->slots = slots;
	index->cap = cap;
	return EMR_OK;
}

emr_status index16_put(index16 *index, emr_id16 id, uint32_t number)
{
	emr_status status = index->count * 4 < index->cap * 3 ? EMR_OK : grow(index);

	if (status != EMR_OK)
		return status;
	index->slots[slot_of(index->slots, index->cap, id)] =
		(index16_slot){.id = id, .number = number};
	index->count++;
	return EMR_OK;
}

void index16_free(index16 *index)
{
	free(index->slots);
	*index = (index16){0};
}
