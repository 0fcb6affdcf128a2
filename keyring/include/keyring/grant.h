/* This makes and reads what an owner hands out: the terms of a grant, the letter that tells the
 * grantee what was shared, and the fragments that let agents release it. It refuses terms that
 * are not the ledger's, a part that is not its item's, and a fragment that the owner did not
 * sign for exactly these terms.
 *
 * An ITEM is always an encoded item of the ledger with its public part. A part is sealed
 * before its length and hash can stand in the item, so for sealing those two fields may be
 * anything; for reading they must be the part's. Layouts: FORMAT.md. All functions are
 * thread-safe. */
#pragma once

#include "crypto/reencrypt.h"
#include "keyring/card.h"
#include "keyring/held.h"

#define EMR_AGENTS_MAX EMR_PRE_AGENTS_MAX
#define EMR_SHARE_LABEL_MAX 255
#define EMR_NOTE_LABEL_MAX 31

/* A purpose of a grant by the number of its bit: the word that people write, "treatment", and the
 * code of HL7's value set v3-PurposeOfUse, "TREAT"; NULL beyond the last. */
const char *emr_purpose_word(unsigned bit);
const char *emr_purpose_code(unsigned bit);

/* The agents that may release keys while the owner is away, beside those of other organisations:
 * bits of the rights of an order (fs/share); of them a grant's terms have the first alone, where
 * such an agent is named. */
typedef enum emr_away {
	EMR_AWAY_OTHERS = 0,
	EMR_AWAY_OWN = 8,     /* the owner's own organisation's, where fewer than two others fit */
	EMR_AWAY_NOBODY = 16, /* none at all */
} emr_away;
#define EMR_AWAY_BITS (EMR_AWAY_OWN | EMR_AWAY_NOBODY)

/* The rule that an order with these RIGHTS asks for. */
static inline emr_away emr_away_asked(uint16_t rights)
{
	return (emr_away)(rights & EMR_AWAY_BITS);
}
/* Reads the rule that a grant with these RIGHTS and N agents states. */
static inline emr_away emr_away_of(uint16_t rights, unsigned n)
{
	return n == 0 ? EMR_AWAY_NOBODY : (emr_away)(rights & EMR_AWAY_OWN);
}

/* ---- Terms: the public part of GRANT ---- */

typedef struct emr_grant_terms {
	emr_id16 domain_id;
	emr_id16 grant_id;
	emr_id32 grantee; /* root signer_id, or the hash of a team or dataset */
	uint64_t not_before;
	uint64_t not_after;
	uint64_t from_time; /* versions registered before are not shown */
	uint32_t purposes;
	uint16_t rights;
	uint8_t t; /* 0 of 0: only the owner's own mount answers */
	uint8_t n;
} emr_grant_terms;

/* EMR_DAMAGED: no GRANT item, t > n, n > 16, or t = 0 with agents. */
emr_status emr_grant_terms_read(emr_bytes grant_item, emr_grant_terms *out);
/* gctx: what every fragment is bound to, terms, epoch and both keys. */
void emr_grant_ctx(const emr_grant_terms *terms, uint32_t epoch, const uint8_t A[32],
	const uint8_t B[32], uint8_t out_gctx[32]);

/* ---- The private part of GRANT ---- */

/* The part for the grantee. */
typedef struct emr_grant_letter {
	emr_id16 root_dir_id; /* where in the domain it begins */
	emr_id16 share_id;    /* ties the grants of nested domains to one share */
	emr_id16 word;	      /* of the card that opens it in an emergency, which only the owner's
				 note has, in the place of share_id; zero: none */
	char label[EMR_SHARE_LABEL_MAX +
		   1];		    /* the name it had at the owner's; UTF-8, no controls */
	uint8_t card[EMR_CARD_MAX]; /* the domain's card; read it with emr_card_read */
	size_t card_len;	    /* 0 in a grant to a dataset */
} emr_grant_letter;

/* Whom it is for. */
typedef struct emr_grant_parties {
	uint8_t owner_box[32];	    /* of the domain: for the owner's own note */
	uint8_t grantee_x25519[32]; /* of the grantee, or the steward of the team or dataset */
	uint8_t B[32];		    /* of the grantee, team or dataset */
	const emr_id32 *agents;	    /* as many as the terms' n */
} emr_grant_parties;

/* Appends the part.  EMR_INVALID: a label that misleads, agents named twice, B no point. */
emr_status emr_grant_part_seal(emr_bytes grant_item, const emr_grant_parties *parties,
	const emr_grant_letter *letter, emr_buf *out_part);

/* Borrows from the part. */
typedef struct emr_grant_part {
	uint8_t B[32];
	unsigned n;
	emr_id32 agents[EMR_AGENTS_MAX];
	emr_bytes note;
	emr_bytes letter;
	emr_id16 outer;	     /* the domain that it says to lie in; zero: none */
	emr_bytes outer_sig; /* not checked yet */
	emr_bytes rule;	     /* of a guardian's, sealed; without: none */
} emr_grant_part;

/* The fields that every holder of the part can see.  EMR_DAMAGED. */
emr_status emr_grant_part_read(emr_bytes grant_item, emr_bytes part, emr_grant_part *out);

