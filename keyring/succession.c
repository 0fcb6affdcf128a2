/* A person who gets new words gets a new seed. This file draws it, keeps the former ones beside it,
 * and writes them so that the new words lead to them: sealed under the new seed, in the keyfile and
 * in the operation by which the ledger learns of it. It also finds which seed owned a folder when,
 * and signs that the next owner gets it. */
#include <sodium.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/hashsig.h"
#include "keyring_private.h"
#include "keyring/coowned.h"

/* ---- the next one ---- */

emr_status emr_keyring_draw_next(emr_keyring *kr)
{
	if (kr->kind == EMR_KEYRING_DEVICE)
		return EMR_DENIED; /* its person has endorsed this key */
	if (kr->n_former == EMR_FORMER_MAX)
		return EMR_LIMIT;
	return kr->next.len > 0 ? EMR_OK : emr_secret_random(EMR_SEED_BYTES, &kr->next);
}

bool emr_keyring_has_next(const emr_keyring *kr)
{
	return kr->next.len > 0;
}

bool emr_keyring_has_succeeded(const emr_keyring *kr)
{
	return kr->has_succeeded;
}

emr_status emr_next_read(emr_keyring *kr, emr_bytes value)
{
	if (value.len != EMR_SEED_BYTES || kr->next.len > 0)
		return EMR_DAMAGED;
	EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &kr->next));
	memcpy(kr->next.data, value.data, value.len);
	return EMR_OK;
}

static emr_status copy_facts(const emr_keyring *from, emr_keyring *to)
{
	emr_status status = EMR_OK;

	emr_keyring_hold_facts(from);
	for (size_t i = 0; status == EMR_OK && i < from->nfacts; i++)
		status = emr_keyring_tlv_set(to, (emr_keyring_tlv)from->facts[i].type,
			emr_buf_view(&from->facts[i].value));
	emr_keyring_let_facts(from);
	return status;
}

emr_status emr_keyring_succeed(const emr_keyring *kr, emr_keyring **out)
{
	EMR_AUTO_KEYRING next = NULL;
	emr_secret seed = {0};

	if (kr->next.len == 0)
		return EMR_NOT_FOUND;
	if (kr->n_former == EMR_FORMER_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_secret_copy(&kr->next, &seed));
	EMR_TRY(emr_keyring_from_seed(kr->kind, kr->created_unix_s, kr->device_id, &seed, &next));
	for (size_t i = 0; i <= kr->n_former; i++) {
		EMR_TRY(emr_secret_copy(emr_seed_of(kr, i), &next->former[i]));
		next->n_former = i + 1;
	}
	next->has_succeeded = true;
	next->cost = kr->cost;
	next->local_seed = (uint8_t)(kr->local_seed + 1);
	next->cert_seed = (uint8_t)(kr->cert_seed + 1);
	EMR_TRY(copy_facts(kr, next));
	*out = next;
	next = NULL;
	return EMR_OK;
}

/* ---- those before ---- */

size_t emr_keyring_former_count(const emr_keyring *kr)
{
	return kr->n_former;
}

emr_status emr_keyring_former_id(const emr_keyring *kr, size_t number, emr_id32 *out_signer)
{
	uint8_t pk[32];

	if (number > kr->n_former)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_signer_public_of(kr, emr_signer_identity(), number, pk));
	emr_sha256(pk, sizeof pk, out_signer->b);
	return EMR_OK;
}

emr_status emr_keyring_former(const emr_keyring *kr, size_t number, emr_keyring **out)
{
	emr_secret seed = {0};

	if (number > kr->n_former)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_secret_copy(emr_seed_of(kr, number), &seed));
	return emr_keyring_from_seed(kr->kind, kr->created_unix_s, kr->device_id, &seed, out);
}

bool emr_keyring_is_self(const emr_keyring *kr, emr_id32 signer)
{
	emr_id32 own;

	for (size_t i = 0; emr_keyring_former_id(kr, i, &own) == EMR_OK; i++)
		if (emr_id32_equal(own, signer))
			return true;
	return false;
}

void emr_keyring_set_local(emr_keyring *kr, size_t number)
{
	if (number <= kr->n_former)
		kr->local_seed = (uint8_t)number;
}

void emr_former_write(const emr_keyring *kr, uint8_t *out)
{
	out[0] = (uint8_t)kr->n_former;
	out[1] = kr->cert_seed;
	out[2] = kr->local_seed;
	out[3] = 0;
	for (size_t i = 0; i < kr->n_former; i++)
		memcpy(out + EMR_FORMER_BYTES(i), kr->former[i].data, EMR_SEED_BYTES);
}

emr_status emr_former_read(emr_keyring *kr, emr_bytes value)
{
	size_t n = value.len > 0 ? value.data[0] : 0;

	if (n < 1 || n > EMR_FORMER_MAX || value.len != EMR_FORMER_BYTES(n) || value.data[1] > n ||
		value.data[2] > n || value.data[3] != 0 || kr->n_former > 0)
		return EMR_DAMAGED;
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &kr->former[i]));
		memcpy(kr->former[i].data, value.data + EMR_FORMER_BYTES(i), EMR_SEED_BYTES);
		kr->n_former = i + 1;
	}
	kr->cert_seed = value.data[1];
	kr->local_seed = value.data[2];
	return EMR_OK;
}

