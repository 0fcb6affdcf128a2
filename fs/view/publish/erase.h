/* Erasing for good: rows E say which objects, the ledger purges their private parts, and nothing of
 * them stays in the state. Refuses nothing that a person asked for: what cannot be finished now is
 * tried again, also after a restart. */
#pragma once

#include "erasing.h"

/* At open, after the tree: what an earlier mount has begun.  Nodes that it did not come to are
 * removed. */
emr_status erase_load(emr_view *view);
/* On the publishing thread, between its runs: one try at everything that is being erased. */
void erase_run(emr_view *view);

/* ---- under view->lock */
bool erase_is_due(const emr_view *view);
/* What others erased before this mount, and this computer has bytes of without showing
 * it, is begun here, too: once, by the publishing thread, a moment after opening, and again when it
 * could not come to its end. */
void erase_look_back(emr_view *view);
void erase_look_soon(emr_view *view);
int64_t erase_look_due(const emr_view *view); /* under view->lock; INT64_MAX: not any more */
/* N has no name any more, and nobody inherits its record. */
emr_status erase_node(emr_view *view, node *n);
