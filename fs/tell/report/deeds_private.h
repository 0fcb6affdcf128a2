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

/* Finds the person with the key ID, by the name of entry SEQ, in the list's people. */
bool openings_person(const emr_openings *o, emr_id32 id, uint64_t seq, size_t *out_who);
