/* A record that goes from the ledger, or changes there, may take others along: whoever knows of
 * such is asked before the ledger hears of the one. */
#pragma once

#include "view/view.h"

/* A version that stood on the ledger in the owner's folder, as its name there goes or changes. */
typedef struct emr_leaving {
	emr_id16 object;
	uint64_t cver;	/* of a file */
	bool is_moving; /* it stays one, perhaps in another directory; a directory, too */
} emr_leaving;

/* ALL are about to go to the ledger, or have come from there.  By the publishing thread, without a
 * lock.  It may call emr_view_unlink_first: *OUT_HAS says that it did, and the ledger hears of that
 * before it hears of ALL.  EMR_NO_MEMORY and what the disk says: all is tried again. */
typedef emr_status (*emr_leaving_fn)(void *arg, const emr_leaving *all, size_t n, bool *out_has);
/* Before the view is started. */
typedef struct emr_leaving_asked {
	emr_leaving_fn fn;
	void *arg;
} emr_leaving_asked;
void emr_view_ask_leaving(emr_view *view, emr_leaving_asked asked);
/* As emr_view_unlink, and the ledger hears of it with the next run, before all else. */
emr_status emr_view_unlink_first(emr_view *view, uint64_t parent, const char *name);
