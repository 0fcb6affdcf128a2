/* Small private files and directories, written so that a power cut leaves the old or the new one.
 * Refuses files others can read. */
#pragma once

#include <sys/types.h>

#include "base/bytes.h"

/* NAME in DIRFD becomes BYTES: temporary file (O_EXCL, MODE), write, fsync, rename, fsync of the
 * directory. */
emr_status emr_file_replace(int dirfd, const char *name, emr_bytes bytes, mode_t mode);
/* As above, but EMR_EXISTS when NAME is there already (linkat, never overwrites). */
emr_status emr_file_create(int dirfd, const char *name, emr_bytes bytes, mode_t mode);
/* The whole of a regular file (not through a symbolic link) of at most MAX bytes: EMR_NOT_FOUND,
 * EMR_LIMIT, EMR_IO. */
emr_status emr_file_read(int dirfd, const char *name, size_t max, emr_buf *out);
/* EMR_EXPOSED when the file belongs to somebody else or group or others have any right. */
emr_status emr_file_check_private(int dirfd, const char *name);
/* EMR_EXPOSED when somebody else than this user and root may change it: it is theirs, or group (but
 * one that has this user alone) or others may write there. */
emr_status emr_file_check_own(int dirfd, const char *name);
/* PATH below DIRFD becomes a directory (0700), and its name is on the disk: without that a power
 * cut takes everything in it, however well that was flushed.  EMR_OK also when the name is there:
 * what it is shows when it is opened. */
emr_status emr_dir_make(int dirfd, const char *path);
/* Makes PATH and its missing parents, as above, and opens it O_DIRECTORY|O_CLOEXEC. */
emr_status emr_dir_open(const char *path, int *out_fd);
/* pread and pwrite of exactly LEN bytes, EINTR handled; a short read is EMR_DAMAGED. */
emr_status emr_pread_all(int fd, void *data, size_t len, off_t at);
emr_status emr_pwrite_all(int fd, const void *data, size_t len, off_t at);

static inline void emr_auto_close(const int *fd)
{
	extern int close(int);
	if (*fd >= 0)
		close(*fd);
}
#define EMR_AUTO_FD __attribute__((cleanup(emr_auto_close))) int
