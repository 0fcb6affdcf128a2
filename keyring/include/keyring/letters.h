/* The other letters of sharing: to a writer or device (WRITER_ADD), about a new epoch (EPOCH), from
 * somebody who asks (REQUEST) and back (DENY), and to a member of a team (DATASET_ADMIT).  It
 * refuses parts that are not their item's and text that misleads.  ITEM as in keyring/grant.h;
 * layouts: FORMAT.md.  All functions are thread-safe. */
#pragma once

#include <stdio.h>

#include "keyring/card.h"
#include "keyring/grant.h"
#include "keyring/held.h"

/* ---- EPOCH: the domain's next key ---- */

/* The key is grown from the owner's seed, so nothing secret is sent.  EMR_INVALID: another item. */
emr_status emr_epoch_part_seal(emr_bytes epoch_item, emr_buf *out_part);

/* ---- WRITER_ADD: who may write, and devices ---- */

#define EMR_WRITER_KEYS_MAX 255

typedef struct emr_writer_letter {
	emr_id16 inbox_dir_id; /* where deposits go; zero: the domain's top */
	char label[EMR_SHARE_LABEL_MAX + 1];
	uint8_t card[EMR_CARD_MAX]; /* the domain's */
	size_t card_len;
} emr_writer_letter;

/* KEYS: the epochs' keys for a device (right MANAGE); none for anybody else.  Appends the part.
 * EMR_INVALID. */
emr_status emr_writer_part_seal(emr_bytes writer_item, const uint8_t writer_x25519[32],
	const emr_writer_letter *letter, const emr_epoch_key *const *keys, size_t n,
	emr_buf *out_part);
/* BOX is the writer's identity's.  *out_keys (n of them, ascending epochs) are the caller's: free
 * each with emr_epoch_key_free, then the array with free(); NULL when n is 0.  Compare each public
 * half with the ledger's E row.  EMR_DAMAGED, EMR_UNSUPPORTED as emr_grant_letter_open. */
emr_status emr_writer_part_open(const emr_box_key *box, emr_bytes writer_item, emr_bytes part,
	emr_writer_letter *out_letter, emr_epoch_key ***out_keys, size_t *out_n);

/* ---- REQUEST and DENY ---- */

#define EMR_REQUEST_PATH_MAX 1023
#define EMR_REQUEST_REASON_MAX 1023
#define EMR_REQUEST_UNTIL_MAX UINT64_C(253402300799) /* the end of the year 9999 */

typedef struct emr_request_body {
	uint8_t rsalt[32]; /* of the item's public `to` (emr_request_to of the contract); a DENY
			      shows it */
	uint16_t rights;   /* of GRANT, and of WRITER in bits 8..12 */
	uint32_t purposes;
	uint64_t until;		    /* Unix seconds */
	uint8_t card[EMR_CARD_MAX]; /* the person's who asks */
	size_t card_len;
	char path[EMR_REQUEST_PATH_MAX + 1]; /* may be empty */
	char reason[EMR_REQUEST_REASON_MAX + 1];
	emr_id32 reader; /* another for whom a guardian asks, by the first key; zero: for the asker
			  */
	emr_id16 domain; /* with READER: the guardian's, in which PATH lies */
} emr_request_body;

/* TO_BOX: the domain's box, or the addressee's when the item names no domain.  Appends the part. */
emr_status emr_request_part_seal(emr_bytes request_item, const uint8_t to_box[32],
	const emr_request_body *body, emr_buf *out_part);
emr_status emr_request_part_open(
	const emr_box_key *box, emr_bytes request_item, emr_bytes part, emr_request_body *out);
/* REASON: UTF-8 without controls, at most 1,023 bytes, may be empty. */
emr_status emr_deny_part_seal(emr_bytes deny_item, const uint8_t requester_x25519[32],
	const char *reason, emr_buf *out_part);
emr_status emr_deny_part_open(const emr_box_key *box, emr_bytes deny_item, emr_bytes part,
	char out_reason[EMR_REQUEST_REASON_MAX + 1]);

/* ---- DATASET_ADMIT: the team's key for a member ---- */

emr_status emr_admit_part_seal(emr_bytes admit_item, const uint8_t member_x25519[32],
	const emr_grantee_key *key, emr_buf *out_part);
/* B is the team's, of its ledger row.  EMR_DAMAGED when the key in the letter is another. */
emr_status emr_admit_part_open(const emr_box_key *box, emr_bytes admit_item, emr_bytes part,
	const uint8_t B[32], emr_grantee_key **out);

/* ---- Trustees (TRUSTEE_SET, 68) ----
 *
 * They help a person who lost passphrase and words: the seed is sealed under a random number, and
 * that is shared among N people so that any T of them find it (crypto/pre.h); with agents, a second
 * number that is shared among them the same way is needed, too. A share that does not
 * fit the commitments of the part is refused: a trustee who answers falsely is named, and stops
 * nobody else. */

#define EMR_SHARES_MAX 16 /* of trustees, and of agents */
/* salt, T commitments, N x (id, letter with place and share), nonce, sealed seed; T and N are those
 * of trustees and agents together */
