/* These are the folder's threads.  Three run as long as a folder is open for writing: the publisher
 * sends what is quiet to the ledger, the syncer brings what was closed to the disk, the follower
 * waits for news of the ledger.  The syncer starts a fourth for the time in which disk space is
 * given back.  Received shares (shared.c) and comparisons (compare.c) have threads of their own. */
#pragma once

#include "edit.h"

void keeper_stop(emr_view *view); /* joins; fine when there are none */
/* After much was read: what was kept to read it again goes back to the system.  Without view->lock,
 * or before there are threads. */
void keeper_rest(emr_view *view);
/* Hands the bytes of every file to the operating system. */
emr_status keeper_hand_out(emr_view *view);
