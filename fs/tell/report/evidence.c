/* This file makes proof files out of the open folder: for a version of a record, or for an access
 * of somebody else. A file that does not prove itself is not given out. */
#include "report/report.h"

#include "base/clock.h"
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

emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file)
{
	const emr_proof_sources from = sources_of(session);

	return emr_proof_make(&from, place, out_file);
}

emr_status emr_evidence_of_access(const emr_session *session, uint64_t entry, emr_buf *out_file)
{
	const emr_proof_sources from = sources_of(session);

	return emr_proof_make_access(&from, entry, out_file);
}
