/* This table holds rows by key: those that the host gave, and over them what earlier items of the
 * batch wrote. It refuses to hold more rows than it was made for; a key is never removed. */
#pragma once

#include "arena.h"

typedef struct table_row {
	const char *key; /* lives in the arena or with the host's values */
	bool is_present;
	emr_span value;
	size_t write; /* 1 + index among the writes; 0 = as the host gave it */
} table_row;

struct table {
	table_row *rows; /* in the order of adding */
	size_t count;
	size_t cap;
	uint32_t *slots; /* 1 + index into rows; 0 = free */
	size_t mask;
};

/* False when the arena is too small. */
bool emr_table_new(emr_contract_arena *arena, size_t cap, struct table *out_table);
/* NULL when the key is not in it. */
table_row *emr_table_find(const struct table *table, const char *key);
/* The row of KEY, new (absent, key borrowed) if need be; NULL when the table is full. */
table_row *emr_table_add(struct table *table, const char *key);
