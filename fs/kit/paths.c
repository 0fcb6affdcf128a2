/* This file turns a path as a person typed it into a path inside the folder, and reads a file that
 * a person hands over. It refuses paths that lie elsewhere on the computer, and too much. */
#include "kit/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

emr_status emr_path_clean(const char *path, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	while (*path != '\0') {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			char *slash = strrchr(out, '/');

			if (at == 0)
				return EMR_NOT_FOUND;
			at = slash != NULL ? (size_t)(slash - out) : 0;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (at + len + 2 > size)
				return EMR_LIMIT;
			if (at > 0)
				out[at++] = '/';
			memcpy(out + at, path, len);
			at += len;
		}
		out[at] = '\0';
		path += len;
	}
	return EMR_OK;
}

const char *emr_path_below(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	if (path == NULL || strncmp(path, folder, len) != 0 ||
		(len > 0 && path[len] != '\0' && path[len] != '/'))
		return NULL;
	return path + len;
}

/* PATH, typed outside the folder: a symbolic link may lead into it; what lies elsewhere on this
 * computer is not taken for a name from the folder's top. */
static emr_status from_outside(const char *folder, const char *path, char *out, size_t size)
{
	EMR_AUTO_FREE char *real = realpath(path, NULL);
	const char *inside = folder != NULL && real != NULL ? emr_path_below(folder, real) : NULL;

	if (inside != NULL)
		return emr_path_clean(inside, out, size);
	EMR_TRY(emr_path_clean(path, out, size));
	return path[0] == '/' && real != NULL && out[0] != '\0' ? EMR_NOT_FOUND : EMR_OK;
}

emr_status emr_path_in_folder(const char *folder, const char *path, char *out, size_t size)
{
	EMR_AUTO_FREE char *here = getcwd(NULL, 0);
	EMR_AUTO_FREE char *joined = NULL;
	const char *inside = folder != NULL && here != NULL ? emr_path_below(folder, here) : NULL;

	if (path[0] == '/' && folder != NULL && emr_path_below(folder, path) != NULL)
		return emr_path_clean(emr_path_below(folder, path), out, size);
	if (path[0] == '/' || inside == NULL)
		return from_outside(folder, path, out, size);
	if (asprintf(&joined, "%s/%s", inside, path) < 0) {
		joined = NULL;
		return EMR_NO_MEMORY;
	}
	return emr_path_clean(joined, out, size);
}

emr_status emr_read_all(int fd, size_t max, emr_buf *out)
{
	const size_t end = out->len + max + 1;

	EMR_TRY(emr_buf_reserve(out, max + 1));
	while (out->len < end) {
		ssize_t n = read(fd, out->data + out->len, end - out->len);

		if (n == 0)
			return EMR_OK;
		if (n < 0 && errno != EINTR)
			return emr_status_from_errno(errno);
		out->len += n > 0 ? (size_t)n : 0;
	}
	return EMR_LIMIT;
}
