/* Where a network's ledger went on after its host had lost entries, and this computer's copy has
 * some of them, the copy is made again when it is opened, and what is this computer's own is signed
 * again (replica/restart.h). It refuses nothing by itself. */
#pragma once

#include "session/session.h"

/* The parts must be opened once more: damage of the copy was met, or entries of it are gone.  Of
 * the latter what has to be done before is done, as far as it can be now; without it the old copy
 * is opened again, and saves wait. */
bool emr_session_must_reopen(emr_session *session);
/* Undoes emr_session_open_copy, so that it can be called again. */
void emr_session_close_copy(emr_session *session);
