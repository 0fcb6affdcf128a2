/* The open keyring answers `log` here. It says no more than the ledger or a reader's report says.
 */
#pragma once

#include "session/answer.h"

/* What happened to REQUEST's path (or to everything) since its time, oldest first: emits
 * {"entries":[...]} in portions, each with "at_unix" besides what log.json has, and last
 * {"done":true}. */
emr_status emr_answer_log(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
