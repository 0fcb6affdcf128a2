/* This library is loaded into emrfs by the self-check of tests/bench/run: every answer to the
 * kernel leaves a fifth later than it would have, counted from the answer before. A program that
 * waits for one answer after the other so waits a fifth longer. Pauses without a request are not
 * made longer. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>

#define PAUSE_NS 5000000 /* nobody asked for longer than this */
#define FUSE_DEVICE makedev(10, 229)

static _Atomic int64_t answered_ns; /* the last answer */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int is_kernel(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == FUSE_DEVICE;
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	int64_t before = answered_ns, now = now_ns(), until;
	ssize_t written;

	if (next == NULL)
		next = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
	if (!is_kernel(fd))
		return next(fd, iov, count);
	until = before == 0 || now - before > PAUSE_NS ? now : now + (now - before) / 5;
	while (now_ns() < until)
		;
	written = next(fd, iov, count);
	answered_ns = now_ns();
	return written;
}
