/* Two computers may change one file at the same time. This says how the second copy is called, and
 * which such copies there are. It takes no bytes away: both stay. */
#pragma once

#include "tree.h"

/* A copy, of which a person is told. */
typedef struct view_conflict {
	uint64_t number; /* of its node */
	emr_id32 by;	 /* whose key signed the other one, as the ledger says; zero: not known */
	char owner[EMR_NAME_MAX + 1]; /* of the folder, when that is another's: whose keys are
					 registered nowhere */
} view_conflict;

/* "HEAD" "WHO, 2026-11-20 14.05)", with no slash in it: what is said in the name of that which was
 * written in two places. */
void conflict_mark(const char *head, const char *who, int64_t unix_ns, char out[EMR_NAME_MAX + 1]);
/* Under view->lock: "NAME (conflict, WHO, 2026-11-20 14.05).EXT" for N, after the time of what was
 * written here, free in N's directory. */
void conflict_name(const emr_view *view, const node *n, char out[EMR_NAME_MAX + 1]);
/* Was NAME made by that, here or on another computer?  It is what a person sees, too: whoever
 * renames the copy has decided. */
bool conflict_is_copy(const char *name);
/* Under view->lock: N, whose bytes are frozen if it has any here, becomes a record of its own under
 * NAME in its directory, in the journal first; on an error it is what it was. */
emr_status conflict_leave_record(emr_view *view, node *n, const char *name);
/* Without view->lock: a person is told of these copies (view_conflict, ...). */
void conflict_tell(emr_view *view, const emr_buf *conflicts);
