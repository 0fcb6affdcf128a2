/* These functions say what `verify` adds to the faults of one's own records: which signed
 * statements are not here, and what is wrong with files that others share. They refuse to call
 * checked what nobody gave the key of. */
#pragma once

#include <jansson.h>

#include "mount/reach.h"
#include "session/answer.h"
#include "session/session.h"
#include "settle/issued.h"

/* ---- gaps.c ---- */
/* These functions say which of the statements that others numbered for a patient are not here
 * (settle/issued.h), for `verify`: of one's own folder from the ledger, of another's from what
 * one sees of it. A gap is no fault of what is here, so it is said beside the faults. */

/* One frame {gap{by organisation key last missing numbers unread}} for each signer of whose numbers
 * some are not in this folder. */
emr_status emr_gaps_answer(emr_session *session, const emr_sink *sink);
/* One such object without its frame, owned by the caller; NULL without memory. */
json_t *emr_gap_json(const emr_issued *issued);
/* "Paula Lima signed for OF up to number 6.  Not here: 3, 5 (2 numbers)...": owned by the caller;
 * NULL without memory.  OF: "you", or whose folder it is. */
char *emr_gap_text(const json_t *gap, const char *of);
/* The meaning of the faults, said once behind them. */
#define EMR_GAP_MEANS                                                                              \
	N_("A number that is not here was signed. Whether it was erased or removed, lies where "   \
	   "you do not see it, or never reached the ledger, it does not say.\n")

/* ---- verify_shared.c ---- */
/* verify of what others share: the verb reads it in the open folder, as any program does, and the
 * mount checks every byte and the statement on the way.  It refuses to call checked what nobody
 * gave the key of. */

/* The path is below shared-with-me or datasets, or in a dataset that is mounted alone, of a folder
 * that is open. */
bool emr_is_shared_path(const emr_reach *reach, const emr_request *request);
/* Said with its problem, as a verb does. */
emr_status emr_verify_shared(
	emr_reach *reach, const emr_request *request, emr_out *out, emr_problem *out_problem);