/* ---- what the ledger says of a folder ---- */

emr_status emr_keyring_domain_owner(
	const emr_keyring *kr, emr_id16 domain, size_t number, uint8_t out_pk[32])
{
	return number > kr->n_former
		       ? EMR_NOT_FOUND
		       : emr_signer_public_of(kr, emr_signer_domain(domain, 1), number, out_pk);
}

static emr_status seed_of(
	const emr_keyring *kr, emr_id16 domain, const uint8_t owner_pk[32], uint8_t *out_seed)
{
	uint8_t own[32];

	for (uint8_t i = 0; i <= kr->n_former; i++) {
		EMR_TRY(emr_signer_public_of(kr, emr_signer_domain(domain, 1), i, own));
		if (memcmp(own, owner_pk, sizeof own) == 0) {
			*out_seed = i;
			return EMR_OK;
		}
	}
	return EMR_NOT_FOUND;
}

emr_status emr_keyring_settle(
	const emr_keyring *kr, emr_id16 domain, const emr_domain_owned *owners, size_t n)
{
	emr_settled_one one = {.domain = domain};
	emr_status status = EMR_NOT_FOUND;
	uint8_t seed;

	if (kr->n_former == 0 || emr_keyring_coowns(kr, domain))
		return EMR_OK;
	for (size_t i = 0; i < n; i++) {
		status = seed_of(kr, domain, owners[i].owner_pk, &seed);
		if (status == EMR_OK)
			emr_settled_add(&one, owners[i].from, seed);
		else if (status != EMR_NOT_FOUND)
			return status;
	}
	return status == EMR_OK ? emr_settled_keep(kr->settled, &one) : status;
}

/* ---- handing over ---- */

emr_status emr_keyring_domain_heir(
	const emr_keyring *kr, emr_id16 domain, uint32_t epoch, emr_domain_public *out)
{
	emr_domain_public made;

	EMR_TRY(emr_signer_public_of(kr, emr_signer_domain(domain, 1), 0, made.owner_pk));
	emr_sha256(made.owner_pk, 32, made.signer_id.b);
	EMR_TRY(emr_domain_box_public(kr, domain, 0, made.box));
	EMR_TRY(emr_domain_pre_public(kr, domain, epoch, 0, made.A));
	*out = made;
	return EMR_OK;
}

emr_status emr_keyring_sign_handover(const emr_keyring *kr, emr_id16 domain, emr_bytes message,
	uint8_t out_owner_sig[64], uint8_t out_heir_sig[64])
{
	const emr_signer who = emr_signer_domain(domain, 1);

	EMR_TRY(emr_keyring_sign(kr, who, EMR_SIGN_ROTATE, message, out_owner_sig));
	return emr_sign_by_seed(kr, who, 0, EMR_SIGN_ROTATE, message, out_heir_sig);
}

/* ---- in the ledger ---- */

static const char former_aad[] = "emrfs/v1/former";

static emr_status former_key(const emr_keyring *kr, emr_secret *out)
{
	return emr_derive(&kr->seed, &(emr_key_info){.label = "former"}, 32, out);
}

emr_status emr_former_part_seal(const emr_keyring *kr, emr_buf *out)
{
	uint8_t plain[EMR_FORMER_BYTES(EMR_FORMER_MAX)];
	const size_t len = EMR_FORMER_BYTES(kr->n_former), start = 32 + EMR_AEAD_NONCE_BYTES;
	EMR_AUTO_SECRET key = {0};
	emr_status status;

	if (kr->n_former == 0)
		return EMR_INVALID;
	EMR_TRY(former_key(kr, &key));
	EMR_TRY(emr_buf_append_zeros(out, EMR_FORMER_PART_BYTES(kr->n_former)));
	randombytes_buf(out->data, start);
	emr_former_write(kr, plain);
	plain[2] = 0; /* another computer's files are its own */
	status = emr_aead_seal(&key, out->data + 32, emr_bytes_of(former_aad, sizeof former_aad),
		emr_bytes_of(plain, len), out->data + start);
	emr_wipe(plain, sizeof plain);
	return status;
}

emr_status emr_former_part_open(emr_keyring *kr, emr_bytes part)
{
	uint8_t plain[EMR_FORMER_BYTES(EMR_FORMER_MAX)];
	const size_t start = 32 + EMR_AEAD_NONCE_BYTES;
	EMR_AUTO_SECRET key = {0};
	emr_status status;

	if (kr->n_former > 0)
		return EMR_INVALID;
	if (part.len < EMR_FORMER_PART_BYTES(1) || part.len > EMR_FORMER_PART_BYTES(EMR_FORMER_MAX))
		return EMR_DAMAGED;
	EMR_TRY(former_key(kr, &key));
	status = emr_aead_open(&key, part.data + 32, emr_bytes_of(former_aad, sizeof former_aad),
		emr_bytes_of(part.data + start, part.len - start), plain);
	if (status == EMR_OK)
		status = emr_former_read(
			kr, emr_bytes_of(plain, part.len - start - EMR_AEAD_TAG_BYTES));
	emr_wipe(plain, sizeof plain);
	return status;
}
