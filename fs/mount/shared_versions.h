/* This header declares what `restore` answers about what others share: versions are told where
 * the grant has history, and come into one's own folder as copies. It refuses to change anything
 * of the other's. */
#pragma once

#include "kit/message.h"
#include "session/session.h"

/* Called while keys are waited for; any other status than EMR_OK ends that. */
typedef emr_status (*emr_waiting_fn)(void *arg);

/* OWNER, as the directory is called: it was the owner who registered it; NULL: somebody else. */
typedef emr_status (*emr_others_version_fn)(
	void *arg, const emr_file_version *version, const char *owner);
/* As emr_view_each_version, but out_problem says every failure. */
emr_status emr_shared_versions_each(emr_session *session, const char *path, emr_waiting_fn waiting,
	void *waiting_arg, emr_others_version_fn fn, void *arg, emr_problem *out_problem);
/* As emr_view_restore, for a path of another's; out_problem says every failure. */
emr_status emr_shared_versions_copy(emr_session *session, const emr_restore *what,
	emr_waiting_fn waiting, void *waiting_arg, emr_restored *out_restored,
	emr_problem *out_problem);
