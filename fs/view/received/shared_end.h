/* The end of a share: reads are refused first, then keys are wiped, then the kernel forgets pages
 * and names. */
#pragma once

#include "shared.h"

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
 * that the share was taken back where the ledger says so by now.  Whoever refuses says only that
 * the grant is dead. */
void shared_look_at_end(emr_view *view, shared_share *s, emr_share_trouble *trouble);
/* Under view->lock: S is shown as a note from now on. */
void shared_note_end(shared_share *s, shared_phase phase, uint64_t ended_unix_s);
