/* This is how the open keyring answers a verb, in the mount or in the verb's own process; the
 * questions stand in answers.h of the folder that answers them. It refuses to give out keys or
 * content: only what was found. */
#pragma once

#include "kit/frame.h"
#include "session/session.h"

/* The one that receives objects as they come (progress, entries): TAKE steals the reference.  Not
 * EMR_OK ends the work, which then returns it. */
typedef struct emr_sink {
	emr_status (*take)(void *arg, json_t *object);
	void *arg;
} emr_sink;

/* A function that answers REQUEST in the open folder; it stands in answers.h of its own folder. A
 * failure for which it sets no problem is said in general words. */
typedef emr_status emr_answer_fn(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem);

/* OBJECT as it was just made; NULL: there was no memory for it.  SINK may be NULL: nobody listens.
 */
emr_status emr_emit(const emr_sink *sink, json_t *object);
/* {NAME: [...]} as often as LIST needs, because a frame is short. */
emr_status emr_emit_list(const char *name, const json_t *list, const emr_sink *sink);
