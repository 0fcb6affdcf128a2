/* This file tells the time, which tests set, and waits on a condition for at most so long. */
#include "clock.h"

#include "base/worker.h"

int64_t view_now_ns(const emr_view *view)
{
	return emr_clock_unix_ns(view->options.clock);
}

int64_t view_boot_ns(const emr_view *view)
{
	return emr_clock_boot_ns(view->options.clock);
}

#define LULL_PART 4 /* of the quiet time */

int64_t view_next_lull(const emr_view *view)
{
	return view->busy_boot_ns + view->options.quiet_ns / LULL_PART;
}

void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	emr_cond_wait_until(
		cond, &view->lock, ns < 0 || ns > EMR_NEVER_NS - now ? EMR_NEVER_NS : now + ns);
}
