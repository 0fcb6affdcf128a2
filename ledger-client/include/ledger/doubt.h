/* This names what a computer and the peers of its channel of Fabric disagree about: a transaction
 * that the peer which was asked calls valid, and that cannot be verified here. */
#pragma once

#include "ledger/ledger.h"

typedef enum emr_ledger_doubt_end {
	EMR_DOUBT_OPEN,	 /* peers of too few organisations have said whether it is: what is newer is
			  * not read yet */
	EMR_DOUBT_VALID, /* peers of a majority say so: it counts as far as it can be read */
	EMR_DOUBT_ENDORSED, /* too few have said so; it enters nothing, or peers of a majority have
			     * endorsed it: it counts by the word of the one that was asked */
	EMR_DOUBT_FALSE,    /* peers of a majority do not call it valid: the gateway lies */
} emr_ledger_doubt_end;

typedef struct emr_ledger_doubt {
	uint64_t block, place; /* of the block in the channel, of the transaction in the block */
	char transaction[65];
	char certificate[121]; /* whose it is, by its subject; "" if it cannot be read */
	const char *cause;     /* a few English words; static text */
	emr_ledger_doubt_end end;
} emr_ledger_doubt;

/* The last one that this handle has met.  Asks nobody.  EMR_NOT_FOUND: none; EMR_UNSUPPORTED: the
 * ledger stands in no channel; EMR_OFFLINE. */
emr_status emr_ledger_doubt_of(emr_ledger *ledger, emr_ledger_doubt *out_doubt);
/* "open", "valid", "endorsed", "false" */
const char *emr_ledger_doubt_end_name(emr_ledger_doubt_end end);
