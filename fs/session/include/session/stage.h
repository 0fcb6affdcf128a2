/* A directory of its own inside the state, in which a keyring and all that belongs to it are made
 * and from which they get their places last.  It refuses a state that has a keyring, or what is
 * left of one. */
#pragma once

#include "kit/out.h"
#include "session/session.h"

typedef struct emr_stage {
	int state_fd, lock_fd; /* -1 = not open */
	char name[64];	       /* "" = not made */
	char *path;	       /* owned */
} emr_stage;

#define EMR_STAGE_NONE ((emr_stage){.state_fd = -1, .lock_fd = -1})

/* Opens the state (made when missing), locks it, and removes stages that were interrupted.
 * EMR_EXISTS, EMR_BUSY: "has-keyring". */
emr_status emr_stage_claim(emr_stage *stage, const emr_places *places, emr_problem *out_problem);
/* Makes the directory; SESSION gets its descriptor and path. */
emr_status emr_stage_make(
	emr_stage *stage, const emr_places *places, emr_session *session, emr_problem *out_problem);
/* Each part gets its place, the keyfile last.  Everything in it must be closed. */
emr_status emr_stage_move_in(const emr_stage *stage);
/* A file, or a directory with all that is in it. */
emr_status emr_stage_remove_tree(int dirfd, const char *name);
/* All in the state whose names begin with PREFIX. */
emr_status emr_stage_remove_all(int state_fd, const char *prefix);
/* Removes what did not get a place; a failure is said to OUT. */
void emr_stage_end(emr_stage *stage, emr_out *out);
