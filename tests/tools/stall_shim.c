/*
 * stall_shim - a preloaded library that makes a disk hang: a read of a segment of blocks does not
 * come back as long as the file EMR_STALL_WHILE exists.
 *
 * The first read that hangs makes EMR_STALL_WHILE.reached, so that a test need not guess.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

static int is_segment(int fd)
{
	char link[64], path[4096];
	ssize_t len;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof path - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return strstr(path, "/seg-") != NULL;
}

static void stall(int fd)
{
	static const struct timespec moment = {.tv_nsec = 10000000};
	const char *hold = getenv("EMR_STALL_WHILE");
	char reached[4096];

	if (hold == NULL || access(hold, F_OK) != 0 || !is_segment(fd))
		return;
	(void)snprintf(reached, sizeof reached, "%s.reached", hold);
	close(open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	while (access(hold, F_OK) == 0)
		nanosleep(&moment, NULL);
}

/* The program is built with 64-bit offsets: its pread is pread64. */
SHIM ssize_t pread64(int fd, void *out, size_t len, off64_t at);

SHIM ssize_t pread64(int fd, void *out, size_t len, off64_t at)
{
	static ssize_t (*real)(int, void *, size_t, off64_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pread64");
	stall(fd);
	return real(fd, out, len, at);
}
