/* This is the hash table by which the tree finds a node by its number, its id or its name. It
 * borrows its items and frees none, and its room is reserved beforehand, so that adding cannot
 * fail in the middle of a change. */
#include "table.h"

#include <stdlib.h>

static char gone_mark;
#define TABLE_GONE ((void *)&gone_mark)

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

static void place(table *t, uint32_t hash, void *item)
{
	size_t i = first(t, hash);

	while (t->items[i] != NULL)
		i = after(t, i);
	t->items[i] = item;
	t->hashes[i] = hash;
}

emr_status table_reserve_more(table *t, size_t more)
{
	/* Six slots in ten are taken then, three in four when it grows again. */
	const size_t cap = LEAST_CAP + (t->count + more) / 3 * 5;
	table grown = {.used = t->count, .count = t->count};

	if ((t->used + more) * 4 <= t->cap * 3)
		return EMR_OK;
	grown.items = calloc(cap, sizeof *grown.items + sizeof *grown.hashes);
	if (grown.items == NULL)
		return EMR_NO_MEMORY;
	grown.hashes = (uint32_t *)(void *)(grown.items + cap);
	grown.cap = cap;
	for (size_t i = 0; i < t->cap; i++)
		if (t->items[i] != NULL && t->items[i] != TABLE_GONE)
			place(&grown, t->hashes[i], t->items[i]);
	free(t->items);
	*t = grown;
	return EMR_OK;
}

emr_status table_reserve(table *t)
{
	return table_reserve_more(t, 1);
}

void table_add(table *t, uint64_t hash, void *item)
{
	place(t, kept(hash), item);
	t->used++;
	t->count++;
}

void *table_find(const table *t, uint64_t hash, table_match match, const void *key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t i = first(t, kept(hash)); t->items[i] != NULL; i = after(t, i))
		if (t->hashes[i] == kept(hash) && t->items[i] != TABLE_GONE &&
			match(t->items[i], key))
			return t->items[i];
	return NULL;
}

void table_remove(table *t, uint64_t hash, const void *item)
{
	if (t->cap == 0)
		return;
	for (size_t i = first(t, kept(hash)); t->items[i] != NULL; i = after(t, i)) {
		if (t->items[i] != item)
			continue;
		t->items[i] = TABLE_GONE;
		t->count--;
		return;
	}
}

void *table_at(const table *t, size_t index)
{
	void *item = t->items[index];

	return item == TABLE_GONE ? NULL : item;
}

void table_free(table *t)
{
	free(t->items);
	*t = (table){0};
}
