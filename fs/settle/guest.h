/* Writing in a domain of somebody else's: as whom, for which patient, and what the right allows.
 * Refuses what the ledger would refuse, before anything is built. */
#pragma once

#include "settle/settle.h"
#include "share/write.h"

typedef struct guest {
	bool is_guest; /* else nothing else is said: the domain is one's own, or not there yet */
	emr_id32 signer_id;   /* this keyring's identity */
	uint8_t cert_ref[32]; /* of its certificate, as the ledger has it */
	emr_status why;	      /* EMR_OK, or what every change there comes to: EMR_DENIED */
	emr_writing writing;
} guest;

/* About the domain of CHANGE.  Errors are of the moment. */
emr_status guest_look(
	emr_share *share, const emr_settle_options *options, const emr_change *change, guest *out);
/* EMR_OK, EMR_DENIED, EMR_UNSUPPORTED; HEAD is where the row stands (version 0: it is new). */
emr_status guest_may(const guest *g, const emr_change *change, const emr_replica_head *head);
/* The listing key there; *OUT_ID is zero when the ledger does not have it yet.  *OUT_KEY is the
 * caller's. */
emr_status guest_list_key(emr_share *share, emr_id16 domain, uint32_t epoch, emr_list_key **out_key,
	emr_id32 *out_id);
