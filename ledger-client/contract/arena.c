/* The contract uses only memory that its caller has given it. This file hands out pieces of it,
 * and computes beforehand how much a batch can need, so that judging cannot run out of memory
 * half way. */
#include "table.h"

#include <stdalign.h>
#include <string.h>

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

/* Per item: its rows and slots in three tables, their keys, the rows it writes and their values. */
#define BYTES_PER_ITEM 8192
/* Rows, slots and keys of two for each member in two tables, their list, and the proposal's row. */
#define BYTES_PER_APPROVAL 196608
#define BYTES_PER_MINT EMR_ROW_PROPOSAL_MAX /* which writes that row, too */
#define BYTES_PER_RUN 16384

static size_t count_of(const emr_batch *batch, uint8_t op)
{
	size_t sum = 0;

	for (size_t i = 0; i < batch->count; i++) {
		emr_item item;
		emr_span pub;

		emr_batch_item_at(batch, i, &item, &pub);
		sum += item.op == op;
	}
	return sum;
}

size_t emr_batch_approvals(const emr_batch *batch)
{
	return count_of(batch, EMR_OP_ORG_APPROVE);
}

size_t emr_contract_arena_bytes(const emr_batch *batch)
{
	size_t approvals = emr_batch_approvals(batch);

	if (approvals > EMR_BATCH_APPROVALS_MAX) /* none of them is judged */
		approvals = 0;
	return BYTES_PER_RUN + (size_t)batch->count * BYTES_PER_ITEM +
	       approvals * BYTES_PER_APPROVAL + count_of(batch, EMR_OP_MINT) * BYTES_PER_MINT +
	       batch->items_bytes.len;
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
