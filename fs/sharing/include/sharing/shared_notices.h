/* These functions write the notices about what others share. They call by name who did not answer.
 * They refuse to say what has no message. */
#pragma once

#include "session/session.h"
#include "sharing/notices.h"

struct emr_shared_notice;

typedef struct emr_shared_notices {
	const emr_session *session; /* open while notices come */
	emr_notices *notices;
} emr_shared_notices;

/* The words alone.  False: there is no such message. */
bool emr_shared_notice_say(const emr_session *session, const struct emr_shared_notice *notice,
	emr_problem *out_problem);
/* As emr_view_options.shared_notice; ARG is an emr_shared_notices. */
void emr_shared_notices_add(void *arg, const struct emr_shared_notice *notice);
