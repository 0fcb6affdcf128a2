/* This file makes the directory for what viewers keep while the folder is open, and removes it with
 * the folder. */
#include "mount/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "session/stage.h"

#define NAME "viewers"
#define TRIES 20 /* a viewer that is still there may write while it is removed */

char *emr_viewer_cache_path(const emr_places *places)
{
	char *path = NULL;

	return asprintf(&path, "%s/" NAME, places->run) >= 0 ? path : NULL;
}

static emr_status open_run(const emr_places *places, int *out_fd)
{
	emr_problem ignored = {0};

	return emr_places_open_run(places, out_fd, &ignored);
}

static emr_status remove_all(int run_fd)
{
	emr_status status = EMR_BUSY;

	for (int i = 0; i < TRIES && status != EMR_OK && status != EMR_NOT_FOUND; i++)
		status = emr_stage_remove_tree(run_fd, NAME);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_viewer_cache_begin(const emr_places *places)
{
	EMR_AUTO_FD run_fd = -1;

	EMR_TRY(open_run(places, &run_fd));
	EMR_TRY(remove_all(run_fd));
	if (mkdirat(run_fd, NAME, 0700) != 0)
		EMR_TRY(emr_status_from_errno(errno));
	return EMR_OK;
}

emr_status emr_viewer_cache_end(const emr_places *places)
{
	EMR_AUTO_FD run_fd = -1;

	EMR_TRY(open_run(places, &run_fd));
	return remove_all(run_fd);
}
