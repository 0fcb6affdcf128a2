/* This file makes the key of a record's content and wraps it, for its owner's folder or for this
 * computer. The key itself never leaves this module in the clear. */
#include "keyring/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/hashsig.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"

#include "held_private.h"
#include "keyring_private.h"

#define DEK_BYTES 32

struct emr_content_key {
	emr_secret dek;
};

/* Takes DEK over, also when it fails. */
static emr_status key_from(emr_secret *take_dek, emr_content_key **out)
{
	emr_content_key *key = calloc(1, sizeof *key);

	if (key == NULL) {
		emr_secret_free(take_dek);
		return EMR_NO_MEMORY;
	}
	key->dek = *take_dek;
	*take_dek = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

emr_status emr_content_key_new(emr_content_key **out)
{
	emr_secret dek = {0};

	EMR_TRY(emr_secret_random(DEK_BYTES, &dek));
	return key_from(&dek, out);
}

void emr_content_key_free(emr_content_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->dek);
	free(key);
}

emr_status emr_content_key_seal_local(const emr_keyring *kr, const emr_content_key *key,
	emr_id16 id, uint8_t out_sealed[EMR_SEALED_DEK_BYTES])
{
	return emr_secret_seal_local(
		kr, EMR_LOCAL_JOURNAL, &key->dek, emr_bytes_of(id.b, sizeof id.b), out_sealed);
}

emr_status emr_content_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_id16 id, emr_content_key **out)
{
	emr_secret dek = {0};

	EMR_TRY(emr_secret_open_local(
		kr, EMR_LOCAL_JOURNAL, sealed, emr_bytes_of(id.b, sizeof id.b), &dek));
	return key_from(&dek, out);
}

/* K_c and K_m of the key schedule. */
static emr_status sub_key(const emr_content_key *key, const char *info, emr_secret *out)
{
	return emr_hkdf_secret(
		"emrfs/v1/dek", &key->dek, emr_bytes_of(info, strlen(info)), 32, out);
}

emr_status emr_content_key_cipher(const emr_content_key *key, unsigned suite,
	const uint8_t salt[24], emr_chunk_cipher **out_cipher, uint8_t out_com[32])
{
	EMR_AUTO_SECRET k_c = {0};

	EMR_TRY(sub_key(key, "content", &k_c));
	EMR_TRY(emr_chunk_cipher_new(&k_c, salt, suite, out_cipher));
	emr_chunk_cipher_com(*out_cipher, out_com);
	return EMR_OK;
}

emr_status emr_content_key_manifest_seal(const emr_content_key *key, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes plain, uint8_t *out)
{
	EMR_AUTO_SECRET k_m = {0};

	EMR_TRY(sub_key(key, "manifest", &k_m));
	return emr_aead_seal(&k_m, nonce, aad, plain, out);
}

emr_status emr_content_key_manifest_open(const emr_content_key *key, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes sealed, uint8_t *out)
{
	EMR_AUTO_SECRET k_m = {0};

	EMR_TRY(sub_key(key, "manifest", &k_m));
	return emr_aead_open(&k_m, nonce, aad, sealed, out);
}

void emr_capsule_ctx(emr_id16 domain_id, uint32_t epoch, emr_id16 record_id, uint64_t cver,
	emr_capsule_kind kind, emr_id32 root_digest, uint8_t out_ctx[32])
{
	static const char label[] = "emrfs/v1/ctx"; /* hashed without its NUL */
	uint8_t bytes[12 + 16 + 4 + 16 + 8 + 1 + 32];

	memcpy(bytes, label, 12);
	memcpy(bytes + 12, domain_id.b, 16);
	emr_put_u32(bytes + 28, epoch);
	memcpy(bytes + 32, record_id.b, 16);
	emr_put_u64(bytes + 48, cver);
	bytes[56] = (uint8_t)kind;
	memcpy(bytes + 57, root_digest.b, 32);
	emr_sha256(bytes, sizeof bytes, out_ctx);
}

