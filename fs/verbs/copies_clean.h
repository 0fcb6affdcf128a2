/* Copies of a folder's files for a de-identified dataset: looked at first, when nothing is written
 * and nothing given, and then written into a folder of the open mount, under names that are made of
 * nothing but the copies.  It refuses a folder that has something else in it: whoever reads the
 * dataset would see that, too. */
#pragma once

#include "base/id.h"
#include "base/secret.h"
#include "deidentify/deidentify.h"
#include "kit/out.h"

typedef struct emr_clean_copy {
	char *from; /* absolute: the original */
	char to[64];
	bool is_there; /* of this version: from an earlier time */
} emr_clean_copy;

/* Zeros but for the first nine. */
typedef struct emr_cleaning {
	emr_out *out;
	const char *dataset;   /* as people call it */
	const char *folder;    /* where the mount is; the next two are paths in it */
	const char *from, *to; /* a folder or a file; of the copies */
	const char *pseudonym;
	emr_secret secret;	    /* of the copies (fs/sharing/copies.h); the caller's */
	emr_id32 terms;		    /* SHA-256 of the dataset's terms */
	emr_deidentify_rules rules; /* that they say */

	emr_secret key;
	emr_deidentifier *deidentifier;
	emr_clean_copy *copies;
	size_t n, room, n_new, n_written;
	json_t *names;	    /* of copies: a set */
	json_t *withheld;   /* [{path why}]: paths are in the folder */
	uint64_t looked_at; /* files */
	uint64_t waited_ms; /* for what was not on the ledger yet */
	uint64_t changed, removed;
	unsigned made; /* folders of TO's path, from the last, that were not there before */
} emr_cleaning;

/* What can be given of FROM, and why the rest cannot: nothing is written to any disk.  Messages of
 * its own: `not-copies`, `never-shared`. */
emr_status emr_cleaning_look(emr_cleaning *cleaning, emr_problem *out_problem);
/* In words, and as fields of the answer. */
void emr_cleaning_say(const emr_cleaning *cleaning);
/* Writes the copies that are not there.  What fails in the middle of it leaves nothing behind in a
 * folder that was made for it. */
emr_status emr_cleaning_write(emr_cleaning *cleaning, emr_problem *out_problem);
/* Removes what was written into a folder that was made for it; false: something stays there. */
bool emr_cleaning_undo(emr_cleaning *cleaning);
void emr_cleaning_end(emr_cleaning *cleaning);
