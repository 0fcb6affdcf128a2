/* This header declares what an open folder tells people and scripts: the status (what is safe,
 * where, and why something failed), the answers of `log`, the nodes with copies, and proof files.
 * It refuses to say "safe" of what it did not count, and to prove what is not on the ledger. */
#pragma once

#include <stdio.h>

#include <jansson.h>

#include "kit/frame.h"
#include "publisher/publisher.h"
#include "session/answer.h"
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
/* The disk's answer: "disk-refuses", or "disk-full" while something waits for room; null. */
json_t *emr_report_disk(emr_session *session, uint64_t not_safe);
/* The same as words, of REPORT or of an answer that has it. */
const char *emr_report_why_not_safe(const json_t *report);

/* Whether a folder with this report of it asks for a second copy: not when there is one, nor where
 * nothing lies but what others share. */
bool emr_report_needs_copy(const json_t *report);

/* Either report as people read it, owned by the caller; NULL without memory. */
char *emr_report_text(const json_t *report);
/* The lines behind either with --details: ids, the transaction, and who has countersigned.  Owned
 * by the caller; NULL without memory. */
char *emr_report_details(const json_t *report);

/* ---- nodes.c ---- */
/* The nodes that hold copies of the blocks, for people and scripts.  It asks nobody: it says what
 * the publisher knows. */

/* {name state counts copies of stuck leaving sending sending_of error message hint}, of which
 * COPIES of OF are there.  NULL without memory; the caller's. */
json_t *emr_node_json(const emr_publisher_node *node, uint64_t copies, uint64_t of);
/* All nodes of the settings, counting every version.  NULL without memory; the caller's. */
json_t *emr_nodes_json(emr_session *session);
/* Since when, where and why what was sent is not in the ledger: {since stage cause said}, or null.
 */
json_t *emr_unsent_json(const emr_session *session);
/* The same of a REPORT in which something waits, in a line. */
void emr_unsent_print(FILE *to, const json_t *report);

/* The open keyring answers `log` here. It says no more than the ledger or a reader's report says.
 */

/* Lists the events of REQUEST's path (or of everything) since its time, oldest first: emits
 * {"entries":[...]} in portions, each with "at_unix" besides what log.json has, and last
 * {"done":true}. */
emr_answer_fn emr_answer_log;

/* ---- evidence.c ---- */
/* Proof files out of the open keyring.  It refuses to prove what is not on the ledger as it is now.
 */

/* The proof of the content at PLACE.  Errors as emr_proof_make. */
emr_status emr_evidence_make(const emr_session *session, const emr_place *place, emr_buf *out_file);
/* How the ledger went on after its host had lost entries, oldest first; NULL: no memory. */
json_t *emr_restarts_json(emr_session *session);
/* The same in sentences, "" for none; the caller frees it.  NULL: no memory. */
char *emr_restarts_text(const json_t *restarts);
/* REPORT as status has it: the folders that a former key still has, and since when no host of
 * another organisation has signed what is shown. */
/* {by since since_unix refused}: the organisation whose host stands in for one's own, and the one
 * whose host is asked no more, or null. */
json_t *emr_standing_json(emr_session *session);
void emr_unwitnessed_print(FILE *to, const json_t *report);
