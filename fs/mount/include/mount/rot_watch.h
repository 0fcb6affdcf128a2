/* Watches the ledger for rot while a folder is open: compares it with what this computer has
 * verified, a little at a time, puts right what is damaged, and ends the folder's writing when that
 * cannot be done.  It refuses to take another history for damage. */
#pragma once

#include "session/session.h"
#include "sharing/notices.h"

typedef struct emr_rot_watch emr_rot_watch;

/* In a thread of its own, from where an earlier watch of this state ended.  SESSION and NOTICES are
 * borrowed until stop. */
emr_status emr_rot_watch_start(
	emr_session *session, emr_notices *notices, emr_rot_watch **out_watch);
/* Ends the thread; before the session is closed.  NULL is fine. */
void emr_rot_watch_stop(emr_rot_watch *watch);
/* Notes how far it came; after the session was closed, when nobody changes the files any more. NULL
 * is fine. */
void emr_rot_watch_free(emr_rot_watch *watch);
