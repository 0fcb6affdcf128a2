/* The rules of a network as its administrators handle them: shown, proposed, approved.
 * It refuses text that this version cannot read, more approvals than there are members, and to
 * approve what was not shown. */
#pragma once

#include "org/bureau.h"

#define EMR_PROPOSAL_ID_BYTES 32

/* org rules; org rules FILE [--quorum N]; org rules --quorum N; org rules approve ID. */
int emr_org_rules(const emr_args *args, emr_out *out);
/* What org show says of them: prints, and returns {text quorum need proposals[]} (owned; NULL when
 * it could not). */
json_t *emr_rules_show(const emr_bureau *bureau, emr_out *out, emr_status *out_status);
