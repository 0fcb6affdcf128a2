/*
 * powercut_record - a preloaded library that records what a program does to files below a root.
 *
 *   EMR_POWERCUT_ROOT=DIR EMR_POWERCUT_TRACE=FILE [EMR_POWERCUT_MARK=FILE]
 * [EMR_POWERCUT_NO_FLUSH=1] LD_PRELOAD=libpowercut_record.so PROGRAM
 *
 * What PROGRAM writes to the file EMR_POWERCUT_MARK is recorded as a promise made by then.
 * EMR_POWERCUT_NO_FLUSH records flushes and does not wait for the real disk.
 *
 * Each call is made and recorded under one lock, except flushes: they are recorded at begin and
 * end, with other threads' writes in between, because such writes are not yet promised.  A shared
 * writable mapping, stdio for writing and the like are recorded as unsupported, and the replay
 * refuses such a trace; the -shm file of SQLite is left out, it holds nothing lasting.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "powercut_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

static bool is_all_zero(const char *bytes, size_t size)
{
	return size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* A flush that the call itself implies (O_SYNC, O_DSYNC); the caller holds the trace. */
static void record_implied_flush(int fd, uint64_t inode)
{
	struct powercut_record flush = {.kind = PC_SYNC_BEGIN, .inode = inode};
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_DSYNC) == 0)
		return;
	flush.id = powercut_new_id();
	powercut_put(flush, NULL, NULL, NULL, 0);
	flush.kind = PC_SYNC_END;
	powercut_put(flush, NULL, NULL, NULL, 0);
}

static void record_write(int fd, const char *bytes, size_t size, off_t offset)
{
	struct powercut_record record = {.kind = PC_WRITE,
		.inode = powercut_inode_of(fd),
		.offset = (uint64_t)offset,
		.length = size};

	if (is_all_zero(bytes, size)) {
		record.kind = PC_ZERO;
		powercut_put(record, NULL, NULL, NULL, 0);
	} else {
		powercut_put(record, NULL, NULL, bytes, size);
	}
	record_implied_flush(fd, record.inode);
}

SHIM ssize_t write(int fd, const void *bytes, size_t size)
{
	ssize_t done;

	if (powercut_is_mark(fd) && powercut_enter()) {
		powercut_put((struct powercut_record){.kind = PC_MARK}, NULL, NULL, bytes, size);
		done = syscall(SYS_write, fd, bytes, size);
		powercut_leave();
		return done;
	}
	if (!powercut_is_ours(fd) || !powercut_enter())
		return syscall(SYS_write, fd, bytes, size);
	done = syscall(SYS_write, fd, bytes, size);
	if (done > 0)
		record_write(fd, bytes, (size_t)done, lseek(fd, 0, SEEK_CUR) - done);
	powercut_leave();
	return done;
}

/* Linux appends with O_APPEND, whatever offset pwrite is given. */
static off_t real_offset(int fd, off_t offset, ssize_t done)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_APPEND && fstat(fd, &st) == 0 ? st.st_size - done : offset;
}

SHIM ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	ssize_t done;

	if (!powercut_is_ours(fd) || !powercut_enter())
		return syscall(SYS_pwrite64, fd, bytes, size, offset);
	done = syscall(SYS_pwrite64, fd, bytes, size, offset);
	if (done > 0)
		record_write(fd, bytes, (size_t)done, real_offset(fd, offset, done));
	powercut_leave();
	return done;
}

SHIM ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

/* Joins the buffers: rare below a root, and one record is what one call is. */
static ssize_t write_joined(
	int fd, const struct iovec *parts, int count, off_t offset, bool has_offset)
{
	size_t size = 0, used = 0;
	ssize_t done;
	char *bytes;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	bytes = malloc(size + 1);
	if (bytes == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (int i = 0; i < count; i++) {
		memcpy(bytes + used, parts[i].iov_base, parts[i].iov_len);
		used += parts[i].iov_len;
	}
	done = has_offset ? pwrite(fd, bytes, size, offset) : write(fd, bytes, size);
	free(bytes);
	return done;
}

SHIM ssize_t writev(int fd, const struct iovec *parts, int count)
{
	if (!powercut_is_ours(fd))
		return syscall(SYS_writev, fd, parts, count);
	return write_joined(fd, parts, count, 0, false);
}

SHIM ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	if (!powercut_is_ours(fd))
		return syscall(SYS_pwritev, fd, parts, count, offset, 0);
	return write_joined(fd, parts, count, offset, true);
}

SHIM ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev(fd, parts, count, offset);
}

