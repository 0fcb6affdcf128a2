/* The question and the answer of a release: what a reader asks for (ACCESS_REQ), what agents or the
 * owner's own mount answer (ACCESS_SERVED), and how the answers become the key of a capsule.  It
 * refuses parts that are not their item's, slots that were not asked for, answers given twice, and
 * whatever does not open.
 *
 * The order of events is told in keyring/DESIGN.md, "A release".  ITEM as in keyring/grant.h.
 * Layouts: FORMAT.md.  All functions are thread-safe. */
#pragma once

#include "keyring/grant.h"

#define EMR_ACCESS_SLOTS_MAX 1024
#define EMR_ACCESS_RECIPIENTS_MAX 32

/* ---- Asking ---- */

typedef struct emr_access_slot {
	emr_id16 object_id;
	uint64_t version; /* item version of the PUT, REWRAP or LISTKEY */
	uint8_t kind;	  /* emr_capsule_kind: 1 content, 2 listing */
} emr_access_slot;

typedef enum emr_reader_class {
	EMR_READER_PERSON = 1,
	EMR_READER_SOFTWARE = 2,
} emr_reader_class;

typedef struct emr_access_body {
	uint8_t purpose; /* bit number, 0..8 */
	emr_reader_class reader;
	uint16_t count; /* 1..1024 */
	emr_access_slot *slots;
} emr_access_body;

/* Frees the slots of a body that emr_access_body_open made. */
void emr_access_body_free(emr_access_body *body);

/* The readers of a request: each agent of the grant (rid = agent_id), the owner, and the auditor of
 * the reader's organisation, if it has one. */
typedef struct emr_recipient {
	emr_id32 rid;
	uint8_t x25519[32];
} emr_recipient;

/* rid of the owner's box: domain_id || 0[16]. */
emr_id32 emr_owner_rid(emr_id16 domain_id);

/* Appends the part.  EPK is the public half of a fresh emr_box_key_new that the caller
 * keeps until the answers are there.  The item's public count must be the body's.  EMR_INVALID. */
emr_status emr_access_part_seal(emr_bytes access_item, const uint8_t epk[32],
	const emr_recipient *recipients, size_t n, const emr_access_body *body, emr_buf *out_part);

/* Borrows from the part. */
typedef struct emr_access_part {
	uint8_t epk[32];
	uint8_t kcom[32];
	size_t n;
	emr_bytes recipients; /* n times rid and letter */
	const uint8_t *nonce; /* 24 bytes */
	emr_bytes body;
} emr_access_part;

/* EMR_DAMAGED. */
emr_status emr_access_part_read(emr_bytes access_item, emr_bytes part, emr_access_part *out);
/* Whether RID is among those who can open it. */
bool emr_access_part_is_to(const emr_access_part *part, emr_id32 rid);

/* The key of one request: it opens the body, and goes to the owner with the answer. */
typedef struct emr_request_key emr_request_key;

/* EMR_NOT_FOUND when RID is not among the recipients; EMR_DAMAGED, also when the key is not the one
 * that everybody was promised (kcom): then the reader tried to show different requests to different
 * people. */
emr_status emr_request_key_open(const emr_box_key *box, emr_id32 rid, emr_bytes access_item,
	const emr_access_part *part, emr_request_key **out);
void emr_request_key_free(emr_request_key *key);
/* EMR_DAMAGED; the count is the item's. */
emr_status emr_access_body_open(const emr_request_key *key, emr_bytes access_item,
	const emr_access_part *part, emr_access_body *out);

/* ---- Answering ---- */

/* Result codes of the ledger stand in the answers: 0 given, else why not. */
#define EMR_ANSWER_GIVEN 0

typedef struct emr_answer_cfrag {
	uint16_t slot;
	uint8_t status;
	uint8_t cfrag[EMR_PRE_CFRAG_BYTES]; /* zeros unless given */
} emr_answer_cfrag;

/* Answers made with one fragment, or refusals about one epoch (FRAGMENT NULL: none is held). */
typedef struct emr_answer_group {
	uint32_t epoch;
	const emr_fragment *fragment;
	uint16_t count;
	const emr_answer_cfrag *answers;
} emr_answer_group;

typedef struct emr_answer_key {
	uint16_t slot;
	uint8_t status;
	const emr_kem_key *key; /* NULL unless given */
} emr_answer_key;

/* The request that is answered. */
typedef struct emr_asked {
	uint8_t epk[32];	    /* of the request */
	uint8_t owner_box[32];	    /* of the domain */
	const emr_request_key *key; /* so that the owner can read what was asked */
} emr_asked;

/* The part of an agent (mode 1 in the item's public part).  Groups in ascending epochs, each slot
 * once; the item's public count is the number of slots given.  EMR_INVALID. */
emr_status emr_served_part_seal_cfrags(emr_bytes served_item, const emr_asked *asked,
	const emr_answer_group *groups, size_t n, emr_buf *out_part);
