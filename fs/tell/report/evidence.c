/* This file makes proof files out of the open folder: for a version of a record.
 * A file that does not prove itself is not given out. */
#include "report/report.h"

#include "base/clock.h"
#include "proof/make.h"
#include "session/fetching.h"

emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file)
{
	const emr_proof_sources from = {.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica,
		.records = session->records,
		.store = emr_session_blocks(session),
		.facts = session->facts,
		.now_unix_s = emr_clock_unix_s(emr_clock_system())};

	return emr_proof_make(&from, place, out_file);
}
