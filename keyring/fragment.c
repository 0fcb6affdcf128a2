/* This file seals the fragments of a re-encryption key for the agents of a grant (KFRAGS), and
 * opens, keeps and uses the one of an agent. It refuses a fragment for other terms. */
#include "keyring/grant.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/hpke.h"
#include "crypto/r255.h"
#include "held_private.h"
#include "keyring/content.h"
#include "letters_private.h"
#include "part_private.h"

#define INFO "emrfs/v1/kfrag"
#define SEALED_RK_BYTES (32 + EMR_LETTER_OVERHEAD)
#define ROW_BYTES (16 + 4 + 32 + 32 + 32 + 64)
#define NONCE_BYTES 24

_Static_assert(EMR_FRAGMENT_SEALED_BYTES == NONCE_BYTES + ROW_BYTES + 16, "nonce, row, tag");

/* ---- The owner ---- */

static emr_status sign_all(const emr_keyring *kr, emr_signer who, const emr_pre_bond *bond,
	emr_pre_kfrag *frags, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t message[EMR_PRE_KFRAG_MESSAGE_BYTES];

		emr_pre_kfrag_message(bond, &frags[i], message);
		EMR_TRY(emr_keyring_sign(kr, who, EMR_SIGN_KFRAG,
			emr_bytes_of(message, sizeof message), frags[i].sig));
	}
	return EMR_OK;
}

/* salt | X | n | 0[7] | n x { id | U | sig | letter }: letters are bound to gctx alone. */
static emr_status write_part(const emr_pre_bond *bond, const emr_pre_kfrag *frags,
	const emr_secret *rk, const emr_agent *agents, unsigned n, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_part_write_salt(&w);
	emr_write_bytes(&w, bond->X, 32);
	emr_write_u8(&w, (uint8_t)n);
	emr_write_zeros(&w, 7);
	for (unsigned i = 0; i < n; i++) {
		uint8_t sealed[SEALED_RK_BYTES];
		emr_status status =
			emr_hpke_seal(agents[i].x25519, emr_bytes_of(INFO, sizeof INFO - 1),
				emr_bytes_of(bond->gctx, 32), emr_secret_view(&rk[i]), sealed);

		if (status != EMR_OK)
			return status;
		emr_write_bytes(&w, frags[i].agent_id, 32);
		emr_write_bytes(&w, frags[i].U, 32);
		emr_write_bytes(&w, frags[i].sig, 64);
		emr_write_bytes(&w, sealed, sizeof sealed);
	}
	return w.status;
}

emr_status emr_kfrags_part_seal(const emr_keyring *kr, emr_signer who, const emr_epoch_key *key,
	const emr_grant_terms *terms, const uint8_t B[32], const emr_agent *agents,
	emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_pre_kfrag frags[EMR_AGENTS_MAX] = {0};
	emr_secret rk[EMR_AGENTS_MAX] = {{0}};
	emr_pre_bond bond;
	emr_status status;

	if (terms->n == 0 || terms->n > EMR_AGENTS_MAX ||
		!emr_id16_equal(terms->domain_id, key->domain_id))
		return EMR_INVALID;
	for (unsigned i = 0; i < terms->n; i++)
		memcpy(frags[i].agent_id, agents[i].id.b, 32);
	memcpy(bond.A, key->A, 32);
	memcpy(bond.B, B, 32);
	emr_grant_ctx(terms, key->epoch, bond.A, bond.B, bond.gctx);
	status = emr_pre_kfrags(&key->a, B, bond.gctx, terms->t, terms->n, frags, bond.X, rk);
	if (status == EMR_OK)
		status = sign_all(kr, who, &bond, frags, terms->n);
	if (status == EMR_OK)
		status = write_part(&bond, frags, rk, agents, terms->n, &part);
	for (unsigned i = 0; i < EMR_AGENTS_MAX; i++)
		emr_secret_free(&rk[i]);
	return status == EMR_OK ? emr_buf_append(out_part, part.data, part.len) : status;
}

/* ---- Reading ---- */

static bool frags_differ(const emr_kfrags_part *part)
{
	emr_id32 agents[EMR_AGENTS_MAX];

	for (unsigned i = 0; i < part->n; i++)
		memcpy(agents[i].b, part->frags[i].agent_id, 32);
	return emr_agents_differ(agents, part->n);
}

emr_status emr_kfrags_part_read(
	emr_bytes kfrags_item, emr_bytes part, const emr_grant_terms *terms, emr_kfrags_part *out)
{
	emr_kfrags_part made = {0};
	emr_part_item item;
	emr_reader r;

	EMR_TRY(emr_part_open(kfrags_item, EMR_PART_KFRAGS, part, &item, &r));
	made.epoch = item.epoch;
	emr_read_copy(&r, made.X, 32);
	made.n = emr_read_u8(&r);
	emr_read_zeros(&r, 7);
	if (made.n == 0 || made.n > EMR_AGENTS_MAX || made.n != terms->n)
		return EMR_DAMAGED;
	for (unsigned i = 0; i < made.n; i++) {
		emr_read_copy(&r, made.frags[i].agent_id, 32);
		emr_read_copy(&r, made.frags[i].U, 32);
		emr_read_copy(&r, made.frags[i].sig, 64);
		made.sealed[i] = emr_read_bytes(&r, SEALED_RK_BYTES);
	}
	if (!emr_reader_done(&r) || !frags_differ(&made) || !emr_r255_point_ok(made.X) ||
		!emr_id16_equal(item.domain_id, terms->domain_id) ||
		!emr_id16_equal(item.object_id, terms->grant_id))
		return EMR_DAMAGED;
	*out = made;
	return EMR_OK;
}

/* ---- The agent ---- */

