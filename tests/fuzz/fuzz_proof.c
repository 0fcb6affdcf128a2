/* This fuzz target reads a proof file as anybody may send it: what is taken apart must come out
 * as the same text, and the checks must end. */
#include <stdlib.h>

#include "base/secret.h"
#include "proof/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const emr_bytes file = emr_bytes_of(data, size);
	static emr_proof_verdict verdict;
	EMR_AUTO_PROOF proof = {.index = 0};
	EMR_AUTO_BUF again = {0};

	if (emr_base_init() != EMR_OK || emr_proof_check(file, -1, NULL, &verdict) != EMR_OK)
		abort();
	if (emr_proof_parse(file, &proof) != EMR_OK) {
		if (verdict.step != EMR_PROOF_BAD_FORMAT)
			abort();
		return 0;
	}
	if (emr_proof_format(&proof, &again) != EMR_OK ||
		!emr_bytes_equal(emr_buf_view(&again), file))
		abort();
	return 0;
}
