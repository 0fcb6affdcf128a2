/* This is a hash table of borrowed pointers. It is not thread-safe: whoever owns it locks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct table {
	void **items;	  /* NULL: never used; TABLE_GONE: removed */
	uint32_t *hashes; /* the upper half, in the same memory: 12 bytes a slot instead of 16 */
	size_t cap;	  /* at most 2^32 */
	size_t used;	  /* slots that are not NULL */
	size_t count;	  /* items */
} table;

typedef bool (*table_match)(const void *item, const void *key);

/* Room for one more item, so that the next table_add cannot fail. */
emr_status table_reserve(table *t);
/* The same for MORE items. */
emr_status table_reserve_more(table *t, size_t more);
void table_add(table *t, uint64_t hash, void *item); /* after table_reserve */
void *table_find(const table *t, uint64_t hash, table_match match, const void *key);
void table_remove(table *t, uint64_t hash, const void *item);
/* The item in slot INDEX (0 .. cap - 1), or NULL: for walking. */
void *table_at(const table *t, size_t index);
void table_free(table *t);
