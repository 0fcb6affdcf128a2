/* FHIR Consents that lie in the folder's directory of them: each becomes a request to its owner,
 * once. They refuse to grant anything, and what they refuse stays where it is. */
#pragma once

#include "sharing/office.h"

#define EMR_CONSENTS_MAX 100 /* that wait, or were answered and hold still */

/* Files that were looked at: of {object, cver}. */
typedef struct emr_consents_seen {
	emr_buf files;
} emr_consents_seen;

/* Those that are new since SEEN are noted (asked.h), or refused with a notice. */
emr_status emr_consents_take(emr_visit *visit, emr_consents_seen *seen);
/* Changes when an open one comes or goes. */
emr_status emr_consents_mark(const emr_session *session, uint64_t *out_mark);
/* EMR_DENIED, and says that the file at PATH is no request, because of WHY. */
emr_status emr_consents_refuse(const char *path, const char *why, emr_problem *out_problem);
