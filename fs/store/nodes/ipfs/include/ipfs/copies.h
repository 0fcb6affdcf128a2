/* This client treats several nodes as one: it fetches each block from the node that has it. It
 * never makes a reader wait: a fetch returns at once, and its result is told later, so that a
 * file's read can be parked meanwhile.
 *
 * It keeps no list of what is where and decides nothing about which records go where; its caller
 * asks again. */
#pragma once

#include "ipfs/node.h"

#define EMR_COPIES_NODES_MAX 16
#define EMR_COPIES_THREADS 16 /* of one node; twice as many of several, which share them */
#define EMR_COPIES_FETCH_MS 3000
#define EMR_COPIES_WANT_MS 30000
#define EMR_COPIES_SEARCH_MS 3000
#define EMR_COPIES_LATE_MS 1000
#define EMR_COPIES_NEXT_MS 250

typedef struct emr_copies emr_copies; /* thread-safe */

typedef struct emr_copies_options {
	emr_ipfs *const *nodes; /* borrowed until close; asked in this order, but last those
				 * that gave no answer in the last ten seconds, or a late one */
	size_t node_count;	/* 1..EMR_COPIES_NODES_MAX */
	uint32_t fetch_ms;  /* how long one node may take for one block; 0: EMR_COPIES_FETCH_MS */
	uint32_t search_ms; /* for one that has others beside it, or asks others, the first time;
			     * 0: EMR_COPIES_SEARCH_MS */
	uint32_t late_ms;   /* an answer is late after this; 0: EMR_COPIES_LATE_MS */
	uint32_t next_ms;   /* a node that has said nothing for so long does not keep the next from
			     * being asked, too; 0: EMR_COPIES_NEXT_MS */
	/* Whether a block that was asked for has come meanwhile, for somebody else: no node is
	 * asked for it, and DONE is given no bytes.  Called under no lock; NULL: nobody knows. */
	bool (*is_here)(void *here_arg, const emr_cid *cid);
	void *here_arg;
	uint32_t want_ms; /* so long after it was asked for no more node is asked; 0: 30 s */
} emr_copies_options;

/* Starts its threads.  EMR_INVALID, EMR_NO_MEMORY. */
emr_status emr_copies_open(const emr_copies_options *options, emr_copies **out_copies);
/* Ends every fetch that still runs or waits: each is told EMR_INTERRUPTED before this returns. NULL
 * is fine. */
void emr_copies_close(emr_copies *copies);

/* EMR_NOT_FOUND: every node answered, and none has it.  Otherwise the status of the first node
 * that could not say, or, where each could, of the first that gave what is not the block
 * (EMR_DAMAGED, EMR_LIMIT); EMR_TIMEOUT also where want_ms were over before each was asked.  A
 * search at others that comes to no end is no word against those who have none. */
typedef struct emr_copies_answer {
	emr_status status;
	emr_ipfs_fault fault; /* of that node */
	size_t node;	      /* which gave or failed; node_count: none */
	bool has_answered;    /* a node said that it has none itself, or not all were asked */
	emr_bytes block;      /* verified, valid during the call */
} emr_copies_answer;

/* Called once, in a thread of the copies, under no lock; may fetch, and must not close. */
typedef void (*emr_copies_done)(void *arg, const emr_copies_answer *answer);

/* Brings the block from the first node that gives it, and only then from one that asks other
 * nodes, which it may do twice: a node's own search sometimes stands still.  A block that is on its
 * way is not asked for again.  Returns at once.  EMR_NO_MEMORY and EMR_INTERRUPTED (it is being
 * closed): DONE is not called. */
emr_status emr_copies_fetch(
	emr_copies *copies, const emr_cid *cid, emr_copies_done done, void *arg);
/* The same of each leaf of RUN, with ARGS[i] for leaf i: in one request, or a few, where a node
 * gives several at a time.  How many were asked for: of the others DONE is not called. */
size_t emr_copies_fetch_run(
	emr_copies *copies, const emr_unixfs_run *run, emr_copies_done done, void *const *args);
