/* This decides how to write in a domain of somebody else's: as whom, for which patient, and what
 * the right allows. It refuses what the ledger would refuse, before anything is built. */
#pragma once

#include "settle/settle.h"
#include "share/write.h"

typedef struct foreign_domain {
	bool is_foreign; /* else nothing else is said: the domain is one's own, or not there yet */
	emr_id32 signer_id;   /* this keyring's identity */
	uint8_t cert_ref[32]; /* of its certificate, as the ledger has it */
	emr_status why;	      /* EMR_OK, or what every change there comes to: EMR_DENIED */
	emr_writing writing;
} foreign_domain;

/* About the domain of CHANGE.  Errors are of the moment. */
emr_status foreign_domain_look(emr_share *share, const emr_settle_options *options,
	const emr_change *change, foreign_domain *out);
/* EMR_OK, EMR_DENIED, EMR_UNSUPPORTED; HEAD is where the row stands (version 0: it is new). */
emr_status foreign_domain_may(
	const foreign_domain *g, const emr_change *change, const emr_replica_head *head);
/* The listing key there; *OUT_ID is zero when the ledger does not have it yet.  *OUT_KEY is the
 * caller's. */
emr_status foreign_domain_list_key(emr_share *share, emr_id16 domain, uint32_t epoch,
	emr_list_key **out_key, emr_id32 *out_id);
