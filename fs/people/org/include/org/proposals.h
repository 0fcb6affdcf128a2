/* Who comes into a network and who leaves it: applications and open proposals, and the approval of
 * one's own organisation. It refuses to approve what the person has not been shown. */
#pragma once

#include "ledger/admission.h"
#include "org/bureau.h"

/* One that is on its way in or out. */
typedef struct emr_coming {
	emr_id16 org;
	emr_id16 proposal; /* zero: nobody has proposed it yet */
	uint8_t kind;	   /* emr_proposal_kind: ADMIT or REMOVE */
	unsigned have, need;
	bool is_ours;	      /* we have approved it already */
	uint64_t ends_unix_s; /* of proposal or application */
	char name[256];
	char number[EMR_APPLICATION_NUMBER_CHARS]; /* of its application; "" when that is gone */
	char msp[EMR_CERT_MSP_MAX + 1]; /* of a channel of Fabric, whose members it certifies */
	uint8_t admin_id[32], ca_hash[32];
} emr_coming;

/* How many approvals NETWORK asks for today. */
unsigned emr_approvals_needed(const emr_row_network *network);

typedef emr_status (*emr_coming_fn)(void *arg, const emr_coming *coming);
/* Open proposals, then applications that nobody has proposed. */
emr_status emr_coming_each(const emr_bureau *bureau, emr_coming_fn fn, void *arg);

/* org admit NAME, or its number: proposes (if nobody has) and approves. */
int emr_org_admit(const emr_args *args, emr_out *out);
/* org leave, and org leave NAME: approves that NAME leaves, as it asked. */
int emr_org_leave(const emr_args *args, emr_out *out);
