/* The files that make the log, and those that gather openings for it, share these functions.
 * They do not know what a record is called. */
#pragma once

#include <stdio.h>

#include "report/deeds.h"

/* The words that every entry of the log has; zeros stand for nothing, and so does NULL. */
typedef struct entry_words {
	uint64_t seq, at;
	emr_id32 batch_id;
	bool in_annex;
	const emr_who *who;  /* NULL: the owner */
	const char *own;     /* what the owner is called */
	const char *team;    /* NULL: no member */
	const char *purpose; /* NULL: of an event, which has no software either */
	const char *action, *path, *from;
	uint8_t type;	  /* emr_meta_type */
	uint64_t version; /* 0: none */
	bool has_bytes, has_whole, is_whole, is_software, is_proven;
	uint64_t bytes;
	json_t *released_by; /* taken; NULL: no memory */
} entry_words;

/* NULL without memory. */
json_t *deeds_json(const entry_words *words);
/* An opening as an entry, as emr_dealing_json. */
json_t *deeds_opening_json(const emr_openings *openings, const emr_told *told);
/* "opened MRI.pdf v3 (whole)   reported; ...": what follows who it was. */
void deeds_opening_line(FILE *to, const json_t *entry);
/* "Ana Silva  shared   Imaging with Paula Lima, São Lucas, to read until 20 Dec 2026, for treatment
 * proven, entry 41": what follows the time. */
void deeds_dealing_line(FILE *to, const json_t *entry);

/* The owner's name in it; borrowed from SESSION. */
const char *deeds_own_name(const emr_session *session);
/* NAME, as people read it: "you" and "the owner", which stand in JSON, are words. */
const char *deeds_called(const char *name);
/* The path of ENTRY, or how many files in which folder when it stands for several (folding.c);
 * OTHERWISE when nobody knows it. */
void deeds_put_path(FILE *to, const json_t *entry, const char *otherwise);
/* Writes the name of ENTRY's author, as people read it. */
void deeds_who(const json_t *entry, char *out, size_t size);

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
