/* Paths below shared-with-me in verbs: what they say of what others share, which is not this
 * person's to decide. It refuses to look like an answer about one's own records. */
#pragma once

#include "kit/message.h"

bool emr_path_is_shared(const char *path);
/* `keep --not PATH`, `log PATH`: the problem, and EMR_DENIED. */
emr_status emr_shared_keeps_all(const char *path, emr_problem *out_problem);
emr_status emr_shared_log(const char *path, emr_problem *out_problem);
/* What VERB cannot do with what is another's: the problem, and EMR_DENIED. */
emr_status emr_shared_not_yours(const char *path, const char *verb, emr_problem *out_problem);
/* The first name below shared-with-me: as his directory is called. */
void emr_shared_owner_of(const char *path, char *out, size_t size);
