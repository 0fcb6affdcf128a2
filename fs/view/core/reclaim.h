/* These functions give disk space of the block store back when enough of it is of no use, but
 * none that a working copy or an open file still needs. */
#pragma once

#include "edit.h"
#include "node.h"

/* Frees segments whose blocks are mostly dead, but for what working copies and open files need,
 * also those without a name: sets the roots in OPTIONS.  See emr_journal_reclaim for the rest. */
emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report);
/* Where the nodes of trees are that are on this computer, with those that were brought; NULL: they
 * are in the store or nowhere. */
emr_block_store *nodes_here(const emr_view *view);
/* Room for copies: what is free, less a little for everybody else; never 0. */
uint64_t space_for_copies(const void *view);
/* Frees every segment that holds anything dead; pins of whom IS_FORSAKEN says so do not count.  No
 * more is copied in one call than the disk has room for.  While a tree lacks a part between its
 * root and its leaves what may be below it is spared. */
emr_status view_scrub(emr_view *view, bool (*is_forsaken)(void *arg, emr_id16 owner), void *arg,
	emr_reclaim_report *out_report);
#define VIEW_SPARED_NS INT64_C(600000000000) /* until what was spared is looked at again */
/* The same for what the last one spared, as soon as no tree lacks a part. */
emr_status view_scrub_spared(emr_view *view, emr_reclaim_report *out_report);
/* Under view->lock: whether that should be tried. */
bool view_spared_is_due(const emr_view *view);
/* Under view->lock: space should be given back soon. */
void want_reclaim(emr_view *view);

/* ---- space.c ---- */
/* How many bytes of the store may be of no use by now, when to look for them, and how far writers
 * may run ahead of that.  With L live bytes the store has never more than about 2 L + 300 MiB, and
 * what comes while somebody writes: what a look leaves is at most 5/3 L, the next look comes when
 * 32 MiB + L/8 are known to be of no use, or when so much was written that all of it together is
 * 5/3 L + L/8 + 32 MiB; a look copies at most about 32 MiB + L/16 before it removes what that came
 * from.
 * A look closes the segment that is being written, and takes a processor and the disk, so it gives
 * way to those who save and read: it begins in a lull, and rests between two blocks until the next.
 * Meanwhile a sixteenth of what the disk has free, at most 2 GiB, may come on top of all this; with
 * 16 MiB more it goes on beside them, and with 32 MiB more they wait for it. */

/* Under view->lock: about BYTES that were of use are of none any more. */
void space_died(emr_view *view, uint64_t bytes);
/* Under view->lock: asks for a look when one is due. */
void space_check(emr_view *view);
/* Under view->lock: when a look that is wanted begins. */
int64_t space_look_due(const emr_view *view);
/* One look, without view->lock: as view_reclaim_with with limits that fit the disk. */
emr_status space_look(emr_view *view, emr_reclaim_report *out_report);
/* Without any lock, before more is written: asks for a look that is due, and waits while far more
 * is written than a look has seen.  Without the view's threads it looks itself. */
void space_make_room(emr_view *view);
