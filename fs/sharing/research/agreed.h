/* These functions keep what this person agreed to: of which folders copies go into which datasets.
 * It is one small sealed file of the state, which is not in a backup: after a restore the person is
 * asked again, by joining again. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "session/session.h"

#define EMR_STATE_AGREED "agreed"
#define AGREED_MAX 200

typedef struct agreed_row {
	emr_id32 dataset; /* emr_copies_dataset_id: what was agreed to */
	emr_id16 object;  /* of the folder or file, as the ledger has it */
	char *path;	  /* as it was called last; owned */
} agreed_row;

/* Not thread-safe: the caller's lock. */
typedef struct agreed {
	agreed_row *rows;
	size_t n;
} agreed;

/* No file: nothing was agreed to.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status agreed_load(const emr_session *session, agreed *out);
emr_status agreed_save(const emr_session *session, const agreed *a);
emr_status agreed_parse(emr_bytes plain, agreed *out); /* for fuzzing; frees nothing on failure */
void agreed_free(agreed *a);

/* NULL: none. */
agreed_row *agreed_find(const agreed *a, emr_id32 dataset, const char *path);
/* The row is there when it returns.  EMR_LIMIT. */
emr_status agreed_add(agreed *a, emr_id32 dataset, emr_id16 object, const char *path);
void agreed_drop(agreed *a, agreed_row *row);
