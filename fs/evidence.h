/* Proof files out of the open keyring.  It refuses to prove what is not on the ledger as it is now. */
#pragma once

#include "session.h"

/* The proof of the content at PLACE.  Errors as emr_proof_make. */
emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file);
