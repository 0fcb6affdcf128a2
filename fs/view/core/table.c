/* This is the hash table by which the tree finds a node by its id or its name. It keeps their slots
 * and not their addresses, which take twice the memory, and its room is reserved beforehand, so
 * that adding cannot fail in the middle of a change. */
#include "table.h"

#include <stdlib.h>

#define TABLE_GONE UINT32_MAX /* no slot: slots_reserve ends below it */

#define LEAST_CAP 64

/* The upper half: whoever hashes by multiplying has mixed that one best. */
static uint32_t kept(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* Where a search for HASH begins.  Any number of slots will do, so a table grows by a quarter and
 * not to twice; and a larger hash lies further behind, so growing reads and writes in order. */
static size_t first(const table *t, uint32_t hash)
{
	return (size_t)(((uint64_t)hash * t->cap) >> 32);
}

static size_t after(const table *t, size_t i)
{
	return i + 1 == t->cap ? 0 : i + 1;
}

static void place(table *t, table_entry entry)
{
	size_t i = first(t, entry.hash);

	while (t->entries[i].slot != SLOT_NONE)
		i = after(t, i);
	t->entries[i] = entry;
}

emr_status table_reserve_more(table *t, size_t more)
{
	/* Six entries in ten are taken then, three in four when it grows again. */
	const size_t cap = LEAST_CAP + (t->count + more) / 3 * 5;
	table grown = {.cap = cap, .used = t->count, .count = t->count};

	if ((t->used + more) * 4 <= t->cap * 3)
		return EMR_OK;
	grown.entries = calloc(cap, sizeof *grown.entries);
	EMR_TRY_MEMORY(grown.entries);
	for (size_t i = 0; i < t->cap; i++)
		if (t->entries[i].slot != SLOT_NONE && t->entries[i].slot != TABLE_GONE)
			place(&grown, t->entries[i]);
	free(t->entries);
	*t = grown;
	return EMR_OK;
}

emr_status table_reserve(table *t)
{
	return table_reserve_more(t, 1);
}

void table_add(table *t, uint64_t hash, uint32_t at)
{
	place(t, (table_entry){.slot = at, .hash = kept(hash)});
	t->used++;
	t->count++;
}

void *table_find(const table *t, const slots *of, uint64_t hash, table_match match, const void *key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t i = first(t, kept(hash)); t->entries[i].slot != SLOT_NONE; i = after(t, i)) {
		const table_entry entry = t->entries[i];

		if (entry.hash == kept(hash) && entry.slot != TABLE_GONE &&
			match(slots_at(of, entry.slot), key))
			return slots_at(of, entry.slot);
	}
	return NULL;
}

void table_remove(table *t, uint64_t hash, uint32_t at)
{
	if (t->cap == 0)
		return;
	for (size_t i = first(t, kept(hash)); t->entries[i].slot != SLOT_NONE; i = after(t, i)) {
		if (t->entries[i].slot != at)
			continue;
		t->entries[i].slot = TABLE_GONE;
		t->count--;
		return;
	}
}

void table_free(table *t)
{
	free(t->entries);
	*t = (table){0};
}
