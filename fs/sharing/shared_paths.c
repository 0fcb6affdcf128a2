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

emr_status emr_shared_keeps_all(const char *path, emr_problem *out_problem)
{
	char owner[300];

	emr_shared_owner_of(path, owner, sizeof owner);
	emr_problem_set(out_problem, EMR_SAY_NOT_YOURS_TO_DROP, "path", path, "owner", owner, NULL);
	return EMR_DENIED;
}

emr_status emr_shared_log(const char *path, emr_problem *out_problem)
{
	char owner[300];

	emr_shared_owner_of(path, owner, sizeof owner);
	emr_problem_set(out_problem, EMR_SAY_OWNERS_LOG, "path", path, "owner", owner, NULL);
	return EMR_DENIED;
}

emr_status emr_shared_not_yours(const char *path, const char *verb, emr_problem *out_problem)
{
	char owner[300];

	emr_shared_owner_of(path, owner, sizeof owner);
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_YOURS, "path", path, "owner", owner,
		"verb", verb, NULL);
}
