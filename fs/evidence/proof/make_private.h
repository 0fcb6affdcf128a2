/* This header declares what every proof is put together from: a signed head, registrations,
 * certificates, admissions, cards, and the parts in their order. It refuses what is not on the
 * local copy of the ledger. */
#pragma once

#include "ledger/checkpoint.h"
#include "proof/make.h"
#include "replica/ask.h"

#define CARDS_MAX 4
#define FIRST_GEN 1

typedef struct pieces {
	const emr_proof_sources *from;
	emr_public self;
	emr_replica_position at;
	emr_buf note;
	emr_id32 witnesses[EMR_PROOF_KEYS_MAX]; /* others who signed the note, with a certificate */
	size_t n_witnesses;
	size_t n_keys, n_cards, n_admissions, n_approvals;
	emr_id32 key_ids[EMR_PROOF_KEYS_MAX];
	emr_buf keys[EMR_PROOF_KEYS_MAX], chains[EMR_PROOF_KEYS_MAX];
	uint8_t cards[CARDS_MAX][313];
	uint8_t orgs[EMR_PROOF_ADMISSIONS_MAX][16];
	emr_buf admissions[EMR_PROOF_ADMISSIONS_MAX], approvals[EMR_PROOF_APPROVALS_MAX];
} pieces;

/* Signs the head that everything else is proved under: the newest one that others have signed, or
 * that of now.  With WITNESSED and no such head: EMR_NOT_FOUND. */
emr_status pieces_begin(const emr_proof_sources *from, bool witnessed, pieces *out);
void pieces_end(pieces *p);
/* The item at SEQ and INDEX as a proof of its own, with PRIV shown if it is not empty. */
emr_status pieces_prove(
	const pieces *p, uint64_t seq, uint16_t index, emr_bytes priv, emr_buf *out_file);
/* A key with its certificate and its organisation's admission, and those that it followed; each
 * once. */
emr_status pieces_add_key(pieces *p, const uint8_t id[32]);
/* The keys of those who signed the head beside us, as many as there is room for: without
 * them nobody can check their signatures. */
emr_status pieces_add_witnesses(pieces *p);
/* That one's own identity owns the key of DOMAIN whose id is SIGNER, or owned it under a former
 * seed.  EMR_NOT_FOUND: that key is another's. */
emr_status pieces_add_card(pieces *p, emr_id16 domain, const uint8_t signer[32]);
void add_part(emr_proof *p, emr_proof_type type, const void *data, size_t len);
/* Parts of type 2, of type 6, of types 16 and 17, and of type 19. */
void pieces_put_chains(const pieces *p, emr_proof *file);
void pieces_put_keys(const pieces *p, emr_proof *file);
void pieces_put_cards(const pieces *p, emr_proof *file);
void pieces_put_admissions(const pieces *p, emr_proof *file);
void pieces_put_followed(const pieces *p, emr_proof *file);
/* Writes FILE if it passes its own check: no unsound proof leaves this program.
 * EMR_BAD_SIGNATURE: the log says the step. */
emr_status pieces_write(const pieces *p, const emr_proof *file, emr_buf *out_file);
