/* These functions keep what this person agreed to: which folders follow into which datasets, and
 * which of their files cannot follow, as the person was told. It is one small sealed file of the
 * state, which is not in a backup: after a restore the person is asked again, by joining again. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "session/session.h"

#define EMR_STATE_FOLLOWS "follows"
#define AGREED_MAX 200
#define WITHHELD_MAX                                                                               \
	100000 /* in the file: more are looked at, and told, each time the folder is opened */
#define WITHHELD_KNOWN_MAX 2000000 /* since then */

typedef struct agreed_row {
	emr_id32 dataset; /* emr_copies_dataset_id: what was agreed to */
	emr_id16 object;  /* of the folder or file, as the ledger has it */
	uint64_t at_unix_s;
	bool was_in; /* its copies were granted: when they are not any more, she has left */
	char *path;  /* as it was called last; owned */
} agreed_row;

typedef struct told {
	uint8_t source[16];
	uint8_t why;	  /* private.h */
	bool was_retried; /* since the folder was opened; not in the file */
} told;

/* Not thread-safe: the caller's lock. */
typedef struct agreed {
	agreed_row *rows;
	size_t n;
	told *told; /* by source */
	size_t n_told;
} agreed;

/* No file: nothing was agreed to.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status agreed_load(const emr_session *session, agreed *out);
emr_status agreed_save(const emr_session *session, const agreed *a);
emr_status agreed_parse(emr_bytes plain, agreed *out); /* for fuzzing; frees nothing on failure */
void agreed_free(agreed *a);

/* NULL: none. */
agreed_row *agreed_find(const agreed *a, emr_id32 dataset, const char *path);
/* The row is there when it returns.  EMR_LIMIT. */
emr_status agreed_add(agreed *a, emr_id32 dataset, emr_id16 object, const char *path, uint64_t now);
void agreed_drop(agreed *a, agreed_row *row);
/* Every row of TERMS goes; whether there was one. */
bool agreed_drop_all(agreed *a, emr_id32 dataset);
told *agreed_told(const agreed *a, const uint8_t source[32]);
/* EMR_LIMIT. */
emr_status agreed_tell(agreed *a, const uint8_t source[32], uint8_t why);
