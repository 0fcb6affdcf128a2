/* The ledger that was left by a join, with this computer's copy of it: state/annex.  It is read,
 * never followed by others, and takes nothing any more but erasures.  Where it cannot be read the
 * session is for reading only: blocks of the past would be let go. */
#pragma once

#include "session/session.h"

/* Where the session's state has one; nothing otherwise.  After keyring and facts.  EMR_OK also when
 * it cannot be read: see session->has_lost_annex. */
emr_status emr_annex_open(emr_session *session);
void emr_annex_close(emr_session *session);

/* annex/joined: how many entries of the present ledger only say again what the annex had said. */
typedef struct emr_joined {
	uint64_t size;
	uint64_t at_unix_s;
} emr_joined;
emr_status emr_joined_write(int dirfd, const emr_joined *joined);
emr_status emr_joined_read(int dirfd, emr_joined *out_joined);
