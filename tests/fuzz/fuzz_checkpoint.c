/* This fuzz target reads a checkpoint note as anybody may leave it in the ledger: what is
 * accepted must come out as the same text. */
#include <stdlib.h>

#include "ledger/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static emr_checkpoint checkpoint;
	EMR_AUTO_BUF again = {0};

	if (emr_checkpoint_parse(emr_bytes_of(data, size), &checkpoint) != EMR_OK)
		return 0;
	if (emr_checkpoint_format(&checkpoint, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), emr_bytes_of(data, size)))
		abort();
	return 0;
}
