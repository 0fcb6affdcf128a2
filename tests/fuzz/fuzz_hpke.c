/* This fuzz target reads any bytes as a sealed letter, and as a capsule: neither may open under
 * a key that did not make it. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/hpke.h"
#include "crypto/pre.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_SECRET sk = {0};
	EMR_AUTO_SECRET k = {0};
	EMR_AUTO_BUF out = {0};
	uint8_t ctx[32] = {1};

	if (emr_base_init() != EMR_OK || emr_secret_random(32, &sk) != EMR_OK ||
		emr_buf_append_zeros(&out, size + 1) != EMR_OK)
		abort();
	sk.data[31] &= 0x0f; /* canonical as a scalar too */
	if (emr_hpke_open(&sk, emr_bytes_of("info", 4), (emr_bytes){0}, emr_bytes_of(data, size),
		    out.data) == EMR_OK)
		abort();
	if (size >= EMR_PRE_CAPSULE_BYTES && emr_pre_decapsulate(&sk, ctx, data, &k) == EMR_OK)
		abort();
	return 0;
}
