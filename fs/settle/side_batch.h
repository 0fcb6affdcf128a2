/* A batch of a domain's key on its way to one of two ledgers, without the journal: a look at the
 * ledger tells again what was sent here.  It refuses to call anything done that the ledger did not
 * apply. */
#pragma once

#include "ledger/batch.h"
#include "settle/takeover.h"

typedef struct side_batch {
	const emr_side *side;
	emr_keyring *keyring;
	emr_batch_builder *batch;
	uint64_t now_unix_s;
} side_batch;

emr_status side_batch_begin(const emr_side *side, emr_keyring *keyring, const emr_clock *clock,
	emr_id16 domain, side_batch *out);
/* Signs, sends and follows; EMR_OK without sending when there is nothing in it.  The batch is over.
 */
emr_status side_batch_send(side_batch *batch);
void side_batch_end(side_batch *batch);
#define AUTO_SIDE_BATCH __attribute__((cleanup(side_batch_end))) side_batch
