/* These functions bring an organisation to a network in the channel of Fabric that a directory
 * names (gateway/channel.h): it begins one, or meets one that has begun. They refuse a channel in
 * which another one has begun. */
#pragma once

#include "keyring/keyring.h"
#include "kit/out.h"
#include "ledger/ledger.h"
#include "ledger/network.h"

#include "network/begun.h"

typedef struct emr_founding {
	const char *dir;      /* of the network */
	const char *name;     /* of the organisation */
	const char *own;      /* see emr_ledger_options; of who begins */
	emr_keyring *keyring; /* gets its certificate here */
	emr_begun *begun;     /* of who begins: keeps it, before the channel hears of it */
	int64_t within_ns;
	emr_out *out;
	emr_problem *problem;
} emr_founding;

/* For emr_network_new.begin: ARG is an emr_founding.  Writes the CA where the channel's people find
 * it, and asks again until they have it, or the time is over. */
emr_status emr_founding_begin(void *arg, const emr_network_made *made, emr_ledger **out_ledger);
/* Until the channel takes CERTIFICATE, which founding->keyring gets, and its CA; the network of
 * DESCRIPTOR must be there already. */
emr_status emr_founding_meet(
	const emr_founding *founding, emr_bytes ca, emr_bytes certificate, emr_bytes descriptor);
