/* Renews the member's certificate while a folder is open, or an agent runs: both go on for longer
 * than a certificate lasts.  It refuses to begin where nobody renews it. */
#pragma once

#include "session/session.h"
#include "sharing/notices.h"

typedef struct emr_cert_watch emr_cert_watch;

/* In a thread of its own.  *OUT_WATCH is NULL where no authority of the organisation's own gives
 * certificates.  HAS_TRIED: what was due was asked for a moment ago; otherwise it is now.  SESSION
 * and NOTICES (NULL: the log alone is told) are borrowed until stop. */
emr_status emr_cert_watch_start(
	emr_session *session, emr_notices *notices, bool has_tried, emr_cert_watch **out_watch);
/* Ends the thread; before the session is closed.  NULL is fine. */
void emr_cert_watch_stop(emr_cert_watch *watch);
void emr_cert_watch_free(emr_cert_watch *watch);
