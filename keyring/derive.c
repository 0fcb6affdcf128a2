/* This file is the key table: it derives every key of a person from one seed of 32 bytes, each
 * for one use. */
#include "keyring_private.h"
#include "keyring/coowned.h"
#include "memo_private.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/aead.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/pre.h"

emr_status emr_derive(const emr_secret *seed, const emr_key_info *info, size_t len, emr_secret *out)
{
	uint8_t bytes[64];
	size_t at = strlen(info->label) + 1;

	if (at + info->id.len + 4 > sizeof bytes)
		return EMR_LIMIT;
	memcpy(bytes, info->label, at);
	if (info->id.len > 0)
		memcpy(bytes + at, info->id.data, info->id.len);
	at += info->id.len;
	if (info->with_number) {
		emr_put_u32(bytes + at, info->number);
		at += 4;
	}
	return emr_hkdf_secret("emrfs/v1/id", seed, emr_bytes_of(bytes, at), len, out);
}

/* Ed25519 (RFC 8032) from a derived 32-byte seed.  The public half of libsodium's form is
 * remembered under AS, if MEMO is there. */
static emr_status ed25519_of(const emr_secret *seed, const emr_key_info *info, emr_memo *memo,
	const emr_memo_key *as, emr_secret *out_sk)
{
	EMR_AUTO_SECRET key_seed = {0};
	EMR_AUTO_SECRET sk = {0};
	uint8_t pk[32];

	EMR_TRY(emr_derive(seed, info, 32, &key_seed));
	EMR_TRY(emr_secret_new(crypto_sign_SECRETKEYBYTES, &sk));
	if (memo != NULL && emr_memo_find(memo, as, pk)) {
		memcpy(sk.data, key_seed.data, 32);
		memcpy(sk.data + 32, pk, 32);
	} else {
		crypto_sign_seed_keypair(pk, sk.data, key_seed.data);
		if (memo != NULL)
			emr_memo_keep(memo, as, pk);
	}
	*out_sk = sk;
	sk = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_derive_identity(const emr_secret *seed, uint32_t gen, emr_secret *out_sk)
{
	return ed25519_of(seed,
		&(emr_key_info){.label = "sign", .number = gen, .with_number = true}, NULL, NULL,
		out_sk);
}

/* May WHO sign, what is his key's name, and what is its public half remembered as? */
static emr_status signer_names(
	const emr_keyring *kr, const emr_signer *who, emr_key_info *info, emr_memo_key *as)
{
	emr_bytes id = emr_bytes_of(who->id.b, sizeof who->id.b);

	switch (who->kind) {
	case EMR_SIGNER_IDENTITY:
		*info = (emr_key_info){.label = "sign", .number = kr->gen, .with_number = true};
		*as = (emr_memo_key){.kind = MEMO_IDENTITY, .number = kr->gen};
		return EMR_OK;
	case EMR_SIGNER_DOMAIN:
		if (who->gen == 0)
			return EMR_INVALID;
		if (emr_keyring_coowns(kr, who->id))
			return EMR_DENIED;
		*info = (emr_key_info){
			.label = "dom-sign", .id = id, .number = who->gen, .with_number = true};
		*as = (emr_memo_key){.kind = MEMO_DOMAIN_SIGN, .id = who->id, .number = who->gen};
		return EMR_OK;
	case EMR_SIGNER_LOG:
		*info = (emr_key_info){.label = "log", .id = id};
		*as = (emr_memo_key){.kind = MEMO_LOG, .id = who->id};
		return EMR_OK;
	case EMR_SIGNER_CERTIFICATE:
		return EMR_INVALID;
	}
	return EMR_INVALID;
}

emr_status emr_derive_signer_of(
	const emr_keyring *kr, emr_signer who, size_t number, emr_secret *out_sk)
{
	emr_key_info info;
	emr_memo_key as;

	EMR_TRY(signer_names(kr, &who, &info, &as));
	as.seed = number;
	return ed25519_of(emr_seed_of(kr, number), &info, kr->memo, &as, out_sk);
}

emr_status emr_signer_public_of(
	const emr_keyring *kr, emr_signer who, size_t number, uint8_t out_pk[32])
{
	EMR_AUTO_SECRET sk = {0};
	emr_key_info info;
	emr_memo_key as;

	EMR_TRY(signer_names(kr, &who, &info, &as));
	as.seed = number;
	if (emr_memo_find(kr->memo, &as, out_pk))
		return EMR_OK;
	EMR_TRY(ed25519_of(emr_seed_of(kr, number), &info, kr->memo, &as, &sk));
	memcpy(out_pk, sk.data + 32, 32);
	return EMR_OK;
}

/* A domain is of the seed that the ledger says; all else is signed with the present one. */
static size_t seed_for(const emr_keyring *kr, const emr_signer *who)
{
	return who->kind == EMR_SIGNER_DOMAIN ? emr_settled_owner(kr, who->id, NULL) : 0;
}

emr_status emr_derive_signer(const emr_keyring *kr, emr_signer who, emr_secret *out_sk)
{
	return emr_derive_signer_of(kr, who, seed_for(kr, &who), out_sk);
}

emr_status emr_signer_public(const emr_keyring *kr, emr_signer who, uint8_t out_pk[32])
{
	return emr_signer_public_of(kr, who, seed_for(kr, &who), out_pk);
}

emr_status emr_derive_box(const emr_keyring *kr, size_t number, emr_secret *out_sk)
{
	return emr_derive(emr_seed_of(kr, number),
		&(emr_key_info){.label = "box", .number = kr->gen, .with_number = true}, 32,
		out_sk);
}

emr_status emr_derive_domain_box(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, emr_secret *out_sk)
{
	return emr_derive(emr_seed_of(kr, number),
		&(emr_key_info){
			.label = "dom-box", .id = emr_bytes_of(domain_id.b, sizeof domain_id.b)},
		32, out_sk);
}

static emr_status scalar_of(const emr_secret *seed, const emr_key_info *info, emr_secret *out)
{
	EMR_AUTO_SECRET wide = {0};

	EMR_TRY(emr_derive(seed, info, 64, &wide));
	return emr_pre_scalar(&wide, out);
}

emr_status emr_derive_pre(const emr_keyring *kr, size_t number, emr_secret *out_b)
{
	return scalar_of(emr_seed_of(kr, number),
		&(emr_key_info){.label = "pre", .number = kr->gen, .with_number = true}, out_b);
}

static emr_status domain_scalar(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, size_t number, emr_secret *out_a)
{
	return scalar_of(emr_seed_of(kr, number),
		&(emr_key_info){.label = "dom-pre",
			.id = emr_bytes_of(domain_id.b, sizeof domain_id.b),
			.number = epoch,
			.with_number = true},
		out_a);
}

emr_status emr_derive_domain_pre(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, emr_secret *out_a)
{
	bool is_coowned;
	emr_status status;

	if (epoch == 0)
		return EMR_INVALID;
	status = emr_coowned_pre(kr, domain_id, epoch, &is_coowned, out_a);
	if (is_coowned)
		return status;
	return domain_scalar(kr, domain_id, epoch, emr_settled_epoch(kr, domain_id, epoch), out_a);
}

emr_status emr_domain_box_public(
	const emr_keyring *kr, emr_id16 domain_id, size_t number, uint8_t out[32])
{
	const emr_memo_key as = {.kind = MEMO_DOMAIN_BOX, .id = domain_id, .seed = number};
	EMR_AUTO_SECRET box = {0};

	if (emr_memo_find(kr->memo, &as, out))
		return EMR_OK;
	EMR_TRY(emr_derive_domain_box(kr, domain_id, number, &box));
	EMR_TRY(emr_x25519_public(&box, out));
	emr_memo_keep(kr->memo, &as, out);
	return EMR_OK;
}

emr_status emr_domain_pre_public(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, size_t number, uint8_t out[32])
{
	const emr_memo_key as = {
		.kind = MEMO_DOMAIN_PRE, .id = domain_id, .number = epoch, .seed = number};
	EMR_AUTO_SECRET a = {0};

	if (epoch == 0)
		return EMR_INVALID;
	if (emr_memo_find(kr->memo, &as, out))
		return EMR_OK;
	EMR_TRY(domain_scalar(kr, domain_id, epoch, number, &a));
	EMR_TRY(emr_pre_public(&a, out));
	emr_memo_keep(kr->memo, &as, out);
	return EMR_OK;
}

emr_status emr_derive_enc(const emr_keyring *kr, emr_secret *out)
{
	return emr_derive(&kr->seed, &(emr_key_info){.label = "enc"}, 32, out);
}

emr_status emr_keyring_object_id(
	const emr_keyring *kr, emr_id16 object, emr_id16 domain, emr_id16 *out_id)
{
	EMR_AUTO_SECRET id = {0};
	uint8_t both[32];

	memcpy(both, object.b, 16);
	memcpy(both + 16, domain.b, 16);
	/* Of the first seed for ever: the folders of an Inbox stay the same. */
	EMR_TRY(emr_derive(emr_seed_of(kr, kr->n_former),
		&(emr_key_info){.label = "object", .id = emr_bytes_of(both, sizeof both)}, 16,
		&id));
	memcpy(out_id->b, id.data, sizeof out_id->b);
	return EMR_OK;
}

/* A device's is its owner's, if it was told; one that was not knows of no copies.  It is of the
 * first seed for ever: copies and what they are called stay the same. */
static emr_status copies_root(const emr_keyring *kr, emr_secret *out)
{
	EMR_AUTO_BUF told = {0};
	emr_status status = emr_keyring_fact_value(kr, EMR_KEYRING_COPIES, &told);

	if (status == EMR_NOT_FOUND)
		return emr_derive(
			emr_seed_of(kr, kr->n_former), &(emr_key_info){.label = "copies"}, 32, out);
	if (status == EMR_OK && told.len != 32)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_secret_new(told.len, out);
	if (status == EMR_OK)
		memcpy(out->data, told.data, told.len);
	if (told.len > 0)
		emr_wipe(told.data, told.len);
	return status;
}

emr_status emr_keyring_copies_secret(
	const emr_keyring *kr, const uint8_t dataset[32], emr_secret *out_secret)
{
	EMR_AUTO_SECRET root = {0};

	EMR_TRY(copies_root(kr, &root));
	return emr_derive(&root,
		&(emr_key_info){.label = "copies", .id = emr_bytes_of(dataset, 32)}, 32,
		out_secret);
}

static emr_status own_key(const emr_keyring *kr, emr_secret *out)
{
	EMR_AUTO_SECRET root = {0};

	EMR_TRY(copies_root(kr, &root));
	return emr_derive(&root, &(emr_key_info){.label = "own words"}, 32, out);
}

emr_status emr_keyring_own_seal(const emr_keyring *kr, emr_bytes plain, emr_buf *out)
{
	EMR_AUTO_SECRET key = {0};

	EMR_TRY(own_key(kr, &key));
	EMR_TRY(emr_buf_append_zeros(out, EMR_AEAD_NONCE_BYTES + plain.len + EMR_AEAD_TAG_BYTES));
	randombytes_buf(out->data, EMR_AEAD_NONCE_BYTES);
	return emr_aead_seal(
		&key, out->data, (emr_bytes){0}, plain, out->data + EMR_AEAD_NONCE_BYTES);
}

emr_status emr_keyring_own_open(const emr_keyring *kr, emr_bytes sealed, emr_buf *out)
{
	const size_t more = EMR_AEAD_NONCE_BYTES + EMR_AEAD_TAG_BYTES;
	EMR_AUTO_SECRET key = {0};
	emr_status status;

	EMR_TRY(sealed.len < more ? EMR_DAMAGED : own_key(kr, &key));
	EMR_TRY(emr_buf_append_zeros(out, sealed.len - more));
	status = emr_aead_open(&key, sealed.data, (emr_bytes){0},
		emr_bytes_of(sealed.data + EMR_AEAD_NONCE_BYTES, sealed.len - EMR_AEAD_NONCE_BYTES),
		out->data);
	if (status != EMR_OK)
		emr_buf_clear(out);
	return status;
}

emr_status emr_keyring_give_copies(const emr_keyring *kr, emr_keyring *device)
{
	EMR_AUTO_SECRET root = {0};

	EMR_TRY(copies_root(kr, &root));
	return emr_keyring_tlv_set(device, EMR_KEYRING_COPIES, emr_bytes_of(root.data, root.len));
}

emr_status emr_derive_local(const emr_keyring *kr, emr_secret *out)
{
	return emr_derive(emr_seed_of(kr, kr->local_seed),
		&(emr_key_info){.label = "local",
			.id = emr_bytes_of(kr->device_id.b, sizeof kr->device_id.b)},
		32, out);
}
