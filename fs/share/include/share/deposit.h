/* These functions find the Inboxes of others, in which a hospital or a clinician may leave records
 * with no more than a person's card. They refuse a card whose Inbox is not on this ledger with the
 * keys that the card was signed for, and a depositor that is neither a hospital nor a clinician in
 * force.
 *
 * The bytes handed out are the person's card, behind it the domain card of the Inbox, behind that
 * any vouches (keyring/card.h). A deposit is an EMR_CHANGE_PUT of a new object into writing.domain,
 * its description's parent being writing.top, its r_pid 32 fresh random bytes, and
 * emr_change.owner_card the bytes of `card`. */
#pragma once

#include "share/write.h"

typedef struct emr_inbox {
	emr_card owner;		    /* the person's own: name, born, signer_id */
	uint8_t card[EMR_CARD_MAX]; /* of the Inbox, as it was handed out */
	size_t card_len;
	emr_writing writing;
} emr_inbox;

/* Finds the Inbox that BYTES (person card, domain card, vouches) allow me to write into, as this
 * copy of the ledger stands. EMR_NOT_FOUND: the card names no Inbox, or one that this copy has not
 * seen; EMR_INVALID: of another network; EMR_DENIED: I am neither hospital nor clinician, or not in
 * force, or it is not an Inbox, or mine; EMR_ACCESS_ENDED: the card; EMR_BAD_SIGNATURE,
 * EMR_DAMAGED: its keys, or they are not those of the ledger. */
emr_status emr_share_inbox(emr_share *share, emr_bytes card, emr_inbox *out_inbox);

/* For the view, which shows them as folders (emr_view_options.inboxes): the Inboxes of everybody
 * whose card was added. */
typedef struct emr_inboxes {
	/* Another number when `list` may say something else: a card was added, the ledger has
	 * grown. */
	uint64_t (*generation)(void *arg);
	/* Every one that may be written into now, in the order of the names in the book of people:
	 * emr_inbox, ... appended. */
	emr_status (*list)(void *arg, emr_buf *out_inboxes);
} emr_inboxes;
