/* This table holds rows by key: those that the host gave, and over them what earlier items of
 * the batch wrote. It lies in the arena: memory for one run of the contract, cut from the
 * caller's block. It refuses to hold more rows than it was made for; a key is never removed, and
 * no memory is given back. */
#pragma once

#include "contract/contract.h"

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

/* ---- arena.c ---- */
/* The approvals of proposals among the items of BATCH. */
size_t emr_batch_approvals(const emr_batch *batch);
/* Zeroed, aligned for any type; NULL when it does not fit. */
void *emr_arena_alloc(emr_contract_arena *arena, size_t len);
/* A copy of TEXT or BYTES; NULL when it does not fit. */
const char *emr_arena_text(emr_contract_arena *arena, const char *text);
uint8_t *emr_arena_copy(emr_contract_arena *arena, const uint8_t *bytes, size_t len);
