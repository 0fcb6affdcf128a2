/* When an organisation's agent spoke last. Each signs the head of the ledger when that has grown,
 * and every 20 minutes besides, and a host and a network's directory keep what was signed. On
 * Fabric nobody else sees that, and nothing is known. This refuses to call an agent silent of which
 * it could not hear. */
#pragma once

#include "ledger/ledger.h"
#include "replica/replica.h"

#define EMR_AGENT_SIGNS_S 1200u
#define EMR_AGENT_SILENT_S 3600u
#define EMR_HEARD_MAX 64

typedef struct emr_heard_agent {
	emr_id32 id;
	uint8_t org[16];
	uint64_t unix_s; /* not after that */
	bool is_silent;	 /* for an hour, as of the last look */
} emr_heard_agent;

typedef struct emr_heard {
	size_t n;
	emr_heard_agent list[EMR_HEARD_MAX]; /* in force; beyond that nothing is said */
} emr_heard;

/* Looks again: times only grow.  EMR_NOT_FOUND: nobody ever signed; EMR_OFFLINE and others: HEARD
 * stays as it is. */
emr_status emr_heard_look(
	emr_ledger *ledger, emr_replica *replica, uint64_t now_unix_s, emr_heard *heard);
/* How many of the N AGENTS are silent. */
unsigned emr_heard_silent(const emr_heard *heard, const emr_id32 *agents, unsigned n);
