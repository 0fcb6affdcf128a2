/* These functions tell who got the key of a record, and who reported having opened it. They refuse
 * to mix the two: a release stands on the ledger before the key was given, an opening is the
 * reader's own word. */
#pragma once

#include "share/share.h"

typedef enum emr_audit_kind {
	EMR_AUDIT_ASKED = 1,	/* asked for, and nobody gave (enough) */
	EMR_AUDIT_RELEASED = 2, /* proven: enough answers that give stand on the ledger */
	EMR_AUDIT_OPENED = 3,	/* reported by the reader's computer */
} emr_audit_kind;

typedef struct emr_audit_entry {
	emr_audit_kind kind;
	emr_id32 who; /* signer id */
	emr_id16 domain;
	emr_id16 grant;
	emr_id16 via; /* team; zero: the asker's own grant */
	uint64_t ledger_time;
	emr_id32 item; /* ACCESS_REQ or READ_REPORT */
	uint64_t seq;  /* its entry */
	emr_id32 batch_id;
	/* Zero when the question cannot be read (it was not addressed to the owner, and nobody
	 * answered). */
	emr_access_slot slot;
	uint8_t purpose;
	emr_reader_class reader;
	/* ASKED, RELEASED: */
	bool is_readable;     /* the six above are known */
	bool is_by_owner;     /* the owner's own computer gave */
	unsigned given_count; /* agents that gave (for this whole question) */
	emr_id32 given[EMR_AGENTS_MAX];
	uint16_t asked; /* slots of the question */
	/* OPENED: */
	emr_report_row opened;
} emr_audit_entry;

/* Every entry about DOMAIN, which is one's own, appended to OUT_ENTRIES (emr_audit_entry, ...),
 * also those before an error: each slot of each question, then each row of each report; the caller
 * sorts by ledger_time.  *out_damaged (may be NULL): questions and reports that do not open. */
emr_status emr_share_audit(
	emr_share *share, emr_id16 domain, emr_buf *out_entries, uint64_t *out_damaged);

/* As an auditor (by the ledger): every question of the staff of one's own organisation, in every
 * domain, each slot of it; ASKED or RELEASED. The auditor does not learn which record an object's
 * id stands for. *out_damaged: questions that were asked before the auditor became one, or that do
 * not open; they are told without their slots. EMR_DENIED: no auditor. */
emr_status emr_share_staff(emr_share *share, emr_buf *out_entries, uint64_t *out_damaged);
