/* The contract uses only memory that its caller has given it. This file hands out pieces of it,
 * and computes beforehand how much a batch can need, so that judging cannot run out of memory
 * half way. */
#include "arena.h"

#include <stdalign.h>
#include <string.h>

/* Per item: its rows and slots in three tables, their keys, the rows it writes and their values. */
#define BYTES_PER_ITEM 7168
#define BYTES_PER_RUN 16384

size_t emr_contract_arena_bytes(const emr_batch *batch)
{
	return BYTES_PER_RUN + (size_t)batch->count * BYTES_PER_ITEM + batch->items_bytes.len;
}

void *emr_arena_alloc(emr_contract_arena *arena, size_t len)
{
	size_t step = alignof(max_align_t);
	size_t at = (arena->used + step - 1) / step * step;

	if (at > arena->cap || len > arena->cap - at)
		return NULL;
	arena->used = at + len;
	return memset(arena->base + at, 0, len);
}

uint8_t *emr_arena_copy(emr_contract_arena *arena, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = emr_arena_alloc(arena, len);

	return copy == NULL ? NULL : memcpy(copy, bytes, len);
}

const char *emr_arena_text(emr_contract_arena *arena, const char *text)
{
	return (const char *)emr_arena_copy(arena, (const uint8_t *)text, strlen(text) + 1);
}