SHIM ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	if (powercut_is_ours(fd) && flags != 0)
		powercut_unsupported("pwritev2 with flags", "a file");
	if (powercut_is_ours(fd))
		return write_joined(fd, parts, count, offset, offset != -1);
	return syscall(SYS_pwritev2, fd, parts, count, offset, 0, flags);
}

SHIM ssize_t copy_file_range(
	int in, off_t *in_at, int out, off_t *out_at, size_t size, unsigned flags)
{
	if (powercut_is_ours(out))
		powercut_unsupported("copy_file_range", "a file");
	return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}

SHIM ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags)
{
	if (powercut_is_ours(out))
		powercut_unsupported("splice", "a file");
	return syscall(SYS_splice, in, in_at, out, out_at, size, flags);
}

SHIM ssize_t sendfile(int out, int in, off_t *at, size_t size)
{
	if (powercut_is_ours(out))
		powercut_unsupported("sendfile", "a file");
	return syscall(SYS_sendfile, out, in, at, size);
}

SHIM ssize_t sendfile64(int out, int in, off_t *at, size_t size)
{
	return sendfile(out, in, at, size);
}

SHIM void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED && powercut_is_ours(fd)) {
		char link[64], path[PATH_MAX] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, path, sizeof(path) - 1) < 4 ||
			strcmp(path + strlen(path) - 4, "-shm") != 0)
			powercut_unsupported("shared writable mmap", path);
	}
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

SHIM void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return mmap(at, size, protection, flags, fd, offset);
}

static void record_size(int fd, enum powercut_kind kind, off_t size)
{
	powercut_put(
		(struct powercut_record){
			.kind = kind, .inode = powercut_inode_of(fd), .offset = (uint64_t)size},
		NULL, NULL, NULL, 0);
}

SHIM int ftruncate(int fd, off_t size)
{
	int answer;

	if (!powercut_is_ours(fd) || !powercut_enter())
		return (int)syscall(SYS_ftruncate, fd, size);
	answer = (int)syscall(SYS_ftruncate, fd, size);
	if (answer == 0)
		record_size(fd, PC_TRUNCATE, size);
	powercut_leave();
	return answer;
}

SHIM int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

SHIM int truncate(const char *path, off_t size)
{
	char relative[PATH_MAX];
	int fd, answer;

	if (!powercut_below(AT_FDCWD, path, relative))
		return (int)syscall(SYS_truncate, path, size);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	answer = ftruncate(fd, size);
	syscall(SYS_close, fd);
	return answer;
}

SHIM int truncate64(const char *path, off_t size)
{
	return truncate(path, size);
}

SHIM int fallocate(int fd, int mode, off_t offset, off_t size)
{
	int answer;

	if (!powercut_is_ours(fd) || !powercut_enter())
		return (int)syscall(SYS_fallocate, fd, mode, offset, size);
	answer = (int)syscall(SYS_fallocate, fd, mode, offset, size);
	if (answer == 0 && mode == 0)
		record_size(fd, PC_GROW, offset + size);
	if (answer == 0 && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		powercut_put((struct powercut_record){.kind = PC_ZERO,
				     .inode = powercut_inode_of(fd),
				     .offset = (uint64_t)offset,
				     .length = (uint64_t)size,
				     .mode = mode & FALLOC_FL_KEEP_SIZE},
			NULL, NULL, NULL, 0);
	powercut_leave();
	return answer;
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

static int flush(int fd, long call)
{
	struct powercut_record record = {.kind = PC_SYNC_BEGIN};
	int answer;

	if (!powercut_is_ours(fd) || !powercut_enter())
		return (int)syscall(call, fd);
	record.inode = call == SYS_syncfs ? 0 : powercut_inode_of(fd);
	record.id = powercut_new_id();
	powercut_put(record, NULL, NULL, NULL, 0);
	powercut_leave();
	answer = getenv("EMR_POWERCUT_NO_FLUSH") != NULL ? 0 : (int)syscall(call, fd);
	if (answer == 0 && powercut_enter()) {
		record.kind = PC_SYNC_END;
		powercut_put(record, NULL, NULL, NULL, 0);
		powercut_leave();
	}
	return answer;
}

SHIM int fsync(int fd)
{
	return flush(fd, SYS_fsync);
}

SHIM int fdatasync(int fd)
{
	return flush(fd, SYS_fdatasync);
}

SHIM int syncfs(int fd)
{
	return flush(fd, SYS_syncfs);
}

/* Promises nothing about a disk's cache or a file's size: not recorded as a flush. */
SHIM int sync_file_range(int fd, off_t offset, off_t size, unsigned flags)
{
	return (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}
