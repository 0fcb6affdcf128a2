/* These functions say who comes into a network and who leaves it: applications and open
 * proposals, and the approval of one's own organisation. They refuse to approve what the person
 * has not been shown: a name that no terminal shows as it is, a newcomer that nobody can be asked
 * about; and, where a script says yes, whatever the organisation has not asked for itself. */
#pragma once

#include "ledger/admission.h"
#include "org/bureau.h"

/* One that is on its way in or out. */
typedef struct emr_coming {
	emr_id16 org;
	emr_id16 proposal; /* zero: nobody has proposed it yet */
	uint8_t kind;	   /* emr_proposal_kind: ADMIT or REMOVE */
	unsigned have, need;
	bool is_ours;	      /* we have approved it already, and that counts */
	bool is_own_wish;     /* its own administrator proposed it, or it asks and nobody has yet */
	bool is_member;	      /* ADMIT of a member: another authority for it */
	uint64_t ends_unix_s; /* of proposal or application */
	char name[256];	      /* of who is a member, or was: what it is called now */
	char new_name[256]; /* ADMIT: what it would be called; "" when the ledger has not got it */
	char by[256];	    /* which organisation proposed it; "" nobody yet */
	/* Of its application, where that says the same as the proposal; of a member's other
	 * authority: of that. "": there is nothing to compare, and nobody approves it. */
	char number[EMR_APPLICATION_NUMBER_CHARS];
	char msp[EMR_CERT_MSP_MAX + 1]; /* of a channel of Fabric, whose members it certifies */
	uint8_t admin_id[32], ca_hash[32];
} emr_coming;

/* May it be approved at all: can what it says be shown and compared? */
bool emr_coming_is_clear(const emr_coming *coming);

/* How many approvals NETWORK asks for today. */
unsigned emr_approvals_needed(const emr_row_network *network);

typedef emr_status (*emr_coming_fn)(void *arg, const emr_coming *coming);
/* Open proposals, then applications that nobody has proposed. */
emr_status emr_coming_each(const emr_bureau *bureau, emr_coming_fn fn, void *arg);

/* org admit NAME, or its number: proposes (if nobody has) and approves. */
int emr_org_admit(const emr_args *args, emr_out *out);
/* org leave, and org leave NAME: approves that NAME leaves, as it asked; or, to somebody who says
 * so at a terminal, that it is expelled, as others propose. */
int emr_org_leave(const emr_args *args, emr_out *out);
