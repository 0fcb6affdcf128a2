/* Copies for de-identified datasets in the open folder: made when somebody joins, and kept up by a
 * thread of their own as the participant agreed to then: a new file in the folder that joined is
 * copied, too, and a removed file takes its copy back. It refuses to give originals, and to go on
 * after somebody left, or after the end that the terms name. */
#pragma once

#include "session/answer.h"
#include "sharing/notices.h"

typedef struct emr_research emr_research; /* thread-safe */

/* Starts nothing, and sets session->research.  SESSION is borrowed.  EMR_NO_MEMORY. */
emr_status emr_research_new(emr_session *session, emr_research **out_research);
/* After the folder answers.  Nothing follows in a folder that is open for reading only, nor on a
 * computer that was added: the first one makes the copies.  NOTICES are borrowed until end. */
emr_status emr_research_start(emr_research *research, emr_notices *notices);
/* The closing of the folder calls this repeatedly until all is on the ledger: nothing new is copied
 * for ten seconds from now on. Waits until UNTIL_BOOT_NS for the file that is being copied; true:
 * it still is. NULL is fine. */
bool emr_research_rest(emr_research *research, int64_t until_boot_ns);
/* After the file that is being copied.  Before the session is closed; NULL is fine. */
void emr_research_end(emr_research *research);
void emr_research_free(emr_research *research);

/* Datasets, or the one that `who` means: {"datasets":[{...}]} as org/datasets.h says, each with
 * "joined":[paths] and "follows":[{"path" "copies" "waiting" "withheld"}], and last {"done":true}.
 * With `join`, and one that is de-identified, also "copies":{"pseudonym" "path"}: what
 * sharing/copies.h says.
 *
 * With `join` and `path` what can be given of PATH to it (`look`), or makes the copies and notes
 * that it follows (unless `once`), or takes back (`drop`) what the last of these has made:
 * {"progress":{"so_far"}} and {"withheld_files":[{"path" "why"}]} in portions, and last
 * {"done":true,"copies" "new" "added" "changed" "removed" "is_followed"}; with `drop`
 * {"done":true,"gone"}. Messages of its own: `not-copies`, `never-shared`. */
emr_status emr_answer_dataset(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);

/* In between nobody makes a copy: an original that is still there while it is erased would have a
 * new one.  Waits for the file that is being copied; calls of hold do not nest. */
void emr_research_hold(emr_research *research);
void emr_research_go_on(emr_research *research);
/* While it is held, before what PATH names, or what was deleted from there, is erased: the copies
 * of it are erased, and with them all whose original is there no more, also those that were taken
 * back. *OUT_N: how many were, or would be (ONLY_LOOK). Errors as emr_view_erase. */
emr_status emr_research_erase(
	emr_research *research, const char *path, bool only_look, uint64_t *out_n);

/* Why a file is withheld, for people, to be translated; WHY as above.  NULL: no such word. */
const char *emr_withheld_sentence(const char *why);
/* The next of these words; NULL after the last. */
const char *emr_withheld_word(size_t index);
