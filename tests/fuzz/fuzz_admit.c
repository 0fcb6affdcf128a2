/* This fuzz target reads the private part of a proposal that admits an organisation: its author
 * writes it, and the CA in it vouches for people once the members approved its hash. */
#include <stdlib.h>

#include "ledger/act.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes ca = {0};

	if (emr_proposal_admit_ca(emr_bytes_of(data, size), &ca) != EMR_OK)
		return 0;
	/* It stands at the very end, behind its length. */
	if (ca.len > size - 37 || ca.data + ca.len != data + size ||
		((size_t)ca.data[-2] << 8 | ca.data[-1]) != ca.len)
		abort();
	return 0;
}
