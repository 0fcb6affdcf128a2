/* This file makes proof files out of the open folder: for a version of a record, or for an
 * access of somebody else. */
#include "answers/evidence.h"

#include <string.h>

#include "base/clock.h"
#include "kit/language.h"
#include "proof/make.h"
#include "session/fetching.h"

static emr_proof_sources sources_of(const emr_session *session)
{
	return (emr_proof_sources){.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica,
		.records = session->records,
		.store = emr_session_blocks(session),
		.facts = session->facts,
		.now_unix_s = emr_clock_unix_s(emr_clock_system())};
}

/* The format of evidence knows entries that their submitter has signed. */
static bool is_provable(const emr_session *session)
{
	return strcmp(emr_ledger_kind(session->ledger), "embedded") == 0;
}

emr_status emr_evidence_refuse(const emr_session *session, emr_problem *out_problem)
{
	if (is_provable(session))
		return EMR_OK;
	emr_problem_set(out_problem, EMR_SAY_NOT_ON_FABRIC, "what", _("Evidence"), NULL);
	return EMR_UNSUPPORTED;
}

emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file)
{
	const emr_proof_sources from = sources_of(session);

	return is_provable(session) ? emr_proof_make(&from, place, out_file) : EMR_UNSUPPORTED;
}

emr_status emr_evidence_of_access(const emr_session *session, uint64_t entry, emr_buf *out_file)
{
	const emr_proof_sources from = sources_of(session);

	return is_provable(session) ? emr_proof_make_access(&from, entry, out_file)
				    : EMR_UNSUPPORTED;
}
