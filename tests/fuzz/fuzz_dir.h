/* A directory of a fuzz target's own, in memory where that is possible: it is made when it is first
 * asked for, and goes with all that is in it when the target ends. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fuzz_dir[32]; /* its path */

static inline int fuzz_dir_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level > 0 ? remove(path) : 0;
}

static inline void fuzz_dir_clear(void)
{
	if (nftw(fuzz_dir, fuzz_dir_remove, 16, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

static inline void fuzz_dir_end(void)
{
	fuzz_dir_clear();
	(void)rmdir(fuzz_dir);
}

static inline int fuzz_dir_fd(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	strcpy(fuzz_dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/emrfs-fuzz-XXXXXX"
						       : "/tmp/emrfs-fuzz-XXXXXX");
	if (mkdtemp(fuzz_dir) == NULL || atexit(fuzz_dir_end) != 0)
		abort();
	fd = open(fuzz_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

/* The same, with nothing in it: so that no input meets what another one left. */
static inline int fuzz_dir_empty_fd(void)
{
	const int fd = fuzz_dir_fd();

	fuzz_dir_clear();
	return fd;
}
