/* This file keeps the list of backups that were made, when and where, the newest first, so that
 * `status` can say how old the last one is. A path in it cannot forge a line. */
#include "session/second_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "kit/places.h"

/* "emrfs second-copy 3\n" and for each "made N\nentries N\ndisk N\nsame 0|1\ndir PATH\n" */
#define FIRST_LINE "emrfs second-copy 3\n"
#define BLOCK_MAX 4400
#define NOTE_MAX ((size_t)BLOCK_MAX * EMR_SECOND_COPIES_MAX)
#define LIST_NAME "/emrfs-backup"

/* Of the file system that PATH, or the directory it is in, lies on; 0: there is none. */
static uint64_t disk_of(const char *path)
{
	struct statvfs disk;

	return statvfs(path, &disk) == 0 ? (uint64_t)disk.f_fsid : 0;
}

/* A directory above that is on the same disk still, without the backup: somebody deleted it.  With
 * another disk there, or none, it may come back. */
static bool is_gone(const emr_second_copy *copy)
{
	char path[sizeof copy->dir + sizeof LIST_NAME];
	struct stat st;
	char *slash;

	snprintf(path, sizeof path, "%s" LIST_NAME, copy->dir);
	if (copy->disk == 0 || stat(path, &st) == 0 || errno != ENOENT)
		return false;
	while ((slash = strrchr(path, '/')) != NULL && slash != path) {
		*slash = '\0';
		if (stat(path, &st) == 0)
			return disk_of(path) == copy->disk;
	}
	return false;
}

/* As far as can be seen now; else OTHERWISE. */
static bool is_on_this_disk(int state_fd, const char *dir, bool otherwise)
{
	EMR_AUTO_FD fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? emr_disk_is_same(state_fd, fd) : otherwise;
}

/* A copy that is lost together with the records is no second copy of them. While the copy is not to
 * be seen, what was found when it was made holds: a file system that is not mounted may be a
 * partition of the same disk. */
static bool is_same_disk(int state_fd, const emr_second_copy *copy)
{
	char path[sizeof copy->dir + sizeof LIST_NAME];
	struct stat st;

	snprintf(path, sizeof path, "%s" LIST_NAME, copy->dir);
	return stat(path, &st) == 0 ? is_on_this_disk(state_fd, copy->dir, copy->is_same_disk)
				    : copy->is_same_disk;
}

/* One block at *AT, which moves behind it. */
static bool read_block(int state_fd, const char **at, emr_second_copy *out)
{
	int dir_at = -1;
	unsigned same;
	size_t len;

	*out = (emr_second_copy){.is_known = true};
	if (sscanf(*at, "made %" SCNu64 " entries %" SCNu64 " disk %" SCNu64 " same %1u dir %n",
		    &out->made_unix_s, &out->entries, &out->disk, &same, &dir_at) != 4 ||
		dir_at < 0 || same > 1)
		return false;
	*at += dir_at;
	len = strcspn(*at, "\n");
	if (len == 0 || len >= sizeof out->dir || (*at)[len] != '\n')
		return false;
	memcpy(out->dir, *at, len);
	*at += len + 1;
	out->is_same_disk = same;
	out->is_gone = is_gone(out);
	out->is_same_disk = is_same_disk(state_fd, out);
	return true;
}

size_t emr_second_copies_read(int state_fd, emr_second_copy *out_copies, size_t max)
{
	EMR_AUTO_BUF file = {0};
	const char *at;
	size_t n = 0;

	if (emr_file_read(state_fd, EMR_STATE_SECOND_COPY, NOTE_MAX, &file) != EMR_OK ||
		emr_buf_append_zeros(&file, 1) != EMR_OK)
		return 0;
	at = (const char *)file.data;
	if (strncmp(at, FIRST_LINE, strlen(FIRST_LINE)) != 0)
		return 0;
	at += strlen(FIRST_LINE);
	while (n < max && *at != '\0' && read_block(state_fd, &at, &out_copies[n]))
		n++;
	return n;
}

void emr_second_copy_read(int state_fd, emr_second_copy *out_copy)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX, sizeof *all);
	size_t n = all != NULL ? emr_second_copies_read(state_fd, all, EMR_SECOND_COPIES_MAX) : 0;

	*out_copy = (emr_second_copy){.is_known = false};
	for (size_t i = n; i-- > 0;)
		if (!all[i].is_gone && !all[i].is_same_disk)
			*out_copy = all[i];
}

/* FIRST (may be NULL), and all others but those of its directory and disk; with DISK 0 those of its
 * directory on any. */
static emr_status write_others(
	int state_fd, const emr_second_copy *first, const char *dir, uint64_t disk)
{
	EMR_AUTO_FREE emr_second_copy *all = calloc(EMR_SECOND_COPIES_MAX + 1, sizeof *all);
	EMR_AUTO_BUF text = {0};
	char line[BLOCK_MAX];
	size_t n = first != NULL, kept = 0;
	emr_status status;

	if (all == NULL)
		return EMR_NO_MEMORY;
	if (first != NULL)
		all[0] = *first;
	n += emr_second_copies_read(state_fd, all + n, EMR_SECOND_COPIES_MAX);
	status = emr_buf_append(&text, FIRST_LINE, strlen(FIRST_LINE));
	for (size_t i = 0; i < n && kept < EMR_SECOND_COPIES_MAX && status == EMR_OK; i++) {
		bool is_same = strcmp(all[i].dir, dir) == 0 && (disk == 0 || all[i].disk == disk);
		int len;

		if ((is_same || all[i].is_gone) && !(i == 0 && first != NULL))
			continue;
		len = snprintf(line, sizeof line,
			"made %" PRIu64 "\nentries %" PRIu64 "\ndisk %" PRIu64
			"\nsame %d\ndir %s\n",
			all[i].made_unix_s, all[i].entries, all[i].disk, all[i].is_same_disk,
			all[i].dir);
		status = emr_buf_append(&text, line, (size_t)len);
		kept++;
	}
	return status == EMR_OK ? emr_file_replace(state_fd, EMR_STATE_SECOND_COPY,
					  emr_buf_view(&text), 0600)
				: status;
}

emr_status emr_second_copy_write(int state_fd, const emr_second_copy *copy)
{
	emr_second_copy shown = *copy;

	/* A line break in a path must not make a line of ours. */
	emr_show(copy->dir, shown.dir, sizeof shown.dir);
	/* A path that is shown otherwise cannot be looked at again. */
	shown.disk = strcmp(copy->dir, shown.dir) == 0 ? disk_of(copy->dir) : 0;
	shown.is_same_disk = is_on_this_disk(state_fd, shown.dir, false);
	return write_others(state_fd, &shown, shown.dir, shown.disk);
}

emr_status emr_second_copy_forget(int state_fd, const char *dir)
{
	char shown[sizeof((emr_second_copy *)0)->dir];

	emr_show(dir, shown, sizeof shown);
	return write_others(state_fd, NULL, shown, 0);
}
