/* The publisher sends every registered record to each IPFS node in the settings, in the
 * background, and makes nodes let go of erased records. Nobody waits for it: saving and
 * registering know nothing of it, and whatever a node does is tried again later.
 *
 * What is to be where is read from the pins of this computer's store, again and again; what is
 * where is kept in the file `copies` of the state, which can be removed: then every node is asked.
 */
#pragma once

#include "ipfs/node.h"
#include "store/car_store.h"

#define EMR_PUBLISHER_NODES_MAX 16

typedef struct emr_publisher emr_publisher; /* thread-safe once it is made */

/* The present answer of one node. */
typedef struct emr_publisher_node {
	const char *address; /* of its cluster, if it has one; lives as long as the publisher */
	const char *failed;  /* the address that FAULT is about: this one, or that of the node */
	unsigned counts;     /* how many copies it is when it holds a record */
	uint64_t records;    /* that are to be there */
	uint64_t held;	     /* of those, as it said itself */
	uint64_t stuck; /* of the rest, it does not take these even alone, or cannot say what it
			   has of them, or they are not whole here: tried again now and then */
	uint64_t late; /* of the rest, its cluster has had these to pin for five to ten minutes, and
			  no peer more has come to an end with them since */
	uint64_t leaving;	      /* erased here, and it has not said yet that it let go */
	bool has_answered;	      /* since the publisher runs */
	uint64_t sending, sending_of; /* bytes of the records that are on their way; 0: none is */
	/* Of the last try, or of the last record that is stuck or late; EMR_IPFS_FINE: it works. */
	emr_ipfs_fault fault;
	char said[EMR_IPFS_SAID_BYTES];
} emr_publisher_node;

/* NODES become the publisher's, also on failure.  COUNT may be 0: then one copy is all there is. */
emr_status emr_publisher_new(emr_ipfs *const *nodes, size_t count, emr_publisher **out_publisher);

typedef struct emr_publisher_options {
	emr_store *store; /* these two until stop */
	int state_dirfd;
	unsigned copies;  /* how many are wanted at least, that of this computer included */
	bool has_nothing; /* this computer's blocks are away: it is no copy of anything */
	bool is_awaited;  /* the ledger waits for copies: they are sent without stepping back */
	bool is_still;	  /* nothing is sent and nothing written; what is remembered is told */
	uint32_t push_ms; /* how long any import may take beside what its bytes need; 0: a minute */
	uint32_t import_ms;   /* how long an import of more than 63 MiB may take a node; 0: 5 s */
	uint64_t first_bytes; /* what a node is given at once before it is known how fast it is;
			       * 0: 63 MiB, and to one of this computer 252 */
	uint32_t still_ms;    /* emr_ipfs_parcel */
	uint32_t late_ms;  /* what waits for a cluster so long, and once more, is late; 0: 5 min */
	uint32_t back_ms;  /* all that a node has is not asked for again sooner, however often it
			      returns; 0: 10 min */
	uint32_t store_ms; /* so often a host is asked whether it has the same blocks, and each
			      node for an older root when it was sent something; 0: a minute */
	/* A node works no more, or fails in another way than before.  A thread of the publisher's,
	 * under no lock.  May be NULL. */
	void (*say)(void *arg, const emr_publisher_node *node);
	/* Roots that were erased and that nodes may have, as long as it is not said by LEFT that
	 * all let go; so that nothing depends on the file of this publisher.  May be NULL. */
	emr_status (*each_leaving)(void *arg, emr_cid_visit visit, void *visit_arg);
	emr_status (*left)(void *arg, const emr_cid *root);
	/* Roots of all versions that the ledger has and that are not erased.  A root that no pin
	 * names any more is let go of only if it is not among them, or EACH_LEAVING says that it
	 * goes; while they cannot be told it stays.  Asked only when there is such a root.  A
	 * thread of the publisher's, under no lock.  NULL: nothing stays for that. */
	emr_status (*each_living)(void *arg, emr_cid_visit visit, void *visit_arg);
	/* The pins of ROOTS, which are among those, are lost: nodes go on keeping them, and
	 * somebody may pin them again.  Called at each look, with none mostly, and again soon where
	 * it fails.  As above.  May be NULL. */
	emr_status (*lost)(void *arg, const emr_cid *roots, size_t count);
	/* A node has said that it holds something more.  A thread of the publisher's, under no
	 * lock.  May be NULL. */
	void (*copied)(void *arg);
	/* No node is known to hold ROOT, at a look at all pins, or because the last one that did
	 * has lost it; LOOKED: that was said of all of which it is so.  A thread of the
	 * publisher's, or that of emr_publisher_save, which neither may call; one look at a time.
	 * May be NULL. */
	void (*unheld)(void *arg, const emr_cid *root);
	void (*looked)(void *arg);
	/* Roots of the versions that others left in the owner's folder; asked at a look at which
	 * something is not whole here.  BRING has all below one of them brought into the store, and
	 * waits for that; called for each that is not whole here, one after the other, until it
	 * comes.  As above.  NULL, BRING: nothing is brought. */
	emr_status (*each_left)(void *arg, emr_cid_visit visit, void *visit_arg);
	emr_status (*bring)(void *arg, const emr_cid *root);
	/* How long the programs that work in the folder have changed nothing: sending gives way to
	 * them, for PATIENCE_MS at most.  A thread of the publisher's, under no lock.  May be NULL.
	 */
	int64_t (*quiet_ns)(void *arg);
	uint32_t patience_ms; /* 0: 15 s */
	void *arg;
} emr_publisher_options;