/* Takes RK over, also when it fails: EMR_OK only for a fragment that verifies. */
static emr_status fragment_from(emr_secret *take_rk, const emr_fragment *facts,
	const uint8_t owner_pk[32], emr_fragment **out)
{
	EMR_AUTO_SECRET rk = *take_rk;
	emr_fragment *fragment;

	*take_rk = (emr_secret){0};
	EMR_TRY(emr_pre_kfrag_verify(owner_pk, &facts->bond, &facts->frag, &rk));
	fragment = calloc(1, sizeof *fragment);
	if (fragment == NULL)
		return EMR_NO_MEMORY;
	*fragment = *facts;
	fragment->rk = rk;
	rk = (emr_secret){0};
	*out = fragment;
	return EMR_OK;
}

/* Everything but rk and what the part or the row gives. */
static emr_fragment facts_of(const emr_grant_terms *terms, uint32_t epoch, const uint8_t A[32],
	const uint8_t B[32], const uint8_t X[32])
{
	emr_fragment facts = {.grant_id = terms->grant_id, .epoch = epoch};

	memcpy(facts.bond.A, A, 32);
	memcpy(facts.bond.B, B, 32);
	memcpy(facts.bond.X, X, 32);
	emr_grant_ctx(terms, epoch, A, B, facts.bond.gctx);
	return facts;
}

emr_status emr_fragment_open(const emr_box_key *box, emr_id32 agent_id, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32],
	const emr_kfrags_part *part, emr_fragment **out)
{
	EMR_AUTO_SECRET rk = {0};
	emr_fragment facts = facts_of(terms, part->epoch, A, B, part->X);
	unsigned i = 0;

	while (i < part->n && memcmp(part->frags[i].agent_id, agent_id.b, 32) != 0)
		i++;
	if (i == part->n)
		return EMR_NOT_FOUND;
	facts.frag = part->frags[i];
	EMR_TRY(emr_secret_new(32, &rk));
	EMR_TRY(emr_box_key_hpke_open(box, emr_bytes_of(INFO, sizeof INFO - 1),
		emr_bytes_of(facts.bond.gctx, 32), part->sealed[i], rk.data));
	return fragment_from(&rk, &facts, owner_pk, out);
}

void emr_fragment_free(emr_fragment *fragment)
{
	if (fragment == NULL)
		return;
	emr_secret_free(&fragment->rk);
	free(fragment);
}

emr_status emr_fragment_convert(const emr_fragment *fragment, const uint8_t ctx[32],
	const uint8_t capsule[96], emr_id32 req, uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES])
{
	return emr_pre_reencapsulate(
		&fragment->rk, fragment->frag.U, fragment->bond.A, ctx, capsule, req.b, out_cfrag);
}

/* ---- At rest ---- */

emr_status emr_fragment_seal_local(const emr_keyring *kr, const emr_fragment *fragment,
	emr_bytes row, uint8_t out_sealed[EMR_FRAGMENT_SEALED_BYTES])
{
	uint8_t made[EMR_FRAGMENT_SEALED_BYTES];
	uint8_t *plain = made + NONCE_BYTES;
	emr_local_key *key = NULL;
	emr_status status;

	EMR_TRY(emr_local_key_get(kr, EMR_LOCAL_AGENT_STORE, NULL, &key));
	randombytes_buf(made, NONCE_BYTES);
	memcpy(plain, fragment->grant_id.b, 16);
	emr_put_u32(plain + 16, fragment->epoch);
	memcpy(plain + 20, fragment->rk.data, 32);
	memcpy(plain + 52, fragment->bond.X, 32);
	memcpy(plain + 84, fragment->frag.U, 32);
	memcpy(plain + 116, fragment->frag.sig, 64);
	status = emr_local_seal(key, made, row, emr_bytes_of(plain, ROW_BYTES), plain);
	emr_local_key_free(key);
	if (status == EMR_OK)
		memcpy(out_sealed, made, sizeof made);
	emr_wipe(made, sizeof made);
	return status;
}

/* A decrypted row; the caller wipes it. */
static emr_status from_row(const uint8_t *plain, emr_id32 agent_id, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32], emr_fragment **out)
{
	EMR_AUTO_SECRET rk = {0};
	emr_fragment facts = facts_of(terms, emr_get_u32(plain + 16), A, B, plain + 52);

	if (memcmp(plain, terms->grant_id.b, 16) != 0)
		return EMR_DAMAGED;
	memcpy(facts.frag.agent_id, agent_id.b, 32);
	memcpy(facts.frag.U, plain + 84, 32);
	memcpy(facts.frag.sig, plain + 116, 64);
	EMR_TRY(emr_secret_new(32, &rk));
	memcpy(rk.data, plain + 20, 32);
	return fragment_from(&rk, &facts, owner_pk, out);
}

emr_status emr_fragment_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_FRAGMENT_SEALED_BYTES], emr_bytes row, emr_id32 agent_id,
	const uint8_t owner_pk[32], const emr_grant_terms *terms, const uint8_t A[32],
	const uint8_t B[32], emr_fragment **out)
{
	uint8_t plain[ROW_BYTES];
	emr_local_key *key = NULL;
	emr_status status;

	EMR_TRY(emr_local_key_get(kr, EMR_LOCAL_AGENT_STORE, NULL, &key));
	status = emr_local_open(key, sealed, row,
		emr_bytes_of(sealed + NONCE_BYTES, EMR_FRAGMENT_SEALED_BYTES - NONCE_BYTES), plain);
	emr_local_key_free(key);
	if (status == EMR_OK)
		status = from_row(plain, agent_id, owner_pk, terms, A, B, out);
	emr_wipe(plain, sizeof plain);
	return status;
}
