/* The blocks of a state that came back from a second copy.  A member's lie in the network's
 * directory, where any member may have put older files of the owner's, or none: a block that the
 * copy has and the directory lacks is taken from the copy, and a block that neither has is counted.
 * Nothing that is in either is thrown away before all that is needed was found whole. */
#pragma once

#include "session/session.h"
#include "session/shared_blocks.h"

typedef struct emr_restored_blocks {
	char *dir; /* of the network, owned; NULL: the blocks are the state's own */
	char aside[EMR_BLOCKS_ASIDE_MAX]; /* in DIR/blocks: what it had of this device; "": nothing
					   */
	emr_store *sources[2];		  /* of the copy, and what went aside */
	size_t count;
} emr_restored_blocks;

#define EMR_RESTORED_BLOCKS_NONE ((emr_restored_blocks){.dir = NULL})

/* The versions that were looked for: every one on the ledger that this computer can tell to be its
 * person's, and whatever the later of copy and directory pins. */
typedef struct emr_blocks_found {
	uint64_t versions; /* different ones, registered or sent */
	uint64_t others;   /* written, and no batch names them: not sent yet, or left behind */
	uint64_t lacking;  /* of both, such that a block is nowhere, or is not what it was */
	uint64_t brought;  /* blocks that were taken from a source */
} emr_blocks_found;

/* The state's blocks, restored and not open, become those of this device in DIR (of its network).
 * The two journals say which is the later: what is sealed under this keyring nobody else can
 * make later than it was.  The keyring of SESSION must be open, and no part. */
emr_status emr_restored_blocks_settle(const emr_session *session, const char *dir,
	emr_restored_blocks *out, emr_problem *out_problem);
/* With the parts open and the ledger followed: looks at each block, all of it, and takes from the
 * sources what is not there.  PROGRESS may be NULL. */
typedef void (*emr_blocks_progress_fn)(void *arg, uint64_t done, uint64_t of);
emr_status emr_restored_blocks_bring(emr_session *session, const emr_restored_blocks *blocks,
	emr_blocks_progress_fn progress, void *arg, emr_blocks_found *out_found);
/* Nothing lacks: what went aside goes, and the copy's files in the state; else the former stays. */
emr_status emr_restored_blocks_done(
	const emr_session *session, emr_restored_blocks *blocks, const emr_blocks_found *found);
void emr_restored_blocks_free(emr_restored_blocks *blocks);
