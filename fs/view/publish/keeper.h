/* These are the folder's threads.  Three run as long as a folder is open for writing: the publisher
 * sends what is quiet to the ledger, the syncer brings what was closed to the disk, the follower
 * waits for news of the ledger.  The syncer starts a fourth for the time in which disk space is
 * given back.  Received shares (shared.c) and comparisons (compare.c) have threads of their own. */
#pragma once

#include "edit.h"

void keeper_stop(emr_view *view); /* joins; fine when there are none */
/* A reclaim that keeps what working copies and open files need: sets the roots in OPTIONS. */
emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report);
/* Frees every segment that holds anything dead; pins of whom IS_FORSAKEN says so do not count.  No
 * more is copied in one call than the disk has room for. */
emr_status view_scrub(emr_view *view, bool (*is_forsaken)(void *arg, emr_id16 owner), void *arg,
	emr_reclaim_report *out_report);
/* Under view->lock: until woken or NS have passed (negative: until woken). */
void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns);
/* Hands the bytes of every file to the operating system. */
emr_status keeper_hand_out(emr_view *view);
