/* This fuzz target reads heads and control records of the spill: whatever decodes encodes to the
 * same bytes. */
#include <stdlib.h>

#include "spill_log.h"

static void try_head(const uint8_t *data)
{
	uint8_t nonce[24], again[SPILL_RECORD_HEAD];
	spill_record record;

	if (spill_record_head_decode(data, &record, nonce) != EMR_OK)
		return;
	spill_record_head_encode(&record, nonce, again);
	if (memcmp(again, data, sizeof again) != 0 ||
		spill_record_room(record.len) > SPILL_RECORD_MAX)
		abort();
	if (spill_seq_follows(record.seq, record.seq))
		abort();
}

static void try_control(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	spill_control control;
	spill_leaf leaf;

	if (spill_control_decode(bytes, &control) != EMR_OK)
		return;
	if (spill_control_encode(&control, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), bytes))
		abort();
	for (uint32_t i = 0; i < control.leaf_count; i++)
		(void)!spill_leaf_decode(control.leaves.data + (size_t)i * SPILL_LEAF_BYTES, &leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= SPILL_RECORD_HEAD)
		try_head(data);
	try_control(emr_bytes_of(data, size));
	return 0;
}
