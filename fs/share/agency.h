/* This header declares what the files of an agent share: fragments and receiving keys at rest. It
 * refuses rows that were sealed under another name or for other terms. */
#pragma once

#include "judge.h"

#define AGENCY_BOX_PRESENT "box-present"
#define AGENCY_BOXES 4 /* the next one's, the present, the one before, the identity's */

typedef struct deferred {
	emr_id16 domain, access;
	int64_t due_boot_ns;
} deferred;

#define ANSWERS_IN_ONE 64
/* Answers that go onto the ledger in one entry: who lists a dataset asks for the names of many at
 * once. */
typedef struct outbox {
	parcel parcel;
	struct {
		question q; /* owned */
		size_t given;
	} all[ANSWERS_IN_ONE];
	size_t n;
	int64_t since_boot_ns; /* of the first */
} outbox;

struct emr_agency {
	desk desk;
	outbox out;
	int dirfd;
	emr_box_key *boxes[AGENCY_BOXES];
	bool has_own_box;
	emr_buf waiting;	  /* deferred, ... */
	uint64_t next_end_unix_s; /* no fragment's time ends before; 0 = not looked yet */
};

#define FRAGMENT_NAME_BYTES 77 /* f-domain-grant-epoch and NUL */

void agency_fragment_name(
	emr_id16 domain, emr_id16 grant, uint32_t epoch, char out[FRAGMENT_NAME_BYTES]);
bool agency_has(const emr_agency *agency, const char *name);
emr_status agency_keep(emr_agency *agency, const char *name, const emr_fragment *fragment);
/* EMR_NOT_FOUND. */
emr_status agency_fetch(emr_agency *agency, const char *name, const uint8_t owner_pk[32],
	const emr_grant_terms *terms, const uint8_t A[32], const uint8_t B[32], emr_fragment **out);
/* Overwrites, flushes, removes. */
emr_status agency_shred(emr_agency *agency, const char *name);

/* One fragment's file. */
typedef struct agency_file {
	char name[FRAGMENT_NAME_BYTES];
	emr_id16 domain, grant;
	uint32_t epoch;
} agency_file;
/* All of them: agency_file, ... appended. */
emr_status agency_list(const emr_agency *agency, emr_buf *out);

emr_status agency_load_boxes(emr_agency *agency);
void agency_free_boxes(emr_agency *agency);

/* Before Q is looked at: sends what waits, where Q's answer cannot wait with it.  As agency_send.
 */
emr_status agency_make_room(emr_agency *agency, const question *q, emr_release_tally *tally);
/* Answers Q: converts what may be given, or refuses. An answer that gives keys waits for
 * agency_send, and Q is emptied then. */
emr_status agency_answer(emr_agency *agency, question *q, emr_release_tally *tally);
/* Sends what waits.  When it fails nothing waits any more, and the questions are still open: that
 * is no fault of one of them, which could be passed over. */
emr_status agency_send(emr_agency *agency, emr_release_tally *tally);
/* Answers requests to trustees whose delay is over (agency_recover.c); TALLY->next_ms becomes less
 * where one waits. */
emr_status agency_recover(emr_agency *agency, emr_release_tally *tally);
/* Whether keys of DOMAIN may be released, as far as restarts of the ledger's host are concerned. */
emr_status agency_may_release(emr_share *share, emr_id16 domain, bool *out_may);
