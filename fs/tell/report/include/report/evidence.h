/* Proof files out of the open keyring.  It refuses to prove what is not on the ledger as it is now.
 */
#pragma once

#include "session/session.h"

/* The proof of the access whose question has that entry of the ledger.  Errors as
 * emr_proof_make_access. */
emr_status emr_evidence_of_access(const emr_session *session, uint64_t entry, emr_buf *out_file);
/* The proof of the content at PLACE.  Errors as emr_proof_make. */
emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file);
