/* This fuzz target reads any bytes as a keyfile, and as the decrypted payload of one. The
 * passphrase's work lies between the two and is left out. */
#include <stdlib.h>

#include "base/secret.h"
#include "keyring_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_keyfile_header header;
	emr_keyring *kr = NULL;
	const char *field = NULL;

	if (emr_base_init() != EMR_OK)
		abort();
	if (emr_keyfile_parse(emr_bytes_of(data, size), &header, &field) == EMR_OK &&
		header.sealed.data + header.sealed.len != data + size)
		abort();
	if (emr_keyfile_parse_payload(emr_bytes_of(data, size), &kr, &field) != EMR_OK)
		return 0;
	emr_keyring_free(kr);
	return 0;
}