/* Appends to PART, which emr_grant_part_seal made for GRANT_ITEM, the word of OUTER's key (its
 * generation GEN) that what is granted lies in OUTER.  EMR_INVALID: OUTER is the domain itself. */
emr_status emr_grant_outer_seal(
	const emr_keyring *kr, emr_id16 outer, uint32_t gen, emr_bytes grant_item, emr_buf *part);
/* Whether that is the word of OUTER_PK, which the caller knows to be the key of PART->outer.
 * EMR_BAD_SIGNATURE, also where none is named. */
emr_status emr_grant_outer_check(
	emr_bytes grant_item, const emr_grant_part *part, const uint8_t outer_pk[32]);

/* For whom the owner's computer says yes when the guardian whom GRANT_ITEM is for asks for them:
 * text that fs/share writes, sealed to the owner alone, behind the part as an outer domain's word
 * is, with zeros in the place of its name.  EMR_INVALID: longer than EMR_GRANT_RULE_MAX. */
#define EMR_GRANT_RULE_MAX 959
emr_status emr_grant_rule_seal(
	emr_bytes grant_item, const uint8_t owner_box[32], const char *rule, emr_buf *part);
/* BOX is the domain's.  EMR_NOT_FOUND: there is none; EMR_DAMAGED. */
emr_status emr_grant_rule_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, char out[EMR_GRANT_RULE_MAX + 1]);

/* The owner's own note: enough to show the share after a restore. */
typedef struct emr_grant_note {
	emr_id16 share_id;
	char label[EMR_NOTE_LABEL_MAX + 1]; /* the beginning of the label */
} emr_grant_note;

/* BOX is the domain's.  EMR_DAMAGED. */
emr_status emr_grant_note_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, emr_grant_note *out);
/* BOX is the grantee's identity's.  EMR_DAMAGED; EMR_UNSUPPORTED when the owner's program already
 * uses the second (post-quantum) secret. */
emr_status emr_grant_letter_open(const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, emr_grant_letter *out);

/* ---- KFRAGS: fragments for the agents, one operation for each grant and epoch ---- */

typedef struct emr_agent {
	emr_id32 id;
	uint8_t x25519[32]; /* as registered now: agents change it every week */
} emr_agent;

/* Cuts KEY for B and seals each agent its fragment; AGENTS has terms->n.  WHO signs the item: the
 * domain's key, or the ledger refuses it.  Appends the part.  EMR_INVALID. */
emr_status emr_kfrags_part_seal(const emr_keyring *kr, emr_signer who, const emr_epoch_key *key,
	const emr_grant_terms *terms, const uint8_t B[32], const emr_agent *agents,
	emr_buf *out_part);

/* Borrows from the part. */
typedef struct emr_kfrags_part {
	uint32_t epoch;
	uint8_t X[32];
	unsigned n;
	emr_pre_kfrag frags[EMR_AGENTS_MAX];
	emr_bytes sealed[EMR_AGENTS_MAX]; /* 80 bytes each, for that agent only */
} emr_kfrags_part;

/* EMR_DAMAGED: not of that grant (TERMS), or malformed.  Signatures are not checked here. */
emr_status emr_kfrags_part_read(
	emr_bytes kfrags_item, emr_bytes part, const emr_grant_terms *terms, emr_kfrags_part *out);

/* ---- An agent's fragment ---- */

typedef struct emr_fragment emr_fragment;

/* The agent's own, opened and verified completely: its letter, the owner's signature (OWNER_PK, the
 * key of the item's signer), rk U == U, and terms and keys as the ledger has them (A of the epoch's
 * E row, B of the GRANT part).  EMR_NOT_FOUND when AGENT_ID is not among the agents; EMR_DAMAGED,
 * EMR_BAD_SIGNATURE. */
emr_status emr_fragment_open(const emr_box_key *box, emr_id32 agent_id, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32],
	const emr_kfrags_part *part, emr_fragment **out);
/* Wipes.  An agent does this with each fragment of a grant when the end is seen; its row goes too.
 */
void emr_fragment_free(emr_fragment *fragment);

/* At rest under the local AGENT_STORE key, bound to ROW: nonce 24 || 180 || tag 16. */
#define EMR_FRAGMENT_SEALED_BYTES 220
emr_status emr_fragment_seal_local(const emr_keyring *kr, const emr_fragment *fragment,
	emr_bytes row, uint8_t out_sealed[EMR_FRAGMENT_SEALED_BYTES]);
/* Verified again against the ledger's present terms: a row that was put back for a grant whose
 * terms have changed is EMR_BAD_SIGNATURE. */
emr_status emr_fragment_open_local(const emr_keyring *kr,
	const uint8_t sealed[EMR_FRAGMENT_SEALED_BYTES], emr_bytes row, emr_id32 agent_id,
	const uint8_t owner_pk[32], const emr_grant_terms *terms, const uint8_t A[32],
	const uint8_t B[32], emr_fragment **out);

/* Converts a capsule for the grantee, with a proof bound to REQ (the id of the ACCESS_REQ item);
 * the capsule is checked against A and CTX first.  EMR_DAMAGED.  Whether the request may be
 * answered at all is the caller's to decide, before. */
emr_status emr_fragment_convert(const emr_fragment *fragment, const uint8_t ctx[32],
	const uint8_t capsule[96], emr_id32 req, uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES]);
