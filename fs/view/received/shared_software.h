/* user.emrfs.software of a received share says which programs may read there on their own: none
 * ("refuse"), unless the reader says something else of a directory. */
#pragma once

#include "shared.h"

/* Under view->lock: what the reader said of N itself; false: nothing, and *OUT stays as it is. */
bool shared_software_said(const emr_view *view, const node *n, emr_bytes *out);
/* The programs that may read at N. */
emr_bytes shared_software_at(const emr_view *view, const node *n);
/* The same if N said nothing itself. */
emr_bytes shared_software_above(const emr_view *view, const node *n);
/* Under view->lock: N says VALUE, which was checked; empty takes it back.  Of a file it says
 * nothing. */
emr_status shared_set_software(emr_view *view, const node *n, emr_bytes value);
void shared_forget_software(emr_view *view);
