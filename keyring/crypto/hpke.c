/* This file seals letters to a public key (HPKE, RFC 9180, X25519 and ChaCha20-Poly1305). It
 * refuses public keys of low order, which would make the shared secret known to everybody. */
#include "crypto/hpke.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/kdf.h"
#include "known_answer.h"

#define KEM_ID 0x0020
#define KDF_ID 0x0001
#define AEAD_ID 0x0003

/* RFC 9180 section 4: LabeledExtract and LabeledExpand differ from HKDF in what they hash before.
 */
typedef struct suite {
	uint8_t id[10];
	size_t len;
} suite;

static const suite kem_suite = {{'K', 'E', 'M', KEM_ID >> 8, KEM_ID & 0xff}, 5};
static const suite hpke_suite = {{'H', 'P', 'K', 'E', KEM_ID >> 8, KEM_ID & 0xff, KDF_ID >> 8,
					 KDF_ID, AEAD_ID >> 8, AEAD_ID},
	10};

static emr_status labeled_extract(
	const suite *in, emr_bytes salt, const char *label, emr_bytes ikm, uint8_t out[32])
{
	uint8_t labeled[128];
	EMR_AUTO_BUF longer = {0};
	emr_writer w = emr_writer_of(&longer);
	size_t at = 0;

	/* Secret IKM has 32 bytes and stays on the stack; a long one is the caller's public info.
	 */
	if (7 + in->len + strlen(label) + ikm.len <= sizeof labeled) {
		memcpy(labeled, "HPKE-v1", 7);
		memcpy(labeled + 7, in->id, in->len);
		at = 7 + in->len;
		memcpy(labeled + at, label, strlen(label));
		at += strlen(label);
		if (ikm.len > 0)
			memcpy(labeled + at, ikm.data, ikm.len);
		emr_hkdf_sha256_extract(salt, emr_bytes_of(labeled, at + ikm.len), out);
		sodium_memzero(labeled, sizeof labeled);
		return EMR_OK;
	}
	emr_write_bytes(&w, "HPKE-v1", 7);
	emr_write_bytes(&w, in->id, in->len);
	emr_write_bytes(&w, label, strlen(label));
	emr_write_bytes(&w, ikm.data, ikm.len);
	if (w.status == EMR_OK)
		emr_hkdf_sha256_extract(salt, emr_buf_view(&longer), out);
	return w.status;
}

/* INFO has at most 65 bytes here (the key schedule's context). */
static emr_status labeled_expand(const suite *in, const uint8_t prk[32], const char *label,
	emr_bytes info, uint8_t *out, size_t len)
{
	uint8_t labeled[128];
	size_t at = 0;

	if (9 + in->len + strlen(label) + info.len > sizeof labeled)
		return EMR_LIMIT;
	emr_put_u16(labeled, (uint16_t)len);
	memcpy(labeled + 2, "HPKE-v1", 7);
	memcpy(labeled + 9, in->id, in->len);
	at = 9 + in->len;
	memcpy(labeled + at, label, strlen(label));
	at += strlen(label);
	if (info.len > 0)
		memcpy(labeled + at, info.data, info.len);
	return emr_hkdf_sha256_expand(
		emr_bytes_of(prk, 32), emr_bytes_of(labeled, at + info.len), out, len);
}

/* Section 4.1: shared_secret of DHKEM from dh and kem_context = enc || pkR. */
static emr_status extract_and_expand(
	const uint8_t dh[32], const uint8_t kem_context[64], emr_secret *shared)
{
	uint8_t prk[32];
	emr_status status =
		labeled_extract(&kem_suite, (emr_bytes){0}, "eae_prk", emr_bytes_of(dh, 32), prk);

	if (status == EMR_OK)
		status = labeled_expand(&kem_suite, prk, "shared_secret",
			emr_bytes_of(kem_context, 64), shared->data, 32);
	sodium_memzero(prk, sizeof prk);
	return status;
}

