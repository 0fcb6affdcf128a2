/* One order of sharing, done: through fs/share, for the clerk's thread (sharing.h).
 * It refuses to do twice what the ledger has already. */
#pragma once

#include "session/session.h"
#include "sharing/orders.h"

#define CLERK_PAUSE_NS INT64_C(1000000000)
#define CLERK_PAUSE_MAX_NS INT64_C(60000000000)

typedef struct clerk_result {
	emr_status status;
	bool is_momentary; /* worth trying again */
	uint8_t code;	   /* the ledger's, when status is EMR_REFUSED */
	uint64_t left_out; /* of what was shared: records that do not open, or whose signature
			      does not fit */
} clerk_result;

/* May take as long as wrapping every record again does. */
clerk_result clerk_do(emr_session *session, const emr_order *order);
/* Whether STATUS (with CODE) is of the moment. */
bool clerk_is_momentary(emr_status status, uint8_t code);
