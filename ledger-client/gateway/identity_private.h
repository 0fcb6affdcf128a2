/* This is the inside of an identity, for identity.c and for tests that speak as somebody whose key
 * is in no keyring. */
#pragma once

#include <openssl/x509.h>

#include "gateway/identity.h"

struct emr_gateway_identity {
	emr_status (*sign)(
		const emr_gateway_identity *identity, emr_bytes message, emr_buf *out_signature);
	const emr_keyring *keyring; /* or NULL */
	EVP_PKEY *key;		    /* of another kind of identity, else NULL */
	emr_buf creator;
};

/* Of the holder of CERTIFICATE; it cannot sign yet.  EMR_INVALID: the MSP id. */
emr_status gateway_identity_new(
	const char *msp_id, X509 *certificate, emr_gateway_identity **out_identity);
