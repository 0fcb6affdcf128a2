/* With copies-before-register a file goes to the ledger only when other places have a copy. This
 * list says which files wait, and for how many copies. */
#pragma once

#include "edit.h"

/* N is in a batch that waits for its copies, or would be in the next one behind it.  Under
 * view->lock. */
bool awaiting_holds(const emr_view *view, const node *n);
/* *OUT_ROOT: what N's copies are made of, or zero when it is behind another; under view->lock. */
bool awaiting_root(const emr_view *view, const node *n, emr_cid *out_root);
/* Copies have come since the last run, and something waits for them.  Under view->lock. */
bool awaiting_is_due(const emr_view *view);
/* Learns which changes wait now, as the journal has them: at the opening, and when changes that
 * have their copies were sent. Without view->lock. */
emr_status awaiting_learn(emr_view *view);
/* At the beginning of a run, and when it has sent what it could.  Without view->lock. */
emr_status awaiting_begin(emr_view *view);
void awaiting_end(emr_view *view, emr_status status);
void awaiting_free(emr_view *view);
