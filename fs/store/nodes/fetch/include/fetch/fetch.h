/* This block store finds a block in this computer's own store, in the cache of what was fetched
 * before, or at an IPFS node. It never makes a reader wait: a block that is not here is
 * EMR_NOT_FOUND at once, and which one it was can be asked, so that it is brought while
 * the reader waits without holding up others. */
#pragma once

#include "fetch/cache.h"
#include "store/unixfs.h"

/* No block is waited for longer than this; a node that does not answer is given up before. */
#define EMR_FETCH_WAIT_NS INT64_C(30000000000)

typedef struct emr_fetcher emr_fetcher; /* thread-safe */

struct emr_ipfs;

/* All borrowed. */
typedef struct emr_fetcher_options {
	emr_block_store *store;	       /* this computer's */
	emr_block_cache *cache;	       /* NULL: the last blocks are held in memory only */
	struct emr_ipfs *const *nodes; /* ipfs/node.h */
	size_t node_count;	       /* at most 16 */
	const emr_clock *clock;
	uint32_t fetch_ms; /* how long one node may take for one block; 0 = 10 s */
} emr_fetcher_options;

emr_status emr_fetcher_open(const emr_fetcher_options *options, emr_fetcher **out_fetcher);
/* Nothing is brought from now on; a waiting caller is told EMR_INTERRUPTED before this returns. */
void emr_fetcher_stop(emr_fetcher *fetcher); /* NULL is fine, and twice */
bool emr_fetcher_is_stopped(
	emr_fetcher *fetcher);		      /* there were nodes, and none is asked any more */
void emr_fetcher_close(emr_fetcher *fetcher); /* NULL is fine */

/* All that is here.  Lives as long as the fetcher; what is put goes to this computer's own. */
emr_block_store *emr_fetcher_blocks(emr_fetcher *fetcher);

/* Forgets what this thread missed.  NULL is fine. */
void emr_fetcher_begin(emr_fetcher *fetcher);
/* The block that this thread asked for last and that is not here, or not what it should be; false:
 * there is none, or nobody to ask.  NULL is fine. */
bool emr_fetcher_missed(emr_fetcher *fetcher, emr_cid *out_cid);

/* Called once, in a thread of the fetcher and under no lock; must be quick, and not stop or close.
 * EMR_OK: the block can be read now.  EMR_MISSING_DATA: no node has it; EMR_OFFLINE: of those that
 * may have it none can be reached, lets anybody in or gives a whole answer; EMR_TIMEOUT;
 * EMR_INTERRUPTED. */
typedef void (*emr_fetched_fn)(void *arg, emr_status status);
/* Returns at once.  EMR_OK: DONE will be called; who asks again with the same DONE and ARG is told
 * once.  Anything else, as above: it is not. */
emr_status emr_fetcher_bring(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg);
/* The same of what nobody waits for: that it comes late, or never, says nothing of the nodes that
 * others read from. */
emr_status emr_fetcher_bring_beside(
	emr_fetcher *fetcher, const emr_cid *cid, emr_fetched_fn done, void *arg);
/* The leaves of RUN from number FROM on will soon be wanted; nobody is told.  Those that lack are
 * asked for in one request where a node gives several.  False: none was asked for, because what is
 * wanted comes slowly. */
bool emr_fetcher_bring_ahead(emr_fetcher *fetcher, const emr_unixfs_run *run, size_t from);

typedef struct emr_fetch_count {
	uint64_t blocks, bytes;
} emr_fetch_count;

/* From here on this thread waits for what is not here, in the calls of the block store itself: as
 * long as there is a node that answers.  IS_HOME: what was brought is put into this computer's own
 * store, too.  Not while holding what a reader needs, as opening a content does: its last leaf is
 * loaded once for all.  NULL is fine. */
void emr_fetcher_wait_begin(emr_fetcher *fetcher, bool is_home);
/* Ends that; how much came. */
emr_fetch_count emr_fetcher_wait_end(emr_fetcher *fetcher);

/* The same for one block, which this thread missed. */
emr_status emr_fetcher_await(
	emr_fetcher *fetcher, const emr_cid *cid, bool is_home, emr_fetch_count *count);

typedef struct emr_fetch_patience {
	int64_t quiet_ns; /* so long after the last block that came it ends */
	int64_t all_ns;	  /* so long after its beginning in any case */
} emr_fetch_patience;

/* The same for several, side by side, each of which goes into this computer's own store: waits for
 * all of them together as long as PATIENCE allows, and until every node has said what it has of
 * each; to stop the fetcher ends it at once.  False: its time was over before.  *OUT_CAME counts.
 */
bool emr_fetcher_bring_together(emr_fetcher *fetcher, const emr_cid *cids, size_t count,
	const emr_fetch_patience *patience, size_t *out_came);

/* A block that was brought is put into this computer's own store, too, if it is not there; waits
 * for nothing.  EMR_OK: it is there by the store's index.  EMR_NOT_FOUND: it is not on this
 * computer; it counts as missed.  Anything else: the store does not take it. */
emr_status emr_fetcher_take_home(emr_fetcher *fetcher, const emr_cid *cid);

/* Brings the blocks that lead to the content of ROOT, and that reading it does not bring, into this
 * computer's own store, if a node gives them; returns at once, and nobody is told. */
void emr_fetcher_bring_way(emr_fetcher *fetcher, const emr_cid *root);

/* No node is known to have what is below ROOT: what was brought of it goes home, or is kept where
 * it is if the store does not take it.  NULL is fine. */
emr_status emr_fetcher_save(emr_fetcher *fetcher, const emr_cid *root);
/* That was said of all roots of which it is so: the rest of what was brought may be forgotten,
 * which the cache may have been held from (fetch/cache.h).  NULL is fine. */
void emr_fetcher_looked(emr_fetcher *fetcher);

/* The disk lacks BYTES for what a person saves: what was brought gives way.  False: there is none.
 * NULL is fine. */
bool emr_fetcher_give_way(emr_fetcher *fetcher, uint64_t bytes);

/* Removes the blocks that were brought and used up to UNTIL_S (Unix time): somebody may not read it
 * any more. NULL is fine. */
void emr_fetcher_forget(emr_fetcher *fetcher, int64_t until_s);

/* Which nodes are asked, for people: "A, B".  Owned by the fetcher; "" of NULL. */
const char *emr_fetcher_nodes(const emr_fetcher *fetcher);
