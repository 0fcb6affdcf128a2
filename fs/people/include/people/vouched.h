/* These functions say who vouches for somebody who shares: out of the book of people, for
 * user.emrfs.owner. They refuse vouches for a card with another name or date of birth than the
 * one that the folder shows. */
#pragma once

#include "session/session.h"

/* For emr_view_options, with the session as ARG: "ORGANISATION@YYYY-MM-DD, ..." or "self". */
emr_status emr_session_vouched(void *session, emr_id32 signer_id, const char *name,
	const char *born, char *out, size_t size);