/* Starts three threads a node, one for a node of a cluster, and two more. */
emr_status emr_publisher_start(emr_publisher *publisher, const emr_publisher_options *options);
/* Ends at once, also in the middle of a push, and forgets nothing.  The questions below are
 * still answered.  NULL is fine. */
void emr_publisher_stop(emr_publisher *publisher);
void emr_publisher_free(emr_publisher *publisher); /* stopped; NULL is fine */

/* Pins of the store have changed.  Returns at once; for view options. */
void emr_publisher_wake(void *publisher);
/* Somebody else left ROOT in the owner's folder: it is brought, and not whole until then.  Returns
 * at once; for view options. */
void emr_publisher_came(void *publisher, const emr_cid *root);
/* In how many places every block of ROOT is, this computer among them unless it was not whole here
 * when it was last looked, and in how many it should be. */
void emr_publisher_count(
	void *publisher, const emr_cid *root, unsigned *out_held, unsigned *out_wanted);
/* The same for a root that is to be registered: one that is not whole here was registered by
 * another computer, which saw to its copies. */
void emr_publisher_count_to_register(
	void *publisher, const emr_cid *root, unsigned *out_held, unsigned *out_wanted);
size_t emr_publisher_node_count(const emr_publisher *publisher);
void emr_publisher_look(emr_publisher *publisher, size_t node, emr_publisher_node *out_node);
/* Whether that node keeps ROOT. */
bool emr_publisher_holds(emr_publisher *publisher, size_t node, const emr_cid *root);
unsigned emr_publisher_wanted(emr_publisher *publisher);

typedef struct emr_publisher_totals {
	uint64_t
		versions; /* that must be there, when it was last looked here; also without nodes */
	uint64_t records; /* of them, wanted at nodes */
	uint64_t pinned;  /* with as many copies as wanted */
	uint64_t lacking; /* not whole on this computer when it was last looked */
	uint64_t coming;  /* of these, what others left: it is being brought */
	unsigned least;	  /* copies that each has at least */
} emr_publisher_totals;
void emr_publisher_sum(emr_publisher *publisher, emr_publisher_totals *out_totals);
/* Looks again which records are whole here, unless that was done just now, and waits for it for
 * WAIT_NS at most; a large folder takes longer, and the next sum tells. */
void emr_publisher_look_here(emr_publisher *publisher, int64_t wait_ns);
/* Says UNHELD of all roots of which it is so, and LOOKED, now; of one that could not be started, of
 * all of them.  NULL is fine. */
emr_status emr_publisher_save(emr_publisher *publisher);
/* Whether every block of ROOT is in the store by its index, and those above its leaves can be read:
 * looked at now. */
bool emr_publisher_is_here(emr_publisher *publisher, const emr_cid *root);
/* Every node is tried now, however long it was to be left alone, and asked again for everything
 * that it said it holds; what it lacks is sent. */
void emr_publisher_repair(emr_publisher *publisher);
/* Somebody could not have all of ROOT: each node that said it holds it is asked about it next. NULL
 * is fine. */
void emr_publisher_doubt(void *publisher, const emr_cid *root);
/* Returns when each node has been asked for everything since, or fails. */
void emr_publisher_await_asked(emr_publisher *publisher);
/* Versions of which the nodes have fewer copies than wanted, those of the last moment too: it waits
 * for a look for WAIT_NS at most; false: that was too short.  NULL, or without a node: 0. */
bool emr_publisher_short(emr_publisher *publisher, int64_t wait_ns, uint64_t *out_short);

/* Under the publisher's lock.  VERSIONS: that were erased and that NAME has, or may have;
 * IS_FORMER: the settings do not name it any more, and nobody tells it. */
typedef void (*emr_publisher_left_fn)(
	void *arg, const char *name, bool is_former, uint64_t versions);
/* Waits for WAIT_NS at most until each node that answers has let go of what was erased, and calls
 * FN for those that have not. */
void emr_publisher_each_left(
	emr_publisher *publisher, int64_t wait_ns, emr_publisher_left_fn fn, void *arg);
