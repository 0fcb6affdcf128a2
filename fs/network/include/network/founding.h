/* Begins a network in the channel of Fabric that a directory names (gateway/channel.h).  It refuses
 * a channel in which another one has begun. */
#pragma once

#include "keyring/keyring.h"
#include "kit/out.h"
#include "ledger/ledger.h"
#include "ledger/network.h"

typedef struct emr_founding {
	const char *dir, *name; /* of the network */
	const char *own;	/* see emr_ledger_options */
	emr_keyring *keyring;	/* gets its certificate here */
	int64_t within_ns;
	emr_out *out;
	emr_problem *problem;
} emr_founding;

/* For emr_network_new.begin: ARG is an emr_founding.  Writes the CA where the channel's people find
 * it, and asks again until they have it, or the time is over. */
emr_status emr_founding_begin(void *arg, const emr_network_made *made, emr_ledger **out_ledger);
