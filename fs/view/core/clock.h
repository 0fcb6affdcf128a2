/* These are the clocks of an open folder, which a test may replace: the time of day, and the
 * time since the computer started. */
#pragma once

#include "node.h"

int64_t view_now_ns(const emr_view *view); /* wall */
int64_t view_boot_ns(const emr_view *view);
/* Under view->lock: when nothing will have been changed here for a moment, if nothing is from now
 * on. It may have passed. */
int64_t view_next_lull(const emr_view *view);
/* Under view->lock: until woken or NS have passed (negative: until woken). */
void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns);
