/* .emrfs/report.html: one page about the whole folder that needs nothing else.  It refuses the
 * network and scripts (its own policy forbids both), and every name in it is text. */
#pragma once

#include "session/session.h"
#include "sharing/notices.h"

emr_status emr_page_html(emr_session *session, emr_notices *notices, emr_buf *out);

extern const char page_style[];
