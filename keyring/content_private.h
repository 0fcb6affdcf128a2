/* This is what content keys, listing keys and local keys share: sealing a key of 32 bytes under
 * a key of this computer. */
#pragma once

#include "keyring/content.h"

/* Under a local key: OUT = nonce || sealed SECRET (32 bytes), bound to AAD. */
emr_status emr_secret_seal_local(const emr_keyring *kr, emr_local_use use, const emr_secret *secret,
	emr_bytes aad, uint8_t out[EMR_SEALED_DEK_BYTES]);
emr_status emr_secret_open_local(const emr_keyring *kr, emr_local_use use,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_bytes aad, emr_secret *out);
