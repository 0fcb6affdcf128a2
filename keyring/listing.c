/* This file makes and opens listing keys, with which names and attributes of the records in a
 * folder are sealed. */
#include "keyring/content.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"

#include "held_private.h"
#include "keyring_private.h"

struct emr_list_key {
	emr_secret key;	 /* K_L */
	emr_secret meta; /* of K_L, what the key of each record's description is expanded from,
			    prepared for it */
};

static emr_status key_from(emr_secret *take_key, emr_list_key **out)
{
	static const char label[] = "emrfs/v1/meta";
	EMR_AUTO_SECRET prk = {0};
	emr_list_key *key = calloc(1, sizeof *key);

	if (key == NULL || emr_secret_new(64, &prk) != EMR_OK ||
		emr_secret_new(EMR_HKDF_PREPARED_BYTES, &key->meta) != EMR_OK) {
		free(key);
		emr_secret_free(take_key);
		return EMR_NO_MEMORY;
	}
	key->key = *take_key;
	*take_key = (emr_secret){0};
	emr_hkdf_sha512_extract(
		emr_bytes_of(label, sizeof label - 1), emr_secret_view(&key->key), prk.data);
	emr_hkdf_sha512_prepare(emr_secret_view(&prk), key->meta.data);
	*out = key;
	return EMR_OK;
}

void emr_list_key_free(emr_list_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->key);
	emr_secret_free(&key->meta);
	free(key);
}

void emr_listing_ctx(emr_id16 domain_id, uint32_t epoch, emr_id32 writer, uint8_t out_ctx[32])
{
	emr_id16 record = EMR_ID16_AT(writer.b);

	emr_capsule_ctx(domain_id, epoch, record, 0, EMR_CAPSULE_LISTING, (emr_id32){{0}}, out_ctx);
}

/* HKDF-SHA512("emrfs/v1/list", K || K_pq, ctx || WORD): K_L with "key", kcheck with "check"; K_pq
 * is zero in format 1. */
static emr_status from_kem(
	const emr_secret *k, const uint8_t ctx[32], emr_secret *out_key, uint8_t out_check[32])
{
	EMR_AUTO_SECRET ikm = {0};
	uint8_t info[37];

	EMR_TRY(emr_secret_new(64, &ikm));
	memcpy(ikm.data, k->data, 32);
	memcpy(info, ctx, 32);
	memcpy(info + 32, "check", 5);
	EMR_TRY(emr_hkdf_sha512(
		"emrfs/v1/list", emr_secret_view(&ikm), emr_bytes_of(info, 37), out_check, 32));
	memcpy(info + 32, "key", 3);
	return emr_hkdf_secret("emrfs/v1/list", &ikm, emr_bytes_of(info, 35), 32, out_key);
}

emr_status emr_list_key_publish(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	const uint8_t A[32], emr_id32 writer, uint8_t out_capsule[EMR_CAPSULE_BYTES],
	uint8_t out_kcheck[32], emr_list_key **out)
{
	EMR_AUTO_SECRET enc = {0};
	EMR_AUTO_SECRET r = {0};
	EMR_AUTO_SECRET u = {0};
	EMR_AUTO_SECRET k = {0};
	EMR_AUTO_SECRET list = {0};
	uint8_t ctx[32];
	uint8_t capsule[EMR_CAPSULE_BYTES];
	uint8_t kcheck[32];
	emr_status status = emr_derive_enc(kr, &enc);

	emr_listing_ctx(domain_id, epoch, writer, ctx);
	if (status == EMR_OK)
		status = emr_pre_derived(&enc, ctx, &r, &u);
	if (status == EMR_OK)
		status = emr_pre_encapsulate(A, NULL, ctx, &r, &u, capsule, &k);
	if (status == EMR_OK)
		status = from_kem(&k, ctx, &list, kcheck);
	if (status == EMR_OK)
		status = key_from(&list, out);
	if (status != EMR_OK)
		return status;
	memcpy(out_capsule, capsule, sizeof capsule);
	memcpy(out_kcheck, kcheck, sizeof kcheck);
	return EMR_OK;
}

/* K_L of the capsule's key K, when kcheck fits. */
static emr_status checked(
	const emr_secret *k, const uint8_t ctx[32], const uint8_t kcheck[32], emr_list_key **out)
{
	EMR_AUTO_SECRET list = {0};
	uint8_t check[32];

	EMR_TRY(from_kem(k, ctx, &list, check));
	if (sodium_memcmp(check, kcheck, sizeof check) != 0)
		return EMR_DAMAGED;
	return key_from(&list, out);
}

emr_status emr_list_key_open(const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch,
	emr_id32 writer, const uint8_t capsule[EMR_CAPSULE_BYTES], const uint8_t kcheck[32],
	emr_list_key **out)
{
	EMR_AUTO_SECRET a = {0};
	EMR_AUTO_SECRET k = {0};
	uint8_t ctx[32];
	emr_status status = emr_derive_domain_pre(kr, domain_id, epoch, &a);

	emr_listing_ctx(domain_id, epoch, writer, ctx);
	if (status == EMR_OK)
		status = emr_pre_decapsulate(&a, ctx, capsule, &k);
	return status == EMR_OK ? checked(&k, ctx, kcheck, out) : status;
}

emr_status emr_list_key_open_kem(const emr_kem_key *kem, emr_id16 domain_id, uint32_t epoch,
	emr_id32 writer, const uint8_t kcheck[32], emr_list_key **out)
{
	uint8_t ctx[32];

	emr_listing_ctx(domain_id, epoch, writer, ctx);
	return checked(&kem->k, ctx, kcheck, out);
}

static emr_status meta_key(const emr_list_key *key, emr_id16 object_id, emr_secret *out)
{
	EMR_AUTO_SECRET made = {0};

	EMR_TRY(emr_secret_new(32, &made));
	EMR_TRY(emr_hkdf_sha512_expand_prepared(key->meta.data,
		emr_bytes_of(object_id.b, sizeof object_id.b), made.data, made.len));
	*out = made;
	made = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_list_key_seal(const emr_list_key *key, emr_id16 object_id, const uint8_t nonce[24],
	emr_bytes aad, emr_bytes plain, uint8_t *out)
{
	EMR_AUTO_SECRET meta = {0};

	EMR_TRY(meta_key(key, object_id, &meta));
	return emr_aead_seal(&meta, nonce, aad, plain, out);
}

emr_status emr_list_key_open_meta(const emr_list_key *key, emr_id16 object_id,
	const uint8_t nonce[24], emr_bytes aad, emr_bytes sealed, uint8_t *out)
{
	EMR_AUTO_SECRET meta = {0};

	EMR_TRY(meta_key(key, object_id, &meta));
	return emr_aead_open(&meta, nonce, aad, sealed, out);
}

emr_status emr_list_key_seal_local(const emr_keyring *kr, const emr_list_key *key, emr_bytes row,
	uint8_t out_sealed[EMR_SEALED_DEK_BYTES])
{
	return emr_secret_seal_local(kr, EMR_LOCAL_LISTKEYS, &key->key, row, out_sealed);
}

emr_status emr_list_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_bytes row, emr_list_key **out)
{
	emr_secret list = {0};

	EMR_TRY(emr_secret_open_local(kr, EMR_LOCAL_LISTKEYS, sealed, row, &list));
	return key_from(&list, out);
}
