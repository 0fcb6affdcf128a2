/* This file writes down each file operation of a program that is being recorded, in the order in
 * which it happened among all its threads and processes. A call that it cannot describe is
 * recorded as such, and the replay then fails. */
#undef _FILE_OFFSET_BITS
#include "powercut_trace.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRACE_FD_MIN = 700 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace_fd = -1;
static char root[PATH_MAX], mark[PATH_MAX];
static size_t root_bytes;

static _Noreturn void give_up(const char *what)
{
	dprintf(2, "powercut_record: %s: %s\n", what, strerror(errno));
	_exit(2);
}

/* The calls below go to the kernel directly: the names of libc are the ones being recorded. */
static void put_all(const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		long done = syscall(SYS_write, trace_fd, at, size);

		if (done < 0)
			give_up("cannot write the trace");
		at += done;
		size -= (size_t)done;
	}
}

void powercut_put(struct powercut_record record, const char *path, const char *path2,
	const void *data, size_t data_bytes)
{
	record.path_bytes = path == NULL ? 0 : (uint32_t)strlen(path);
	record.path2_bytes = path2 == NULL ? 0 : (uint32_t)strlen(path2);
	record.data_bytes = data_bytes;
	put_all(&record, sizeof(record));
	put_all(path, record.path_bytes);
	put_all(path2, record.path2_bytes);
	put_all(data, data_bytes);
}

static void base_file(const char *relative, int fd, const struct stat *st)
{
	char *bytes = malloc((size_t)st->st_size + 1);
	off_t done = 0;

	while (bytes != NULL && done < st->st_size) {
		long part = pread(fd, bytes + done, (size_t)(st->st_size - done), done);

		if (part <= 0)
			give_up("cannot read what is there already");
		done += part;
	}
	powercut_put(
		(struct powercut_record){
			.kind = PC_BASE_FILE, .inode = st->st_ino, .mode = st->st_mode & 07777},
		relative, NULL, bytes, (size_t)done);
	free(bytes);
}

static void base_entry(int dir, const char *name, const char *relative);

static void base_dir(const char *relative, int fd, const struct stat *st)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	powercut_put(
		(struct powercut_record){
			.kind = PC_BASE_DIR, .inode = st->st_ino, .mode = st->st_mode & 07777},
		relative, NULL, NULL, 0);
	if (dir == NULL)
		give_up("cannot list what is there already");
	while ((entry = readdir(dir)) != NULL) {
		char below[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s%s%s", relative, *relative ? "/" : "",
			entry->d_name);
		base_entry(fd, entry->d_name, below);
	}
	closedir(dir);
}

