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
#include <sys/xattr.h>
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

	if (fd < 0)
		return emr_status_from_errno(errno);
	/* The umask must not widen or narrow what the caller asked for. */
	if (fchmod(fd, mode) != 0)
		return emr_status_from_errno(errno);
	EMR_TRY(emr_pwrite_all(fd, bytes.data, bytes.len, 0));
	return fsync(fd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

static emr_status sync_dir(int dirfd)
{
	return fsync(dirfd) == 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status emr_file_replace(int dirfd, const char *name, emr_bytes bytes, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	emr_status status;

	EMR_TRY(temporary_name(name, temporary));
	status = write_synced(dirfd, temporary, bytes, mode);
	if (status == EMR_OK && renameat(dirfd, temporary, dirfd, name) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK)
		return sync_dir(dirfd);
	unlinkat(dirfd, temporary, 0);
	return status;
}

/* Gives the finished file its name unless something has it; file systems without hard links get a
 * rename. */
static emr_status name_it(int dirfd, const char *temporary, const char *name)
{
	if (linkat(dirfd, temporary, dirfd, name, 0) == 0) {
		unlinkat(dirfd, temporary, 0);
		return EMR_OK;
	}
	return (errno == EPERM || errno == EOPNOTSUPP) &&
			       renameat2(dirfd, temporary, dirfd, name, RENAME_NOREPLACE) == 0
		       ? EMR_OK
		       : emr_status_from_errno(errno);
}

emr_status emr_file_create(int dirfd, const char *name, emr_bytes bytes, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	emr_status status;

	EMR_TRY(temporary_name(name, temporary));
	status = write_synced(dirfd, temporary, bytes, mode);
	if (status == EMR_OK)
		status = name_it(dirfd, temporary, name);
	if (status == EMR_OK)
		return sync_dir(dirfd);
	unlinkat(dirfd, temporary, 0);
	return status;
}

static emr_status open_plain(int dirfd, const char *name, int *out_fd, struct stat *out_st)
{
	/* O_NONBLOCK: a FIFO of that name must not make us wait before we see that it is no file.
	 */
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ELOOP ? EMR_IO : emr_status_from_errno(errno);
	*out_fd = fd;
	if (fstat(fd, out_st) != 0)
		return emr_status_from_errno(errno);
	return S_ISREG(out_st->st_mode) ? EMR_OK : EMR_IO;
}

static emr_status read_plain(int fd, uint64_t size, size_t max, emr_buf *out)
{
	if (size > max)
		return EMR_LIMIT;
	if (size == 0)
		return EMR_OK;
	EMR_TRY(emr_buf_reserve(out, (size_t)size));
	EMR_TRY(emr_pread_all(fd, out->data + out->len, (size_t)size, 0));
	out->len += (size_t)size;
	return EMR_OK;
}

emr_status emr_file_read(int dirfd, const char *name, size_t max, emr_buf *out)
{
	EMR_AUTO_FD fd = -1;
	struct stat st;

	EMR_TRY(open_plain(dirfd, name, &fd, &st));
	return read_plain(fd, (uint64_t)st.st_size, max, out);
}

/* ---- whose it is ---- */

static bool is_private(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

emr_status emr_file_check_private(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return emr_status_from_errno(errno);
	return is_private(&st) ? EMR_OK : EMR_EXPOSED;
}

emr_status emr_file_read_private(int dirfd, const char *name, size_t max, emr_buf *out)
{
	EMR_AUTO_FD fd = -1;
	struct stat st;

	EMR_TRY(open_plain(dirfd, name, &fd, &st));
	return is_private(&st) ? read_plain(fd, (uint64_t)st.st_size, max, out) : EMR_EXPOSED;
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

/* With a list the bits of the group are the list's mask, and say nothing of the group.  FD may be
 * one of O_PATH.  A list that cannot be looked for is taken for one. */
static bool has_access_list(int fd)
{
	char path[sizeof "/proc/self/fd/" + 11];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 ||
	       (errno != ENODATA && errno != ENOTSUP);
}

static bool is_hers(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

static bool others_may_write(int fd, const struct stat *st)
{
	if ((st->st_mode & S_IWOTH) != 0)
		return true;
	return (st->st_mode & S_IWGRP) != 0 &&
	       ((st->st_gid != 0 && !is_group_of_one(st->st_gid)) || has_access_list(fd));
}

emr_status emr_file_read_own(int dirfd, const char *name, size_t max, emr_buf *out)
{
	EMR_AUTO_FD fd = -1;
	struct stat st;

	EMR_TRY(open_plain(dirfd, name, &fd, &st));
	if (!is_hers(&st) || others_may_write(fd, &st))
		return EMR_EXPOSED;
	return read_plain(fd, (uint64_t)st.st_size, max, out);
}

/* ---- a way that nobody else can change ---- */

#define LINKS_MAX 40 /* as the kernel follows */
typedef struct way {
	int fd;	      /* where it has led so far; owned */
	emr_buf text; /* what that is called, for people */
	emr_buf rest; /* still to go, with its NUL */
	size_t at;    /* in REST */
	unsigned links;
	emr_buf *where; /* the first place that others can change; empty: none */
} way;

static void way_end(way *w)
{
	emr_auto_close(&w->fd);
	emr_buf_free(&w->text);
	emr_buf_free(&w->rest);
}

static emr_status expose(way *w)
{
	static const uint8_t nul = 0;

	if (w->where->len > 0)
		return EMR_OK;
	EMR_TRY(w->text.len == 0 ? emr_buf_append(w->where, "/", 1)
				 : emr_buf_append(w->where, w->text.data, w->text.len));
	return emr_buf_append(w->where, &nul, 1);
}

/* Where a directory is sticky nobody takes away or renames what is somebody else's. */
static emr_status arrive(way *w, int fd, bool is_last)
{
	struct stat st;

	emr_auto_close(&w->fd);
	w->fd = fd;
	if (fstat(fd, &st) != 0)
		return emr_status_from_errno(errno);
	if (!S_ISDIR(st.st_mode))
		return EMR_NOT_DIRECTORY;
	if (is_hers(&st) && (!others_may_write(fd, &st) || (!is_last && (st.st_mode & S_ISVTX))))
		return EMR_OK;
	return expose(w);
}

static emr_status begin_at_root(way *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	emr_buf_clear(&w->text);
	return fd < 0 ? emr_status_from_errno(errno) : arrive(w, fd, false);
}

/* The way goes on where the link FD says, and then as before. */
static emr_status follow(way *w, int fd, size_t before)
{
	EMR_AUTO_BUF rest = {0};
	char target[PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof target);

	if (len < 0)
		return emr_status_from_errno(errno);
	if (len == 0 || (size_t)len == sizeof target || ++w->links > LINKS_MAX)
		return EMR_IO;
	EMR_TRY(emr_buf_append(&rest, target, (size_t)len));
	EMR_TRY(emr_buf_append(&rest, "/", 1));
	EMR_TRY(emr_buf_append(&rest, w->rest.data + w->at, w->rest.len - w->at)); /* has the NUL */
	emr_buf_free(&w->rest);
	w->rest = rest;
	rest = (emr_buf){0};
	w->at = 0;
	w->text.len = before;
	return target[0] == '/' ? begin_at_root(w) : EMR_OK;
}

static bool is_at_end(const way *w)
{
	const char *rest = (const char *)w->rest.data + w->at;

	return rest[strspn(rest, "/.")] == '\0' && strstr(rest, "..") == NULL;
}

static emr_status step(way *w, const char *name)
{
	int fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const size_t before = w->text.len;
	struct stat st;
	emr_status status;

	if (fd < 0)
		return emr_status_from_errno(errno);
	status = fstat(fd, &st) == 0 ? EMR_OK : emr_status_from_errno(errno);
	if (status == EMR_OK)
		status = emr_buf_append(&w->text, "/", 1);
	if (status == EMR_OK)
		status = emr_buf_append(&w->text, name, strlen(name));
	if (status == EMR_OK && !S_ISLNK(st.st_mode))
		return arrive(w, fd, is_at_end(w));
	if (status == EMR_OK && !is_hers(&st))
		status = expose(w);
	if (status == EMR_OK)
		status = follow(w, fd, before);
	close(fd);
	return status;
}

/* The next name of the rest; false: there is none. */
static bool next_name(way *w, char out[NAME_MAX + 1], emr_status *out_status)
{
	const char *rest = (const char *)w->rest.data + w->at;
	const size_t slashes = strspn(rest, "/"), len = strcspn(rest + slashes, "/");

	*out_status = len <= NAME_MAX ? EMR_OK : EMR_BAD_NAME;
	w->at += slashes + len;
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(out, rest + slashes, len);
	out[len] = '\0';
	return true;
}

emr_status emr_dir_open_own(const char *path, emr_buf *out_where, int *out_fd)
{
	__attribute__((cleanup(way_end))) way w = {.fd = -1, .where = out_where};
	EMR_AUTO_FREE char *here = path[0] != '/' ? getcwd(NULL, 0) : strdup("");
	char name[NAME_MAX + 1];
	emr_status status;

	emr_buf_clear(out_where);
	if (here == NULL)
		return emr_status_from_errno(errno);
	status = emr_buf_append(&w.rest, here, strlen(here));
	if (status == EMR_OK)
		status = emr_buf_append(&w.rest, "/", 1);
	if (status == EMR_OK)
		status = emr_buf_append(&w.rest, path, strlen(path) + 1);
	if (status == EMR_OK)
		status = begin_at_root(&w);
	while (status == EMR_OK && next_name(&w, name, &status))
		status = step(&w, name);
	if (status != EMR_OK)
		return status;
	if (out_where->len > 0)
		return EMR_EXPOSED;
	*out_fd = w.fd;
	w.fd = -1;
	return EMR_OK;
}

emr_status emr_file_check_socket(const char *path)
{
	EMR_AUTO_FREE char *dir = strdup(path);
	EMR_AUTO_BUF where = {0};
	EMR_AUTO_FD fd = -1;
	struct stat st;
	char *slash;
	emr_status status = dir != NULL ? EMR_NOT_FOUND : EMR_NO_MEMORY;

	while (status == EMR_NOT_FOUND && (slash = strrchr(dir, '/')) != NULL) {
		*slash = '\0';
		status = emr_dir_open_own(slash > dir ? dir : "/", &where, &fd);
	}
	if (status != EMR_EXPOSED || (slash = strrchr(dir, '/')) == NULL || lstat(dir, &st) != 0 ||
		!S_ISDIR(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return status;
	*slash = '\0';
	return emr_dir_open_own(slash > dir ? dir : "/", &where, &fd);
}

/* The directory that holds the last component of PATH below DIRFD. */
static emr_status sync_holder(int dirfd, const char *path)
{
	EMR_AUTO_FREE char *holder = strdup(path);
	EMR_AUTO_FD fd = -1;
	char *slash;

	EMR_TRY_MEMORY(holder);
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
	int fd;

	EMR_TRY_MEMORY(copy);
	if (path[0] == '\0')
		return EMR_BAD_NAME;
	EMR_TRY(make_parents(copy));
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

bool emr_file_is_barred(const char *path, char *out, size_t size)
{
	char at[108], names[2048]; /* as long as the name of a socket */
	struct passwd owner, *has_owner = NULL;
	struct group group, *has_group = NULL;
	struct stat st = {.st_mode = 0};
	char *slash;

	if (access(path, W_OK) == 0 || (errno != EACCES && errno != EPERM))
		return false;
	snprintf(at, sizeof at, "%.107s", path);
	while (stat(at, &st) != 0 && (slash = strrchr(at, '/')) != NULL && slash != at)
		*slash = '\0';
	(void)getpwuid_r(st.st_uid, &owner, names, sizeof names / 2, &has_owner);
	(void)getgrgid_r(st.st_gid, &group, names + sizeof names / 2, sizeof names / 2, &has_group);
	snprintf(out, size, "%s (%.40s:%.40s, mode %04o)", at,
		has_owner != NULL ? owner.pw_name : "?", has_group != NULL ? group.gr_name : "?",
		(unsigned)st.st_mode & 07777u);
	return true;
}
