/* This header declares what the files of the publisher share: one node of the settings (with its
 * cluster) and its thread. The lock is never held while a node is spoken to or the disk is written.
 */
#pragma once

#include <pthread.h>

#include "base/worker.h"
#include "book.h"

#define PUBLISHER_LANES 3 /* imports that a node is given at a time */

typedef struct publisher_node publisher_node;

/* One thread of a node.  The first one does everything; the others send what it does not. */
typedef struct publisher_lane {
	publisher_node *node;
	pthread_t thread;
	bool has_thread;
} publisher_lane;

struct publisher_node {
	emr_publisher *publisher;
	emr_ipfs *client;
	char *name;	 /* in the book */
	unsigned copies; /* that it stands for when it holds a root */
	uint8_t number;	 /* in the book */
	publisher_lane lanes[PUBLISHER_LANES];
	_Atomic uint64_t going, going_of; /* bytes of what is being sent; 0: nothing is */
	/* The rest under the publisher's lock. */
	bool has_answered;
	emr_ipfs_fault fault;
	const char *failed; /* the address that it is about */
	char said[EMR_IPFS_SAID_BYTES];
	/* The same of the last record that it did not take or does not come to an end with, which
	 * stays when others work. */
	emr_ipfs_fault trouble;
	const char *troubled;
	char trouble_said[EMR_IPFS_SAID_BYTES];
	int64_t told_ns[EMR_IPFS_FAULT_COUNT]; /* when a person was told last; 0: never */
	unsigned failures;		       /* one after the other */
	int64_t retry_ns;		       /* not before; these are of CLOCK_MONOTONIC */
	size_t roots_max;		       /* of one import; fewer after one that failed */
	size_t at_work;			       /* lanes that send */
	bool has_taken;			       /* a batch, whole: the other lanes may send, too */
	bool is_full;			       /* as it said last, when it was given something */
	bool has_list;			       /* was asked for all its pins, where that helps */
	uint64_t room, room_max; /* bytes of one import: what it takes in a few seconds */
	int64_t next_check_ns, unstick_ns;
	int64_t back_ns; /* all that it has is not asked for again before, however often it returns
			  */
	int64_t look_ns; /* when its cluster is looked at again for what waits; 0: nothing does */
	unsigned looks;	 /* one after the other in which nothing came */
	int64_t late_ns; /* who still waits then, and did at the time before, is late */
	int64_t patient_until_ns; /* lull.c: 0: nothing waits */
	emr_cid checked;	  /* the last that was asked for again */
	emr_cid round_end;	  /* the same when this round began; nothing: at the first */
	bool is_behind_end;	  /* the round has not come to the first yet */
	bool has_hurry;		  /* to ask again for everything, now */
	bool is_called_for;	  /* by a person, and that has not begun */
	int64_t ask_sync_ns; /* when it is asked for that again, well or not; 0: nothing to ask */
	bool was_away;	     /* and what it had is not asked for since */
	bool is_listed;	     /* all its pins were asked for because one was lost */
};

struct emr_publisher {
	emr_publisher_options options;
	publisher_node nodes[EMR_PUBLISHER_NODES_MAX];
	size_t count;
	unsigned copies;
	pthread_mutex_t lock;	    /* of the book and of what follows */
	pthread_mutex_t write_lock; /* of the book's file; taken alone */
	pthread_cond_t wake;
	book book;
	bool is_stopping, is_started, has_looked;
	bool has_doubts;			/* some entry is to be asked about next */
	int stop_fd;				/* readable from stop on */
	uint64_t wanted_asked, wanted_answered; /* looks which roots are to be where */
	emr_worker looker;			/* woken by whoever saves, and never holds him up */
	/* here.c; under the lock */
	emr_buf lacking;   /* of emr_cid, sorted: not whole on this computer when it was last looked
			    */
	emr_buf left;	   /* of emr_cid, sorted: of others, see emr_publisher_options */
	emr_cid brought;   /* the last of these that was asked for */
	int64_t bring_ns;  /* not before */
	bool is_looking;   /* at all of them */
	uint64_t versions; /* that must be here, when it was last looked */
	uint64_t here_asked, here_answered;
	int64_t here_rests_ns;	   /* not looked at again before */
	pthread_mutex_t look_lock; /* of who says what no node holds; lock is inside of it */
	uint64_t looks;		   /* under look_lock: at which all of it was said */
	pthread_t watcher;
	bool has_watcher;
};

/* One root and what came of it. */
typedef struct pick {
	emr_cid root;
	bool may_be_there, is_held;
	bool was_begun;	 /* to be sent, as is known: what is not there now was cut off */
	bool is_stuck;	 /* no part of what is sent now */
	bool is_waiting; /* nor is this: the cluster has it to do */
} pick;

/* ---- node.c ---- */

int64_t publisher_now_ns(void);
/* The calling thread gives way to those that somebody waits for. */
void publisher_step_back(void);
/* With the lock; INT64_MAX: until woken. */
void publisher_wait_until(emr_publisher *p, int64_t until_ns);
uint16_t node_bit(const publisher_node *node);
emr_ipfs_call node_call(const publisher_node *node, uint32_t timeout_ms);
/* AT failed: it is left alone for a while, and a person is told. */
void node_fails(publisher_node *node, emr_ipfs *at, const emr_ipfs_call *call);
/* The same of one root, which keeps no other back. */
void node_complains(publisher_node *node, emr_ipfs *at, emr_ipfs_fault fault, const char *said);
void node_stick(publisher_node *node, pick *one);
/* Whether the node itself keeps the whole of ROOT; what fails has been told. */
emr_status node_ask(
	publisher_node *node, const emr_cid *root, bool *out_is_held, emr_ipfs_fault *out_fault);
