/* These functions list what this person left where he can see nothing of it any more: in others'
 * Inboxes, and in folders that he may only leave files in. The ledger has each deposit with its
 * signer, and the name stands there sealed with the depositor's own listing key, which is made
 * again from his seed: so nothing is kept here, and it is known on a new computer, too. */
#pragma once

#include "share/share.h"

typedef struct emr_deposit_left {
	uint64_t seq, at; /* of its entry */
	emr_id32 batch_id;
	emr_id16 domain;
	emr_id32 owner;	    /* zero: an Inbox, of which only a card says whose it is */
	const char *folder; /* "Inbox", or what its owner calls it: hostile; borrowed */
	const char *name; /* one component; NULL: nobody can say it now, or ever again; borrowed */
	uint64_t bytes;	  /* 0 without a name */
} emr_deposit_left;
typedef emr_status (*emr_left_fn)(void *arg, const emr_deposit_left *left);

/* All that the present key signed, domain by domain, in each in the order of the ledger.  While the
 * ledger is away names are missing.  Any other status of FN than EMR_OK ends the walk and is
 * returned. */
emr_status emr_share_left(emr_share *share, emr_left_fn fn, void *arg);