#define EMR_TRUSTEES_PART_BYTES(t, n) (32u + 32 * (t) + 113 * (n) + 24 + 48)
#define EMR_TRUSTEE_ANSWER_BYTES 81

typedef struct emr_trustee {
	emr_id32 id; /* of the card */
	uint8_t x25519[32];
} emr_trustee;

/* For the seed of KR; ITEM is TRUSTEE_SET with its public part, which says how many of ALL, the
 * agents behind the trustees, there are.  EMR_INVALID: two of ALL are the same. */
emr_status emr_trustees_part_seal(
	const emr_keyring *kr, emr_bytes item, const emr_trustee *all, emr_buf *out_part);
/* EMR_DAMAGED: PART is none for ITEM. */
emr_status emr_trustees_check(emr_bytes item, emr_bytes part);
/* A set that opens the computer READER, which only reads, for an executor: its object says so. */
emr_id16 emr_trustees_executor(emr_id32 reader);
bool emr_trustees_is_executor(const uint8_t object[16]);
/* The I-th of those who have a letter, agents behind trustees.  EMR_NOT_FOUND: there are fewer;
 * EMR_DAMAGED. */
emr_status emr_trustee_at(emr_bytes item, emr_bytes part, unsigned i, emr_id32 *out);
/* An answer is bound to this: who asks, by her BOX, and what for, TRUSTEE_SET. */
emr_id32 emr_trustees_about(emr_bytes item, const uint8_t box[32]);
/* The share of the trustee or agent ME, whose box is BOX, for who has TO: bound to ABOUT, the
 * request. EMR_NOT_FOUND: ME is none; EMR_DAMAGED. */
emr_status emr_trustee_answer(const emr_box_key *box, emr_id32 me, emr_bytes item, emr_bytes part,
	const uint8_t to[32], emr_id32 about, uint8_t out[EMR_TRUSTEE_ANSWER_BYTES]);

/* Answers that were opened: at most one for each place. */
typedef struct emr_trustee_shares {
	emr_secret shares[2 * EMR_SHARES_MAX];
	uint8_t at[2 * EMR_SHARES_MAX]; /* an agent's is above EMR_SHARES_MAX */
	unsigned n;
} emr_trustee_shares;

void emr_trustee_shares_free(emr_trustee_shares *shares); /* wipes */
/* Opens ANSWER with BOX, whose public half was TO.  EMR_EXISTS: the share is there; EMR_DAMAGED: it
 * is for another request, or false. */
emr_status emr_trustee_shares_add(emr_trustee_shares *shares, const emr_box_key *box,
	emr_bytes item, emr_bytes part, emr_id32 about, emr_bytes answer);
unsigned emr_trustee_shares_count(const emr_trustee_shares *shares, bool of_agents);
/* The keyring of the seed, without device and facts.  EMR_NOT_FOUND: fewer than must answer. */
emr_status emr_trustees_recover(const emr_trustee_shares *shares, emr_bytes item, emr_bytes part,
	uint64_t created_unix_s, emr_keyring **out);

/* ---- guardian.c ---- */
/* A keyring that is another person's to use, a child's, has a passphrase that nobody knows: it is
 * sealed to each guardian, who opens the keyring by their own passphrase.  This reads and writes
 * the file of those guardians; it refuses more than EMR_GUARDIANS_MAX, and a file that is not
 * whole. All functions are thread-safe. */

#define EMR_GUARDIANS_MAX 4
#define EMR_GUARDIAN_AS_MAX 64
#define EMR_GUARDIAN_PASSPHRASE_MAX 254 /* of what is sealed */

typedef struct emr_guardian {
	char as[EMR_GUARDIAN_AS_MAX + 1]; /* which keyring of this account opens it; "": the usual
					     one */
	emr_id32 id;
	uint8_t x25519[32]; /* of the card */
} emr_guardian;

static inline emr_guardian emr_guardian_of(const char *as, emr_id32 id, const uint8_t x25519[32])
{
	emr_guardian made = {.id = id};

	snprintf(made.as, sizeof made.as, "%s", as != NULL ? as : "");
	memcpy(made.x25519, x25519, sizeof made.x25519);
	return made;
}

/* Appends the file: PASSPHRASE sealed to each of ALL (HPKE, RFC 9180; layout: FORMAT.md).
 * EMR_INVALID: none or too many of them, or a passphrase that is longer. */
emr_status emr_guardians_seal(
	emr_bytes passphrase, const emr_guardian *all, size_t n, emr_buf *out_file);
/* Guardian I of FILE; x25519 is not in it, and zero.  EMR_NOT_FOUND: there are fewer; EMR_DAMAGED.
 */
emr_status emr_guardians_at(emr_bytes file, size_t i, emr_guardian *out);
/* The passphrase, by KR, the keyring of guardian I or the one that followed it.  OUT has room for
 * EMR_GUARDIAN_PASSPHRASE_MAX bytes of locked memory.  EMR_NOT_FOUND; EMR_DAMAGED: it is sealed to
 * somebody else. */
emr_status emr_guardians_open(
	emr_bytes file, size_t i, const emr_keyring *kr, uint8_t *out, size_t *out_len);
