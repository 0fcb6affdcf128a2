/* HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001,
 * ChaCha20-Poly1305 0x0003; one message each. It refuses low-order keys and messages whose tag does
 * not fit.  Wire: enc[32] || ct.  Thread-safe. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/secret.h"

#define EMR_HPKE_OVERHEAD 48 /* enc 32 + tag 16 */

/* OUT gets plain.len + 48 bytes and must not overlap PLAIN.  EMR_INVALID for a low-order PK. */
emr_status emr_hpke_seal(
	const uint8_t pk[32], emr_bytes info, emr_bytes aad, emr_bytes plain, uint8_t *out);
/* OUT gets sealed.len - 48 bytes and must not overlap SEALED.  EMR_DAMAGED. */
emr_status emr_hpke_open(
	const emr_secret *sk, emr_bytes info, emr_bytes aad, emr_bytes sealed, uint8_t *out);
/* Whether anything can be sealed to PK: false for those of low order. */
bool emr_hpke_takes(const uint8_t pk[32]);
/* The public key of a 32-byte X25519 secret (RFC 7748). */
emr_status emr_x25519_public(const emr_secret *sk, uint8_t out_pk[32]);
