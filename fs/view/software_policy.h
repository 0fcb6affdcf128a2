/* The attribute user.emrfs.software inside the view. */
#pragma once

#include "node.h"

#define SOFTWARE_KEY "user.emrfs.software"

/* Under view->lock: what holds for N, and the directory that says so (the top, when none does; NULL
 * of what another shares). Borrowed. */
emr_bytes software_policy_at(const emr_view *view, const node *n, const node **out_directory);
void software_forget_all(emr_view *view);
