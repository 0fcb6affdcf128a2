/* This makes one copy of one file, for one dataset: the only place where copies are made, for every
 * caller. Originals are read from the open folder into memory, copied there by the helper that may
 * do nothing else, and the copy is written into the folder again, where it is encrypted. It refuses
 * a version that is not on the ledger yet, and one that changes meanwhile. */
#pragma once

#include "deidentify/deidentify.h"
#include "session/session.h"
#include "share/teams.h"
#include "sharing/copies.h"

#define COPY_NAME_BYTES 64
#define COPY_NAME "STUDY-[a-z2-7]*/SERIES-[a-z2-7]*/[0-9]*-[a-z2-7]*.dcm"
#define COPY_FILES "FILES" /* NIfTI, EDF, BDF, genomes */
#define COPY_FILE_NAME COPY_FILES "/FILE-[a-z2-7]*.*"
#define COPY_HALF ".part" /* what a copy is called while it is written */

typedef struct version {
	emr_id16 object;
	uint64_t number;
} version;

/* Zeros: closed.  One thread at a time. */
typedef struct cleaner {
	emr_session *session;
	emr_copies copies;
	emr_id32 terms_id;
	emr_id32 dataset_id; /* emr_copies_dataset_id */
	emr_secret key;
	emr_deidentifier *deidentifier;
} cleaner;

/* Finds copies, says of what they are and removes them, without the program that makes them. */
emr_status cleaner_find(emr_session *session, const emr_team *dataset, cleaner *out);
/* EMR_UNSUPPORTED: the program that makes copies is not installed. */
emr_status cleaner_open(emr_session *session, const emr_team *dataset, cleaner *out);
void cleaner_close(cleaner *c);
#define AUTO_CLEANER __attribute__((cleanup(cleaner_close))) cleaner

/* The version that the file NODE is.  EMR_BUSY: not on the ledger yet. */
emr_status cleaner_version(const cleaner *c, uint64_t node, version *out);
/* The origin that the statement of a copy of VERSION gives. */
void cleaner_source(const cleaner *c, const version *v, uint8_t out[32]);
/* By which rules, as it says besides. */
void cleaner_rules(const cleaner *c, uint8_t out[32]);

/* *OUT_FD: the copy of NODE, in memory, which the caller closes, and NAME below the folder of
 * copies.  *OUT_WHY: why there is none (reasons.c), or NULL.  EMR_BUSY: bytes of it are not on this
 * computer, and no place gives them now. */
emr_status cleaner_make(cleaner *c, uint64_t node, const version *v, int *out_fd,
	emr_deidentified *what, char name[COPY_NAME_BYTES], const char **out_why);
/* Puts it there, whole or not at all, instead of what has that name.  *MADE (may be NULL) counts
 * the folders of the copies' path that were not there, from the last. */
emr_status cleaner_put(cleaner *c, int fd, const char *name, const version *v, unsigned *out_made);
/* Takes one back, before anything else goes to the ledger, and the folders that have nothing else
 * in them.  *OUT_WAS becomes true if it was there. */
emr_status cleaner_remove(cleaner *c, const char *name, bool *out_was);
/* The same for good, of one that showed too much: no frozen state of the dataset keeps it. */
emr_status cleaner_erase(cleaner *c, const char *name, bool *out_was);
/* An empty folder goes. */
emr_status cleaner_rmdir(cleaner *c, uint64_t parent, const char *name);
