/* This file keeps items in one array and numbers them by where they lie and how often that place
 * was used before, so that a number says where to look and still is never given twice. */
#include "slots.h"

#include <stdlib.h>

#define LEAST_CAP 64
#define MOST_CAP UINT32_MAX
#define LAST_ROUND INT32_MAX
#define SLOT_BITS 32
#define EMPTY_NEXT(what) ((uint32_t)((what).empty >> 1))

static bool is_item(slot_word what)
{
	return (what.empty & 1) == 0;
}

static slot_word empty_slot(uint32_t next, uint64_t round)
{
	return (slot_word){.empty = round << (SLOT_BITS + 1) | (uint64_t)next << 1 | 1};
}

static emr_status reserve_slots(slots *s, size_t more)
{
	size_t cap = s->used + more;
	slot_word *all;

	if (cap <= s->cap)
		return EMR_OK;
	if (cap > MOST_CAP)
		return EMR_NO_MEMORY;
	cap = cap < LEAST_CAP ? LEAST_CAP : cap + cap / 4;
	cap = cap < MOST_CAP ? cap : MOST_CAP;
	all = realloc(s->all, cap * sizeof *all);
	EMR_TRY_MEMORY(all);
	s->all = all;
	s->cap = cap;
	return EMR_OK;
}

emr_status slots_begin(slots *s, uint32_t at)
{
	EMR_TRY(reserve_slots(s, at));
	while (s->used < at)
		s->all[s->used++] = empty_slot(SLOT_NONE, 0);
	return EMR_OK;
}

emr_status slots_reserve(slots *s)
{
	EMR_TRY(s->used == 0 ? slots_begin(s, SLOT_NONE + 1) : EMR_OK);
	return s->first_empty == SLOT_NONE ? reserve_slots(s, 1) : EMR_OK;
}

uint64_t slots_add(slots *s, void *item)
{
	uint32_t at = s->first_empty;
	uint64_t round = 0;

	if (at == SLOT_NONE) {
		at = (uint32_t)s->used++;
	} else {
		round = s->all[at].empty >> (SLOT_BITS + 1);
		s->first_empty = EMPTY_NEXT(s->all[at]);
	}
	s->all[at].empty = 0; /* on a computer whose pointers are shorter, too */
	s->all[at].item = item;
	s->count++;
	return round << SLOT_BITS | at;
}

void slots_put(slots *s, uint32_t at, void *item)
{
	s->all[at].empty = 0;
	s->all[at].item = item;
	s->count++;
}

void slots_close(slots *s, uint64_t number)
{
	s->all[slot_of(number)] = empty_slot(SLOT_NONE, 0);
	s->count--;
}

void slots_remove(slots *s, uint64_t number)
{
	const uint64_t round = number >> SLOT_BITS;

	slots_close(s, number);
	if (round == LAST_ROUND)
		return;
	s->all[slot_of(number)] = empty_slot(s->first_empty, round + 1);
	s->first_empty = slot_of(number);
}

void *slots_at(const slots *s, size_t index)
{
	return is_item(s->all[index]) ? s->all[index].item : NULL;
}

void slots_free(slots *s)
{
	free(s->all);
	*s = (slots){0};
}
