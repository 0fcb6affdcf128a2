/* This file finds a path of the open folder that a person may have meant by one that is not there:
 * another only in one name, or the same name in another folder. */
#include <string.h>

#include "kit/text.h"
#include "kit/verbs.h"
#include "view/walk.h"

#include "answers.h"

typedef struct near_search {
	const char *typed;
	size_t best;
	char found[sizeof((emr_problem *)NULL)->path];
} near_search;

/* Copies the one name in which TYPED and PATH differ; false: they differ in more. */
static bool only_name(const char *typed, const char *path, char out_typed[64], char out_path[64])
{
	size_t begin = 0, a, b;

	for (size_t i = 0; typed[i] != '\0' && typed[i] == path[i]; i++)
		begin = typed[i] == '/' ? i + 1 : begin;
	a = strcspn(typed + begin, "/");
	b = strcspn(path + begin, "/");
	if (a >= 64 || b >= 64 || strcmp(typed + begin + a, path + begin + b) != 0)
		return false;
	snprintf(out_typed, 64, "%.*s", (int)a, typed + begin);
	snprintf(out_path, 64, "%.*s", (int)b, path + begin);
	return true;
}

static bool consider(void *arg, const char *path, const emr_attr *attr)
{
	near_search *s = arg;
	const char *slash = strrchr(path, '/');
	char typed[64], name[64];
	size_t far = EMR_ARGS_FAR;

	(void)attr;
	if (only_name(s->typed, path, typed, name))
		far = emr_args_far(typed, name);
	else if (slash != NULL && strcmp(s->typed, slash + 1) == 0)
		far = 0;
	if (far < s->best && strlen(path) < sizeof s->found) {
		s->best = far;
		snprintf(s->found, sizeof s->found, "%s", path);
	}
	return true;
}

void emr_say_near_path(emr_view *view, emr_problem *problem)
{
	near_search s = {.best = EMR_ARGS_FAR};
	char path[sizeof problem->path];

	if (problem->message != EMR_SAY_NO_SUCH_PATH)
		return;
	snprintf(path, sizeof path, "%s", problem->path);
	s.typed = path;
	if (emr_walk(view, "", consider, &s) == EMR_OK && s.best < EMR_ARGS_FAR)
		emr_problem_set(
			problem, EMR_SAY_NO_SUCH_PATH_NEAR, "path", path, "near", s.found, NULL);
}