/* The part of the owner's mount or device (mode 2); ASKED->key may be NULL. */
emr_status emr_served_part_seal_keys(emr_bytes served_item, const emr_asked *asked,
	const emr_answer_key *answers, size_t n, emr_buf *out_part);
/* The part of an agent that refuses the whole request (mode 3, the reason in public). */
emr_status emr_served_part_seal_refusal(
	emr_bytes served_item, const emr_asked *asked, emr_buf *out_part);

/* ---- Reading answers ---- */

typedef enum emr_answer_kind {
	EMR_ANSWER_CFRAGS = 1,
	EMR_ANSWER_KEYS = 2,
	EMR_ANSWER_REFUSED = 3,
} emr_answer_kind;

typedef struct emr_answer emr_answer;

/* EPK is the request's key pair, SLOTS the number of slots that were asked.  EMR_DAMAGED: not for
 * us, malformed, a slot out of range or twice, a count that is not the public one. */
emr_status emr_answer_open(const emr_box_key *epk, emr_bytes served_item, emr_bytes part,
	size_t slots, emr_answer **out);
void emr_answer_free(emr_answer *answer); /* wipes; NULL is fine */
emr_answer_kind emr_answer_mode(const emr_answer *answer);
size_t emr_answer_count(const emr_answer *answer); /* entries, given or not; 0 in mode 3 */

/* Entry I < count of a mode 1 answer. */
typedef struct emr_answer_entry {
	uint16_t slot;
	uint8_t status;
	uint32_t epoch;
	uint8_t X[32];
	emr_pre_kfrag frag;  /* agent_id = the answer's signer */
	emr_pre_share share; /* for emr_kem_key_combine */
} emr_answer_entry;

/* EMR_INVALID in another mode or beyond the count. */
emr_status emr_answer_entry_get(const emr_answer *answer, size_t i, emr_answer_entry *out);
/* Entry I of a mode 2 answer; *out_key is NULL unless the status is given. */
emr_status emr_answer_key_get(const emr_answer *answer, size_t i, uint16_t *out_slot,
	uint8_t *out_status, emr_kem_key **out_key);

/* t answers to one slot with equal X to the capsule's key: see emr_pre_combine.  EMR_DAMAGED: the
 * sum does not fit; use emr_answer_entry_check on each, leave out who lied, and try again. */
emr_status emr_kem_key_combine(const emr_grantee_key *grantee, const uint8_t A[32],
	const uint8_t X[32], const uint8_t ctx[32], const uint8_t capsule[96],
	const emr_pre_share *shares, unsigned n, emr_kem_key **out);
/* The proof of one entry: OWNER_PK signed the KFRAGS of that epoch.  EMR_BAD_SIGNATURE: the
 * fragment is not of this grant and epoch; EMR_DAMAGED: the agent did not convert CAPSULE with it
 * for REQ. Either is evidence: the signed SERVED item and the request's key show it to anybody. */
emr_status emr_answer_entry_check(const emr_answer_entry *entry, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32],
	const uint8_t capsule[96], emr_id32 req);

/* As the owner, later: the key of a request that an agent answered, from that answer, so that the
 * log can say what was asked even if the reader did not address the owner.  EMR_DAMAGED;
 * EMR_NOT_FOUND in mode 2 (one's own). */
emr_status emr_request_key_of_served(const emr_box_key *domain_box, emr_bytes served_item,
	emr_bytes part, const emr_access_part *access, emr_request_key **out);

/* ---- What the reader's computer tells the owner (READ_REPORT) ---- */

#define EMR_REPORT_ROWS_MAX 1024

typedef struct emr_report_row {
	emr_id16 object_id;
	uint64_t version;
	uint64_t first; /* Unix seconds of the first and last opening */
	uint64_t last;
	uint32_t opens;
	emr_reader_class reader;
	uint8_t purpose;
	bool whole;   /* every byte was read */
	bool refused; /* it was asked for and not opened */
	uint64_t bytes;
	emr_id16 program; /* of software; zero otherwise */
} emr_report_row;

/* Appends the part.  EMR_INVALID, EMR_LIMIT beyond 1,024 rows. */
emr_status emr_report_part_seal(emr_bytes report_item, const uint8_t owner_box[32],
	const emr_report_row *rows, size_t n, emr_buf *out_part);
/* *out_rows is the caller's to free().  EMR_DAMAGED. */
emr_status emr_report_part_open(const emr_box_key *domain_box, emr_bytes report_item,
	emr_bytes part, emr_report_row **out_rows, size_t *out_n);

/* ---- Why somebody must read in an emergency (EMERGENCY): the owner alone is told ---- */

#define EMR_EMERGENCY_REASON_MAX 400

/* Appends the part.  EMR_INVALID: no reason, or one that is too long, or no text of one line. */
emr_status emr_emergency_part_seal(
	emr_bytes item, const uint8_t owner_box[32], const char *reason, emr_buf *out_part);
/* EMR_DAMAGED. */
emr_status emr_emergency_part_open(const emr_box_key *domain_box, emr_bytes item, emr_bytes part,
	char out_reason[EMR_EMERGENCY_REASON_MAX + 1]);
