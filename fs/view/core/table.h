/* This is a hash table of what lies in slots (slots.h), which it borrows.  It is not thread-safe:
 * its owner locks. */
#pragma once

#include "slots.h"

typedef struct table_entry {
	uint32_t slot; /* SLOT_NONE: never used; TABLE_GONE: removed */
	uint32_t hash; /* the upper half */
} table_entry;

typedef struct table {
	table_entry *entries; /* owned */
	size_t cap;	      /* at most 2^32 */
	size_t used;	      /* entries that are not SLOT_NONE */
	size_t count;	      /* items */
} table;

typedef bool (*table_match)(const void *item, const void *key);

/* Room for one more item, so that the next table_add cannot fail. */
emr_status table_reserve(table *t);
/* The same for MORE items. */
emr_status table_reserve_more(table *t, size_t more);
void table_add(table *t, uint64_t hash, uint32_t slot); /* after table_reserve */
/* An item in the slots OF, in which those of T lie. */
void *table_find(
	const table *t, const slots *of, uint64_t hash, table_match match, const void *key);
void table_remove(table *t, uint64_t hash, uint32_t slot);
void table_free(table *t);
