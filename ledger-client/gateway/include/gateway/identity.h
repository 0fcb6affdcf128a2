/* An identity is who speaks to a gateway: a certificate that Fabric's members know, and its key in
 * the keyring, which makes the signatures and lets no key out. It refuses a certificate of another
 * key. */
#pragma once

#include "base/bytes.h"
#include "gateway/fault.h"
#include "keyring/keyring.h"

typedef struct emr_gateway_identity emr_gateway_identity; /* does not change: thread-safe */

#define EMR_GATEWAY_MSP_ID_MAX 128 /* bytes */

/* The keyring's certificate key with CERTIFICATE (DER, its own).  KEYRING is borrowed and must live
 * as long.  EMR_INVALID (the MSP id, or another key's certificate), EMR_NO_MEMORY. */
emr_status emr_gateway_identity_of_keyring(const emr_keyring *keyring, const char *msp_id,
	emr_bytes certificate, emr_gateway_identity **out_identity);

void emr_gateway_identity_free(emr_gateway_identity *identity); /* wipes; NULL is fine */
/* SerializedIdentity: what stands as creator in a transaction.  Lives as long as the identity. */
emr_bytes emr_gateway_identity_creator(const emr_gateway_identity *identity);
/* Appends what Fabric takes for a signature of MESSAGE, which must be a message of Fabric: P-256
 * over its SHA-256, low-S, DER. */
emr_status emr_gateway_identity_sign(
	const emr_gateway_identity *identity, emr_bytes message, emr_buf *out_signature);
