/* By which other shares somebody still reads what was just taken back from him: through a team or
 * an organisation that he is in, by the folder around it, or by what lies in it.  It refuses to
 * leave one out that the ledger has: whoever takes back believes that nothing is left. */
#pragma once

#include <jansson.h>

#include "sharing/shares.h"

/* WHO reads by them, an array of {path, via}: VIA is whom to revoke PATH from.  PATH and DOMAIN
 * are what was taken back; NULL: everything.  ENDED are the rows that end now.  *OUT_WAYS is the
 * caller's. */
emr_status emr_still_reads(emr_session *session, emr_crowd *crowd, const emr_who *who,
	const char *path, const emr_share_rows *ended, json_t **out_ways);
