/* This fuzz target reads blocks as a peer may give them, cut out of one row of bytes: each is taken
 * or refused with a reason, by a reader that knows nobody and by one that knows an organisation. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"

/* Opened by hand: a gateway has no part in this but whom it knows. */
static emr_gateway stranger, knowing;
static gateway_authority authority;

static void begin(void)
{
	static char msp[] = "Emr1MSP";

	if (authority.store != NULL)
		return;
	authority = (gateway_authority){.msp_id = msp, .store = X509_STORE_new()};
	if (authority.store == NULL)
		abort();
	knowing = (emr_gateway){
		.authorities = &authority, .authority_count = 1, .has_authorities = true};
}

static void look(const emr_gateway *gateway, const uint8_t *data, size_t size)
{
	emr_gateway_orderers *orderers = emr_gateway_orderers_new();
	emr_status status = EMR_OK;
	const char *wrong = NULL;
	size_t at = 0;

	if (orderers == NULL)
		abort();
	while (status == EMR_OK && size - at >= 2) {
		size_t len = (size_t)data[at] << 8 | data[at + 1];

		at += 2;
		len = len < size - at ? len : size - at;
		status = orderers_look(gateway, orderers, emr_bytes_of(data + at, len), &wrong);
		if ((status != EMR_OK) != (wrong != NULL))
			abort();
		at += len;
	}
	emr_gateway_orderers_free(orderers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	look(&stranger, data, size);
	look(&knowing, data, size);
	return 0;
}
