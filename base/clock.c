/* This file reads the two clocks of the computer: the time of day, and the time since boot,
 * which also counts while the computer sleeps. Tests put another clock in its place. */
#include "base/clock.h"

#include <time.h>

static int64_t now_ns(clockid_t id)
{
	struct timespec now = {0};

	/* Neither clock can fail on Linux with a valid pointer. */
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_unix_ns(const emr_clock *clock)
{
	(void)clock;
	return now_ns(CLOCK_REALTIME);
}

static int64_t system_boot_ns(const emr_clock *clock)
{
	(void)clock;
	return now_ns(CLOCK_BOOTTIME);
}

const emr_clock *emr_clock_system(void)
{
	static const emr_clock clock = {.unix_ns = system_unix_ns, .boot_ns = system_boot_ns};

	return &clock;
}
