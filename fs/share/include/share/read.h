/* The grantee's half: what others have shared with me, its names, its bytes, and the report of what
 * was opened.  It refuses names and bytes that do not authenticate, keys that are not proven by
 * what they open, and everything after the grant's end by this computer's clock or the ledger. */
#pragma once

#include "share/share.h"

/* A grant to me, with its letter. */
typedef struct emr_received {
	emr_known_grant grant;
	emr_grant_phase phase;
	emr_grant_letter letter; /* label, where it begins, share id; its card is read already: */
	emr_card card;		 /* the domain's, signed by its owner */
	unsigned agents_count;
	emr_id32 agents[EMR_AGENTS_MAX];
} emr_received;
typedef emr_status (*emr_received_fn)(void *arg, const emr_received *received);
/* Every grant to me, in every state.  One whose letter does not open, or whose card is not the one
 * of the ledger's domain, is left out and counted in *out_damaged (may be NULL). */
emr_status emr_share_received(emr_share *share, emr_received_fn fn, void *arg, size_t *out_damaged);

/* ---- one grant, open ---- */

typedef struct emr_shared
	emr_shared; /* holds listing and content keys in locked memory, nowhere else */

/* For this PURPOSE (bit number) and kind of reader.  EMR_DENIED with the cause in *out_trouble (may
 * be NULL): no grant, not yet, expired, revoked, purpose. */
emr_status emr_shared_open(emr_share *share, emr_id16 domain, emr_id16 grant, uint8_t purpose,
	emr_reader_class reader, emr_shared **out_shared, emr_share_trouble *out_trouble);
void emr_shared_free(emr_shared *shared); /* wipes the keys */
const emr_received *emr_shared_grant(const emr_shared *shared);
/* Whether the grant is in force now.  EMR_DENIED with the cause; the keys are then wiped. */
emr_status emr_shared_check(emr_shared *shared, emr_share_trouble *out_trouble);

/* ---- asking ---- */

/* One question on the ledger, and the answers so far. */
typedef struct emr_ask emr_ask;

/* For the listing keys that are lacking.  *out_ask stays NULL when none is. */
emr_status emr_shared_ask_names(
	emr_shared *shared, emr_ask **out_ask, emr_share_trouble *out_trouble);
/* For the contents of these records (at most 1,024), as they are now; those whose key is held
 * already are left out, and *out_ask stays NULL when none is lacking.  EMR_NOT_FOUND: one is not
 * there. */
emr_status emr_shared_ask_records(emr_shared *shared, const emr_id16 *objects, size_t n,
	emr_ask **out_ask, emr_share_trouble *out_trouble);
/* Frees it; must come before emr_shared_free.  NULL is fine. */
void emr_ask_free(emr_ask *ask);
/* Looks at what this computer's copy of the ledger has by now; waits for nothing.  EMR_OK: every
 * key is there.  EMR_BUSY: some are not, and `missing` may still answer.  EMR_DENIED: they will not
 * come.  Keys that did come are in use in any case.  Liars are named in *out_trouble whatever the
 * status. */
emr_status emr_ask_collect(emr_ask *ask, emr_share_trouble *out_trouble);
/* Follows the ledger until collect has an answer or TIMEOUT_MS are over: EMR_TIMEOUT, why = no
 * release, with the names of those who are missing. */
emr_status emr_ask_wait(emr_ask *ask, int timeout_ms, emr_share_trouble *out_trouble);
/* What shows anybody that a named liar lied: the question's item id and its private key, which
 * opens the answers to it.  EMR_DENIED when the owner answered, too, whose answer holds keys. */
emr_status emr_ask_evidence(const emr_ask *ask, emr_id32 *out_req, uint8_t out_sk[32]);

/* ---- names and bytes ---- */

typedef struct emr_shared_record {
	emr_id16 object;
	emr_id16 record_id;
	uint64_t version;  /* of the row's chain */
	uint64_t pversion; /* of its content; 0: directory or link */
	uint64_t cver;
	uint32_t epoch;
	emr_id32 signer; /* of the item that describes it */
	const emr_meta *meta;
} emr_shared_record;
typedef emr_status (*emr_shared_fn)(void *arg, const emr_shared_record *record);
/* Every live record whose name can be read; META is valid during the call.  *out_unreadable (may be
 * NULL) counts the others (their listing key is lacking, or they are damaged). */
emr_status emr_shared_each(
	emr_shared *shared, emr_shared_fn fn, void *arg, uint64_t *out_unreadable);
/* The bytes of one record.  EMR_NOT_FOUND; EMR_DENIED: its key was not released (ask first), or the
 * grant is over; EMR_DAMAGED, EMR_MISSING_DATA.  *out_verdict says what its signed statement is
 * worth. */
emr_status emr_shared_reader(emr_shared *shared, emr_id16 object, emr_content_reader **out_reader,
	emr_statement_verdict *out_verdict);
/* Tells the owner what was opened.  Also after the end of the grant.  EMR_INVALID, EMR_LIMIT. */
emr_status emr_shared_report(emr_shared *shared, const emr_report_row *rows, size_t n);
