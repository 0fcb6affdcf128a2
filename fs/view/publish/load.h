/* This builds the tree from the disk when a folder is opened. */
#pragma once

#include "edit.h"

/* Replica, journal rows, vacated names, spills.  EMR_NOT_FOUND: the folder was never initialised.
 */
emr_status load_tree(emr_view *view);
/* Answers to batches of an earlier mount, before there is a tree: rows only. */
emr_status load_outcomes(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n);
/* Removes spills that no row names. */
void load_clean_spills(emr_view *view);
