/* This fuzz target reads any bytes as a certificate, as the chain behind it, and the last of them
 * as the CA where it ends: one that verifies under itself must be an authority's. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "keyring/cert.h"

/* Where the last of the DER values in DATA begins, by their two bytes of length. */
static size_t last_of(const uint8_t *data, size_t size)
{
	size_t at = 0, last = 0;

	while (size - at >= 4 && data[at] == 0x30 && data[at + 1] == 0x82) {
		size_t len = ((size_t)data[at + 2] << 8 | data[at + 3]) + 4;

		last = at;
		if (len > size - at)
			break;
		at += len;
	}
	return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t split = last_of(data, size);
	emr_bytes whole = emr_bytes_of(data, size), chain = emr_bytes_of(data, split),
		  ca = emr_bytes_of(data + split, size - split);
	emr_cert_facts first = {.not_before = 0}, facts;

	if (emr_base_init() != EMR_OK)
		abort();
	/* Nobody is below himself. */
	if (emr_cert_read(whole, &first) == EMR_OK &&
		emr_cert_verify(whole, whole, first.not_before, &facts) == EMR_OK)
		abort();
	if (split == 0 || emr_cert_read(chain, &first) != EMR_OK)
		return 0;
	/* A certificate below a CA is none, and is the first of the chain. */
	if (emr_cert_verify(chain, ca, first.not_before, &facts) == EMR_OK &&
		(facts.is_ca || memcmp(facts.ref.b, first.ref.b, sizeof first.ref.b) != 0))
		abort();
	return 0;
}
