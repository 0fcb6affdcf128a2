/* The organisations of a network decide together with these functions: who comes in and who leaves,
 * the rules, and points that are made. They refuse to approve what
 * the person has not been shown: a name that no terminal shows as it is, a newcomer that nobody can
 * be asked about; and, where a script says yes, anything that the organisation has not asked for
 * itself. */
#pragma once

#include "kit/out.h"
#include "ledger/admission.h"
#include "org/bureau.h"

/* One that is on its way in or out. */
typedef struct emr_coming {
	emr_id16 org;
	emr_id16 proposal; /* zero: nobody has proposed it yet */
	uint8_t kind;	   /* emr_proposal_kind: ADMIT or REMOVE */
	unsigned have, need;
	bool is_ours;	    /* we have approved it already, and that counts */
	bool is_own_wish;   /* its own administrator proposed it, or it asks and nobody has yet */
	bool is_member;	    /* ADMIT of a member: another authority for it */
	char name[256];	    /* of who is a member, or was: what it is called now */
	char new_name[256]; /* ADMIT: what it would be called; "" when the ledger has not got it */
	char by[256];	    /* which organisation proposed it; "" nobody yet */
	/* Of its application, where that says the same as the proposal; of a member's other
	 * authority: of that. "": there is nothing to compare, and nobody approves it. */
	char number[EMR_APPLICATION_NUMBER_CHARS];
	char msp[EMR_CERT_MSP_MAX + 1]; /* of a channel of Fabric, whose members it certifies */
	uint8_t admin_id[32], ca_hash[32];
	uint8_t ca[EMR_CERT_MAX]; /* DER, of an application that nobody has proposed */
	size_t ca_len;
} emr_coming;

/* May it be approved at all: can what it says be shown and compared? */
bool emr_coming_is_clear(const emr_coming *coming);

/* How many approvals NETWORK asks for today. */
unsigned emr_approvals_needed(const emr_row_network *network);

/* Open proposals, then applications that nobody has proposed: emr_coming, ..., appended to OUT. */
emr_status emr_coming_list(const emr_bureau *bureau, emr_buf *out);
/* The next proposal of ASKED (PROPOSALS: replica/ask.h) of one of KINDS (1u << EMR_PROPOSAL_..., or
 * together) that is open, in its time and not over; its votes as ORG sees them.  False: there is
 * none, or asked->status says why. */
bool emr_proposal_next(emr_asking *asked, emr_id16 org, uint32_t kinds, emr_known_proposal *out,
	emr_known_votes *out_votes);

/* Proposes WHAT, for as long as members may take.  *OUT_PROPOSAL is its id. */
emr_status emr_proposal_make(emr_bureau *bureau, emr_pub_org_propose what, emr_bytes part,
	emr_id16 *out_proposal, emr_problem *out_problem);
emr_status emr_proposal_approve(emr_bureau *bureau, emr_id16 proposal, emr_problem *out_problem);

/* org admit NAME, or its number: proposes (if nobody has) and approves. */
emr_bureau_work emr_org_admit;
/* org leave, and org leave NAME: approves that NAME leaves, as it asked; or, to somebody who says
 * so at a terminal, that it is expelled, as others propose. */
emr_bureau_work emr_org_leave;

/* ---- rules.c ---- */
/* The rules of a network as its administrators handle them: shown, proposed, approved.
 * It refuses text that this version cannot read, more approvals than there are members, and to
 * approve what was not shown. */

#define EMR_PROPOSAL_ID_BYTES 32

/* org rules; org rules FILE [--quorum N]; org rules --quorum N; org rules --role hospital: what is
 * in force, with room for what a PACS sends; org rules approve ID. */
int emr_org_rules(const emr_args *args, emr_out *out);
/* The part of `org show` about them: prints, and returns {text quorum need proposals[]} (owned;
 * NULL when it could not). */
json_t *emr_rules_show(const emr_bureau *bureau, emr_out *out, emr_status *out_status);

/* ---- mint.c ---- */
/* Points that the organisations make together. It refuses to make any that not enough of them have
 * agreed on. */

/* org mint WHO POINTS: proposes (if nobody has), approves, and makes them once enough have
 * approved. */
emr_bureau_work emr_org_mint;

/* ---- contract.c ---- */
/* The number of the ledger's rules, which the organisations change together, and what each says
 * under rules 2: the key of its host. They refuse a number that this program does not know. */

/* org contract: the number in force, and what is proposed; org contract N: proposes (if nobody has)
 * and approves. */
emr_bureau_work emr_org_contract;
/* org host: the keys of all; org host KEY, or an address: that of one's own organisation. */
emr_bureau_work emr_org_host;
