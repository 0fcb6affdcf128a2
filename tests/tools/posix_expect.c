/* This file is what the tests of the POSIX suite share: expectations that say where and why they
 * failed, files with known bytes, and second processes. */
#include "posix_suite.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, SKIPPED = 77 };

static _Noreturn void fail(void)
{
	fflush(stdout);
	_exit(1);
}

static const char *base(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash == NULL ? file : slash + 1;
}

void posix_expect(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	printf("# %s:%d: not so: %s\n", base(file), line, text);
	fail();
}

long posix_expect_ok(long result, const char *text, const char *file, int line)
{
	if (result >= 0)
		return result;
	printf("# %s:%d: %s: %s\n", base(file), line, text, strerror(errno));
	fail();
}

void posix_expect_errno(long result, int error, const char *text, const char *file, int line)
{
	int found = errno;

	if (result == -1 && found == error)
		return;
	printf("# %s:%d: %s: expected %s, found %s\n", base(file), line, text,
		strerrorname_np(error), result == -1 ? strerrorname_np(found) : "success");
	fail();
}

void posix_expect_equal(long long a, long long b, const char *text, const char *file, int line)
{
	if (a == b)
		return;
	printf("# %s:%d: not so: %s: %lld and %lld\n", base(file), line, text, a, b);
	fail();
}

void posix_skip(const char *reason)
{
	printf("# skipped: %s\n", reason);
	fflush(stdout);
	_exit(SKIPPED);
}

void posix_make_file(const char *name, size_t size, uint64_t pattern)
{
	unsigned char *bytes = emr_kit_alloc(size);
	int fd = (int)EXPECT_OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	emr_kit_fill(bytes, size, pattern);
	EXPECT_OK(emr_kit_write_all(fd, bytes, size));
	EXPECT_OK(close(fd));
	free(bytes);
}

void posix_check_file(const char *name, size_t size, uint64_t pattern)
{
	unsigned char *wanted = emr_kit_alloc(size), *found = emr_kit_alloc(size + 1);
	int fd = (int)EXPECT_OK(open(name, O_RDONLY));

	emr_kit_fill(wanted, size, pattern);
	EXPECT_EQUAL(emr_kit_pread_all(fd, found, size + 1, 0), size);
	EXPECT(memcmp(wanted, found, size) == 0);
	EXPECT_OK(close(fd));
	free(wanted);
	free(found);
}

struct stat posix_stat(const char *name)
{
	struct stat st;

	EXPECT_OK(lstat(name, &st));
	return st;
}

bool posix_is_gone(const char *name)
{
	struct stat st;

	return lstat(name, &st) == -1 && errno == ENOENT;
}

bool posix_is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

void posix_let_time_pass(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		usleep(1000);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (!posix_is_before(start, now));
	usleep(1000);
}

pid_t posix_start(void (*function)(void *), void *argument)
{
	pid_t pid;

	fflush(stdout);
	pid = (pid_t)EXPECT_OK(fork());
	if (pid == 0) {
		function(argument);
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

void posix_join(pid_t pid)
{
	int status;

	EXPECT_EQUAL(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		_exit(SKIPPED);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

struct visit {
	void (*function)(void *);
	void *argument;
};

static void visit_as_nobody(void *data)
{
	const struct visit *visit = data;
	struct stat st;

	EXPECT_OK(setgroups(0, NULL));
	EXPECT_OK(setresgid(NOBODY, NOBODY, NOBODY));
	EXPECT_OK(setresuid(NOBODY, NOBODY, NOBODY));
	if (stat(".", &st) != 0 && errno == EACCES)
		posix_skip("the mount admits only the one who mounted it");
	visit->function(visit->argument);
}

void posix_as_nobody(void (*function)(void *), void *argument)
{
	struct visit visit = {function, argument};

	if (geteuid() != 0)
		posix_skip("only root can become somebody else");
	posix_join(posix_start(visit_as_nobody, &visit));
}
