/* An organisation's first steps in a network that others run: it asks to be admitted, waits until
 * enough members have approved, and registers its administrator.  It refuses to come in without
 * that. */
#pragma once

#include "kit/out.h"
#include "network/begun.h"
#include "session/session.h"

/* SESSION: state and keyring of the one who is being made; its state has the link to the ledger of
 * DIR.  Leaves an application of NAME where the network's members find it (applications.h), says
 * the number to compare, and waits, also while the ledger is away.  The administrator's certificate
 * is appended.  On Fabric what was BEGUN goes on, and is kept there.  EMR_EXISTS: on Fabric another
 * organisation lives in DIR, or what was begun is another one, or for another network. EMR_TIMEOUT,
 * EMR_REFUSED; always with a problem.  Nothing stays open in SESSION. */
emr_status emr_applying_do(emr_session *session, const char *dir, const char *name,
	const char *handle, int64_t within_ns, emr_begun *begun, emr_out *out, emr_buf *out_cert,
	emr_problem *out_problem);
