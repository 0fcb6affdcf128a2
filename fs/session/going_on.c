/* This file has the copy of the ledger made again before it is opened, where the host of the
 * network went on without some of its entries. */
#include "session/session.h"

#include "base/log.h"
#include "replica/restart.h"

bool emr_session_must_reopen(emr_session *session)
{
	emr_status status;

	if (session->replica == NULL)
		return false;
	if (emr_replica_should_reopen(session->replica)) {
		emr_log(EMR_LOG_WARN, "open: the copy of the ledger is damaged, and is made again");
		return true;
	}
	if (session->is_still || !emr_replica_must_go_on(session->replica))
		return false;
	emr_view_free(session->view);
	session->view = NULL;
	status = session->settle != NULL /* an agent has no records */
			 ? emr_settle_go_on(session->settle)
			 : emr_replica_go_on(session->replica,
				   &(emr_signing_again){.keyring = session->keyring});
	emr_log(EMR_LOG_WARN, "open: after a restart of the ledger's host: %s",
		emr_status_text(status));
	return true;
}

void emr_session_close_copy(emr_session *session)
{
	emr_replica_close(session->replica);
	session->replica = NULL;
	emr_ledger_close(session->ledger);
	session->ledger = NULL;
}
