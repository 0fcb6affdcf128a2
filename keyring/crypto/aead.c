/* This file seals and opens small pieces with XChaCha20-Poly1305 (libsodium). Nothing is given
 * out when the tag does not fit. */
#include "crypto/aead.h"

#include <sodium.h>

_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == EMR_AEAD_TAG_BYTES, "tag size");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == EMR_AEAD_NONCE_BYTES, "nonce size");

emr_status emr_aead_seal(const emr_secret *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes plain, uint8_t *out)
{
	if (key->len != EMR_AEAD_KEY_BYTES)
		return EMR_INVALID;
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out, NULL, plain.data, plain.len, aad.data, aad.len, NULL, nonce, key->data);
	return EMR_OK;
}

emr_status emr_aead_open(const emr_secret *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes sealed, uint8_t *out)
{
	if (key->len != EMR_AEAD_KEY_BYTES)
		return EMR_INVALID;
	if (sealed.len < EMR_AEAD_TAG_BYTES ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.len,
			aad.data, aad.len, nonce, key->data) != 0)
		return EMR_DAMAGED;
	return EMR_OK;
}
