/* The groups of posix_suite share this: expectations, small files, second processes. It refuses to
 * go on after a failed expectation: the test's process ends and says where and why.
 *
 * Each test runs in a process of its own, as root or whoever started the suite, with a fresh empty
 * directory of the tested file system as its current directory, umask 022 and 300 s to live. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

enum posix_where {
	POSIX_EVERYWHERE,
	POSIX_PLAIN, /* what an ordinary file system does and emrfs refuses by design */
	POSIX_EMRFS, /* what only emrfs promises */
	POSIX_SLOW,  /* only with --slow */
};

struct posix_test {
	const char *name; /* a sentence */
	void (*run)(void);
	enum posix_where where;
};

struct posix_group {
	const char *name;
	const struct posix_test *tests; /* ends with a NULL name */
};

extern const struct posix_test posix_open_tests[], posix_rename_tests[], posix_name_tests[],
	posix_directory_tests[], posix_data_tests[], posix_map_tests[], posix_attribute_tests[],
	posix_xattr_tests[], posix_link_tests[], posix_lock_tests[], posix_permission_tests[];

/* Text of the test's own source in a table: name and function are one word. */
#define POSIX_TEST(name)                                                                           \
	{                                                                                          \
#name, name, POSIX_EVERYWHERE                                                      \
	}
#define POSIX_TEST_FOR(where, name)                                                                \
	{                                                                                          \
#name, name, where                                                                 \
	}

#define EXPECT(condition) posix_expect((condition), #condition, __FILE__, __LINE__)
#define EXPECT_OK(call) posix_expect_ok((long)(call), #call, __FILE__, __LINE__)
#define EXPECT_ERRNO(call, error)                                                                  \
	posix_expect_errno((long)(call), (error), #call, __FILE__, __LINE__)
#define EXPECT_EQUAL(a, b)                                                                         \
	posix_expect_equal((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)

void posix_expect(bool condition, const char *text, const char *file, int line);
long posix_expect_ok(long result, const char *text, const char *file, int line);
void posix_expect_errno(long result, int error, const char *text, const char *file, int line);
void posix_expect_equal(long long a, long long b, const char *text, const char *file, int line);

/* Ends this test as skipped. */
_Noreturn void posix_skip(const char *reason);

/* A file of SIZE bytes drawn from PATTERN, mode 0644; and the check that it is that. */
void posix_make_file(const char *name, size_t size, uint64_t pattern);
void posix_check_file(const char *name, size_t size, uint64_t pattern);

struct stat posix_stat(const char *name);

/* lstat answers ENOENT. */
bool posix_is_gone(const char *name);

bool posix_is_before(struct timespec a, struct timespec b);

/* Waits until the coarse clock of the kernel's file times has moved on. */
void posix_let_time_pass(void);

/* Runs FUNCTION in a second process (posix_start) and expects its good end (posix_join). */
pid_t posix_start(void (*function)(void *), void *argument);
void posix_join(pid_t pid);

/* Runs FUNCTION as user and group 65534; skips when not root or when the mount is not for others.
 */
void posix_as_nobody(void (*function)(void *), void *argument);
