/* Memory for one run of the contract, cut from the caller's block.  It refuses to grow and never
 * gives back. */
#pragma once

#include "contract/contract.h"

/* The most vouchers that the items of BATCH can make. */
size_t emr_batch_vouchers(const emr_batch *batch);
/* The approvals of proposals among the items of BATCH. */
size_t emr_batch_approvals(const emr_batch *batch);
/* Zeroed, aligned for any type; NULL when it does not fit. */
void *emr_arena_alloc(emr_contract_arena *arena, size_t len);
/* A copy of TEXT or BYTES; NULL when it does not fit. */
const char *emr_arena_text(emr_contract_arena *arena, const char *text);
uint8_t *emr_arena_copy(emr_contract_arena *arena, const uint8_t *bytes, size_t len);
