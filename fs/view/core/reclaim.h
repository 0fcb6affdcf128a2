/* These functions give disk space of the block store back, but none that a working copy or an
 * open file still needs. */
#pragma once

#include "node.h"

/* A reclaim that keeps what working copies and open files need: sets the roots in OPTIONS. */
emr_status view_reclaim_with(
	emr_view *view, emr_reclaim_options *options, emr_reclaim_report *out_report);
/* Where the nodes of trees are that are on this computer, with those that were brought; NULL: they
 * are in the store or nowhere. */
emr_block_store *nodes_here(const emr_view *view);
/* Room for copies: what is free, less a little for everybody else; never 0. */
uint64_t space_for_copies(const emr_view *view);
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
