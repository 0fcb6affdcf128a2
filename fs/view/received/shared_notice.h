/* These functions end a received share (reads are refused first, then keys are wiped, then the
 * kernel forgets pages and names), and tell the person what happens to received shares. The
 * paths go to that person only. */
#pragma once

#include "shared.h"

/* Without view->lock, of the worker. */
void shared_notice_end(emr_view *view, const shared_share *s);
#define SHARED_CUT_MAX 8 /* files of which it is told that they were open then */
/* The same of the N files at PATHS, which it frees: somebody has them open. */
void shared_notice_cut(emr_view *view, const shared_share *s, char **paths, size_t n);
/* Of the worker: whether the host's clock and this computer's are apart. */
void shared_hear_clocks(emr_view *view);
/* Of the worker, without view->lock: N is no copy that the dataset's readers may see. */
void shared_notice_withheld(emr_view *view, const shared_share *s, const node *n);
void shared_notice_ending(emr_view *view, const shared_share *s);
/* The ledger is away: keys of S are kept until then. */
void shared_notice_stale(emr_view *view, const shared_share *s, uint64_t until_unix_s);
/* N was not released, for what TROUBLE says, after SECONDS.  Gives the status for whoever waits. */
emr_status shared_notice_trouble(emr_view *view, shared_share *s, const node *n, emr_status status,
	const emr_share_trouble *trouble, unsigned seconds);
/* Any thread: node NUMBER, or NAME in it, cannot be changed; ID says why. */
void shared_notice_refused(emr_view *view, uint64_t number, const char *name, const char *id);

/* ---- shared_end.c ---- */
/* The end of a share: reads are refused first, then keys are wiped, then the kernel forgets pages
 * and names. */

/* Of the worker, without view->lock: S, which was open, is over as PHASE says; the kernel is told
 * what TELL gets, afterwards. */
void shared_end(
	emr_view *view, shared_share *s, shared_phase phase, uint64_t ended_unix_s, emr_buf *tell);
/* Without view->lock: what was brought of S, which was over when it was first seen, goes. */
void shared_forget_blocks(emr_view *view, const shared_share *s);
/* Of the worker: every share whose time has come by one of the clocks; notices before.  When to
 * call it again at the latest, by the boot clock. */
int64_t shared_end_due(emr_view *view);
/* Of the worker, without view->lock: TROUBLE, with which somebody refused what was asked for, says
 * that the share was taken back where the ledger says so by now. A refusal says only that the grant
 * is dead. */
void shared_look_at_end(emr_view *view, shared_share *s, emr_share_trouble *trouble);
/* Under view->lock: S is shown as a note from now on. */
void shared_note_end(shared_share *s, shared_phase phase, uint64_t ended_unix_s);
