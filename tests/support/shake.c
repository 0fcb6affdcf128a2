/*
 * shake - a preloaded library that lets the threads of a program meet in orders that are rare by
 * themselves.
 *
 *   EMR_SHAKE_SEED=NUMBER [EMR_SHAKE_ONE_IN=NUMBER] LD_PRELOAD=libemr_shake.so PROGRAM
 *
 * Before and after one in so many (64) calls that take, give or signal a lock, start a thread,
 * read, write or flush, the caller sleeps up to 2 ms, and once in a while 20 ms; altogether no
 * thread sleeps much longer than twice the time it works, so that a long test stays one.  A program
 * with one thread is left alone.  Each thread draws from the seed and its own number, so the same
 * seed gives the same delays, though not the same meeting: it repeats a finding roughly.  Without
 * a seed it takes one and says which on stderr.
 *
 * What is called is the next definition: with ThreadSanitizer that is the sanitizer's, which goes
 * on seeing every lock. So this file is compiled without sanitizers, and its calls appear in their
 * reports in the place of the program's.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))
#define SHORT_US 2000
#define LONG_US 20000
#define LONG_ONE_IN 32
#define FREE_NS 500000000 /* what a thread may sleep before it has worked */
#define SLEEP_FOR_WORK 2

static uint64_t seed;
static uint64_t one_in = 64;
static atomic_bool has_threads;
static atomic_uint_fast64_t threads;
static _Thread_local uint64_t state;
static _Thread_local int64_t slept_ns;

__attribute__((constructor)) static void start(void)
{
	const char *given = getenv("EMR_SHAKE_SEED"), *rate = getenv("EMR_SHAKE_ONE_IN");
	struct timespec now;

	if (rate != NULL && strtoull(rate, NULL, 10) > 0)
		one_in = strtoull(rate, NULL, 10);
	if (given != NULL) {
		seed = strtoull(given, NULL, 10);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	seed = (uint64_t)now.tv_nsec / 1000;
	dprintf(2, "shake: EMR_SHAKE_SEED=%llu\n", (unsigned long long)seed);
}

/* SplitMix64: also neighbouring seeds give unlike numbers. */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return x ^ (x >> 31);
}

static uint64_t draw(void)
{
	if (state == 0)
		state = mixed(seed + 1) + mixed(atomic_fetch_add(&threads, 1) + 1);
	state += 0x9e3779b97f4a7c15U;
	return mixed(state);
}

static bool may_sleep(void)
{
	struct timespec worked;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
	return slept_ns <
	       FREE_NS + SLEEP_FOR_WORK * (worked.tv_sec * INT64_C(1000000000) + worked.tv_nsec);
}

/* Sleeps, or mostly not; errno stays what it is. */
static void shake(void)
{
	int error = errno;
	struct timespec pause = {0};
	uint64_t drawn;

	if (!atomic_load_explicit(&has_threads, memory_order_relaxed) || draw() % one_in != 0 ||
		!may_sleep())
		return;
	drawn = draw();
	pause.tv_nsec = 1000 * (long)(drawn % LONG_ONE_IN == 0 ? LONG_US : (drawn >> 8) % SHORT_US);
	nanosleep(&pause, NULL);
	slept_ns += pause.tv_nsec;
	errno = error;
}

/* Stands in for a function: the next definition of that name, with a sleep before and after it. */
#define SHAKEN(result, name, parameters, arguments)                                                \
	SHIM result name parameters                                                                \
	{                                                                                          \
		static result(*_Atomic next) parameters;                                           \
		result(*real) parameters = atomic_load(&next);                                     \
		result outcome;                                                                    \
                                                                                                   \
		if (real == NULL) { /* threads that come first together find the same one */       \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
			atomic_store(&next, real);                                                 \
		}                                                                                  \
		shake();                                                                           \
		outcome = real arguments;                                                          \
		shake();                                                                           \
		return outcome;                                                                    \
	}

SHAKEN(int, pthread_mutex_lock, (pthread_mutex_t * lock), (lock))
SHAKEN(int, pthread_mutex_unlock, (pthread_mutex_t * lock), (lock))
SHAKEN(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
SHAKEN(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
SHAKEN(int, pthread_rwlock_unlock, (pthread_rwlock_t * lock), (lock))
SHAKEN(int, pthread_cond_signal, (pthread_cond_t * condition), (condition))
SHAKEN(int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition))
SHAKEN(int, pthread_join, (pthread_t thread, void **out), (thread, out))
SHAKEN(int, fsync, (int fd), (fd))
SHAKEN(int, fdatasync, (int fd), (fd))
SHAKEN(ssize_t, read, (int fd, void *bytes, size_t count), (fd, bytes, count))
SHAKEN(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
SHAKEN(ssize_t, pread64, (int fd, void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
SHAKEN(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at),
	(fd, bytes, count, at))

struct beginning {
	void *(*run)(void *);
	void *argument;
};

static void *begin(void *argument)
{
	struct beginning beginning = *(struct beginning *)argument;

	free(argument);
	shake();
	return beginning.run(beginning.argument);
}

SHIM int pthread_create(
	pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	static int (*_Atomic next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		atomic_load(&next);
	struct beginning *beginning = malloc(sizeof(*beginning));
	int error;

	if (beginning == NULL)
		return EAGAIN;
	*beginning = (struct beginning){run, argument};
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
		atomic_store(&next, real);
	}
	atomic_store(&has_threads, true);
	shake();
	error = real(out, attributes, begin, beginning);
	if (error != 0)
		free(beginning);
	shake();
	return error;
}
