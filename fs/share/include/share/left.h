/* These functions list the files that this person left where they cannot be seen from here any
 * more: in others' Inboxes, and in folders in which this person may only leave files. The ledger
 * has each deposit with its signer, and the name stands there sealed with the depositor's own
 * listing key, which is made again from the seed: so nothing is kept here, and a new computer knows
 * the list, too. */
#pragma once

#include "share/share.h"

typedef struct emr_deposit_left {
	uint64_t seq, at; /* of its entry */
	emr_id32 batch_id;
	emr_id16 domain;
	emr_id32 owner; /* zero: an Inbox, of which only a card says whose it is */
	char folder[EMR_SHARE_LABEL_MAX + 1]; /* "Inbox", or what its owner calls it: hostile */
	char name[256]; /* one component; "": nobody can say it now, or ever again */
	uint64_t bytes; /* 0 without a name */
} emr_deposit_left;

/* All that the present key signed, domain by domain, in each in the order of the ledger.  While the
 * ledger is away names are missing.  emr_deposit_left, ... appended. */
emr_status emr_share_left(emr_share *share, emr_buf *out_left);
