/* This is the hash table by which the tree finds a node by its number, its id or its name. It
 * borrows its items and frees none, and its room is reserved beforehand, so that adding cannot
 * fail in the middle of a change. */
#include "table.h"

#include <stdlib.h>

static char gone_mark;
#define TABLE_GONE ((void *)&gone_mark)

static void place(table *t, uint32_t hash, void *item)
{
	size_t i = hash & (t->cap - 1);

	while (t->items[i] != NULL)
		i = (i + 1) & (t->cap - 1);
	t->items[i] = item;
	t->hashes[i] = hash;
}

emr_status table_reserve_more(table *t, size_t more)
{
	size_t cap = t->cap;
	table grown = {.used = t->count, .count = t->count};

	if (cap != 0 && (t->used + more) * 4 <= cap * 3)
		return EMR_OK;
	cap = cap == 0 ? 64 : cap;
	while ((t->count + more) * 2 > cap)
		cap *= 2;
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
	place(t, (uint32_t)hash, item);
	t->used++;
	t->count++;
}

void *table_find(const table *t, uint64_t hash, table_match match, const void *key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t i = (uint32_t)hash & (t->cap - 1); t->items[i] != NULL;
		i = (i + 1) & (t->cap - 1))
		if (t->hashes[i] == (uint32_t)hash && t->items[i] != TABLE_GONE &&
			match(t->items[i], key))
			return t->items[i];
	return NULL;
}

void table_remove(table *t, uint64_t hash, const void *item)
{
	if (t->cap == 0)
		return;
	for (size_t i = (uint32_t)hash & (t->cap - 1); t->items[i] != NULL;
		i = (i + 1) & (t->cap - 1)) {
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
