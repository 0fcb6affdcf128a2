/*
 * clock_shim - a preloaded library that moves the wall clock of a program by EMR_CLOCK_SECONDS, or
 * by the number of seconds in the file EMR_CLOCK_FILE, which a test may write while the program
 * runs, or has the clock by which it waits run EMR_CLOCK_HASTE times as fast, so that minutes are
 * seconds.
 *
 * Only CLOCK_REALTIME and time(2), or CLOCK_MONOTONIC and what waits for a condition until a time
 * of it, as the program asks for them; the files of the kernel keep their times, and deadlines of
 * requests (CLOCK_BOOTTIME) their length.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))
#define MONOTONIC_S_MAX 1000000000 /* a wall clock says more, a clock since the start less */

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static const char *moved_file;
static long moved_s, haste = 1;
static int64_t begun_ns;

static int64_t ns_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static long number_of(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? atol(text) : otherwise;
}

/* The oldest of its versions would take the condition for one that is older than its clocks. */
static void begin(void)
{
	struct timespec now;

	*(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	if (real_timedwait == NULL)
		*(void **)&real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	moved_s = number_of("EMR_CLOCK_SECONDS", 0);
	moved_file = getenv("EMR_CLOCK_FILE");
	haste = number_of("EMR_CLOCK_HASTE", 1);
	(void)real_gettime(CLOCK_MONOTONIC, &now);
	begun_ns = ns_of(&now);
}

static void begin_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, begin);
}

static long said_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof text - 1) < 0)
		text[0] = 0;
	(void)close(fd);
	return atol(text);
}

SHIM int clock_gettime(clockid_t clock, struct timespec *out)
{
	int result;

	begin_once();
	result = real_gettime(clock, out);
	if (result == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += moved_file != NULL ? said_in(moved_file) : moved_s;
	if (result == 0 && clock == CLOCK_MONOTONIC && haste > 1)
		*out = time_of(begun_ns + (ns_of(out) - begun_ns) * haste);
	return result;
}

SHIM int pthread_cond_timedwait(
	pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	struct timespec real = *until;

	begin_once();
	if (haste > 1 && until->tv_sec < MONOTONIC_S_MAX)
		real = time_of(begun_ns + (ns_of(until) - begun_ns) / haste);
	return real_timedwait(cond, mutex, &real);
}

SHIM time_t time(time_t *out)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
