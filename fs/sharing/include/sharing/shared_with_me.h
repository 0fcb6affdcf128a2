/* This header declares what others share with this person and until when, as the verbs share and
 * status tell it. It says no more than the folder shows: what came with a share around it is not
 * told again. */
#pragma once

#include <jansson.h>

#include "session/session.h"

/* [{path owner rights purpose until until_unix history state}], those that end soonest first, then
 * what has ended in the last thirty days, newest first; STATE is "open", "expired" or "revoked".
 * EMR_NO_MEMORY. */
emr_status emr_shared_with_me_json(emr_session *session, json_t **out_list);

typedef struct emr_shared_with_me_counts {
	uint64_t open;	       /* without Inboxes: nothing of those is shared */
	uint64_t until_unix_s; /* when the first of them ends; 0: none, or never */
} emr_shared_with_me_counts;
emr_status emr_shared_with_me_count(emr_session *session, emr_shared_with_me_counts *out);
