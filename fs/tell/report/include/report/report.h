/* The status says what is safe, where, and why something failed: as one JSON object for scripts,
 * the socket and .emrfs/status.json, and the same as text for people. It refuses to say "safe" of
 * what it did not count. */
#pragma once

#include "kit/frame.h"
#include "session/session.h"
#include "sharing/notices.h"

#define EMR_REPORT_LIST_MAX 100 /* names in one list; a count says how many there are */

/* The fields of `status`, without the fixed ones.  NOTICES may be NULL.  NULL without memory. */
json_t *emr_report_folder(emr_session *session, emr_notices *notices);
/* Of one path of the folder (clean, see emr_path_clean): EMR_NOT_FOUND. */
emr_status emr_report_path(emr_session *session, emr_notices *notices, const char *path,
	json_t **out_report, emr_problem *out_problem);
/* Paths whose state is pending, failed or local, if there are any by COUNTS, which is of just now:
 * at most EMR_REPORT_LIST_MAX of each. */
emr_status emr_report_unsent(
	emr_session *session, const emr_view_counts *counts, json_t *unsent, json_t *local);

/* Some of the paths that are not safe on the disk, of OF in all, as emr_view_counts counts them. */
json_t *emr_report_not_safe(emr_session *session, uint64_t of);
/* What the disk answered: "disk-refuses", or "disk-full" while something waits for room; null. */
json_t *emr_report_disk(emr_session *session, uint64_t not_safe);
/* The same as words, of REPORT or of an answer that has it. */
const char *emr_report_why_not_safe(const json_t *report);

/* Whether a folder with this report of it asks for a second copy: not when there is one, nor where
 * nothing lies but what others share. */
bool emr_report_needs_copy(const json_t *report);

/* Either report as people read it, owned by the caller; NULL without memory. */
char *emr_report_text(const json_t *report);
