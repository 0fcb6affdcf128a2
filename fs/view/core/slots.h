/* This is an array that numbers its items: a number is never given twice, and its item is found
 * without a search.  It borrows its items, whose addresses are even, and frees none.  It is not
 * thread-safe: its owner locks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define SLOT_NONE 0 /* nothing is ever there */

typedef union slot_word {
	void *item;
	uint64_t empty; /* odd: bit 1 to 32 the next empty slot, above them how often this one was
			   emptied */
} slot_word;

typedef struct slots {
	slot_word *all;	      /* owned */
	size_t used, cap;     /* at most 2^32 - 1 */
	size_t count;	      /* items */
	uint32_t first_empty; /* SLOT_NONE: all that are used have an item, or never will again */
} slots;

/* The first numbers, below AT, are not given by slots_add. */
emr_status slots_begin(slots *s, uint32_t at);
/* Room for one more, so that the next slots_add cannot fail: EMR_NO_MEMORY. */
emr_status slots_reserve(slots *s);
/* The number of ITEM: its slot in the lower half, and above how often another had that one before;
 * less than 2^63.  While nothing was removed, each is one more than the last. */
uint64_t slots_add(slots *s, void *item);
/* ITEM gets the number AT, one of those that slots_add does not give; not twice. */
void slots_put(slots *s, uint32_t at, void *item);
/* NUMBER belongs to nothing any more. */
void slots_remove(slots *s, uint64_t number);
/* The same, and nothing comes to its slot. */
void slots_close(slots *s, uint64_t number);
/* The item in slot INDEX (0 .. used - 1), or NULL. */
void *slots_at(const slots *s, size_t index);
void slots_free(slots *s);

static inline uint32_t slot_of(uint64_t number)
{
	return (uint32_t)number;
}
