/* The answers to `request`, `deny` and a yes share this. It refuses to act while the ledger is not
 * believed. */
#pragma once

#include "kit/frame.h"
#include "sharing/shares.h"

/* The problem that says STATUS about REQUEST's id. */
void emr_requests_say(emr_session *session, emr_status status, const emr_request *request,
	emr_problem *out_problem);
/* A yes to REQUEST's id is the share *OUT_SHARE, as `share` would be asked for it: of the folder,
 * for the person and on the terms of *OUT_ASKED, one of OUT_ROWS, which is the caller's; until the
 * time that REQUEST says, if it says one. EMR_NOT_FOUND; EMR_CONFLICT: it is answered; EMR_DENIED,
 * EMR_READ_ONLY: said. */
emr_status emr_requests_as_share(emr_session *session, const emr_request *request,
	emr_request *out_share, emr_share_rows *out_rows, const emr_share_row **out_asked,
	emr_problem *out_problem);
/* The open ones are the files of .emrfs/requests from now on, and counted in `status`. OUT_ROWS is
 * all there are. */
emr_status emr_requests_show(emr_session *session, emr_share *share, emr_share_rows *out_rows);
