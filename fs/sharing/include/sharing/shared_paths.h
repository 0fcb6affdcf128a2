/* Paths below shared-with-me in verbs: what they say of what others share, which is not this person's to decide.
 * It refuses to look like an answer about one's own records. */
#pragma once

#include "kit/message.h"

bool emr_path_is_shared(const char *path);
/* `keep --not PATH`, `log PATH`: the problem, and EMR_DENIED. */
emr_status emr_shared_keeps_all(const char *path, emr_problem *out_problem);
emr_status emr_shared_log(const char *path, emr_problem *out_problem);
