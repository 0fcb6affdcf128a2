#include "table.h"

#include <stdlib.h>

static char gone_mark;
#define TABLE_GONE ((void *)&gone_mark)

static void place(table_slot *slots, size_t cap, uint64_t hash, void *item)
{
	size_t i = (size_t)hash & (cap - 1);

	while (slots[i].item != NULL)
		i = (i + 1) & (cap - 1);
	slots[i] = (table_slot){ .hash = hash, .item = item };
}

emr_status table_reserve_more(table *t, size_t more)
{
	size_t cap = t->cap;
	table_slot *slots;

	if (cap != 0 && (t->used + more) * 4 <= cap * 3)
		return EMR_OK;
	cap = cap == 0 ? 64 : cap;
	while ((t->count + more) * 2 > cap)
		cap *= 2;
	slots = calloc(cap, sizeof *slots);
	if (slots == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].item != NULL && t->slots[i].item != TABLE_GONE)
			place(slots, cap, t->slots[i].hash, t->slots[i].item);
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	t->used = t->count;
	return EMR_OK;
}

emr_status table_reserve(table *t)
{
	return table_reserve_more(t, 1);
}

void table_add(table *t, uint64_t hash, void *item)
{
	place(t->slots, t->cap, hash, item);
	t->used++;
	t->count++;
}

void *table_find(const table *t, uint64_t hash, table_match match, const void *key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t i = (size_t)hash & (t->cap - 1); t->slots[i].item != NULL;
		i = (i + 1) & (t->cap - 1))
		if (t->slots[i].hash == hash && t->slots[i].item != TABLE_GONE &&
			match(t->slots[i].item, key))
			return t->slots[i].item;
	return NULL;
}

void table_remove(table *t, uint64_t hash, const void *item)
{
	if (t->cap == 0)
		return;
	for (size_t i = (size_t)hash & (t->cap - 1); t->slots[i].item != NULL;
		i = (i + 1) & (t->cap - 1)) {
		if (t->slots[i].item != item)
			continue;
		t->slots[i].item = TABLE_GONE;
		t->count--;
		return;
	}
}

void *table_at(const table *t, size_t index)
{
	void *item = t->slots[index].item;

	return item == TABLE_GONE ? NULL : item;
}

void table_free(table *t)
{
	free(t->slots);
	*t = (table){ 0 };
}
