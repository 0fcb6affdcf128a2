/* A small file of the state, sealed under the keyring's local view key and replaced in one step.
 * It refuses a file that was changed, or put in the place of another one. */
#pragma once

#include "base/bytes.h"
#include "keyring/keyring.h"

#define EMR_SEALED_HEAD_BYTES 8

/* On the disk: HEAD (magic, u8 version, zeros) | nonce[24] | XChaCha20-Poly1305, AAD = HEAD, of
 * PLAIN | SHA-256 of all before it (crypto/sum.h). */
emr_status emr_sealed_save(const emr_keyring *keyring, int state_fd, const char *name,
	const uint8_t head[EMR_SEALED_HEAD_BYTES], emr_bytes plain);
/* EMR_NOT_FOUND; EMR_NEWER_FORMAT: another version behind the same magic, and the sum fits;
 * EMR_DAMAGED, also when PLAIN is over MAX bytes. */
emr_status emr_sealed_load(const emr_keyring *keyring, int state_fd, const char *name,
	const uint8_t head[EMR_SEALED_HEAD_BYTES], size_t max, emr_buf *out_plain);
