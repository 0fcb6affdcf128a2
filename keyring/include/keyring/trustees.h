/* Trustees help a person who lost passphrase and words: the seed is sealed under a random number,
 * and that is shared among N people so that any T of them find it. This makes and reads the
 * private part of TRUSTEE_SET (68) and what a trustee answers. It refuses a share that does not fit
 * the commitments of the part: a trustee who answers falsely is named, and stops nobody else.
 * Thread-safe. */
#pragma once

#include "keyring/held.h"
#include "keyring/keyring.h"

#define EMR_SHARES_MAX 16
/* salt, T commitments, N x (id, letter with place and share), nonce, sealed seed */
#define EMR_TRUSTEES_PART_BYTES(t, n) (32u + 32 * (t) + 113 * (n) + 24 + 48)
#define EMR_TRUSTEE_ANSWER_BYTES 81

typedef struct emr_trustee {
	emr_id32 id; /* of the card */
	uint8_t x25519[32];
} emr_trustee;

/* For the seed of KR; ITEM is TRUSTEE_SET with its public part, which says T and N.  EMR_INVALID:
 * two of ALL are the same. */
emr_status emr_trustees_part_seal(
	const emr_keyring *kr, emr_bytes item, const emr_trustee *all, emr_buf *out_part);
/* The ids of the trustees, N of them, into OUT, which has room for EMR_SHARES_MAX. */
emr_status emr_trustees_part_ids(emr_bytes item, emr_bytes part, emr_id32 *out, unsigned *out_n);
/* The share of the trustee ME, whose box is BOX, for who has TO: bound to ABOUT, the request.
 * EMR_NOT_FOUND: ME is none; EMR_DAMAGED. */
emr_status emr_trustee_answer(const emr_box_key *box, emr_id32 me, emr_bytes item, emr_bytes part,
	const uint8_t to[32], emr_id32 about, uint8_t out[EMR_TRUSTEE_ANSWER_BYTES]);

/* Answers that were opened: at most one for each place. */
typedef struct emr_trustee_shares {
	emr_secret shares[EMR_SHARES_MAX];
	uint8_t at[EMR_SHARES_MAX];
	unsigned n;
} emr_trustee_shares;

void emr_trustee_shares_free(emr_trustee_shares *shares); /* wipes */
/* Opens ANSWER with BOX, whose public half was TO.  EMR_EXISTS: the share is there; EMR_DAMAGED: it
 * is for another request, or false. */
emr_status emr_trustee_shares_add(emr_trustee_shares *shares, const emr_box_key *box,
	emr_bytes item, emr_bytes part, emr_id32 about, emr_bytes answer);
/* The keyring of the seed, without device and facts.  EMR_NOT_FOUND: fewer than T shares. */
emr_status emr_trustees_recover(const emr_trustee_shares *shares, emr_bytes item, emr_bytes part,
	uint64_t created_unix_s, emr_keyring **out);
