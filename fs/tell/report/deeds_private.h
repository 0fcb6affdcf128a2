/* The files that make the log, and those that gather openings for it, share these functions.
 * They do not know what a record is called. */
#pragma once

#include "report/deeds.h"
#include "report/openings.h"

/* The owner's name in it; borrowed from SESSION. */
const char *deeds_own_name(const emr_session *session);
/* NAME, as people read it: "you" and "the owner", which stand in JSON, are words. */
const char *deeds_called(const char *name);
/* The path of ENTRY, or how many files in which folder when it stands for several (folding.c);
 * OTHERWISE when nobody knows it. */
void deeds_put_path(FILE *to, const json_t *entry, const char *otherwise);
/* Writes the name of ENTRY's author, as people read it. */
void deeds_who(const json_t *entry, char *out, size_t size);

/* These functions gather openings: what the owner's and the auditor's half share. It does not
 * know what a record is called. */

#define UNANSWERED_S 120 /* until then a question is not told */

typedef struct gathering {
	const emr_session *session;
	emr_share *share;
	emr_crowd crowd;
	emr_openings *out;
	uint64_t since, now;
	emr_id16 domain;
} gathering;

/* Finds the signer of what came with entry SEQ, under the name of that time, in the list's
 * people. */
emr_status gathering_person(gathering *g, emr_id32 signer, uint64_t seq, size_t *out_who);
/* One more behind the list, which the caller counts when it is whole. */
emr_status gathering_add(gathering *g, const emr_audit_entry *entry, emr_opening **out);
/* Adds what the owner gave and took back, behind the list's dealings. */
emr_status gathering_dealings(gathering *g);
/* Adds what this person left in others' folders, among them. */
emr_status gathering_left(gathering *g);
emr_status gathering_add_dealing(emr_openings *o, const emr_dealing *one);
/* Agents, too, have names. */
emr_status gathering_agents(gathering *g);
/* *PATH, owned, becomes NAME; false: no memory, and *PATH is NULL. */
bool openings_name(char **path, const char *name);
int openings_by_entry(const void *a, const void *b);
/* Of emr_share_staff: one entry a record. */
emr_status gathering_staff_record(gathering *g, const emr_audit_entry *entry);
