/* Most verbs work on one's own records only. This file recognises a path below `shared-with-me`
 * and says in the right words why `log`, `share` and others are not possible there. */
#include "sharing/received.h"

#include <stdio.h>
#include <string.h>

#define DIRECTORY "shared-with-me"

bool emr_path_is_shared(const char *path)
{
	size_t len = strlen(DIRECTORY);

	return strncmp(path, DIRECTORY, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

void emr_shared_owner_of(const char *path, char *out, size_t size)
{
	const char *from = strchr(path, '/');

	if (from == NULL)
		snprintf(out, size, "who shared it");
	else
		snprintf(out, size, "%.*s", (int)strcspn(from + 1, "/"), from + 1);
}

emr_status emr_shared_refuse(
	const char *path, emr_message message, const char *verb, emr_problem *out_problem)
{
	char owner[300];

	emr_shared_owner_of(path, owner, sizeof owner);
	return EMR_PROBLEM(
		EMR_DENIED, out_problem, message, "path", path, "owner", owner, "verb", verb, NULL);
}
