/* This file tells whether two open directories lie on one disk, by following block devices in /sys
 * to their ends. It also tells whether a disk takes anything at all, and how a database can be read
 * from one that does not. */
#include "base/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"

#define DISKS_MAX 16
#define DEPTH_MAX 8

/* The disks that a file system ends at. */
typedef struct disks {
	dev_t ids[DISKS_MAX];
	size_t n;
	char pool[256]; /* of a file system that spreads over devices of its own; empty: none */
} disks;

static void add_place(disks *d, int fd, int depth);

static void disks_add(disks *d, dev_t id)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->ids[i] == id)
			return;
	if (d->n < DISKS_MAX)
		d->ids[d->n++] = id;
}

/* The first line of a small file of the kernel's, without its end. */
static bool read_line(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	bool is_read = file != NULL && fgets(out, (int)size, file) != NULL;

	if (file != NULL)
		fclose(file);
	if (is_read)
		out[strcspn(out, "\n")] = '\0';
	return is_read;
}

static bool read_device(const char *path, dev_t *out_id)
{
	char text[64];
	unsigned major_number, minor_number;

	if (!read_line(path, text, sizeof text) ||
		sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return false;
	*out_id = makedev(major_number, minor_number);
	return true;
}

static void add_device(disks *d, dev_t id, int depth);

/* Adds the disks that a volume or an array is made of; false: it is made of nothing else. */
static bool add_slaves(disks *d, const char *directory, int depth)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	bool has_some = false;
	DIR *slaves;
	dev_t id;

	snprintf(path, sizeof path, "%.3900s/slaves", directory);
	slaves = opendir(path);
	if (slaves == NULL)
		return false;
	while ((entry = readdir(slaves)) != NULL) {
		snprintf(path, sizeof path, "%.3600s/slaves/%s/dev", directory, entry->d_name);
		if (entry->d_name[0] == '.' || !read_device(path, &id))
			continue;
		has_some = true;
		add_device(d, id, depth + 1);
	}
	closedir(slaves);
	return has_some;
}

/* A loop device is where its file is. */
static bool add_backing_file(disks *d, const char *directory, int depth)
{
	char path[PATH_MAX], file[PATH_MAX];
	EMR_AUTO_FD fd = -1;

	snprintf(path, sizeof path, "%.3900s/loop/backing_file", directory);
	if (!read_line(path, file, sizeof file))
		return false;
	fd = open(file, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		add_place(d, fd, depth + 1);
	return fd >= 0;
}

static void add_device(disks *d, dev_t id, int depth)
{
	char link[64], directory[PATH_MAX], path[PATH_MAX];
	dev_t whole;

	if (depth > DEPTH_MAX)
		return;
	snprintf(link, sizeof link, "/sys/dev/block/%u:%u", major(id), minor(id));
	if (realpath(link, directory) == NULL) {
		disks_add(d, id);
		return;
	}
	snprintf(path, sizeof path, "%.3900s/partition", directory);
	if (access(path, F_OK) == 0) {
		snprintf(path, sizeof path, "%.3900s/../dev", directory);
		if (read_device(path, &whole)) {
			add_device(d, whole, depth + 1);
			return;
		}
	}
	if (!add_slaves(d, directory, depth) && !add_backing_file(d, directory, depth))
		disks_add(d, id);
}

/* The mount that FD is on, as the kernel lists it: the kind of file system, and what it is of. */
static bool mounted_from(int fd, char kind[64], char source[PATH_MAX])
{
	struct statx stx;
	char line[3 * PATH_MAX];
	FILE *list;
	bool is_found = false;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) != 0 ||
		(stx.stx_mask & STATX_MNT_ID) == 0)
		return false;
	list = fopen("/proc/self/mountinfo", "re");
	while (list != NULL && !is_found && fgets(line, sizeof line, list) != NULL) {
		unsigned long long id = strtoull(line, NULL, 10);
		const char *rest = strstr(line, " - ");

		is_found = id == stx.stx_mnt_id && rest != NULL &&
			   sscanf(rest, " - %63s %4095s", kind, source) == 2;
	}
	if (list != NULL)
		fclose(list);
	return is_found;
}

/* A file system without a device number of its own says by its mount what it is of. */
static void add_place(disks *d, int fd, int depth)
{
	char kind[64], source[PATH_MAX];
	struct stat st, device;

	if (depth > DEPTH_MAX || fstat(fd, &st) != 0)
		return;
	if (major(st.st_dev) != 0) {
		add_device(d, st.st_dev, depth);
		return;
	}
	if (mounted_from(fd, kind, source)) {
		if (source[0] == '/' && stat(source, &device) == 0 && S_ISBLK(device.st_mode)) {
			add_device(d, device.st_rdev, depth);
			return;
		}
		if (strcmp(kind, "zfs") == 0)
			snprintf(d->pool, sizeof d->pool, "%.*s", (int)strcspn(source, "/") % 255,
				source);
	}
	disks_add(d, st.st_dev);
}

