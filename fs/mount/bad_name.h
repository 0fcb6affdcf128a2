/* A name that cannot be kept, said with the reason. */
#pragma once

#include "kit/message.h"
#include "view/names.h"

static inline void answers_say_bad_name(const char *path, emr_problem *out_problem)
{
	char why[EMR_NAME_WHY_BYTES];

	emr_name_why(path, why);
	emr_problem_set(out_problem, EMR_SAY_BAD_NAME, "path", path, "why", why, NULL);
}
