/* These functions judge a question that the ledger accepted, and whether it may be answered: the
 * owner's computer and agents use the same ones. They refuse by a code of the ledger, which the
 * answer then carries. */
#pragma once

#include "share/release.h"

#include "share_private.h"

/* How long a question may be answered, by the contract. */
#define QUESTION_S 86400u
/* Refusals of one grant's questions in a day that are written to the ledger, by one who answers:
 * whoever asks decides how many there are, and each is an entry for ever. */
#define REFUSALS_A_DAY 20u
/* How far two computers' clocks may differ, as the contract allows a signer's before the ledger's.
 */
#define CLOCKS_S 600u

typedef struct question {
	emr_id16 domain, access;
	emr_id32 req, signer, batch_id;
	uint64_t ledger_time, seq;
	bool is_time_suspect;
	emr_pub_access_req pub;
	emr_buf item, part;
	emr_access_part read;
	emr_row_domain row;
	grant_facts grant;
	emr_request_key *key;
	emr_access_body body;
} question;

/* As far as everybody may read it.  EMR_NOT_FOUND: it is not on the ledger (any more). */
emr_status question_read_public(emr_share *share, emr_id16 domain, emr_id16 access, question *out);
/* All but ROW and GRANT.  EMR_NOT_FOUND: it cannot be read (any more). */
emr_status question_read(emr_share *share, emr_id16 domain, emr_id16 access, question *out);
/* As above, with both. */
emr_status question_load(emr_share *share, emr_id16 domain, emr_id16 access, question *out);
void question_free(question *q);
#define AUTO_QUESTION __attribute__((cleanup(question_free))) question
/* Opens what is asked, with one of the boxes of RID.  EMR_NOT_FOUND: it is not addressed to RID. */
emr_status question_open(question *q, const emr_box_key *box, emr_id32 rid);

/* Slots of each grant in the last day. */
typedef struct rate {
	emr_id16 domain, grant;
	uint64_t day; /* Unix days */
	uint64_t slots;
	unsigned refused; /* answers that gave nothing */
} rate;

/* The facts that an answering process keeps from run to run. */
typedef struct desk {
	emr_share *share;
	uint64_t next_seq;	/* first entry that has not been worked on */
	int64_t looked_boot_ns; /* when everything before it was there already; 0 = not since the
				   start */
	emr_buf rates;		/* rate, ... */
} desk;

void desk_end(desk *d);
/* EMR_RESULT_APPLIED: the question as such is in order.  EMR_RESULT_LIMIT: too many today. */
/* Whether the terms of the dataset in whose name Q asks allow no more to its signer today: daily.c
 */
emr_status share_is_over_daily_limit(emr_share *share, const question *q, bool *out_is_over);
emr_status desk_judge(desk *d, const question *q, uint8_t *out_code);
/* The same of one slot; OUT is its capsule when the code is APPLIED. */
emr_status desk_judge_slot(const desk *d, const question *q, const emr_access_slot *slot,
	capsule_facts *out, uint8_t *out_code);
/* Counts SLOTS that are given now. */
emr_status desk_count(desk *d, const question *q, size_t slots);

/* Questions (ACCESS_REQ), fragments (KFRAGS), and what moved a grant (GRANT, REVOKE), in entries
 * from next_seq on, oldest first: appended.  Follows the ledger before. */
typedef struct pending_question {
	emr_id16 domain, access; /* or the grant */
	uint64_t version;
	uint8_t op;
} pending_question;
emr_status desk_pending(desk *d, emr_buf *out_all, uint64_t *out_next_seq);
/* All of them are done; BEGAN_BOOT_NS: just before this computer's copy was caught up for them. */
void desk_has_looked(desk *d, uint64_t next_seq, int64_t began_boot_ns);
/* NEXT_MS, or 0 when this computer's copy has entries that were not worked on: an answer that goes
 * onto the ledger takes in what came there meanwhile, and the ledger does not grow again for it. */
emr_status desk_next(const desk *d, int next_ms, int *out_next_ms);

/* Whether one more answer to a question like Q that gives nothing may be written today; then it is
 * counted.  Otherwise the log has it, and who asked hears nothing. */
emr_status desk_may_refuse(desk *d, const question *q, bool *out_may);
/* Everything is refused for the reason CODE, as SIGNER, if desk_may_refuse. */
emr_status desk_refuse(desk *d, const question *q, emr_signer who, uint8_t code);
/* EMR_OK, with a line in the log, where the fault lies in WHAT itself (or it is for others), so
 * that the next ones are not held up; faults of the moment are returned. */
emr_status desk_pass_over(emr_status status, const char *what);
/* The address of a served part. */
emr_asked question_asked(const question *q);
/* Whether SIGNER has answered it already. */
emr_status question_is_answered(
	emr_share *share, const question *q, emr_id32 signer, bool *out_is_answered);
/* Whether the keys of everything in it were given already, by the owner or by as many agents as it
 * takes.  Agents whom the reader did not ask do not count: he left them out because they lied to
 * him. */
emr_status question_is_served(emr_share *share, const question *q, bool *out_is_served);
/* Whether who asked may still take an answer.  When he asked is known by this computer's clock
 * alone if it was after SINCE_BOOT_NS (0: not known) and that is not long ago; else both clocks
 * tell. */
bool question_is_awaited(const desk *d, const question *q, int64_t since_boot_ns);

/* ---- staff.c ---- */
/* The auditors of one's own organisation can read what one asks for; this tells who they are. It
 * refuses to name those of another. */

/* As of this handle's last look; borrowed. */
emr_status staff_auditors(emr_share *share, const auditors **out);
