/* This file tells the time, which tests set, and waits on a condition for at most so long. */
#include "clock.h"

#include <time.h>

int64_t view_now_ns(const emr_view *view)
{
	return emr_clock_unix_ns(view->options.clock);
}

int64_t view_boot_ns(const emr_view *view)
{
	return emr_clock_boot_ns(view->options.clock);
}

void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns)
{
	struct timespec until;

	if (ns < 0) {
		pthread_cond_wait(cond, &view->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ns / 1000000000;
	until.tv_nsec += ns % 1000000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(cond, &view->lock, &until);
}
