/* A disk may take nothing: it is mounted read-only, or it refuses. This file says so, refuses
 * changes for that reason, and keeps the note of who has the folder open where it can be written:
 * in the runtime directory. */
#include "session/still.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "kit/places.h"

void emr_still_say(int fd, emr_problem *out_problem)
{
	char link[64], place[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, place, sizeof place - 1);
	place[n > 0 ? n : 0] = '\0';
	emr_problem_set(out_problem, EMR_SAY_DISK_READ_ONLY, "place", place, NULL);
}

emr_status emr_still_refuse(int fd, emr_problem *out_problem)
{
	if (!emr_disk_takes_nothing(fd))
		return EMR_OK;
	emr_still_say(fd, out_problem);
	return EMR_READ_ONLY;
}

emr_status emr_still_note(int state_fd, const char *text)
{
	EMR_AUTO_FD elsewhere = -1;

	EMR_TRY(emr_places_open_elsewhere(state_fd, true, &elsewhere));
	return emr_file_replace(
		elsewhere, EMR_ELSEWHERE_HOLDER, emr_bytes_of(text, strlen(text)), 0600);
}

emr_status emr_still_read(int state_fd, size_t max, emr_buf *out)
{
	EMR_AUTO_FD elsewhere = -1;

	EMR_TRY(emr_places_open_elsewhere(state_fd, false, &elsewhere));
	return emr_file_read(elsewhere, EMR_ELSEWHERE_HOLDER, max, out);
}

void emr_still_forget(int state_fd)
{
	EMR_AUTO_FD elsewhere = -1;

	if (emr_places_open_elsewhere(state_fd, false, &elsewhere) == EMR_OK &&
		unlinkat(elsewhere, EMR_ELSEWHERE_HOLDER, 0) != 0 && errno != ENOENT)
		emr_log(EMR_LOG_WARN, "the note of who has the folder open stays (%d)", errno);
}
