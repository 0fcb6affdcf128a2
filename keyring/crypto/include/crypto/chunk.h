/* The content cipher: Cobblestone-256 (C2SP chunked-encryption v1), 16 KiB chunks with random
 * access and key commitment. It refuses to release a byte of a chunk whose tag does not fit, and it
 * does not know files: which chunk is the last is the caller's knowledge (a stream ends with a
 * chunk shorter than 16,384 bytes, of 0 bytes if need be). */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

#define EMR_CHUNK_BYTES 16384
#define EMR_CHUNK_TAG_BYTES 16
#define EMR_CHUNK_SEALED_BYTES (EMR_CHUNK_BYTES + EMR_CHUNK_TAG_BYTES)
#define EMR_CHUNK_SALT_BYTES 24
#define EMR_CHUNK_COM_BYTES 32

typedef enum emr_chunk_suite {
	EMR_SUITE_AES_256_GCM = 1,
	EMR_SUITE_CHACHA20_POLY1305 = 2,
} emr_chunk_suite;

/* One content's cipher.  Several threads may seal and open with it at once; contexts are kept in a
 * pool, with the key set once each, so that a chunk allocates nothing.  (Expanded keys lie in
 * OpenSSL's heap, wiped at free.) */
typedef struct emr_chunk_cipher emr_chunk_cipher;

/* K_C is the 32-byte content key.  EMR_UNSUPPORTED for an unknown suite. */
emr_status emr_chunk_cipher_new(const emr_secret *k_c, const uint8_t salt[24], unsigned suite,
	emr_chunk_cipher **out_cipher);
void emr_chunk_cipher_free(emr_chunk_cipher *cipher); /* NULL is fine; no call may be running */
void emr_chunk_cipher_com(const emr_chunk_cipher *cipher, uint8_t out_com[32]);
/* Constant-time comparison of the commitment: EMR_DAMAGED when another key or salt made it. */
emr_status emr_chunk_cipher_check(const emr_chunk_cipher *cipher, const uint8_t com[32]);

/* OUT gets LEN + 16 bytes, LEN 0..16384; OUT may be PLAIN.  Each index is sealed once per cipher:
 * sealing another plaintext under the same index gives both away, and the caller sees to it. */
emr_status emr_chunk_seal(emr_chunk_cipher *cipher, uint64_t chunk_index, const uint8_t *plain,
	size_t len, uint8_t *out);
/* OUT gets SEALED_LEN - 16 bytes, and only after the tag verified; it must not overlap SEALED.
 * EMR_DAMAGED. */
emr_status emr_chunk_open(emr_chunk_cipher *cipher, uint64_t chunk_index, const uint8_t *sealed,
	size_t sealed_len, uint8_t *out);
/* LEN bytes of a chunk from FROM on, a multiple of 64, without a look at its tag: only for sealed
 * bytes that the caller has found to be the right ones by other means (unit.h).  OUT must not
 * overlap.  EMR_INVALID. */
emr_status emr_chunk_open_known(emr_chunk_cipher *cipher, uint64_t chunk_index, size_t from,
	emr_bytes sealed, uint8_t *out);
