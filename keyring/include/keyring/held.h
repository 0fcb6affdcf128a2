/* Keys by handle that are not simply the seed's: receiving keys, a domain's epochs, a grantee's
 * key, and the key that one capsule holds.  It refuses to show them, and to open one at rest under
 * another row than it was sealed for.
 *
 * Threads: they do not change once made and may be used by several threads; free them when no call
 * is running.  NULL is fine for every free. */
#pragma once

#include "base/id.h"
#include "keyring/keyring.h"

/* At rest: nonce 24 || key 32 || tag 16, under a local key of this computer, bound to ROW (the
 * row's key, at most 255 bytes). */
#define EMR_HELD_SEALED_BYTES 72

/* ---- Receiving keys (X25519): what letters are sealed to ---- */

typedef struct emr_box_key emr_box_key;

emr_status emr_box_key_identity(const emr_keyring *kr, emr_box_key **out);
emr_status emr_box_key_domain(const emr_keyring *kr, emr_id16 domain_id, emr_box_key **out);
/* Random: an agent's key of one week (so that destroyed fragments stay destroyed: the seed cannot
 * bring it back). */
emr_status emr_box_key_new(emr_box_key **out);
void emr_box_key_public(const emr_box_key *key, uint8_t out_pk[32]);
/* Under the local AGENT_STORE key.  EMR_DAMAGED from open. */
emr_status emr_box_key_seal_local(const emr_keyring *kr, const emr_box_key *key, emr_bytes row,
	uint8_t out_sealed[EMR_HELD_SEALED_BYTES]);
emr_status emr_box_key_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_HELD_SEALED_BYTES], emr_bytes row, emr_box_key **out);
void emr_box_key_free(emr_box_key *key);
/* ---- Epoch keys: a of one domain and epoch, A = aG ---- */

typedef struct emr_epoch_key emr_epoch_key;

/* Of a domain of one's own, from the seed: every epoch, at any time, so nothing about epochs must
 * be stored.  Of a co-owned one (keyring/coowned.h), EMR_AWAITED: it has not come yet, as from
 * everything else that needs it. */
emr_status emr_keyring_epoch_key(
	const emr_keyring *kr, emr_id16 domain_id, uint32_t epoch, emr_epoch_key **out);
emr_id16 emr_epoch_key_domain(const emr_epoch_key *key);
uint32_t emr_epoch_key_epoch(const emr_epoch_key *key);
void emr_epoch_key_public(const emr_epoch_key *key, uint8_t out_A[32]);
void emr_epoch_key_free(emr_epoch_key *key);

/* ---- Grantee keys: b of a person or of a team, B = bG ---- */

typedef struct emr_grantee_key emr_grantee_key;

emr_status emr_grantee_key_identity(const emr_keyring *kr, emr_grantee_key **out);
/* The one of this person, now or before, whose public half is B.  EMR_NOT_FOUND. */
emr_status emr_grantee_key_of(const emr_keyring *kr, const uint8_t B[32], emr_grantee_key **out);
/* Random: of a team or dataset; its members get it by letter (keyring/letters.h). */
emr_status emr_grantee_key_new(emr_grantee_key **out);
void emr_grantee_key_public(const emr_grantee_key *key, uint8_t out_B[32]);
/* Another one that says the same, and is freed by itself. */
emr_status emr_grantee_key_copy(const emr_grantee_key *key, emr_grantee_key **out);
/* Proof of possession for the network and the steward (see emr_pre_pop_verify). */
emr_status emr_grantee_key_pop(
	const emr_grantee_key *key, emr_id16 net_id, emr_id32 steward, uint8_t out_pop[64]);
/* The receiving key of a team, for letters that each of its members may open: X25519 secret =
 * HKDF-SHA512("emrfs/v1/team", b, "box", 32).  Its public half stands in the team's terms. */
emr_status emr_grantee_key_box(const emr_grantee_key *key, emr_box_key **out);
void emr_grantee_key_free(emr_grantee_key *key);

/* ---- Capsule keys: K of one capsule ----
 *
 * What a release gives: emr_content_key_open_kem and emr_list_key_open_kem (keyring/content.h) turn
 * it into what reads.  Never at rest. */

typedef struct emr_kem_key emr_kem_key;

/* As the domain's owner or a device that manages it.  EMR_DAMAGED for a capsule that was not made
 * for this epoch's A and CTX. */
emr_status emr_kem_key_decapsulate(const emr_epoch_key *key, const uint8_t ctx[32],
	const uint8_t capsule[96], emr_kem_key **out);
void emr_kem_key_free(emr_kem_key *key);
