/* What the verb approve has of share: shown, asked and done in the same words.
 * It refuses to share without a yes. */
#pragma once

#include "kit/out.h"
#include "mount/client.h"

/* REQUEST has path, who, purposes and until, and is shown; after a yes ACT is sent, which answers
 * with the number of its order.  *OUT_GRANT is the row of `share` that came of it
 * (JSON null while there is none); owned by the caller. */
emr_status emr_share_as_asked(const emr_args *args, emr_out *out, emr_client *client,
	const emr_request *request, const emr_request *act, json_t **out_grant,
	emr_problem *out_problem);
