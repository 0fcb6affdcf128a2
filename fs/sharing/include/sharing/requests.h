/* The answers to `request`, `deny` and a yes share this. It refuses to act while the ledger is not
 * believed. */
#pragma once

#include "kit/frame.h"
#include "session/answer.h"
#include "sharing/office.h"
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

/* ---- guardian.c ---- */
/* A guardian acts for the owner of what lies below shared-with-me (share/request.h): asks that
 * somebody may read of it, and ends what somebody reads. The owner's computer says yes by the rule
 * that the owner signed, and refuses to by any other: the owner is asked then. */

/* REQUEST is a guardian's, for REQUEST->who and a path below shared-with-me: the row that is to be
 * sent gets owner, place and reader.  EMR_DENIED, EMR_NOT_FOUND: said. */
emr_status emr_guardian_asks(
	emr_session *session, const emr_request *request, emr_order *row, emr_problem *out_problem);
/* Of PATH in such a row what lies behind the name of the folder that is shared. */
const char *emr_guardian_inside(const char *path);
/* Says yes to ROW, which waits for this person's, if a guardian asks and the rule allows it, and
 * tells it.  *OUT_ANSWERED: it did. */
emr_status emr_guardian_answer(emr_visit *visit, const emr_share_row *row, bool *out_answered);
/* ROW, a guardian's by GRANT, gets its rule as `words`. */
emr_status emr_guardian_row_rule(
	emr_share *share, emr_crowd *crowd, const emr_known_grant *grant, emr_share_row *row);
/* ROW, which a guardian ASKED for another of FOLDER, the path of that domain here (NULL: no
 * memory), gets that one's name, the guardian's, and the path. */
emr_status emr_guardian_row_asked(
	emr_crowd *crowd, const char *folder, const emr_share_request *asked, emr_share_row *row);
/* Tells what a guardian has ended. */
emr_status emr_guardian_tell(const emr_visit *visit, const emr_guardian_mark *mark);
/* The answer to `revoke` of a path below shared-with-me, as emr_answer_revoke. */
emr_answer_fn emr_guardian_revoke;
