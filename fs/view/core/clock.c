/* This file tells the time, which tests set, and waits on a condition for at most so long. */
#include "node.h"

#include "base/worker.h"

int64_t view_now_ns(const emr_view *view)
{
	return emr_clock_unix_ns(view->options.clock);
}

int64_t view_boot_ns(const emr_view *view)
{
	return emr_clock_boot_ns(view->options.clock);
}

#define MOMENT_PART 5 /* of the quiet time */

static int64_t moment_ns(const emr_view *view)
{
	return view->options.quiet_ns / MOMENT_PART;
}

int64_t view_next_lull(const emr_view *view)
{
	return __atomic_load_n(&view->busy_boot_ns, __ATOMIC_RELAXED) + moment_ns(view);
}

void view_note_reader(emr_view *view)
{
	__atomic_store_n(&view->space.read_boot_ns, view_boot_ns(view), __ATOMIC_RELAXED);
}

int64_t view_next_calm(const emr_view *view)
{
	const int64_t lull = view_next_lull(view);
	const int64_t read =
		__atomic_load_n(&view->space.read_boot_ns, __ATOMIC_RELAXED) + moment_ns(view);

	return read > lull ? read : lull;
}

void view_note_busy(emr_view *view)
{
	int64_t now = view_boot_ns(view);

	if (now - view->busy_boot_ns >= view->options.quiet_ns)
		view->waits_for_quiet = false;
	__atomic_store_n(&view->busy_boot_ns, now, __ATOMIC_RELAXED);
}

int64_t view_soonest_ns(const emr_view *view)
{
	return view->waits_for_quiet ? view->options.quiet_ns : moment_ns(view);
}

void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	emr_cond_wait_until(
		cond, &view->lock, ns < 0 || ns > EMR_NEVER_NS - now ? EMR_NEVER_NS : now + ns);
}
