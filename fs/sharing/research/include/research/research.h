/* Copies for de-identified datasets in the open folder: made when somebody joins, once when the
 * folder is opened, and when a person asks for an update; a removed, moved or replaced file takes
 * its copy back at once. It refuses to give originals, and to go on after somebody left, or after
 * the end that the terms name. */
#pragma once

#include "session/answer.h"
#include "view/leaving.h"

typedef struct emr_research emr_research; /* thread-safe */

/* Starts nothing, and sets session->research.  SESSION is borrowed.  EMR_NO_MEMORY. */
emr_status emr_research_new(emr_session *session, emr_research **out_research);
/* After the folder answers: brings the copies up to date once, in the background.  Not in a folder
 * that is open for reading only, nor on a computer that was added: the first one makes the copies.
 */
void emr_research_start(emr_research *research);
/* The folder closes: what the start has begun ends after the file that is being copied.  NULL is
 * fine. */
void emr_research_rest(emr_research *research);
/* As view/leaving.h says; ARG is an emr_research. */
emr_status emr_research_leaves(void *arg, const emr_leaving *all, size_t n, bool *out_has);
/* As rest, and waits for it.  Before the session is closed; NULL is fine. */
void emr_research_end(emr_research *research);
void emr_research_free(emr_research *research);

/* Datasets, or the one that `who` means: {"datasets":[{...}]} as org/datasets.h says, each with
 * "joined":[paths] and "sources":[{"path" "copies" "without"}], and last {"done":true}.
 * With `join`, and one that is de-identified, also "copies":{"pseudonym" "path"}: what
 * sharing/copies.h says.
 *
 * With `join` and `path` what can be given of PATH to it (`look`), or makes the copies and notes
 * that PATH takes part, or takes back (`drop`) what the last of these has made:
 * {"progress":{"so_far"}} and {"withheld_files":[{"path" "why"}]} in portions, and last
 * {"done":true,"copies" "added" "changed" "removed" "is_agreed"}; with `drop` {"done":true,"gone"}.
 *
 * With `update` brings all copies up to date: the same portions, with "dataset" in each file that
 * is withheld, {"updated":[{"called" "copies" "new" "changed" "taken_back" "withheld"}]} of each
 * dataset, and last {"done":true}. Messages of its own: `not-copies`, `never-shared`. */
emr_answer_fn emr_answer_dataset;

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
