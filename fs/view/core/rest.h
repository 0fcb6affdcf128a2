/* Files that rest: a large folder has their names in the kept file (settle/facts.h), and makes
 * their nodes when somebody looks into their directory or for their ids.  Only what is an ordinary
 * record on the ledger rests, of a folder in which nobody else writes; directories never do. All
 * functions are called under view->lock, or before there are threads. */
#pragma once

#include "settle/facts.h"

#include "node.h"

typedef struct resting {
	emr_view *view;
	emr_kept_facts *kept; /* owned */
	emr_kept_run *runs;   /* of KEPT; the owner of each is the directory in which it rests */
	uint32_t n;
	uint64_t files, bytes; /* that rest in directories of the tree */
	int64_t opened_ns;     /* load_times.c */
	/* rest_wake and rest_wake_id, so that the tree need not know this file; while the folder is
	 * being opened the latter is of load_rest.c. */
	void (*wake)(const node *directory);
	bool (*wake_id)(const emr_view *view, emr_id16 id);
	struct emr_loading *loading;
} resting;

/* Whatever rests is gone, as the nodes are. */
void rest_end(emr_view *view);
/* RUN rests in DIRECTORY from now on. */
void rest_in(resting *r, emr_kept_run *run, node *directory);
void rest_make_nodes(const node *directory);
bool rest_find_id(const emr_view *view, emr_id16 id);
/* All that rest in DIRECTORY get their nodes.  If they cannot, the folder becomes read-only, and
 * looking into the directory is EMR_IO until it is opened again: a program that copies must not
 * take it for empty. */
static inline void rest_wake(const node *directory)
{
	const kid_list *in = node_listing(directory);

	if (in != NULL && in->resting != NULL)
		in->resting->wake(directory);
}
/* The same of TOP and all directories below it, before something is decided about all of them.
 * EMR_IO: one of them is not whole. */
emr_status rest_wake_below(const node *top);
/* Without view->lock, when NAME of DIRECTORY could not be looked for: says once why. */
void rest_tell(emr_view *view, uint64_t directory, const char *name);
/* The same of the directory in which ID rests.  False: it rests nowhere. */
static inline bool rest_wake_id(const emr_view *view, emr_id16 id)
{
	const resting *r = view->index.resting;

	return r != NULL && r->wake_id(view, id);
}
/* Nothing rests any more, and the file is closed; takes view->lock, and gives it away between two
 * directories. */
void rest_wake_all(emr_view *view);
/* N, new, becomes what is said of it. */
emr_status rest_take_meta(emr_view *view, node *n, const emr_place *place, const emr_meta *meta);
/* N, which is to be called NAME, into DIRECTORY.  If that is taken, one of the two takes a name
 * that is free there: N, or, IS_BY_ID, what the ids say, which is for nobody but the owner to
 * choose. */
emr_status rest_attach(emr_view *view, node *directory, const char *name, node *n, bool is_by_id);