/* Section 5.1, mode_base: key (32) and nonce (12) of message 0, into one slot of 44 bytes. */
static emr_status key_schedule(const emr_secret *shared, emr_bytes info, emr_secret *key_nonce)
{
	uint8_t context[65] = {0x00};
	uint8_t secret[32];
	emr_bytes none = {0};
	emr_status status = labeled_extract(&hpke_suite, none, "psk_id_hash", none, context + 1);

	if (status == EMR_OK)
		status = labeled_extract(&hpke_suite, none, "info_hash", info, context + 33);
	if (status == EMR_OK)
		status = labeled_extract(
			&hpke_suite, emr_secret_view(shared), "secret", none, secret);
	if (status == EMR_OK)
		status = labeled_expand(
			&hpke_suite, secret, "key", emr_bytes_of(context, 65), key_nonce->data, 32);
	if (status == EMR_OK)
		status = labeled_expand(&hpke_suite, secret, "base_nonce",
			emr_bytes_of(context, 65), key_nonce->data + 32, 12);
	sodium_memzero(secret, sizeof secret);
	return status;
}

/* From our secret key SK and the other side's PK to key and nonce; RECIPIENT_PK closes kem_context.
 */
static emr_status schedule(const emr_secret *sk, const uint8_t pk[32], const uint8_t enc[32],
	const uint8_t recipient_pk[32], emr_bytes info, emr_secret *key_nonce)
{
	EMR_AUTO_SECRET dh = {0};
	EMR_AUTO_SECRET shared = {0};
	uint8_t kem_context[64];

	EMR_TRY(emr_secret_new(32, &dh));
	EMR_TRY(emr_secret_new(32, &shared));
	EMR_TRY(emr_secret_new(44, key_nonce));
	/* Non-zero when the result is all zeros: a low-order key (section 7.1.4). */
	if (crypto_scalarmult_curve25519(dh.data, sk->data, pk) != 0)
		return EMR_INVALID;
	memcpy(kem_context, enc, 32);
	memcpy(kem_context + 32, recipient_pk, 32);
	EMR_TRY(extract_and_expand(dh.data, kem_context, &shared));
	return key_schedule(&shared, info, key_nonce);
}

bool emr_hpke_takes(const uint8_t pk[32])
{
	static const uint8_t any[32] = {1}; /* clamped to a multiple of 8, as every secret is */
	uint8_t shared[32];

	return crypto_scalarmult_curve25519(shared, any, pk) == 0;
}

emr_status emr_x25519_public(const emr_secret *sk, uint8_t out_pk[32])
{
	if (sk->len != 32)
		return EMR_INVALID;
	crypto_scalarmult_curve25519_base(out_pk, sk->data);
	return EMR_OK;
}

emr_status emr_hpke_seal_with(const emr_secret *ephemeral, const uint8_t pk[32], emr_bytes info,
	emr_bytes aad, emr_bytes plain, uint8_t *out)
{
	EMR_AUTO_SECRET key_nonce = {0};
	uint8_t enc[32];

	EMR_TRY(emr_x25519_public(ephemeral, enc));
	EMR_TRY(schedule(ephemeral, pk, enc, pk, info, &key_nonce));
	memcpy(out, enc, 32);
	crypto_aead_chacha20poly1305_ietf_encrypt(out + 32, NULL, plain.data, plain.len, aad.data,
		aad.len, NULL, key_nonce.data + 32, key_nonce.data);
	return EMR_OK;
}

emr_status emr_hpke_seal(
	const uint8_t pk[32], emr_bytes info, emr_bytes aad, emr_bytes plain, uint8_t *out)
{
	EMR_AUTO_SECRET ephemeral = {0};

	EMR_TRY(emr_secret_random(32, &ephemeral));
	return emr_hpke_seal_with(&ephemeral, pk, info, aad, plain, out);
}

emr_status emr_hpke_open(
	const emr_secret *sk, emr_bytes info, emr_bytes aad, emr_bytes sealed, uint8_t *out)
{
	EMR_AUTO_SECRET key_nonce = {0};
	uint8_t pk[32];
	emr_status status;

	if (sealed.len < EMR_HPKE_OVERHEAD)
		return EMR_DAMAGED;
	EMR_TRY(emr_x25519_public(sk, pk));
	status = schedule(sk, sealed.data, sealed.data, pk, info, &key_nonce);
	if (status != EMR_OK)
		return status == EMR_INVALID ? EMR_DAMAGED : status;
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data + 32,
		    sealed.len - 32, aad.data, aad.len, key_nonce.data + 32, key_nonce.data) != 0)
		return EMR_DAMAGED;
	return EMR_OK;
}
