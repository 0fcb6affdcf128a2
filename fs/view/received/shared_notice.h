/* This tells a person what happens to received shares. The paths go to that person only. */
#pragma once

#include "shared.h"

/* Without view->lock, of the worker. */
void shared_notice_end(emr_view *view, const shared_share *s);
void shared_notice_ending(emr_view *view, const shared_share *s);
/* The ledger is away: keys of S are kept until then. */
void shared_notice_stale(emr_view *view, const shared_share *s, uint64_t until_unix_s);
/* N was not released, for what TROUBLE says, after SECONDS.  Gives the status for whoever waits. */
emr_status shared_notice_trouble(emr_view *view, const shared_share *s, const node *n,
	emr_status status, const emr_share_trouble *trouble, unsigned seconds);
/* Any thread: node NUMBER, or NAME in it, cannot be changed; ID says why. */
void shared_notice_refused(emr_view *view, uint64_t number, const char *name, const char *id);
