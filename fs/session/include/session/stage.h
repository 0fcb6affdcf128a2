/* A directory of its own inside the state, in which a keyring and all that belongs to it are made
 * and from which they get their places last.  It refuses a state that has a keyring, or what is
 * left of one. */
#pragma once

#include "kit/out.h"
#include "session/session.h"

typedef struct emr_stage {
	int state_fd, lock_fd; /* -1 = not open */
	char name[64];	       /* "" = not made, or whole */
	char *path;	       /* owned */
	bool is_whole;	       /* what was made is a keyring, and what it refers to stays */
} emr_stage;

#define EMR_STAGE_NONE ((emr_stage){.state_fd = -1, .lock_fd = -1})

/* Opens the state (made when missing), locks it, goes on with a move that was interrupted, and
 * removes stages that were not whole.
 * EMR_EXISTS, EMR_BUSY: "has-keyring". */
emr_status emr_stage_claim(emr_stage *stage, const emr_places *places, emr_problem *out_problem);
/* Makes the directory; SESSION gets its descriptor and path. */
emr_status emr_stage_make(
	emr_stage *stage, const emr_places *places, emr_session *session, emr_problem *out_problem);
/* Each part gets its place, the keyfile last.  Everything in it must be closed.  After an error the
 * keyring may be whole (is_whole): then the next start goes on. */
emr_status emr_stage_move_in(emr_stage *stage);
/* Goes on with a move into the state that was interrupted, if there is one.  EMR_BUSY: somebody
 * holds the state. */
emr_status emr_stage_go_on(int state_fd);
/* A file, or a directory with all that is in it. */
emr_status emr_stage_remove_tree(int dirfd, const char *name);
/* All in the state whose names begin with PREFIX. */
emr_status emr_stage_remove_all(int state_fd, const char *prefix);
/* Removes what did not get a place; a failure is said to OUT. */
void emr_stage_end(emr_stage *stage, emr_out *out);
