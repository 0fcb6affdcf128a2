/* This is the part of powercut_record that makes, moves and removes names: see
 * powercut_record.c. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "powercut_trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

/* Names that only fortified programs use; no header declares them for us. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

/* The caller holds the trace.  A dangling link may have led elsewhere: the file knows its name. */
static void put_created(int fd)
{
	char relative[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st) == 0 && powercut_name_of(fd, relative))
		powercut_put(
			(struct powercut_record){
				.kind = PC_CREATE, .inode = st.st_ino, .mode = st.st_mode & 07777},
			relative, NULL, NULL, 0);
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	char relative[PATH_MAX];
	struct stat before;
	bool existed;
	int fd;

	if ((flags & (O_CREAT | O_TRUNC)) == 0 || !powercut_below(dir, path, relative) ||
		!powercut_enter())
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	existed = fstatat(dir, path, &before, 0) == 0;
	fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0 && !existed)
		put_created(fd);
	else if (fd >= 0 && flags & O_TRUNC && before.st_size > 0)
		powercut_put((struct powercut_record){.kind = PC_TRUNCATE,
				     .inode = powercut_inode_of(fd)},
			NULL, NULL, NULL, 0);
	powercut_leave();
	if (fd >= 0 && (flags & O_TMPFILE) == O_TMPFILE)
		powercut_unsupported("open O_TMPFILE", path);
	return fd;
}

static mode_t mode_argument(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
	SHIM int name(const char *path, int flags, ...)                                            \
	{                                                                                          \
		va_list args;                                                                      \
		mode_t mode;                                                                       \
		va_start(args, flags);                                                             \
		mode = mode_argument(flags, args);                                                 \
		va_end(args);                                                                      \
		return open_at(AT_FDCWD, path, flags, mode);                                       \
	}
#define DEFINE_OPENAT(name)                                                                        \
	SHIM int name(int dir, const char *path, int flags, ...)                                   \
	{                                                                                          \
		va_list args;                                                                      \
		mode_t mode;                                                                       \
		va_start(args, flags);                                                             \
		mode = mode_argument(flags, args);                                                 \
		va_end(args);                                                                      \
		return open_at(dir, path, flags, mode);                                            \
	}
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

SHIM int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

SHIM int __open64_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

SHIM int __openat_2(int dir, const char *path, int flags)
{
	return open_at(dir, path, flags, 0);
}

SHIM int __openat64_2(int dir, const char *path, int flags)
{
	return open_at(dir, path, flags, 0);
}

SHIM int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

SHIM int creat64(const char *path, mode_t mode)
{
	return creat(path, mode);
}

static void record_created(int fd)
{
	if (!powercut_enter())
		return;
	put_created(fd);
	powercut_leave();
}

SHIM int mkostemp(char *template, int flags)
{
	static int (*real)(char *, int);
	int fd;

	if (real == NULL)
		real = (int (*)(char *, int))dlsym(RTLD_NEXT, "mkostemp");
	fd = real(template, flags);
	if (fd >= 0)
		record_created(fd);
	return fd;
}

SHIM int mkostemp64(char *template, int flags)
{
	return mkostemp(template, flags);
}

SHIM int mkstemp(char *template)
{
	return mkostemp(template, 0);
}

SHIM int mkstemp64(char *template)
{
	return mkostemp(template, 0);
}

static FILE *open_stream(const char *name, const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) =
		(FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, name);
	char relative[PATH_MAX];

	if (strpbrk(mode, "wa+") != NULL && powercut_below(AT_FDCWD, path, relative))
		powercut_unsupported("fopen for writing", relative);
	return real(path, mode);
}

SHIM FILE *fopen(const char *path, const char *mode)
{
	return open_stream("fopen", path, mode);
}

SHIM FILE *fopen64(const char *path, const char *mode)
{
	return open_stream("fopen64", path, mode);
}

SHIM int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHIM int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

