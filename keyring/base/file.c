/* This file replaces and reads small files safely: a new content is on the disk before it takes
 * the name, so a crash leaves the old file or the new one. It follows no symbolic links and does
 * not wait on anything that is no regular file. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"

#define TEMPORARY_SUFFIX_CHARS 23 /* "." + ".tmp-" + 16 hex + NUL */

/* ".NAME.tmp-<random>": a name that nobody else makes, in the same directory. */
static emr_status temporary_name(const char *name, char out[NAME_MAX + 1])
{
	emr_id16 id = emr_id16_random();
	char hex[17];

	if (name[0] == '\0' || strchr(name, '/') != NULL ||
		strlen(name) > NAME_MAX - TEMPORARY_SUFFIX_CHARS)
		return EMR_BAD_NAME;
	emr_hex(id.b, 8, hex);
	snprintf(out, NAME_MAX + 1, ".%s.tmp-%s", name, hex);
	return EMR_OK;
}

static emr_status write_synced(int dirfd, const char *name, emr_bytes bytes, mode_t mode)
{
	EMR_AUTO_FD fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	emr_status status;

	if (fd < 0)
		return emr_status_from_errno(errno);
	/* The umask must not widen or narrow what the caller asked for. */
	if (fchmod(fd, mode) != 0)
		return emr_status_from_errno(errno);
	status = emr_pwrite_all(fd, bytes.data, bytes.len, 0);
	if (status != EMR_OK)
		return status;
	return fsync(fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status sync_dir(int dirfd)
{
	return fsync(dirfd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_file_replace(int dirfd, const char *name, emr_bytes bytes, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	emr_status status = temporary_name(name, temporary);

	if (status != EMR_OK)
		return status;
	status = write_synced(dirfd, temporary, bytes, mode);
	if (status == EMR_OK && renameat(dirfd, temporary, dirfd, name) != 0)
		status = emr_status_from_errno(errno);
	if (status != EMR_OK) {
		unlinkat(dirfd, temporary, 0);
		return status;
	}
	return sync_dir(dirfd);
}

/* Gives the finished file its name unless something has it; file systems without hard links get a
 * rename. */
static emr_status name_it(int dirfd, const char *temporary, const char *name)
{
	if (linkat(dirfd, temporary, dirfd, name, 0) == 0) {
		unlinkat(dirfd, temporary, 0);
		return EMR_OK;
	}
	if (errno != EPERM && errno != EOPNOTSUPP)
		return emr_status_from_errno(errno);
	if (renameat2(dirfd, temporary, dirfd, name, RENAME_NOREPLACE) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

emr_status emr_file_create(int dirfd, const char *name, emr_bytes bytes, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	emr_status status = temporary_name(name, temporary);

	if (status != EMR_OK)
		return status;
	status = write_synced(dirfd, temporary, bytes, mode);
	if (status == EMR_OK)
		status = name_it(dirfd, temporary, name);
	if (status != EMR_OK) {
		unlinkat(dirfd, temporary, 0);
		return status;
	}
	return sync_dir(dirfd);
}

emr_status emr_file_read(int dirfd, const char *name, size_t max, emr_buf *out)
{
	/* O_NONBLOCK: a FIFO of that name must not make us wait before we see that it is no file.
	 */
	EMR_AUTO_FD fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	emr_status status;

	if (fd < 0)
		return errno == ELOOP ? EMR_IO : emr_status_from_errno(errno);
	if (fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISREG(st.st_mode))
		return EMR_IO;
	if ((uint64_t)st.st_size > max)
		return EMR_LIMIT;
	if (st.st_size == 0)
		return EMR_OK;
	status = emr_buf_reserve(out, (size_t)st.st_size);
	if (status != EMR_OK)
		return status;
	status = emr_pread_all(fd, out->data + out->len, (size_t)st.st_size, 0);
	if (status != EMR_OK)
		return status;
	out->len += (size_t)st.st_size;
	return EMR_OK;
}

emr_status emr_file_check_private(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return EMR_EXPOSED;
	return EMR_OK;
}

/* The group that each user has to himself, as distributions make it: it has his name. */
static bool is_group_of_one(gid_t gid)
{
	const struct group *group = getgrgid(gid);
	const struct passwd *user = group != NULL ? getpwuid(geteuid()) : NULL;

	return user != NULL && user->pw_gid == gid && strcmp(group->gr_name, user->pw_name) == 0 &&
	       (group->gr_mem[0] == NULL ||
		       (strcmp(group->gr_mem[0], user->pw_name) == 0 && group->gr_mem[1] == NULL));
}

emr_status emr_file_check_own(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & S_IWOTH) != 0 ||
		((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0 && !is_group_of_one(st.st_gid)))
		return EMR_EXPOSED;
	return EMR_OK;
}

/* The directory that holds the last component of PATH below DIRFD. */
static emr_status sync_holder(int dirfd, const char *path)
{
	EMR_AUTO_FREE char *holder = strdup(path);
	EMR_AUTO_FD fd = -1;
	char *slash;

	if (holder == NULL)
		return EMR_NO_MEMORY;
	slash = strrchr(holder, '/');
	if (slash == holder)
		slash[1] = '\0';
	else if (slash != NULL)
		*slash = '\0';
	fd = openat(dirfd, slash != NULL ? holder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? sync_dir(fd) : emr_status_from_errno(errno);
}

emr_status emr_dir_make(int dirfd, const char *path)
{
	if (path[0] == '\0')
		return EMR_BAD_NAME;
	if (mkdirat(dirfd, path, 0700) == 0)
		return sync_holder(dirfd, path);
	return errno == EEXIST ? EMR_OK : emr_status_from_errno(errno);
}

/* Every prefix of PATH that is missing. */
static emr_status make_parents(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		emr_status status;

		*slash = '\0';
		status = emr_dir_make(AT_FDCWD, path);
		*slash = '/';
		if (status != EMR_OK)
			return status;
	}
	return path[strlen(path) - 1] == '/' ? EMR_OK : emr_dir_make(AT_FDCWD, path);
}

emr_status emr_dir_open(const char *path, int *out_fd)
{
	EMR_AUTO_FREE char *copy = strdup(path);
	emr_status status;
	int fd;

	if (copy == NULL)
		return EMR_NO_MEMORY;
	if (path[0] == '\0')
		return EMR_BAD_NAME;
	status = make_parents(copy);
	if (status != EMR_OK)
		return status;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR ? EMR_NOT_DIRECTORY : emr_status_from_errno(errno);
	*out_fd = fd;
	return EMR_OK;
}

emr_status emr_pread_all(int fd, void *data, size_t len, off_t at)
{
	uint8_t *bytes = data;

	while (len > 0) {
		ssize_t n = pread(fd, bytes, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			return EMR_DAMAGED;
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return EMR_OK;
}

emr_status emr_pwrite_all(int fd, const void *data, size_t len, off_t at)
{
	const uint8_t *bytes = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		if (n == 0)
			return EMR_IO;
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return EMR_OK;
}
