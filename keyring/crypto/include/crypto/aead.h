/* XChaCha20-Poly1305 for small things under a key that lives on: names, intents, pages, keyfiles.
 * It refuses to give out a byte before the tag verified, and raw keys: keys are emr_secret.
 * Thread-safe. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#define EMR_AEAD_KEY_BYTES 32
#define EMR_AEAD_NONCE_BYTES 24
#define EMR_AEAD_TAG_BYTES 16

/* OUT gets plain.len + 16 bytes; it may be plain.data itself.  The nonce must be fresh for the key
 * (random is fine).  EMR_INVALID when the key has not 32 bytes. */
emr_status emr_aead_seal(const emr_secret *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes plain, uint8_t *out);
/* OUT gets sealed.len - 16 bytes; it may be sealed.data itself.  EMR_DAMAGED, and OUT holds nothing
 * of the plaintext, when the tag does not fit. */
emr_status emr_aead_open(const emr_secret *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes sealed, uint8_t *out);
