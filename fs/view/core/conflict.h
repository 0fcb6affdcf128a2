/* Two computers may change one file at the same time. This says how the second copy is called,
 * and which such copies there are. */
#pragma once

#include "tree.h"

/* Under view->lock: "NAME (conflict, WHO, 2026-11-20 14.05).EXT" for N, after the time of what was
 * written here, free in N's directory. */
void conflict_name(const emr_view *view, const node *n, char out[EMR_NAME_MAX + 1]);
/* Was NAME made by that, here or on another computer?  It is what a person sees, too: whoever
 * renames the copy has decided. */
bool conflict_is_copy(const char *name);
/* Under view->lock: the file beside N that N was a copy of; NULL where that is gone. */
node *conflict_original(const emr_view *view, const node *n);
