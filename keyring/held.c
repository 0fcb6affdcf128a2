/* Other modules work with secret keys only by handle. This file makes such handles for receiving
 * keys, epoch keys, keys of teams and keys of capsules, and seals them for this computer's disk. */
#include "keyring/held.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"
#include "crypto/r255.h"

#include "held_private.h"
#include "keyring_private.h"

_Static_assert(EMR_HELD_SEALED_BYTES == EMR_SEALED_DEK_BYTES, "one form at rest");

static bool scalar_ok(const emr_secret *scalar)
{
	uint8_t point[32];

	return scalar->len == 32 && emr_r255_mul_base(scalar->data, point);
}

/* ---- Receiving keys ---- */

emr_status emr_box_key_from(emr_secret *take_sk, emr_box_key **out)
{
	EMR_AUTO_SECRET sk = *take_sk;
	emr_box_key *key;

	*take_sk = (emr_secret){0};
	if (sk.len != 32)
		return EMR_INVALID;
	key = calloc(1, sizeof *key);
	if (key == NULL)
		return EMR_NO_MEMORY;
	key->sk = sk;
	sk = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

typedef emr_status (*box_of)(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, emr_secret *out_sk);

static emr_status identity_box(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, emr_secret *out_sk)
{
	(void)domain_id;
	return emr_derive_box(kr, number, out_sk);
}

/* Of each seed one, the present one first. */
static emr_status boxes_of(
	const emr_keyring *kr, emr_id16 domain_id, box_of derive, emr_box_key **out)
{
	emr_box_key *first = NULL, **at = &first;
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i <= kr->n_former; i++) {
		emr_secret sk = {0};

		status = derive(kr, domain_id, i, &sk);
		if (status == EMR_OK)
			status = emr_box_key_from(&sk, at);
		if (status == EMR_OK)
			at = &(*at)->former;
	}
	if (status == EMR_OK)
		*out = first;
	else
		emr_box_key_free(first);
	return status;
}

emr_status emr_box_key_identity(const emr_keyring *kr, emr_box_key **out)
{
	return boxes_of(kr, (emr_id16){{0}}, identity_box, out);
}

emr_status emr_box_key_domain(const emr_keyring *kr, emr_id16 domain_id, emr_box_key **out)
{
	return boxes_of(kr, domain_id, emr_derive_domain_box, out);
}

emr_status emr_box_key_hpke_open(
	const emr_box_key *key, emr_bytes info, emr_bytes aad, emr_bytes letter, uint8_t *out)
{
	emr_status status = emr_hpke_open(&key->sk, info, aad, letter, out);

	while (status != EMR_OK && key->former != NULL) {
		key = key->former;
		status = emr_hpke_open(&key->sk, info, aad, letter, out);
	}
	return status;
}

emr_status emr_box_key_new(emr_box_key **out)
{
	emr_secret sk = {0};

	EMR_TRY(emr_secret_random(32, &sk));
	return emr_box_key_from(&sk, out);
}

void emr_box_key_public(const emr_box_key *key, uint8_t out_pk[32])
{
	emr_status status = emr_x25519_public(&key->sk, out_pk);

	(void)status; /* fails for another length only */
}

emr_status emr_box_key_seal_local(const emr_keyring *kr, const emr_box_key *key, emr_bytes row,
	uint8_t out_sealed[EMR_HELD_SEALED_BYTES])
{
	return emr_secret_seal_local(kr, EMR_LOCAL_AGENT_STORE, &key->sk, row, out_sealed);
}

emr_status emr_box_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_HELD_SEALED_BYTES], emr_bytes row, emr_box_key **out)
{
	emr_secret sk = {0};

	EMR_TRY(emr_secret_open_local(kr, EMR_LOCAL_AGENT_STORE, sealed, row, &sk));
	return emr_box_key_from(&sk, out);
}

void emr_box_key_free(emr_box_key *key)
{
	while (key != NULL) {
		emr_box_key *former = key->former;

		emr_secret_free(&key->sk);
		free(key);
		key = former;
	}
}

/* ---- Epoch keys ---- */

emr_status emr_epoch_key_from(
	emr_secret *take_a, emr_id16 domain_id, uint32_t epoch, emr_epoch_key **out)
{
	EMR_AUTO_SECRET a = *take_a;
	emr_epoch_key *key;

	*take_a = (emr_secret){0};
	if (epoch == 0)
		return EMR_INVALID;
	if (!scalar_ok(&a))
		return EMR_DAMAGED;
	key = calloc(1, sizeof *key);
	if (key == NULL)
		return EMR_NO_MEMORY;
	if (!emr_r255_mul_base(a.data, key->A)) {
		free(key);
		return EMR_DAMAGED;
	}
	key->domain_id = domain_id;
	key->epoch = epoch;
	key->a = a;
	a = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

emr_status emr_keyring_epoch_key(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, emr_epoch_key **out)
{
	emr_secret a = {0};

	EMR_TRY(emr_derive_domain_pre(kr, domain_id, epoch, &a));
	return emr_epoch_key_from(&a, domain_id, epoch, out);
}

emr_id16 emr_epoch_key_domain(const emr_epoch_key *key)
{
	return key->domain_id;
}

uint32_t emr_epoch_key_epoch(const emr_epoch_key *key)
{
	return key->epoch;
}

void emr_epoch_key_public(const emr_epoch_key *key, uint8_t out_A[32])
{
	memcpy(out_A, key->A, sizeof key->A);
}

void emr_epoch_key_free(emr_epoch_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->a);
	free(key);
}