SHIM int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char a[PATH_MAX], b[PATH_MAX];
	bool has_a = powercut_below(from_dir, from, a), has_b = powercut_below(to_dir, to, b);
	int answer;

	if (!has_a || !has_b || !powercut_enter()) {
		answer = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
		if (answer == 0 && has_a != has_b)
			powercut_unsupported("rename over the root's border", to);
		return answer;
	}
	answer = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	if (answer == 0)
		powercut_put(
			(struct powercut_record){.kind = PC_RENAME, .mode = flags}, a, b, NULL, 0);
	powercut_leave();
	return answer;
}

SHIM int unlinkat(int dir, const char *path, int flags)
{
	char relative[PATH_MAX];
	int answer;

	if (!powercut_below(dir, path, relative) || !powercut_enter())
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	answer = (int)syscall(SYS_unlinkat, dir, path, flags);
	if (answer == 0)
		powercut_put((struct powercut_record){.kind = PC_UNLINK}, relative, NULL, NULL, 0);
	powercut_leave();
	return answer;
}

SHIM int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

SHIM int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

SHIM int remove(const char *path)
{
	int answer = unlinkat(AT_FDCWD, path, 0);

	return answer != 0 && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : answer;
}

SHIM int mkdirat(int dir, const char *path, mode_t mode)
{
	char relative[PATH_MAX];
	struct stat st;
	int answer;

	if (!powercut_below(dir, path, relative) || !powercut_enter())
		return (int)syscall(SYS_mkdirat, dir, path, mode);
	answer = (int)syscall(SYS_mkdirat, dir, path, mode);
	if (answer == 0 && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		powercut_put(
			(struct powercut_record){
				.kind = PC_MKDIR, .inode = st.st_ino, .mode = st.st_mode & 07777},
			relative, NULL, NULL, 0);
	powercut_leave();
	return answer;
}

SHIM int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

SHIM int symlinkat(const char *text, int dir, const char *path)
{
	char relative[PATH_MAX];
	struct stat st;
	int answer;

	if (!powercut_below(dir, path, relative) || !powercut_enter())
		return (int)syscall(SYS_symlinkat, text, dir, path);
	answer = (int)syscall(SYS_symlinkat, text, dir, path);
	if (answer == 0 && fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		powercut_put((struct powercut_record){.kind = PC_SYMLINK, .inode = st.st_ino},
			relative, NULL, text, strlen(text));
	powercut_leave();
	return answer;
}

SHIM int symlink(const char *text, const char *path)
{
	return symlinkat(text, AT_FDCWD, path);
}

SHIM int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	char a[PATH_MAX], b[PATH_MAX];
	bool has_a = powercut_below(from_dir, from, a), has_b = powercut_below(to_dir, to, b);
	int answer;

	if (!has_a || !has_b || !powercut_enter()) {
		answer = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
		if (answer == 0 && has_b)
			powercut_unsupported("link from outside", to);
		return answer;
	}
	answer = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	if (answer == 0)
		powercut_put((struct powercut_record){.kind = PC_LINK}, a, b, NULL, 0);
	powercut_leave();
	return answer;
}

SHIM int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void record_mode(int fd, mode_t mode)
{
	if (!powercut_enter())
		return;
	powercut_put(
		(struct powercut_record){
			.kind = PC_CHMOD, .inode = powercut_inode_of(fd), .mode = mode},
		NULL, NULL, NULL, 0);
	powercut_leave();
}

SHIM int fchmod(int fd, mode_t mode)
{
	int answer = (int)syscall(SYS_fchmod, fd, mode);

	if (answer == 0 && powercut_is_ours(fd))
		record_mode(fd, mode);
	return answer;
}

SHIM int fchmodat(int dir, const char *path, mode_t mode, int flags)
{
	int answer = (int)syscall(SYS_fchmodat, dir, path, mode);
	int fd = answer != 0 ? -1 : (int)syscall(SYS_openat, dir, path, O_PATH | O_CLOEXEC, 0);

	(void)flags; /* glibc knows only AT_SYMLINK_NOFOLLOW, which the kernel call does not take */
	if (fd >= 0 && powercut_is_ours(fd))
		record_mode(fd, mode);
	if (fd >= 0)
		syscall(SYS_close, fd);
	return answer;
}

SHIM int chmod(const char *path, mode_t mode)
{
	return fchmodat(AT_FDCWD, path, mode, 0);
}
