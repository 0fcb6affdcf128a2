/* Whether what its owner signs still counts: certificate and key.  It refuses to guess where there
 * is none or it cannot be read. */
#pragma once

#include <stdbool.h>

#include "kit/message.h"
#include "session/session.h"

/* Its last second; UINT64_MAX: there is none that could end. */
uint64_t emr_own_cert_end(const emr_session *session);
/* True: what is saved from now on is not taken by the ledger; *OUT_PROBLEM says since when, and of
 * a member whom to ask for a new one. */
bool emr_own_cert_has_ended(
	const emr_session *session, uint64_t now_unix_s, emr_problem *out_problem);
/* True: the organisation has ended the key for good, as this computer's copy of the ledger has it;
 * *OUT_PROBLEM says who and when. */
bool emr_own_key_is_revoked(const emr_session *session, emr_problem *out_problem);