/* KEK = HKDF-SHA512("emrfs/v1/kek", K || K_pq, ctx), K_pq being 32 zero bytes in format 1. */
static emr_status kek_of(const emr_secret *k, const uint8_t ctx[32], emr_secret *out_kek)
{
	EMR_AUTO_SECRET ikm = {0};

	EMR_TRY(emr_secret_new(64, &ikm));
	memcpy(ikm.data, k->data, 32);
	return emr_hkdf_secret("emrfs/v1/kek", &ikm, emr_bytes_of(ctx, 32), 32, out_kek);
}

/* The KEK seals one thing only, so the nonce is zero. */
static const uint8_t zero_nonce[EMR_AEAD_NONCE_BYTES];

static emr_status wrap(const emr_keyring *kr, const uint8_t A[32], const emr_secret *own,
	const uint8_t ctx[32], const emr_content_key *key, uint8_t out_capsule[EMR_CAPSULE_BYTES],
	uint8_t out_wdek[EMR_WDEK_BYTES])
{
	EMR_AUTO_SECRET enc = {0};
	EMR_AUTO_SECRET r = {0};
	EMR_AUTO_SECRET u = {0};
	EMR_AUTO_SECRET k = {0};
	EMR_AUTO_SECRET kek = {0};
	uint8_t capsule[EMR_CAPSULE_BYTES];

	EMR_TRY(emr_derive_enc(kr, &enc));
	EMR_TRY(emr_pre_hedged(&enc, ctx, &r, &u));
	EMR_TRY(emr_pre_encapsulate(A, own, ctx, &r, &u, capsule, &k));
	EMR_TRY(kek_of(&k, ctx, &kek));
	EMR_TRY(emr_aead_seal(
		&kek, zero_nonce, emr_bytes_of(ctx, 32), emr_secret_view(&key->dek), out_wdek));
	memcpy(out_capsule, capsule, sizeof capsule);
	return EMR_OK;
}

emr_status emr_content_key_wrap(const emr_keyring *kr, const uint8_t A[32], const uint8_t ctx[32],
	const emr_content_key *key, uint8_t out_capsule[EMR_CAPSULE_BYTES],
	uint8_t out_wdek[EMR_WDEK_BYTES])
{
	return wrap(kr, A, NULL, ctx, key, out_capsule, out_wdek);
}

emr_status emr_content_key_wrap_own(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t A[32], const uint8_t ctx[32], const emr_content_key *key,
	uint8_t out_capsule[EMR_CAPSULE_BYTES], uint8_t out_wdek[EMR_WDEK_BYTES])
{
	EMR_AUTO_SECRET a = {0};
	emr_domain_public public;

	EMR_TRY(emr_keyring_domain_public(kr, domain_id, 1, epoch, &public));
	if (memcmp(public.A, A, sizeof public.A) != 0)
		return EMR_INVALID;
	EMR_TRY(emr_derive_domain_pre(kr, domain_id, epoch, &a));
	return wrap(kr, A, &a, ctx, key, out_capsule, out_wdek);
}

/* The DEK under the KEK of K. */
static emr_status open_wdek(const emr_secret *k, const uint8_t ctx[32],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out)
{
	EMR_AUTO_SECRET kek = {0};
	EMR_AUTO_SECRET dek = {0};

	EMR_TRY(kek_of(k, ctx, &kek));
	EMR_TRY(emr_secret_new(DEK_BYTES, &dek));
	EMR_TRY(emr_aead_open(&kek, zero_nonce, emr_bytes_of(ctx, 32),
		emr_bytes_of(wdek, EMR_WDEK_BYTES), dek.data));
	return key_from(&dek, out);
}

emr_status emr_content_key_unwrap(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t ctx[32], const uint8_t capsule[EMR_CAPSULE_BYTES],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out)
{
	EMR_AUTO_SECRET a = {0};
	EMR_AUTO_SECRET k = {0};

	EMR_TRY(emr_derive_domain_pre(kr, domain_id, epoch, &a));
	EMR_TRY(emr_pre_decapsulate(&a, ctx, capsule, &k));
	return open_wdek(&k, ctx, wdek, out);
}

emr_status emr_content_key_open_kem(const emr_kem_key *kem, const uint8_t ctx[32],
	const uint8_t wdek[EMR_WDEK_BYTES], emr_content_key **out)
{
	return open_wdek(&kem->k, ctx, wdek, out);
}
