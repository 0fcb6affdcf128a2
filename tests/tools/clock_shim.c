/*
 * clock_shim - a preloaded library that moves the wall clock of a program by EMR_CLOCK_SECONDS.
 *
 * Only CLOCK_REALTIME and time(2) as the program asks for them; the files of the kernel keep their
 * times.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#define SHIM __attribute__((visibility("default")))

static long moved_s(void)
{
	const char *seconds = getenv("EMR_CLOCK_SECONDS");

	return seconds != NULL ? atol(seconds) : 0;
}

SHIM int clock_gettime(clockid_t clock, struct timespec *out)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(clock, out);
	if (result == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += moved_s();
	return result;
}

SHIM time_t time(time_t *out)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
