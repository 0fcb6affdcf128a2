/* This header declares what the verbs, the status and the notices say about what others share with
 * this person. They refuse to decide for the owner: a record of another person can only be read. */
#pragma once

#include <jansson.h>

#include "kit/message.h"
#include "session/session.h"
#include "sharing/notices.h"

/* ---- shared_with_me.c ---- */
/* This header declares what others share with this person and until when, as the verbs share and
 * status tell it. It says no more than the folder shows: what came with a share around it is not
 * told again. */

/* [{path owner rights purpose until until_unix opens state opens_now why_not}], those that
 * end soonest first, then what has ended in the last thirty days, newest first; STATE is "open",
 * "expired" or "revoked"; OPENS is as emr_opens_word, "" where there is nothing to open; WHY_NOT is
 * as in sharing/opening.h. EMR_NO_MEMORY. */
emr_status emr_shared_with_me_json(emr_session *session, json_t **out_list);

typedef struct emr_shared_with_me_counts {
	uint64_t open;	       /* without Inboxes: nothing of those is shared */
	uint64_t while_open;   /* of them those that open only while their owners' folders are */
	uint64_t until_unix_s; /* when the first of them ends; 0: none, or never */
} emr_shared_with_me_counts;
emr_status emr_shared_with_me_count(emr_session *session, emr_shared_with_me_counts *out);

/* ---- shared_paths.c ---- */
/* Paths below shared-with-me in verbs: what they say of what others share, which is not this
 * person's to decide. It refuses to look like an answer about one's own records. */

bool emr_path_is_shared(const char *path);
/* Says by MESSAGE ({path}, {owner}, {verb}) that VERB cannot do this with another person's folder:
 * the problem, and EMR_DENIED. */
emr_status emr_shared_refuse(
	const char *path, emr_message message, const char *verb, emr_problem *out_problem);

/* ---- shared_notices.c ---- */
/* These functions write the notices about what others share. They call by name who did not answer.
 * They refuse to say what has no message. */

struct emr_shared_notice;

typedef struct emr_shared_notices {
	const emr_session *session; /* open while notices come */
	emr_notices *notices;
} emr_shared_notices;

/* As emr_view_options.shared_notice; ARG is an emr_shared_notices. */
void emr_shared_notices_add(void *arg, const struct emr_shared_notice *notice);
