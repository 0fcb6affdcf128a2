/* HMAC (RFC 2104) and HKDF (RFC 5869) over SHA-512 and SHA-256, and Argon2id for passphrases.
 * It refuses to stretch: lengths beyond 255 hash blocks are EMR_LIMIT.  Thread-safe. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

void emr_hmac_sha512(emr_bytes key, emr_bytes message, uint8_t out[64]);
void emr_hmac_sha256(emr_bytes key, emr_bytes message, uint8_t out[32]);

/* RFC 5869 2.2 and 2.3.  Expand accepts any length of PRK: Cobblestone-256 expands from 32 bytes.
 */
void emr_hkdf_sha512_extract(emr_bytes salt, emr_bytes ikm, uint8_t out_prk[64]);
emr_status emr_hkdf_sha512_expand(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len);
void emr_hkdf_sha256_extract(emr_bytes salt, emr_bytes ikm, uint8_t out_prk[32]);
emr_status emr_hkdf_sha256_expand(emr_bytes prk, emr_bytes info, uint8_t *out, size_t len);

/* Of PRK what HMAC needs of it, for a caller that expands from one PRK again and again: half the
 * hashing. It is as secret as PRK.  Expands to 64 bytes at most, else EMR_LIMIT. */
#define EMR_HKDF_PREPARED_BYTES 128
void emr_hkdf_sha512_prepare(emr_bytes prk, uint8_t out[EMR_HKDF_PREPARED_BYTES]);
emr_status emr_hkdf_sha512_expand_prepared(
	const uint8_t prepared[EMR_HKDF_PREPARED_BYTES], emr_bytes info, uint8_t *out, size_t len);

/* Extract and expand in one; SALT is one of the labels of the format, without its NUL. */
emr_status emr_hkdf_sha512(
	const char *salt, emr_bytes ikm, emr_bytes info, uint8_t *out, size_t len);
/* As above, from and into locked memory. */
emr_status emr_hkdf_secret(
	const char *salt, const emr_secret *ikm, emr_bytes info, size_t len, emr_secret *out);

/* Argon2id 1.3 (RFC 9106), one lane, 64 bytes out.  PASSES 1..16, MEMORY 8 MiB..1 GiB in whole KiB,
 * else EMR_LIMIT; EMR_NO_MEMORY when the memory is not there. */
emr_status emr_argon2id(emr_bytes passphrase, const uint8_t salt[16], uint32_t passes,
	uint64_t memory_bytes, emr_secret *out);
