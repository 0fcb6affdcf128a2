/* This file makes a keyring from its seed, and gives out its public keys.  The seed never leaves
 * it. */
#include "keyring/keyring.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/hpke.h"
#include "crypto/pre.h"
#include "crypto/hashsig.h"
#include "keyring_private.h"
#include "keyring/coowned.h"
#include "memo_private.h"

emr_status emr_keyring_from_seed(emr_keyring_kind kind, uint64_t created_unix_s, emr_id16 device_id,
	emr_secret *take_seed, emr_keyring **out)
{
	EMR_AUTO_SECRET seed = *take_seed;
	emr_keyring *kr;

	*take_seed = (emr_secret){0};
	if (seed.len != EMR_SEED_BYTES || kind < EMR_KEYRING_PERSON ||
		kind > EMR_KEYRING_ORGANISATION)
		return EMR_INVALID;
	kr = calloc(1, sizeof *kr);
	if (kr == NULL)
		return EMR_NO_MEMORY;
	kr->coowned = emr_coowned_new();
	kr->memo = emr_memo_new();
	kr->settled = emr_settled_new();
	(void)pthread_mutex_init(&kr->facts_lock, NULL);
	if (kr->coowned == NULL || kr->memo == NULL || kr->settled == NULL) {
		emr_keyring_free(kr);
		return EMR_NO_MEMORY;
	}
	kr->kind = kind;
	kr->gen = 1;
	kr->created_unix_s = created_unix_s;
	kr->device_id = device_id;
	kr->seed = seed;
	seed = (emr_secret){0};
	*out = kr;
	return EMR_OK;
}

emr_status emr_keyring_create(emr_keyring_kind kind, uint64_t created_unix_s, emr_keyring **out)
{
	emr_secret seed = {0};

	EMR_TRY(emr_secret_random(EMR_SEED_BYTES, &seed));
	return emr_keyring_from_seed(kind, created_unix_s, emr_id16_random(), &seed, out);
}

void emr_keyring_free(emr_keyring *kr)
{
	if (kr == NULL)
		return;
	emr_secret_free(&kr->seed);
	emr_secret_free(&kr->next);
	for (size_t i = 0; i < kr->n_former; i++)
		emr_secret_free(&kr->former[i]);
	emr_settled_free(kr->settled);
	emr_coowned_free(kr->coowned);
	emr_memo_free(kr->memo);
	emr_keyring_forget_facts(kr);
	free(kr);
}

emr_keyring_kind emr_keyring_kind_of(const emr_keyring *kr)
{
	return kr->kind;
}

emr_id16 emr_keyring_device_id(const emr_keyring *kr)
{
	return kr->device_id;
}

void emr_keyring_set_device(emr_keyring *kr, emr_id16 device_id)
{
	kr->device_id = device_id;
}

static emr_status x25519_and_B(const emr_keyring *kr, emr_public *made)
{
	EMR_AUTO_SECRET box = {0};
	EMR_AUTO_SECRET b = {0};

	EMR_TRY(emr_derive_box(kr, 0, &box));
	EMR_TRY(emr_x25519_public(&box, made->x25519));
	EMR_TRY(emr_derive_pre(kr, 0, &b));
	return emr_pre_public(&b, made->B);
}

static emr_status derive_public(const emr_keyring *kr, emr_public *made)
{
	EMR_TRY(emr_signer_public(kr, emr_signer_identity(), made->pk));
	emr_sha256(made->pk, 32, made->signer_id.b);
	EMR_TRY(x25519_and_B(kr, made));
	return emr_p256_spki(kr, 0, made->p256_spki);
}

emr_status emr_keyring_public(const emr_keyring *kr, emr_public *out)
{
	emr_public made = {.device_id = kr->device_id, .gen = kr->gen};

	if (!emr_memo_find_public(kr->memo, &made)) {
		EMR_TRY(derive_public(kr, &made));
		emr_memo_keep_public(kr->memo, &made);
	}
	*out = made;
	return EMR_OK;
}

emr_status emr_keyring_person_pk(const emr_keyring *kr, uint8_t out_pk[32])
{
	EMR_AUTO_BUF owner = {0};
	emr_status status = emr_keyring_tlv_get(kr, EMR_KEYRING_OWNER, &owner);

	if (status == EMR_OK && owner.len != 32)
		return EMR_DAMAGED;
	if (status == EMR_OK) {
		memcpy(out_pk, owner.data, 32);
		return EMR_OK;
	}
	return status == EMR_NOT_FOUND ? emr_signer_public(kr, emr_signer_identity(), out_pk)
				       : status;
}

