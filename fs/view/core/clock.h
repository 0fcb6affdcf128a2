/* These are the clocks of an open folder, which a test may replace: the time of day, and the
 * time since the computer started. */
#pragma once

#include "node.h"

int64_t view_now_ns(const emr_view *view); /* wall */
int64_t view_boot_ns(const emr_view *view);
/* Under view->lock: when nothing will have been changed here for a moment, if nothing is from now
 * on. It may have passed. */
int64_t view_next_lull(const emr_view *view);
/* Something is changed now.  Behind a pause a burst of changes begins. */
void view_note_busy(emr_view *view);
/* How soon a file that is changed now may be published: a moment, or the quiet time (quiet.c). */
int64_t view_soonest_ns(const emr_view *view);
/* Under view->lock: until woken or NS have passed (negative: until woken). */
void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns);
