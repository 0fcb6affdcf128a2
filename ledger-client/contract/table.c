/* This is the hash table of rows that one run of the contract has read and changed. It has a
 * fixed size, so it cannot fail in the middle of a batch. */
#include "table.h"

#include <string.h>

bool emr_table_new(emr_contract_arena *arena, size_t cap, struct table *out_table)
{
	size_t slots = 16;

	while (slots < cap * 2)
		slots *= 2;
	out_table->count = 0;
	out_table->cap = cap;
	out_table->mask = slots - 1;
	out_table->rows = emr_arena_alloc(arena, cap * sizeof *out_table->rows);
	out_table->slots = emr_arena_alloc(arena, slots * sizeof *out_table->slots);
	return out_table->rows != NULL && out_table->slots != NULL;
}

/* FNV-1a with a final mix, so that the low bits depend on every byte. */
static size_t hash_of(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *key != '\0'; key++)
		hash = (hash ^ (uint8_t)*key) * 0x100000001b3u;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdu;
	return (size_t)(hash ^ hash >> 33);
}

/* The slot of KEY, or the free one where it would go. */
static uint32_t *slot_of(const struct table *table, const char *key)
{
	size_t at = hash_of(key) & table->mask;

	while (table->slots[at] != 0 && strcmp(table->rows[table->slots[at] - 1].key, key) != 0)
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

table_row *emr_table_find(const struct table *table, const char *key)
{
	uint32_t slot = *slot_of(table, key);

	return slot == 0 ? NULL : &table->rows[slot - 1];
}

table_row *emr_table_add(struct table *table, const char *key)
{
	uint32_t *slot = slot_of(table, key);

	if (*slot == 0) {
		if (table->count == table->cap)
			return NULL;
		table->rows[table->count] = (table_row){.key = key};
		*slot = (uint32_t)++table->count;
	}
	return &table->rows[*slot - 1];
}
