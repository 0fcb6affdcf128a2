/* These functions say which statement a new version amends, and the numbers of statements for
 * others: 1, 2, 3 ... for each patient, as the ledger took them. They refuse to give a number
 * twice while the journal stands. */
#pragma once

#include "build.h"
#include "outbox.h"

/* Kind and prev_stmt of the statement for CHANGE.  EMR_NO_MEMORY, EMR_IO, EMR_BUSY. */
emr_status amend_look(
	const build_ctx *ctx, const emr_change *change, uint8_t *out_kind, uint8_t out_prev[32]);

/* Statements of versions in others' domains that were made or read in this mount, the newest of
 * them: what they amend is known by them.  Any thread. */
typedef struct known_statements known_statements;
known_statements *known_statements_new(void); /* NULL without memory */
void known_statements_free(known_statements *known);
void known_statements_note(known_statements *known, const emr_cid *root, const uint8_t id[32]);

/* The highest number that the ledger has of this keyring for PATIENT_PK; without a row of the
 * journal, as many as it signed in DOMAIN. */
emr_status issued_last(const emr_settle_options *options, emr_id16 domain, emr_id32 signer,
	const uint8_t patient_pk[32], uint64_t *out_last);
/* The key of that row. */
emr_id16 issued_key(const uint8_t patient_pk[32]);
/* The answers of BOX are in: its numbers up to the last one that was taken are used. */
emr_status issued_note(emr_journal_txn *txn, const outbox *box);
