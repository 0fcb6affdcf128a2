/* This header declares what only the files of this folder share: domains inside domains, and by
 * which other shares somebody still reads. */
#pragma once

#include <jansson.h>

#include "kit/frame.h"
#include "session/answer.h"
#include "session/session.h"
#include "share/give.h"
#include "sharing/shares.h"
#include "view/walk.h"

/* ---- share_words.c ---- */
/* Gives each of ROWS its short id, and a request its whole one. */
void emr_shares_name(emr_share_rows *rows);

/* ---- place.c ---- */
/* Domains inside domains: when an inner one may be granted. It refuses to call whole what is still
 * being moved. */

/* EMR_OK when DOMAIN is on the ledger and nothing of it is published elsewhere, but *OUT_KEPT_OUT
 * records that others put there and that are forged or do not open.  Publishes what waits
 * first.  EMR_BUSY: not yet, ask again; EMR_MISSING_DATA: what is left cannot be moved as it is;
 * EMR_NOT_FOUND: it was removed. */
emr_status emr_inner_await(emr_session *session, emr_id16 domain, uint64_t *out_kept_out);

/* ---- still.c ---- */
/* By which other shares somebody still reads what was just taken back from him: through a team or
 * an organisation that he is in, by the folder around it, or by what lies in it.  It refuses to
 * leave one out that the ledger has: whoever takes back believes that nothing is left. */

/* WHO reads by them, an array of {path, via}: VIA is whom to revoke PATH from.  PATH and DOMAIN
 * are what was taken back; NULL: everything.  ENDED are the rows that end now.  *OUT_WAYS is the
 * caller's. */
emr_status emr_still_reads(emr_session *session, emr_crowd *crowd, const emr_who *who,
	const char *path, const emr_share_rows *ended, json_t **out_ways);

#define EMR_EVERYTHING "everything" /* is called so by a guardian of all */

/* ---- rule.c ---- */

/* Reads the rights of REQUEST, and the rule by which keys are released while the owner is away: the
 * request's, or the owner's. EMR_INVALID: there is no such rule. */
emr_status emr_rights_by_rule(
	const emr_session *session, const emr_request *request, uint16_t *out_rights);
/* REQUEST's rule is the owner's from now on, and what stands by another one is given again. */
emr_status emr_answer_rule(
	emr_session *session, emr_crowd *crowd, const emr_request *request, const emr_sink *sink);
