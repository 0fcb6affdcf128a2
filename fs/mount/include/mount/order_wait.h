/* --wait of the verbs that share and take back: until the open folder has it on the ledger.
 * It refuses to call done what is only asked for. */
#pragma once

#include "kit/out.h"
#include "mount/client.h"

/* What --wait says, or 60 s.  EMR_INVALID. */
emr_status emr_order_wait_time(const emr_args *args, int64_t *out_ns);
/* Without --wait: EMR_OK at once.  EMR_TIMEOUT: not on the ledger yet; EMR_REFUSED: it failed, in
 * the words of FAILED ({path}, {who}, {cause}); both are said. */
emr_status emr_order_wait(emr_client *client, const emr_args *args, const char *path,
	const char *who, uint64_t order, emr_message failed, emr_problem *out_problem);
/* Looks for at most NS: *OUT_IS_DONE: the ledger has it.  EMR_REFUSED as above. */
emr_status emr_order_look(emr_client *client, const char *path, const char *who, uint64_t order,
	int64_t ns, emr_message failed, bool *out_is_done, emr_problem *out_problem);
