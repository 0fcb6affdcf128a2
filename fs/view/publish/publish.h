/* This turns what has become quiet into changes of the ledger, and the ledger's answers into
 * changes of the tree. */
#pragma once

#include "edit.h"

/* One run.  ALL: quiet or not.  *OUT_LEFT: something that is not quiet, or failed for the moment,
 * remains. */
emr_status publish_run(emr_view *view, bool all);
/* Boot time at which the next run should begin: a change is quiet and so is the folder, or the
 * change has waited for 15 quiet times; INT64_MAX when nothing waits.  Under view->lock. */
int64_t publish_due(const emr_view *view);
/* True when nothing waits for the ledger.  Under view->lock. */
bool publish_is_idle(const emr_view *view);
