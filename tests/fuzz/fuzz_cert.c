/* This fuzz target reads any bytes as a certificate: one that verifies under itself must be an
 * authority's. */
#include <stdlib.h>

#include "base/secret.h"
#include "keyring/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_cert_facts facts;

	if (emr_base_init() != EMR_OK)
		abort();
	if (emr_cert_read(emr_bytes_of(data, size), &facts) != EMR_OK)
		return 0;
	/* A self-signed certificate that verifies is a CA's. */
	if (emr_cert_verify(emr_bytes_of(data, size), emr_bytes_of(data, size), facts.not_before,
		    &facts) == EMR_OK &&
		!facts.is_ca)
		abort();
	return 0;
}
