/* This file derives keys that are good for this computer's own files only (journal, profile,
 * working copies), one for each use. */
#include "keyring/content.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/kdf.h"

#include "keyring_private.h"
#include "memo_private.h"

struct emr_local_key {
	emr_secret key;
};

static const char *const use_labels[EMR_LOCAL_USE_COUNT] = {
	[EMR_LOCAL_STAGING] = "staging",
	[EMR_LOCAL_JOURNAL] = "journal",
	[EMR_LOCAL_VIEW] = "view",
	[EMR_LOCAL_LISTKEYS] = "listkeys",
	[EMR_LOCAL_AGENT_STORE] = "agent-store",
	[EMR_LOCAL_UNITS] = "units",
};

/* HKDF-SHA512("emrfs/v1/local", local, LABEL || 0 || ID). */
static emr_status derive_secret(
	const emr_keyring *kr, emr_local_use use, const emr_id32 *id, emr_secret *out)
{
	EMR_AUTO_SECRET local = {0};
	uint8_t info[64];
	size_t len;

	EMR_TRY(emr_derive_local(kr, &local));
	len = strlen(use_labels[use]) + 1;
	memcpy(info, use_labels[use], len);
	if (id != NULL) {
		memcpy(info + len, id->b, sizeof id->b);
		len += sizeof id->b;
	}
	return emr_hkdf_secret(
		"emrfs/v1/local", &local, emr_bytes_of(info, len), EMR_AEAD_KEY_BYTES, out);
}

/* Derived once for each use; those of working copies, which are many, each time. */
static emr_status local_secret(
	const emr_keyring *kr, emr_local_use use, const emr_id32 *id, emr_secret *out)
{
	const emr_memo_device of = {.id = kr->device_id, .seed = kr->local_seed};
	bool is_there;
	emr_status status;

	if ((unsigned)use >= EMR_LOCAL_USE_COUNT || (id != NULL) != (use == EMR_LOCAL_STAGING))
		return EMR_INVALID;
	if (id != NULL)
		return derive_secret(kr, use, id, out);
	EMR_TRY(emr_memo_local(kr->memo, use, &of, out, &is_there));
	if (is_there)
		return EMR_OK;
	status = derive_secret(kr, use, NULL, out);
	if (status == EMR_OK)
		status = emr_memo_keep_local(kr->memo, use, &of, out);
	if (status != EMR_OK)
		emr_secret_free(out);
	return status;
}

emr_status emr_local_key_get(
	const emr_keyring *kr, emr_local_use use, const emr_id32 *id, emr_local_key **out)
{
	emr_local_key *key = calloc(1, sizeof *key);
	emr_status status;

	if (key == NULL)
		return EMR_NO_MEMORY;
	status = local_secret(kr, use, id, &key->key);
	if (status != EMR_OK) {
		free(key);
		return status;
	}
	*out = key;
	return EMR_OK;
}

void emr_local_key_free(emr_local_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->key);
	free(key);
}

emr_status emr_local_seal(const emr_local_key *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes plain, uint8_t *out)
{
	return emr_aead_seal(&key->key, nonce, aad, plain, out);
}

emr_status emr_local_open(const emr_local_key *key, const uint8_t nonce[24], emr_bytes aad,
	emr_bytes sealed, uint8_t *out)
{
	return emr_aead_open(&key->key, nonce, aad, sealed, out);
}

emr_status emr_local_unit_key(const emr_keyring *kr, emr_unit_key **out)
{
	EMR_AUTO_SECRET key = {0};

	EMR_TRY(local_secret(kr, EMR_LOCAL_UNITS, NULL, &key));
	return emr_unit_key_new(&key, out);
}

emr_status emr_secret_seal_local(const emr_keyring *kr, emr_local_use use, const emr_secret *secret,
	emr_bytes aad, uint8_t out[EMR_SEALED_DEK_BYTES])
{
	EMR_AUTO_SECRET key = {0};
	uint8_t nonce[EMR_AEAD_NONCE_BYTES];

	EMR_TRY(local_secret(kr, use, NULL, &key));
	randombytes_buf(nonce, sizeof nonce);
	EMR_TRY(emr_aead_seal(&key, nonce, aad, emr_secret_view(secret), out + sizeof nonce));
	memcpy(out, nonce, sizeof nonce);
	return EMR_OK;
}

emr_status emr_secret_open_local(const emr_keyring *kr, emr_local_use use,
	const uint8_t sealed[EMR_SEALED_DEK_BYTES], emr_bytes aad, emr_secret *out)
{
	EMR_AUTO_SECRET key = {0};
	EMR_AUTO_SECRET made = {0};

	EMR_TRY(local_secret(kr, use, NULL, &key));
	EMR_TRY(emr_secret_new(32, &made));
	EMR_TRY(emr_aead_open(&key, sealed, aad,
		emr_bytes_of(
			sealed + EMR_AEAD_NONCE_BYTES, EMR_SEALED_DEK_BYTES - EMR_AEAD_NONCE_BYTES),
		made.data));
	*out = made;
	made = (emr_secret){0};
	return EMR_OK;
}
