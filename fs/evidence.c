#include "evidence.h"

#include "base/clock.h"
#include "proof/make.h"

emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file)
{
	const emr_proof_sources from = {.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica,
		.records = session->records,
		.store = emr_store_blocks(session->store),
		.facts = session->facts,
		.now_unix_s = emr_clock_unix_s(emr_clock_system())};

	return emr_proof_make(&from, place, out_file);
}
