/* Nodes below .emrfs/at and .emrfs/deleted: trees of the past, built when they are first looked
 * into, kept while the kernel holds a node of them or they are among the last used.  They refuse
 * every change.
 *
 * A tree never changes.  When the ledger goes on, a TIME that is not over yet (today) and
 * .emrfs/deleted get a new tree and a new node; a program that has the old one open goes on with
 * it. */
#pragma once

#include "kind.h"
#include "past_tree.h"

#define PAST_KEPT_MAX 8 /* trees that may be found again */
#define PAST_KEPT_ENTRIES_MAX                                                                      \
	400000		    /* all of them together, but for the last used: about 60 MB            \
			     */
#define PAST_BUILDERS_MAX 6 /* threads that may wait for a tree; more are told EMR_BUSY */

#define PAST_WHEN_BYTES 32 /* of what a directory below .emrfs/at is called */

struct past {
	struct past *next;
	char name[PAST_WHEN_BYTES]; /* below .emrfs/at; "" for .emrfs/deleted */
	uint64_t until_unix_s;
	uint64_t ledger_size; /* when it was begun, as the next one */
	uint64_t vacated_changes;
	bool is_final; /* nothing that comes can change it */
	bool is_listed;
	size_t refs;	 /* nodes, and threads that are about to use it */
	past_tree *tree; /* NULL until it is looked into; protected by view->lock, then read by
			    anyone */
	node **made;	 /* node of each entry of the tree, NULL where there is none */
	node *top;	 /* its node while there is no tree */
};

/* The trees and days that an open folder keeps of its past. Every field is under view->lock unless
 * it says otherwise. */
struct past_trees {
	past *trees;		       /* those that a lookup may find, the last used first */
	unsigned builders;	       /* threads that build one or wait for it */
	char (*days)[PAST_WHEN_BYTES]; /* with changes, oldest first */
	size_t ndays;
	uint64_t days_size; /* entries of the ledger that DAYS covers; changed with LOCK, too, under
			       which it may be looked at */
	pthread_mutex_t lock; /* one build at a time; taken without view->lock */
};

extern const node_kind past_days_kind; /* of .emrfs/at */

/* Under view->lock, which it gives away meanwhile: the directory TIME of .emrfs/at, or
 * .emrfs/deleted for NAME "".  EMR_NOT_FOUND for what is no time, or one that has not begun. */
emr_status past_top(emr_view *view, const char *name, node **out_node);

/* ---- without view->lock */
/* Every tree is built again when it is next looked into, and the days are looked for: something of
 * the past is no more, or a folder became one's own whose past the ledger has already. */
void past_forget_all(emr_view *view);
/* Once, when the view is made. */
emr_status past_begin(emr_view *view);
void past_free_all(emr_view *view); /* after the nodes */

/* ---- proofs.c ---- */
/* Nodes below .emrfs/proof: the tree as it is now, with NAME.tlog-proof for every file that is on
 * the ledger.  A node is made when it is looked up and knows its living one by id only, so it can
 * outlive it; it refuses every change. */

#define PROOF_SUFFIX ".tlog-proof"

/* Under view->lock: .emrfs/proof itself. */
emr_status proofs_top(emr_view *view, node **out_node);
