/* A person's seed is followed by another: the new one signs and opens what is new, and the former
 * ones go on opening what was written under them. It refuses to make anything new with a former
 * seed, but for handing over a domain that is still of it.
 *
 * Seeds are numbered from the present one, 0, back in time. All functions but those that say
 * otherwise are thread-safe, also beside every other use of the keyring. */
#pragma once

#include "keyring/keyring.h"

#define EMR_FORMER_MAX 32 /* seeds that one keyring had before */

/* Draws the seed that will follow and keeps it in the keyfile, so that nothing is lost when the
 * computer stops meanwhile; one that was drawn before stays.  Saved by the next emr_keyring_save.
 * EMR_LIMIT: there were EMR_FORMER_MAX before. */
emr_status emr_keyring_draw_next(emr_keyring *kr);
bool emr_keyring_has_next(const emr_keyring *kr);
void emr_keyring_forget_next(emr_keyring *kr);
/* A keyring with the seed that was drawn, whose newest former one is that of KR; device and facts
 * are those of KR.  EMR_NOT_FOUND: none was drawn. */
emr_status emr_keyring_succeed(const emr_keyring *kr, emr_keyring **out);

size_t emr_keyring_former_count(const emr_keyring *kr);
/* The id that NUMBER signed by.  EMR_NOT_FOUND: there is no such seed. */
emr_status emr_keyring_former_id(const emr_keyring *kr, size_t number, emr_id32 *out_signer);
/* Whether SIGNER is this keyring's identity, or was. */
bool emr_keyring_is_self(const emr_keyring *kr, emr_id32 signer);
/* After another SIGNER was taken from a keyring: local keys are those of seed NUMBER, as when this
 * computer's files were written.  Not thread-safe. */
void emr_keyring_set_local(emr_keyring *kr, size_t number);

/* The private part of KEY_ROTATE, salt first: the former seeds, for who has the present one.  OUT
 * is empty. */
#define EMR_FORMER_PART_BYTES(n) (32u + 24 + 4 + 32 * (n) + 16)
emr_status emr_former_part_seal(const emr_keyring *kr, emr_buf *out);
/* The keyring has the former seeds of PART from here on; it had none.  EMR_DAMAGED: it is not for
 * this seed, or not whole.  Not thread-safe. */
emr_status emr_former_part_open(emr_keyring *kr, emr_bytes part);

/* Asks for A of an epoch, as the ledger has it. */
typedef emr_status (*emr_epoch_public_fn)(
	void *arg, emr_id16 domain, uint32_t epoch, uint8_t out_A[32]);
/* Learns which seed owns DOMAIN, and up to which epoch each seed gave its keys: OWNER_PK and EPOCH
 * are those of the ledger.  A keyring without former seeds learns nothing.  EMR_NOT_FOUND: it is
 * of none of them. */
emr_status emr_keyring_settle(const emr_keyring *kr, emr_id16 domain, const uint8_t owner_pk[32],
	uint32_t epoch, emr_epoch_public_fn public_of, void *arg);
/* From here on no domain is of a former seed that was not settled: one that is made later is made
 * by somebody else who has that seed. */
void emr_keyring_settled(const emr_keyring *kr);
/* The seed that signs in DOMAIN: not 0 while the domain is to be handed over. */
size_t emr_keyring_owner_of(const emr_keyring *kr, emr_id16 domain);
/* The keys that DOMAIN gets from the present seed, A being that of EPOCH. */
emr_status emr_keyring_domain_heir(
	const emr_keyring *kr, emr_id16 domain, uint32_t epoch, emr_domain_public *out);
/* MESSAGE (as of EMR_SIGN_ROTATE), signed by the domain's present owner and by the heir. */
emr_status emr_keyring_sign_handover(const emr_keyring *kr, emr_id16 domain, emr_bytes message,
	uint8_t out_owner_sig[64], uint8_t out_heir_sig[64]);
/* DOMAIN was handed over: its keys up to EPOCH are those of the seeds before. */
emr_status emr_keyring_handed_over(const emr_keyring *kr, emr_id16 domain, uint32_t epoch);
