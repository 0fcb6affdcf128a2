/* These functions end a working copy, and remove its spill (the encrypted file that holds what
 * does not fit into memory) once no row on the disk names it any more. */
#pragma once

#include "node.h"

/* A working copy that was taken out of its file. */
typedef struct ended {
	emr_staging *staging; /* NULL: there was none */
	bool keep_spill;
} ended;
/* Takes the working copy of F, which no row names from the journal's present position on.  Under
 * view->lock, nobody else at F.  Its spill is removed once the disk knows that, too: a power cut
 * may bring the old row back. */
ended take_working_copy(emr_view *view, file *f);
/* Its end, with or without view->lock. */
void end_working_copy(ended e);
/* Without view->lock: removes the spills that may go now. */
void remove_doomed(emr_view *view);
