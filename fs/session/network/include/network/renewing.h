/* The certificate of a member whose organisation has an authority of its own is renewed before it
 * ends: when a third of its time is left, with the same key.  It refuses to use a newer one before
 * the ledger knows it. */
#pragma once

#include "kit/out.h"
#include "session/session.h"

/* False: the ledger is away, and telling it would wait a minute for nothing.  A gateway answers
 * nobody whose certificate has ended, so that this one may begin all the same. */
bool emr_renewing_may_begin(const emr_session *session);
/* SESSION is open, and other threads of it may bring batches meanwhile (emr_ledger_renew).  The
 * newer certificate is kept in the state (EMR_STATE_CERTIFICATE), and its keyring has it from here
 * on; *OUT_IS_NEW.  EMR_OK also where nothing is due; otherwise with a problem, and the previous
 * certificate goes on.  One thread at a time. */
emr_status emr_renewing_do(emr_session *session, bool *out_is_new, emr_problem *out_problem);
/* When that is due, in Unix seconds; 0: a newer one is here, and nobody knows that the ledger has
 * it; UINT64_MAX: nobody renews it. */
uint64_t emr_renewing_due(const emr_session *session);
