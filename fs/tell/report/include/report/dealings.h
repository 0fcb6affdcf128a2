/* This tells what the owner gave, took back and answered, and left in others' folders,
 * as entries of the log. It refuses to guess names: a folder is called what it was called then,
 * and not at all once what said so was erased. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "people/who.h"
#include "share/dealings.h"

typedef struct emr_dealing {
	emr_share_dealing said; /* asked is NULL: it is the path */
	size_t who;		/* the other party, in the list's people */
	char *path; /* as it was then, or in the asker's words (DENIED: hostile); owned; NULL: not
		       known (any more) */
	uint32_t subject; /* of the chronicle */
	bool has_subject;
	uint8_t type;	/* emr_meta_type; 0: not known */
	char *into;	/* LEFT: the folder, as its owner calls it; PATH is the name alone; owned */
	uint64_t bytes; /* LEFT, with a name */
} emr_dealing;

void emr_dealing_free(emr_dealing *dealing); /* what it owns */
/* One entry of the log, as emr_deed_json, besides `with`, `rights`, `until` and
 * `goes_on`, or of what was left `into`; OWN is what the owner is called, WHO the other party. NULL
 * without memory. */
json_t *emr_dealing_json(const emr_dealing *dealing, const emr_who *who, const char *own);
/* Whether ENTRY was made by it. */
bool emr_dealing_is(const json_t *entry);
/* "Ana Silva  shared   Imaging with Paula Lima, São Lucas, to read until 20 Dec 2026, for treatment
 * proven, entry 41": what follows the time. */
void emr_dealing_line(FILE *to, const json_t *entry);
