/* Whether the owner's certificate has ended; refuses to guess where there is none or it cannot be read. */
#pragma once

#include <stdbool.h>

#include "session/session.h"

/* True: what is saved from now on is not taken by the ledger. */
bool emr_own_cert_has_ended(const emr_session *session, uint64_t now_unix_s);