static void base_entry(int dir, const char *name, const char *relative)
{
	char text[PATH_MAX];
	struct stat st;
	ssize_t size;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		give_up(name);
	if (S_ISLNK(st.st_mode)) {
		size = readlinkat(dir, name, text, sizeof(text));
		powercut_put((struct powercut_record){.kind = PC_BASE_LINK, .inode = st.st_ino},
			relative, NULL, text, size < 0 ? 0 : (size_t)size);
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return; /* sockets and pipes hold nothing over a power cut */
	fd = (int)syscall(SYS_openat, dir, name, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		give_up(name);
	if (S_ISDIR(st.st_mode)) {
		base_dir(relative, fd, &st);
		return; /* closedir has closed it */
	}
	base_file(relative, fd, &st);
	syscall(SYS_close, fd);
}

static void take_file_lock(short type)
{
	struct flock all = {.l_type = type};

	while (fcntl(trace_fd, F_SETLKW, &all) != 0)
		if (errno != EINTR)
			give_up("cannot lock the trace");
}

/* The first process describes what is there already. */
static void begin_trace(void)
{
	struct stat st;

	take_file_lock(F_WRLCK);
	if (fstat(trace_fd, &st) != 0)
		give_up("cannot stat the trace");
	if (st.st_size == 0) {
		put_all(POWERCUT_MAGIC, sizeof(POWERCUT_MAGIC));
		base_entry(AT_FDCWD, root, "");
	}
	take_file_lock(F_UNLCK);
}

static void renew_lock_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
}

static void start(void)
{
	const char *trace = getenv("EMR_POWERCUT_TRACE"), *below = getenv("EMR_POWERCUT_ROOT");
	const char *marks = getenv("EMR_POWERCUT_MARK");
	int fd;

	if (trace == NULL || below == NULL)
		return;
	if (realpath(below, root) == NULL)
		give_up("EMR_POWERCUT_ROOT");
	root_bytes = strlen(root);
	if (marks != NULL)
		snprintf(mark, sizeof(mark), "%s", marks);
	fd = (int)syscall(
		SYS_openat, AT_FDCWD, trace, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		give_up("cannot open EMR_POWERCUT_TRACE");
	trace_fd = fcntl(fd, F_DUPFD_CLOEXEC, TRACE_FD_MIN);
	if (trace_fd < 0)
		trace_fd = fd;
	else
		syscall(SYS_close, fd); /* no lock is held yet that this would drop */
	pthread_atfork(NULL, NULL, renew_lock_after_fork);
	begin_trace();
}

bool powercut_enter(void)
{
	int error = errno;

	pthread_once(&once, start);
	if (trace_fd < 0) {
		errno = error;
		return false;
	}
	pthread_mutex_lock(&lock);
	take_file_lock(F_WRLCK);
	errno = error;
	return true;
}

void powercut_leave(void)
{
	int error = errno;

	take_file_lock(F_UNLCK);
	pthread_mutex_unlock(&lock);
	errno = error;
}

static bool path_of(int fd, char out[PATH_MAX])
{
	char link[64];
	ssize_t size;
	int error = errno;

	pthread_once(&once, start);
	if (trace_fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, out, PATH_MAX - 1);
	errno = error;
	if (size < 0)
		return false;
	out[size] = '\0';
	return true;
}

static bool is_below_root(const char *path)
{
	return strncmp(path, root, root_bytes) == 0 &&
	       (path[root_bytes] == '/' || path[root_bytes] == '\0');
}

bool powercut_is_ours(int fd)
{
	char path[PATH_MAX];

	return path_of(fd, path) && is_below_root(path);
}

bool powercut_is_mark(int fd)
{
	char path[PATH_MAX];

	return mark[0] != '\0' && path_of(fd, path) && strcmp(path, mark) == 0;
}

bool powercut_below(int dirfd, const char *path, char out_relative[PATH_MAX])
{
	char whole[PATH_MAX], parent[PATH_MAX], *slash;
	int error = errno;
	bool is_ours;

	pthread_once(&once, start);
	if (trace_fd < 0 || path == NULL)
		return false;
	if (path[0] == '/' || dirfd == AT_FDCWD) {
		snprintf(whole, sizeof(whole), "%s%s", path[0] == '/' ? "" : "./", path);
	} else {
		if (!path_of(dirfd, parent))
			return false;
		snprintf(whole, sizeof(whole), "%.2000s/%.2000s", parent, path);
	}
	while ((slash = strrchr(whole, '/')) != NULL && slash[1] == '\0' && slash != whole)
		*slash = '\0';
	if (slash == NULL)
		return false;
	*slash = '\0';
	is_ours = realpath(whole[0] == '\0' ? "/" : whole, parent) != NULL && is_below_root(parent);
	errno = error;
	if (!is_ours)
		return false;
	snprintf(out_relative, PATH_MAX, "%.2000s%s%.2000s",
		parent[root_bytes] ? parent + root_bytes + 1 : "", parent[root_bytes] ? "/" : "",
		slash + 1);
	return true;
}

bool powercut_name_of(int fd, char out_relative[PATH_MAX])
{
	char path[PATH_MAX];

	return path_of(fd, path) && powercut_below(AT_FDCWD, path, out_relative);
}

uint64_t powercut_inode_of(int fd)
{
	struct stat st;
	int error = errno;
	uint64_t inode = fstat(fd, &st) == 0 ? st.st_ino : 0;

	errno = error;
	return inode;
}

void powercut_unsupported(const char *call, const char *path)
{
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "%s of %s", call, path);
	if (!powercut_enter())
		return;
	powercut_put(
		(struct powercut_record){.kind = PC_UNSUPPORTED}, NULL, NULL, text, strlen(text));
	powercut_leave();
}

/* A process that only reads must describe the beginning as well. */
__attribute__((constructor)) static void start_early(void)
{
	pthread_once(&once, start);
}

uint64_t powercut_new_id(void)
{
	static uint64_t next; /* under the lock */

	return (uint64_t)getpid() << 32 | ++next;
}
