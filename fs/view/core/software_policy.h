/* This is the attribute user.emrfs.software as the other parts of the view see it: what holds at
 * a node, and whether a new value would let more programs in. */
#pragma once

#include "node.h"

#define SOFTWARE_KEY "user.emrfs.software"

/* Under view->lock: what holds for N, and the directory that says so (the top, when none does; NULL
 * of what another shares). Borrowed. */
emr_bytes software_policy_at(const emr_view *view, const node *n, const node **out_directory);
/* Under view->lock: VALUE of the directory N would let in a program that N itself does not let in
 * by now, whatever the directories around it say; "": taken back, it would let in one that may not
 * read there now. */
bool software_widens(const emr_view *view, const node *n, emr_bytes value);
/* Without view->lock: VALUE was not taken for the node NUMBER, because it had not its code. */
void software_tell_unconfirmed(emr_view *view, uint64_t number, emr_bytes value);
void software_forget_all(emr_view *view);
