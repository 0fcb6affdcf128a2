/* The publisher of an open folder: made from the settings, at work as long as the folder is open.
 * It refuses to keep a folder closed: a node that cannot be used is a notice. */
#pragma once

#include "kit/places.h"
#include "session/session.h"
#include "sharing/notices.h"

typedef struct emr_publishing emr_publishing;

/* Speaks to nobody; sets session->publisher. */
emr_status emr_publishing_new(emr_session *session, emr_notices *notices,
	const emr_settings *settings, emr_publishing **out_publishing);
/* The session is open.  What fails is logged: nothing is given to nodes then. */
void emr_publishing_start(emr_publishing *publishing);
/* Before the session is closed.  NULL is fine, for both. */
void emr_publishing_stop(emr_publishing *publishing);
void emr_publishing_free(emr_publishing *publishing);
