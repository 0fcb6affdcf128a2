/*
 * fault_shim - a preloaded library that counts and fails a program's calls on files below a root.
 *
 *   EMR_FAULT_ROOT=DIR EMR_FAULT_PAGE=FILE LD_PRELOAD=libfault_shim.so PROGRAM
 *
 * FILE (made if missing) is what fault_control arms and reads.  A failed call has no effect; with
 * ENOSPC a write may be given EMR_FAULT_SHORT=1 to write half of its bytes first, as a full disk
 * does.  Files outside DIR, pipes and /dev/fuse are neither counted nor failed.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "fault_control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fault_page *page;
static char root[PATH_MAX];
static size_t root_bytes;
static bool writes_half;

static void start(void)
{
	const char *file = getenv("EMR_FAULT_PAGE"), *below = getenv("EMR_FAULT_ROOT");
	void *map;
	int fd;

	if (file == NULL || below == NULL || realpath(below, root) == NULL)
		return;
	root_bytes = strlen(root);
	writes_half = getenv("EMR_FAULT_SHORT") != NULL;
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof(struct fault_page)) != 0) {
		dprintf(2, "fault_shim: cannot use %s: %s\n", file, strerror(errno));
		_exit(2);
	}
	map = mmap(NULL, sizeof(struct fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (map == MAP_FAILED)
		_exit(2);
	page = map;
	atomic_store(&page->magic, FAULT_MAGIC);
}

static bool is_below_root(const char *path)
{
	return strncmp(path, root, root_bytes) == 0 &&
	       (path[root_bytes] == '/' || path[root_bytes] == '\0');
}

static bool is_ours(int fd)
{
	char link[64], path[PATH_MAX];
	int error = errno;
	ssize_t size;

	pthread_once(&once, start);
	if (page == NULL)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof(path) - 1);
	errno = error;
	if (size < 0)
		return false;
	path[size] = '\0';
	return is_below_root(path);
}

static bool is_ours_by_name(int dir, const char *name)
{
	char whole[PATH_MAX], parent[PATH_MAX], *slash;
	int error = errno;
	bool answer;

	pthread_once(&once, start);
	if (page == NULL)
		return false;
	if (name[0] == '/' || dir == AT_FDCWD)
		snprintf(whole, sizeof(whole), "%s%s", name[0] == '/' ? "" : "./", name);
	else
		snprintf(whole, sizeof(whole), "/proc/self/fd/%d/%s", dir, name);
	slash = strrchr(whole, '/');
	*slash = '\0';
	answer = realpath(whole[0] == '\0' ? "/" : whole, parent) != NULL && is_below_root(parent);
	errno = error;
	return answer;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(void)
{
	uint64_t z = atomic_fetch_add(&page->seed, 0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Counts the call; true, with errno set, when it is to fail. */
static bool fails(enum fault_kind kind)
{
	uint64_t number, mode = atomic_load(&page->mode), n = atomic_load(&page->n);
	bool is_hit;

	atomic_fetch_add(&page->counts[kind], 1);
	if (mode == FAULT_OFF || (atomic_load(&page->kinds) >> kind & 1) == 0)
		return false;
	number = atomic_fetch_add(&page->matched, 1) + 1;
	is_hit = (mode == FAULT_ONCE && number == n) || (mode == FAULT_AFTER && number >= n) ||
		 (mode == FAULT_CHANCE && draw() % 1000000 < n);
	if (!is_hit)
		return false;
	atomic_fetch_add(&page->failed, 1);
	errno = (int)atomic_load(&page->error);
	return true;
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	if (is_ours_by_name(dir, path) && fails(FAULT_OPEN))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static mode_t mode_argument(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

SHIM int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_at(AT_FDCWD, path, flags, mode);
}

SHIM int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_at(AT_FDCWD, path, flags, mode);
}

SHIM int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_at(dir, path, flags, mode);
}

SHIM int openat64(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_at(dir, path, flags, mode);
}

SHIM int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* A full disk takes what fits and says so by a short count; the next call gets the error. */
static bool fits_half(size_t size)
{
	return writes_half && errno == ENOSPC && size > 1;
}

SHIM ssize_t write(int fd, const void *bytes, size_t size)
{
	if (is_ours(fd) && fails(FAULT_WRITE)) {
		if (!fits_half(size))
			return -1;
		size /= 2;
	}
	return syscall(SYS_write, fd, bytes, size);
}

SHIM ssize_t writev(int fd, const struct iovec *parts, int count)
{
	if (is_ours(fd) && fails(FAULT_WRITE))
		return -1;
	return syscall(SYS_writev, fd, parts, count);
}

SHIM ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	if (is_ours(fd) && fails(FAULT_PWRITE)) {
		if (!fits_half(size))
			return -1;
		size /= 2;
	}
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

SHIM ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

SHIM ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	if (is_ours(fd) && fails(FAULT_PWRITE))
		return -1;
	return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

SHIM ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev(fd, parts, count, offset);
}

/* The C library's own, because a thread that waits in read may be cancelled there. */
SHIM ssize_t read(int fd, void *bytes, size_t size)
{
	static _Atomic(ssize_t(*)(int, void *, size_t)) next;

	if (is_ours(fd) && fails(FAULT_READ))
		return -1;
	if (next == NULL)
		next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	return next(fd, bytes, size);
}

SHIM ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
	return is_ours(fd) && fails(FAULT_READ) ? -1
						: syscall(SYS_pread64, fd, bytes, size, offset);
}

SHIM ssize_t pread64(int fd, void *bytes, size_t size, off_t offset)
{
	return pread(fd, bytes, size, offset);
}

SHIM int fsync(int fd)
{
	return is_ours(fd) && fails(FAULT_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

SHIM int syncfs(int fd)
{
	return is_ours(fd) && fails(FAULT_FSYNC) ? -1 : (int)syscall(SYS_syncfs, fd);
}

SHIM int fdatasync(int fd)
{
	return is_ours(fd) && fails(FAULT_FDATASYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

SHIM int ftruncate(int fd, off_t size)
{
	return is_ours(fd) && fails(FAULT_FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

SHIM int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

SHIM int fallocate(int fd, int mode, off_t offset, off_t size)
{
	if (is_ours(fd) && fails(FAULT_FTRUNCATE))
		return -1;
	return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

SHIM int fallocate64(int fd, int mode, off_t offset, off_t size)
{
	return fallocate(fd, mode, offset, size);
}

SHIM int posix_fallocate(int fd, off_t offset, off_t size)
{
	return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

SHIM int posix_fallocate64(int fd, off_t offset, off_t size)
{
	return posix_fallocate(fd, offset, size);
}

SHIM int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (is_ours_by_name(to_dir, to) && fails(FAULT_RENAME))
		return -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

SHIM int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

SHIM int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHIM int unlinkat(int dir, const char *path, int flags)
{
	if (is_ours_by_name(dir, path) && fails(FAULT_UNLINK))
		return -1;
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

SHIM int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}