emr_status emr_keyring_log_public(const emr_keyring *kr, emr_id16 net_id, uint8_t out_pk[32])
{
	return emr_signer_public(kr, emr_signer_log(net_id), out_pk);
}

emr_status emr_keyring_domain_public(const emr_keyring *kr, emr_id16 domain_id, uint32_t gen,
	uint32_t epoch, emr_domain_public *out)
{
	bool is_seeds = !emr_keyring_coowns(kr, domain_id);
	EMR_AUTO_SECRET a = {0};
	emr_domain_public made;

	EMR_TRY(emr_signer_public(kr,
		is_seeds ? emr_signer_domain(domain_id, gen) : emr_signer_identity(),
		made.owner_pk));
	emr_sha256(made.owner_pk, 32, made.signer_id.b);
	EMR_TRY(emr_domain_box_public(
		kr, domain_id, emr_settled_owner(kr, domain_id, NULL), made.box));
	/* A key that came by letter is not remembered: it may come later, and be another. */
	if (is_seeds) {
		EMR_TRY(emr_domain_pre_public(
			kr, domain_id, epoch, emr_settled_epoch(kr, domain_id, epoch), made.A));
	} else {
		EMR_TRY(emr_derive_domain_pre(kr, domain_id, epoch, &a));
		EMR_TRY(emr_pre_public(&a, made.A));
	}
	*out = made;
	return EMR_OK;
}

/* Of a former seed only what was there when it was followed: somebody else may have it now. */
static bool former_owns(const emr_keyring *kr, emr_id16 domain_id, const uint8_t owner_pk[32])
{
	uint8_t own[32];
	bool is_settled;

	for (size_t i = 1; i <= kr->n_former; i++) {
		if (emr_signer_public_of(kr, emr_signer_domain(domain_id, 1), i, own) != EMR_OK ||
			memcmp(own, owner_pk, sizeof own) != 0)
			continue;
		(void)emr_settled_owner(kr, domain_id, &is_settled);
		return is_settled || !emr_settled_is_closed(kr);
	}
	return false;
}

bool emr_keyring_owns(const emr_keyring *kr, emr_id16 domain_id, const uint8_t owner_pk[32])
{
	uint8_t asked[48], own[32], hash[32];
	emr_id16 what;

	if (emr_keyring_coowns(kr, domain_id))
		return true;
	memcpy(asked, domain_id.b, 16);
	memcpy(asked + 16, owner_pk, 32);
	emr_sha256(asked, sizeof asked, hash);
	memcpy(what.b, hash, sizeof what.b);
	if (emr_memo_is_others(kr->memo, &what) ||
		emr_signer_public_of(kr, emr_signer_domain(domain_id, 1), 0, own) != EMR_OK)
		return false;
	if (memcmp(own, owner_pk, sizeof own) == 0 || former_owns(kr, domain_id, owner_pk))
		return true;
	if (kr->n_former == 0 || emr_settled_is_closed(kr))
		emr_memo_keep_others(kr->memo, &what);
	return false;
}

void emr_safety_number(
	const uint8_t one[96], const uint8_t other[96], char out[EMR_SAFETY_NUMBER_CHARS])
{
	static const char label[] = "emrfs/v1/safety"; /* hashed with its NUL */
	bool swap = memcmp(one, other, 96) > 0;
	crypto_hash_sha512_state state;
	uint8_t hash[64];

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, (const uint8_t *)label, sizeof label);
	crypto_hash_sha512_update(&state, swap ? other : one, 96);
	crypto_hash_sha512_update(&state, swap ? one : other, 96);
	crypto_hash_sha512_final(&state, hash);
	for (int i = 0; i < 12; i++) {
		uint64_t group =
			((uint64_t)hash[5 * i] << 32 | emr_get_u32(hash + 5 * i + 1)) % 100000;

		for (int digit = 4; digit >= 0; digit--, group /= 10)
			out[6 * i + digit] = (char)('0' + group % 10);
		out[6 * i + 5] = i == 11 ? '\0' : ' ';
	}
}
