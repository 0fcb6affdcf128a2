/* The answers to `request`, `approve` and `deny` share this. It refuses to act while the ledger
 * is not believed. */
#pragma once

#include "sharing/request_list.h"

/* A handle of one's own for sharing. */
emr_status emr_requests_share(const emr_session *session, emr_share **out_share);
/* The problem that says STATUS about REQUEST's id. */
void emr_requests_say(emr_session *session, emr_status status, const emr_request *request,
	emr_problem *out_problem);
/* EMR_READ_ONLY, which is said. */
emr_status emr_requests_may_act(emr_session *session, emr_problem *out_problem);
/* The one that REQUEST's id means.  EMR_NOT_FOUND. */
emr_status emr_requests_find(emr_session *session, const emr_request *request,
	emr_listed_request *out, emr_problem *out_problem);
/* The open ones are the files of .emrfs/requests from now on, and counted in `status`. OUT_REQUESTS
 * (NULL: not wanted) is all there are. */
emr_status emr_requests_show(
	emr_session *session, emr_share *share, emr_request_list *out_requests);
/* Around looking whether a request is open and answering it: one answer at a time. */
void emr_requests_lock(void);
void emr_requests_unlock(void);
/* EMR_CONFLICT: it is answered, or what answers it is ordered already.  EMR_NOT_FOUND. */
emr_status emr_requests_check_open(const emr_session *session, emr_id16 request);
/* Says on the ledger which grants answer the requests that were said yes to (approving.c); those
 * whose grant is not there yet wait.
 */
emr_status emr_requests_finish(const emr_session *session, emr_share *share);
