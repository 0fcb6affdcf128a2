/* The ledger handle (ledger/ledger.h) over a network that lives on Fabric: submits through a
 * gateway, and reads from an own log that an observer makes of the blocks.  It refuses a descriptor
 * other than the log's, and to propose a batch again while nobody knows how the transaction ended
 * that was signed for it. */
#pragma once

#include "gateway/gateway.h"
#include "ledger/ledger.h"

typedef struct emr_host_options {
	emr_gateway *gateway; /* borrowed; its identity is the submitter's certificate; or NULL: */
	/* gives the one to ask now, which lives until LINE_FREE; both get LINE_ARG */
	emr_status (*line)(void *line_arg, emr_gateway **out_gateway);
	void (*line_free)(void *line_arg); /* also when emr_host_open fails */
	void *line_arg;
	const emr_keyring *submitter; /* borrowed; NULL = read only */
	emr_bytes descriptor;	      /* of the network, from the person who invited; copied */
	int dirfd; /* a directory of one's own: the log (EMR_NETWORK_LOG), and envelopes that are on
		    * their way */
	int wake_fd; /* eventfd (EFD_NONBLOCK, borrowed) that ends waits; 0 or less: an own */
	int stop_fd; /* the same, that ends everything (emr_ledger_stop) */
	uint32_t timeout_ms; /* of each call that may wait for the network; 0 = 60,000 */
} emr_host_options;

/* Speaks to nobody yet.  Several processes may have the same directory at once. */
emr_status emr_host_open(const emr_host_options *options, emr_ledger **out_ledger);
