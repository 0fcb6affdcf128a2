/* Whether the folder may be changed, and what the ledger and the local copy of it said last. */
#pragma once

#include "node.h"

/* A status that says the ledger contradicts itself or what this computer has verified. */
bool view_ledger_is_wrong(emr_status status);
/* Without view->lock: nothing may be changed.  The publisher may say so at any time: who holds the
 * lock reads the option. */
bool view_is_read_only(emr_view *view);
/* The folder is read-only from now on, and says so once. */
void view_stop_writing(emr_view *view, emr_status why);
/* Whether WHY was damage of the ledger or of the local copy, and is put right now: what failed may
 * be tried again. */
bool view_mend_ledger(emr_view *view, emr_status why);

/* What the ledger said last: once when it is away, once when it is back.  Without view->lock. */
void view_hear_ledger(emr_view *view, emr_status status);
