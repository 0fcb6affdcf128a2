/* This header declares what other verbs have of share and revoke: shown, asked and done in the
 * same words. It refuses to share without a yes. */
#pragma once

#include "kit/out.h"
#include "mount/client.h"

/* REQUEST has path, who, purposes and until, and is shown; after a yes ACT is sent, with the word
 * for what was shown (sharing/shown.h), which answers with the number of its order.  *OUT_GRANT is
 * the row of `share` that came of it (JSON null while there is none); owned by the caller. */
emr_status emr_share_as_asked(const emr_args *args, emr_out *out, emr_client *client,
	const emr_request *request, emr_request *act, json_t **out_grant, emr_problem *out_problem);
/* As revoke --all from WHO. */
emr_status emr_revoke_all_from(const emr_args *args, emr_out *out, emr_client *client,
	const char *who, emr_problem *out_problem);
/* PATH of the command line, as the open folder calls it, into REQUEST. */
emr_status emr_share_find_path(
	emr_client *client, const char *path, emr_request *request, emr_problem *out_problem);