/* ---- Grantee keys ---- */

emr_status emr_grantee_key_from(emr_secret *take_b, emr_grantee_key **out)
{
	EMR_AUTO_SECRET b = *take_b;
	emr_grantee_key *key;

	*take_b = (emr_secret){0};
	if (!scalar_ok(&b))
		return EMR_DAMAGED;
	key = calloc(1, sizeof *key);
	if (key == NULL)
		return EMR_NO_MEMORY;
	if (emr_pre_public(&b, key->B) != EMR_OK) {
		free(key);
		return EMR_DAMAGED;
	}
	key->b = b;
	b = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

emr_status emr_grantee_key_identity(const emr_keyring *kr, emr_grantee_key **out)
{
	emr_secret b = {0};

	EMR_TRY(emr_derive_pre(kr, 0, &b));
	return emr_grantee_key_from(&b, out);
}

emr_status emr_grantee_key_of(const emr_keyring *kr, const uint8_t B[32], emr_grantee_key **out)
{
	for (size_t i = 0; i <= kr->n_former; i++) {
		emr_grantee_key *key = NULL;
		emr_secret b = {0};

		EMR_TRY(emr_derive_pre(kr, i, &b));
		EMR_TRY(emr_grantee_key_from(&b, &key));
		if (memcmp(key->B, B, sizeof key->B) == 0) {
			*out = key;
			return EMR_OK;
		}
		emr_grantee_key_free(key);
	}
	return EMR_NOT_FOUND;
}

emr_status emr_grantee_key_new(emr_grantee_key **out)
{
	EMR_AUTO_SECRET wide = {0};
	emr_secret b = {0};

	EMR_TRY(emr_secret_random(64, &wide));
	EMR_TRY(emr_pre_scalar(&wide, &b)); /* a random scalar: 64 random bytes reduced */
	return emr_grantee_key_from(&b, out);
}

void emr_grantee_key_public(const emr_grantee_key *key, uint8_t out_B[32])
{
	memcpy(out_B, key->B, 32);
}

emr_status emr_grantee_key_copy(const emr_grantee_key *key, emr_grantee_key **out)
{
	EMR_AUTO_SECRET b = {0};
	emr_grantee_key *copy;

	EMR_TRY(emr_secret_new(key->b.len, &b));
	copy = calloc(1, sizeof *copy);
	if (copy == NULL)
		return EMR_NO_MEMORY;
	memcpy(b.data, key->b.data, key->b.len);
	*copy = *key;
	copy->b = b;
	b = (emr_secret){0};
	*out = copy;
	return EMR_OK;
}

emr_status emr_grantee_key_box(const emr_grantee_key *key, emr_box_key **out)
{
	emr_secret sk = {0};

	EMR_TRY(emr_hkdf_secret("emrfs/v1/team", &key->b, emr_bytes_of("box", 3), 32, &sk));
	return emr_box_key_from(&sk, out);
}

emr_status emr_grantee_key_pop(
	const emr_grantee_key *key, emr_id16 net_id, emr_id32 steward, uint8_t out_pop[64])
{
	return emr_pre_pop(&key->b, net_id.b, steward.b, out_pop);
}

void emr_grantee_key_free(emr_grantee_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->b);
	free(key);
}

/* ---- Capsule keys ---- */

emr_status emr_kem_key_from(emr_secret *take_k, emr_kem_key **out)
{
	EMR_AUTO_SECRET k = *take_k;
	emr_kem_key *key;

	*take_k = (emr_secret){0};
	if (k.len != 32)
		return EMR_INVALID;
	key = calloc(1, sizeof *key);
	if (key == NULL)
		return EMR_NO_MEMORY;
	key->k = k;
	k = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

emr_status emr_kem_key_decapsulate(const emr_epoch_key *key, const uint8_t ctx[32],
	const uint8_t capsule[96], emr_kem_key **out)
{
	emr_secret k = {0};

	EMR_TRY(emr_pre_decapsulate(&key->a, ctx, capsule, &k));
	return emr_kem_key_from(&k, out);
}

void emr_kem_key_free(emr_kem_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->k);
	free(key);
}
