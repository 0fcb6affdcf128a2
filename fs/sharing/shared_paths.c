/* Most verbs work on one's own records only. This file recognises a path below `shared-with-me`
 * and says in the right words why `log`, `share` and others are not possible there. */
#include "sharing/received.h"

#include "kit/paths.h"

#include <stdio.h>
#include <string.h>

#define DIRECTORY "shared-with-me"

bool emr_path_is_shared(const char *path)
{
	return emr_path_below(DIRECTORY, path) != NULL;
}

emr_status emr_shared_refuse(
	const char *path, emr_message message, const char *verb, emr_problem *out_problem)
{
	const char *from = strchr(path, '/');
	char owner[300] = "who shared it";

	if (from != NULL)
		snprintf(owner, sizeof owner, "%.*s", (int)strcspn(from + 1, "/"), from + 1);
	return EMR_PROBLEM(
		EMR_DENIED, out_problem, message, "path", path, "owner", owner, "verb", verb, NULL);
}