bool emr_disk_is_same(int fd, int other_fd)
{
	disks here = {.n = 0}, there = {.n = 0};
	struct stat a, b;

	if (fstat(fd, &a) == 0 && fstat(other_fd, &b) == 0 && a.st_dev == b.st_dev)
		return true;
	add_place(&here, fd, 0);
	add_place(&there, other_fd, 0);
	if (here.pool[0] != '\0' && strcmp(here.pool, there.pool) == 0)
		return true;
	for (size_t i = 0; i < here.n; i++)
		for (size_t j = 0; j < there.n; j++)
			if (here.ids[i] == there.ids[j])
				return true;
	return false;
}

/* ---- a disk that takes nothing ---- */

#define GIVEN_UP_MAX 8

static pthread_mutex_t given_up_lock = PTHREAD_MUTEX_INITIALIZER;
static dev_t given_up[GIVEN_UP_MAX]; /* given_up_lock */
static size_t n_given_up;	     /* given_up_lock */

/* given_up_lock held. */
static bool has_given_up(dev_t disk)
{
	for (size_t i = 0; i < n_given_up; i++)
		if (given_up[i] == disk)
			return true;
	return false;
}

void emr_disk_give_up(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return;
	pthread_mutex_lock(&given_up_lock);
	if (!has_given_up(st.st_dev) && n_given_up < GIVEN_UP_MAX)
		given_up[n_given_up++] = st.st_dev;
	pthread_mutex_unlock(&given_up_lock);
}

/* A kernel that has lost its trust in a disk may refuse writes without saying that it is mounted
 * read-only: whether somebody may write asks it, too. */
bool emr_disk_takes_nothing(int fd)
{
	struct statvfs disk;
	struct stat st;
	bool is;

	if (fstatvfs(fd, &disk) == 0 && (disk.f_flag & ST_RDONLY) != 0)
		return true;
	if (faccessat(fd, ".", W_OK, 0) != 0 && errno == EROFS)
		return true;
	if (fstat(fd, &st) != 0)
		return false;
	pthread_mutex_lock(&given_up_lock);
	is = has_given_up(st.st_dev);
	pthread_mutex_unlock(&given_up_lock);
	return is;
}

static bool is_there(const char *path, const char *suffix, struct stat *out)
{
	char beside[PATH_MAX];

	return snprintf(beside, sizeof beside, "%s%s", path, suffix) < (int)sizeof beside &&
	       stat(beside, out) == 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool emr_disk_database_changed(const char *path, const emr_disk_seen *seen)
{
	struct stat file, log;

	if (seen->is_locked)
		return false;
	return !is_there(path, "", &file) || !is_same_file(&file, &seen->file) ||
	       is_there(path, "-wal", &log) != seen->has_log ||
	       (seen->has_log && !is_same_file(&log, &seen->log));
}

/* With log and shared memory beside it SQLite reads it by itself, also while another computer or
 * another mount of the same disk writes.  A log alone is read into memory; without one nothing is
 * missing in the file until somebody writes it, who makes a log first. */
emr_status emr_disk_database(
	const char *path, char *out_uri, size_t size, bool *out_is_alone, emr_disk_seen *out_seen)
{
	emr_disk_seen seen = {.is_locked = false};
	struct stat shared;
	bool has_shared = is_there(path, "-shm", &shared) && shared.st_size > 0;
	size_t n = (size_t)snprintf(out_uri, size, "file:");

	seen.has_log = is_there(path, "-wal", &seen.log);
	if (!is_there(path, "", &seen.file))
		return EMR_NOT_FOUND;
	seen.is_locked = seen.has_log && has_shared;
	*out_is_alone = seen.has_log && !has_shared && seen.log.st_size > 0;
	for (const char *at = path; *at != '\0' && n + 4 < size; at++) {
		bool is_plain = strchr("%?#", *at) == NULL;

		n += (size_t)snprintf(out_uri + n, size - n, is_plain ? "%c" : "%%%02X", *at);
	}
	if (n + 4 >= size)
		return EMR_LIMIT;
	n += (size_t)snprintf(out_uri + n, size - n, "%s",
		seen.is_locked	? "?mode=ro&readonly_shm=1"
		: *out_is_alone ? "?mode=ro&vfs=unix-none"
				: "?immutable=1");
	*out_seen = seen;
	return n < size ? EMR_OK : EMR_LIMIT;
}
