/* This tells a person what happens to received shares. The paths go to that person only. */
#pragma once

#include "shared.h"

/* Without view->lock, of the worker. */
void shared_notice_end(emr_view *view, const shared_share *s);
#define SHARED_CUT_MAX 8 /* files of which it is told that they were open then */
/* The same of the N files at PATHS, which it frees: somebody has them open. */
void shared_notice_cut(emr_view *view, const shared_share *s, char **paths, size_t n);
/* Of the worker, without view->lock: N is no copy that the dataset's readers may see. */
void shared_notice_withheld(emr_view *view, const shared_share *s, const node *n);
void shared_notice_ending(emr_view *view, const shared_share *s);
/* The ledger is away: keys of S are kept until then. */
void shared_notice_stale(emr_view *view, const shared_share *s, uint64_t until_unix_s);
/* N was not released, for what TROUBLE says, after SECONDS.  Gives the status for whoever waits. */
emr_status shared_notice_trouble(emr_view *view, const shared_share *s, const node *n,
	emr_status status, const emr_share_trouble *trouble, unsigned seconds);
/* Any thread: node NUMBER, or NAME in it, cannot be changed; ID says why. */
void shared_notice_refused(emr_view *view, uint64_t number, const char *name, const char *id);