/* With the lock: the first behind FROM that it said it holds.  IS_UNLISTED: of those that are not
 * among its pins. */
bool node_find_held(
	const publisher_node *node, const emr_cid *from, bool is_unlisted, emr_cid *out_root);
/* Until it is asked again whether it has another store, or an older root. */
int64_t node_store_ns(const publisher_node *node);

#define NODE_ASK_MS 120000		      /* what is asked for is read there, block by block */
#define NODE_UNSYNCED_NS INT64_C(60000000000) /* until it is asked again whether it syncs */
bool node_is_clustered(const publisher_node *node);
/* By its own configuration, when it last showed it: its disk may lose what it keeps. */
bool node_is_unsynced(const publisher_node *node);
/* It was asked for nothing but a word of itself, and this came: another may stand there by now. */
bool node_is_away(emr_ipfs_fault fault);
/* True for a fault of one record rather than of the node. */
bool node_is_of_content(emr_ipfs_fault fault);
/* ROOT is left alone for a while, and the others go on: all of them before it is tried again. */
void node_stick_root(publisher_node *node, const emr_cid *root);
/* The same, because of what the node said last. */
void node_stick_for_fault(publisher_node *node, const emr_cid *root);
void node_works(publisher_node *node);
void node_works_now(publisher_node *node); /* with the lock */
void node_fails_with(publisher_node *node, emr_ipfs_fault fault, const char *said);
/* Our own side: memory, or the disk. */
void node_fails_here(publisher_node *node, emr_status status);
/* With the lock. Roots that left the book need no note. */
emr_status node_note(publisher_node *node, const emr_cid *root, book_mark mark);
/* With the lock; gives it back for as long as the disk takes. */
emr_status node_write_lines(emr_publisher *p);

/* ---- imports.c ---- */

/* With the lock, which it gives back meanwhile.  False: there is nothing to send. */
bool node_send_some(publisher_node *node);

/* ---- kept.c.  With the lock, which they give back meanwhile. ---- */

bool node_let_one_go(publisher_node *node); /* false: nothing is to go */
bool node_check_one(publisher_node *node);  /* false: nothing is to be asked for now */
/* With the lock, which it gives back meanwhile; before what it has is counted. */
void node_look_whether_it_syncs(publisher_node *node);
/* With the lock, which it gives back when it is true.  Once. */
bool node_tells_unsynced(publisher_node *node);
/* It may be another one that stands there since it was away: all it had is asked for again. */
void node_comes_back(publisher_node *node);
/* With the lock, which it gives back meanwhile: whether it still has the store of blocks that it
 * had; of another one nothing is believed.  IS_ASKED: it is asked, else its last answer counts. */
void node_look_at_store(publisher_node *node, bool is_asked);
/* Once: what the file does not say any more is read off one list. */
void node_read_list(publisher_node *node);

/* ---- lull.c ---- */

/* With the lock, which it gives back meanwhile.  False: programs work in the folder, and it has
 * waited for a moment; whoever asks looks again what there is to send. */
bool lull_has_come(publisher_node *node);
/* With the lock: there is nothing to send. */
void lull_is_not_waited_for(publisher_node *node);
/* One import that gives way; of the thread that sends it. */
typedef struct lull {
	publisher_node *node;
	int64_t paused_ns; /* of it */
} lull;
void lull_await(void *lull); /* between two blocks */

/* ---- clustered.c ---- */

/* Asks the cluster what it has of ONE, and asks it to pin what too few of its peers have. Sets
 * is_held, is_stuck or is_waiting; none of them: it does not know it. */
emr_status cluster_ask(publisher_node *node, pick *one);
/* Has it pin what the node has taken. */
emr_status cluster_pin(publisher_node *node, pick *one);
/* With the lock, which it gives back while a person is told: what waits is looked at again now,
 * when it is time. */
void cluster_unwait(publisher_node *node);
/* With the lock. */
unsigned cluster_copies(const publisher_node *node, const book_entry *entry);

/* The versions that must be somewhere, of the store's one list: each once, sorted; EMR_BUSY while
 * that is not known to be whole. */
emr_status wanted_roots(emr_store *store, emr_buf *out);
/* Reads again which roots are to be where; under no lock. */
emr_status wanted_look(emr_publisher *p);
/* The same, by the thread for it if there is one, and waits for it for WAIT_NS at most; false: it
 * has not looked since. */
bool wanted_look_now(emr_publisher *p, int64_t wait_ns);
void *here_watch(void *publisher); /* its thread */
static inline bool is_none(const emr_cid *root)
{
	return emr_cid_equal(root, &(emr_cid){{0}});
}
bool wanted_has(const emr_buf *sorted, const emr_cid *root);
/* With the lock: how many of what others left are not known to be whole here; the first of these
 * behind the one that was asked for last, or zeros. */
uint64_t here_coming(const emr_publisher *p, emr_cid *out_next);
/* With the lock: ROOT was not whole on this computer when it was last looked. */
bool here_lacks(const emr_publisher *p, const emr_cid *root);
/* ROOT could not be sent because it is not whole here; when it is, it is sent at once. */
void here_note_lacking(emr_publisher *p, const emr_cid *root);
/* Says it of ROOT if no node holds it, those of BUT left aside. */
void here_unheld(emr_publisher *p, const emr_cid *root, uint16_t but);

void *node_serve(void *lane); /* its thread */
