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
/* emr_file_read of such a file: what is looked at is what is read. */
emr_status emr_file_read_private(int dirfd, const char *name, size_t max, emr_buf *out);
/* emr_file_read; EMR_EXPOSED when somebody else than this user and root may change the file: it is
 * theirs, or others may write there, or a group (but one that has this user alone), or whom an
 * access control list names. */
emr_status emr_file_read_own(int dirfd, const char *name, size_t max, emr_buf *out);
/* Opens the directory PATH for openat (O_PATH), if nobody else than this user and root can change
 * what it names: no directory on the way, nor itself, is theirs or can be written by them (in a
 * sticky one on the way they take nothing away), and no link on the way is theirs.  EMR_EXPOSED,
 * with the first such place in OUT_WHERE; EMR_NOT_FOUND also behind such a place. */
emr_status emr_dir_open_own(const char *path, emr_buf *out_where, int *out_fd);
/* Whether nobody but who listens at PATH, a socket that is or will be there, can put another in its
 * place: the directory is as emr_dir_open_own has it, or is another account's alone, in one that
 * is. Where it is missing, that holds for the one in which it would be made. EMR_EXPOSED, as
 * there. */
emr_status emr_file_check_socket(const char *path);
/* PATH below DIRFD becomes a directory (0700), and its name is on the disk: without that a power
 * cut takes everything in it, however well that was flushed.  EMR_OK also when the name is there:
 * what it is shows when it is opened. */
emr_status emr_dir_make(int dirfd, const char *path);
/* Makes PATH and its missing parents, as above, and opens it O_DIRECTORY|O_CLOEXEC. */
emr_status emr_dir_open(const char *path, int *out_fd);
/* Whether PATH, a socket, is there for others only, and not for this account: OUT gets the first
 * part of it beyond which nothing can be seen, as "/run/ipfs (ipfs:ipfs, mode 0750)". */
bool emr_file_is_barred(const char *path, char *out, size_t size);
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
