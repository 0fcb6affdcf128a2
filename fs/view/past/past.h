/* Nodes below .emrfs/at and .emrfs/deleted: trees of the past, built when they are first looked
 * into, kept while the kernel holds a node of them or they are among the last used.  They refuse
 * every change.
 *
 * A tree never changes.  When the ledger goes on, a TIME that is not over yet (today) and
 * .emrfs/deleted get a new tree and a new node; who has the old one open goes on with it. */
#pragma once

#include "node.h"
#include "past_tree.h"

#define PAST_KEPT_MAX 8 /* trees that may be found again */
#define PAST_KEPT_ENTRIES_MAX                                                                      \
	400000		    /* all of them together, but for the last used: about 60 MB            \
			     */
#define PAST_BUILDERS_MAX 6 /* threads that may wait for a tree; more are told EMR_BUSY */

struct past {
	struct past *next;
	char name[EMR_WHEN_BYTES]; /* below .emrfs/at; "" for .emrfs/deleted */
	uint64_t until_unix_s;
	uint64_t ledger_size; /* when it was begun */
	bool is_final;	      /* nothing that comes can change it */
	bool is_listed;
	size_t refs;	 /* nodes, and threads that are about to use it */
	past_tree *tree; /* NULL until it is looked into; protected by view->lock, then read by
			    anyone */
	node **made;	 /* node of each entry of the tree, NULL where there is none */
	node *top;	 /* its node while there is no tree */
};

/* ---- without view->lock */
/* The directory TIME of .emrfs/at, or .emrfs/deleted for NAME "", with one kernel reference.
 * EMR_NOT_FOUND for what is no time, or one that has not begun. */
emr_status past_take_top(emr_view *view, const char *name, emr_attr *out_attr);
/* Makes sure that the node NUMBER, if it is one of the past, knows its place and its attributes. */
emr_status past_learn(emr_view *view, uint64_t number);
/* The same for the days in .emrfs/at. */
emr_status past_learn_days(emr_view *view);
/* Every tree is built anew when it is looked into again: something of the past is no more. */
void past_forget_all(emr_view *view);
void past_free_all(emr_view *view); /* after the nodes */

/* ---- under view->lock */
/* Builds the tree of directory NUMBER if it is one of the past and has none; gives the lock away
 * meanwhile. */
emr_status past_ready(emr_view *view, uint64_t number);
/* After past_ready: the kid of DIRECTORY called NAME. */
emr_status past_child(emr_view *view, node *directory, const char *name, node **out_node);
/* After past_ready (past_learn_days): entries after COOKIE, as emr_view_each_entry. */
void past_list(
	emr_view *view, node *directory, uint64_t cookie, bool take, emr_entry_fn fn, void *arg);
void past_list_days(emr_view *view, uint64_t cookie, emr_entry_fn fn, void *arg);
/* Frees a node of the past that nobody holds any more, and its tree with the last one. */
void past_release_if_unused(emr_view *view, node *n);
/* ".emrfs/at/TIME/PATH"; NULL when memory runs out. */
char *past_path(const node *n);
