/* The files that make the log, and those that gather openings for it, share these functions.
 * They do not know what a record is called. */
#pragma once

#include "report/deeds.h"

/* Events before a join have entries of another ledger: none of this one is as early. */
static inline uint64_t event_seq(const emr_event *event)
{
	return event->in_annex ? 0 : event->seq;
}

static inline bool told_is_names(const emr_told *told) /* of a whole folder */
{
	return told->opening != NULL && told->opening->slot.kind == EMR_CAPSULE_LISTING;
}

typedef struct gathering {
	const emr_session *session;
	emr_share *share;
	emr_crowd crowd;
	emr_openings *out;
	uint64_t since, now;
} gathering;

/* Finds the signer of what came with entry SEQ, under the name of that time, in the list's
 * people. */
emr_status gathering_person(gathering *g, emr_id32 signer, uint64_t seq, size_t *out_who);
/* One whom nothing here names, once for each domain. */
emr_status gathering_nameless(gathering *g, emr_id16 domain, size_t *out_who);
/* Adds ONE, a dealing with PERSON, behind the list, which owns what it owns, also after an
 * error. */
emr_status gathering_add(emr_openings *o, emr_told *one);
/* Adds what this person left in others' folders. */
emr_status gathering_left(gathering *g);
