/* This header declares how a path as a person typed it becomes a path inside the folder, and how a
 * file that a person hands over is read. It refuses paths that lie outside of the folder. */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

/* PATH lexically: no ".", "..", doubled or trailing slashes, no leading slash.  EMR_NOT_FOUND when
 * it climbs out of the top. */
emr_status emr_path_clean(const char *path, char *out, size_t size);

/* The rest of PATH behind FOLDER ("" has everything); NULL: PATH, which may be NULL, is neither
 * FOLDER nor below it. */
const char *emr_path_below(const char *folder, const char *path);

/* Where PATH, as typed, lies in the folder open at FOLDER: from the current directory if that is
 * inside, else from the top; an absolute path below FOLDER is taken, too, and one that leads there
 * by symbolic links.  EMR_NOT_FOUND when it lies outside. */
emr_status emr_path_in_folder(const char *folder, const char *path, char *out, size_t size);

/* Appends all that FD gives until it ends, also of a pipe.  EMR_LIMIT when that is more than MAX
 * bytes: OUT got one more then. */
emr_status emr_read_all(int fd, size_t max, emr_buf *out);
