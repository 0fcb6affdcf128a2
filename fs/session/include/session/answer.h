/* This is how the open keyring answers a verb, in the mount or in the verb's own process; the
 * questions stand in answers.h of the folder that answers them. It refuses to give out keys or
 * content: only what was found. */
#pragma once

#include "kit/frame.h"
#include "session/session.h"

/* Receives objects as they come (progress, entries); steals the reference.  Not EMR_OK ends the
 * work, which then returns it. */
typedef emr_status (*emr_emit_fn)(void *arg, json_t *object);
/* OBJECT as it was just made; NULL: there was no memory for it. */
emr_status emr_emit(emr_emit_fn emit, void *arg, json_t *object);
/* {NAME: [...]} as often as LIST needs, because a frame is short. */
emr_status emr_emit_list(const char *name, const json_t *list, emr_emit_fn emit, void *arg);
