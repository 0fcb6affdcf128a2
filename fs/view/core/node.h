/* These are the structs of the folder's tree in memory: a file or directory (node), the bytes of
 * an open file, and the whole view with its clocks. Every field is protected by view->lock
 * unless it says otherwise; the order of locks is file->lock, view->lock, journal. */
#pragma once

#include <stdatomic.h>

#include "base/day.h"
#include "base/worker.h"
#include "view/names.h"
#include "view/leaving.h"

#include "packed.h"
#include "refusals.h"
#include "table.h"

typedef enum node_state {
	NODE_LIVE,    /* has a name */
	NODE_GONE,    /* unlinked or replaced; open files go on */
	NODE_VIRTUAL, /* below .emrfs */
} node_state;

/* The bytes of one regular file that was opened, written or holds frozen content; most files never
 * need one.  Once there, it stays as long as its node.  Order of locks: file->lock, view->lock,
 * journal. */
typedef struct file {
	pthread_rwlock_t lock; /* read: use the two below; write: change which they are */
	emr_content_reader
		*reader; /* of the base, opened at first use; changed by tree_set_reader alone */
	emr_staging *staging; /* the working copy, while there is one; changed with view->lock, too,
				 under which it may be looked at */
	/* below: view->lock.  WROTE and HANDED change with file->lock as well, so that who has it
	 * for writing may look at them. */
	emr_id16 staging_id;
	emr_content *content; /* owned; NULL: no room for any yet; means something only with
				 has_content */
	emr_place *restored;  /* CONTENT is that of this earlier version, come again; owned; NULL:
				 new content */
	struct shared_share *cut; /* it has no name any more, and its bytes were another's; NULL:
				     they were not */
	struct shared_at *shown; /* what it was while another's folder showed it (foreign.h); owned;
				    NULL: it was not */
	uint64_t wrote;		 /* grows with every write or change of size */
	uint64_t looked;     /* `wrote` when it was compared with what others signed (copies.c) */
	uint64_t handed;     /* `wrote` when the bytes were last handed to the operating system */
	bool staging_in_row; /* the journal's row names it */
	bool has_content;    /* frozen and not published yet */
	bool is_spill_named; /* some row of the journal named it, perhaps one that is still on the
				disk */
	bool is_spill_unsynced; /* handed out to a spill that is not on the disk yet */
	bool is_spill_doubted;	/* the disk refused to sync it: what it says it has is not to be
				   believed */
	uint32_t may_map;  /* open handles that may read and write: they may be mapped to write */
	uint32_t writers;  /* open handles that may write: node_writers */
	uint64_t top_cver; /* the highest its record has had; 0: not known; node_top_cver */
	/* About READER, of what another shares: kept.h. */
	int64_t judged_boot_ns; /* when it was made and judged; 0: it is none, or is not kept;
				 * atomic
				 */
	bool is_unused;		/* nobody has opened the file by it yet; atomic */
	bool is_kept;		/* counted in view->index.kept */
	uint32_t let_in;	/* open handles that were let in by it; view->lock */
	bool is_opened_again;	/* since it was made: the kernel may hold pages of it; atomic */
	uint64_t promised;	/* the mark of the working copy that a flush has covered; 0: none */
	bool went_back;		/* the working copy that was promised is not there, or not whole */
	bool is_lack_told;	/* that it does not go to the ledger for what only nodes have */
	uint64_t home_leaves;	/* so many of READER were in this computer's own store; atomic */
	bool is_former;		/* under a name of scratch, and its record went on without it */
	bool keep_spill; /* a working copy that could not be recovered is left for a person */
} file;

/* Where a published node was when it was published, if it has moved since. */
typedef struct former {
	emr_id16 directory;
	char name[EMR_NAME_MAX + 1];
} former;

/* The entries of a directory. */
typedef struct kid_list {
	struct node **kids; /* in order of cookie, NULL where one left */
	size_t nkids, kids_cap, live_kids;
	uint64_t next_cookie;
	uint32_t subdirectories;
	uint32_t half_downloads; /* kids that a browser is fetching */
	bool has_lent; /* a kid may be called otherwise than it should, because the name was taken
			*/
	struct resting *resting; /* NULL: all kids have nodes; else live_kids counts those that
				    have none (rest.h), */
	uint32_t first_run;	 /* which are in this run, and in those that it leads to */
	bool is_partial;	 /* the disk did not give what rested here */
} kid_list;

/* The facts of a node in which this computer and the ledger differ, or did until lately. */
typedef struct node_pending {
	uint64_t change;	 /* grows with every change that must be published */
	uint64_t row_seq;	 /* journal position of its row; 0: it never had one */
	int64_t changed_boot_ns; /* of a special file: when its size was right; 0: never */
	emr_id16 next_id;     /* not zero: moved to another domain, where it gets this object id */
	emr_id16 lost_parent; /* not zero: its directory could not be read, so it hangs at the top
				 and stays what it is */
} node_pending;

/* One of these for every record: 8 bytes more are a megabyte with 131,072 records.  The widest
 * members come first, so that nothing lies between them. */
struct node {
	uint64_t number; /* the kernel's name for it */
	uint64_t ino;
	emr_id16 id; /* object id on the ledger, or the one it will get; key of its journal row */
	node_pending *pending; /* owned; NULL: all is zero; node_change_count and those after it,
				  tree_need_pending */
	struct node *parent;   /* NULL: the top, or gone */
	char *name;
	uint64_t cookie; /* its place in the parent's listing */
	uint64_t size;
	int64_t mtime_ns, ctime_ns;
	uint8_t *attributes; /* user.*: klen u8, vlen u16, key, value, ... as in the record's
				metadata; owned; node_attributes and tree_set_attributes */
	uint64_t kernel_refs;

	union {
		kid_list *listing; /* of a directory: node_listing */
		char *target;	   /* of a link; owned: node_target */
		file *file; /* of a regular file, once tree_need_file made it; NULL: as the ledger
			       says, or empty: node_file */
	};
	packed_place packed;		  /* where, when is_published: node_place, tree_set_place */
	union {				  /* owned but for the last */
		former *was;		  /* NULL: it is where it was published */
		struct shared_at *shared; /* of a node at or below shared-with-me: shared.h */
		struct past *past; /* of a node below .emrfs/at/TIME or .emrfs/deleted: past.h */
	};
	struct node *next_queued;
	const struct node_kind *kind; /* atomic; what it is: kind.h */

	uint32_t opens;
	union {
		uint32_t slot;	     /* its index in the parent's kids */
		uint32_t past_entry; /* of a node below .emrfs/at/TIME or .emrfs/deleted, which has
					no parent */
	};
	uint32_t attributes_len;
	uint32_t stored_leaves; /* of its bytes, but for a working copy, where some are holes; 0:
				   all */
	uint16_t mode;
	uint8_t type;
	uint8_t refusal;	/* the ledger's code when failure is EMR_REFUSED */
	emr_status failure : 8; /* why the last publishing failed */
	uint8_t state : 2;
	uint8_t special : 6; /* which file of .emrfs, from 1 */
	bool is_local : 1;   /* its name or one above it is scratch, and not for long enough */
	bool stays : 1;	     /* it has been under such a name for so long that it is a record */
	bool is_domain : 1;  /* directory or file that is a domain of its own: its id is, or will
				be, the domain's */
	bool is_inbox : 1;
	bool is_published : 1;
	bool is_published_gone : 1; /* was published when its name went: its bytes are still read
				       from `place` */
	bool meta_dirty : 1, content_dirty : 1;
	bool has_row : 1; /* the journal holds a row for it */
	bool is_queued : 1, in_run : 1;
	bool has_whole_place : 1; /* `packed` has no room for it */
	bool has_own_record : 1;  /* `packed` has a record id that is not the object's */
};

typedef struct node node;
typedef struct node_kind node_kind;
typedef struct past past;

static inline bool node_is_file(const node *n)
{
	return n->type == EMR_META_FILE;
}

/* NULL: it is no regular file, or nobody has needed it. */
static inline file *node_file(const node *n)
{
	return node_is_file(n) ? n->file : NULL;
}

/* Handles that may write to it. */
static inline uint32_t node_writers(const node *n)
{
	return node_file(n) != NULL ? node_file(n)->writers : 0;
}

/* The highest version that its record has had; 0: it is looked for before new bytes of it are
 * published. */
static inline uint64_t node_top_cver(const node *n)
{
	return node_file(n) != NULL ? node_file(n)->top_cver : 0;
}

/* Forgotten without `file`: there are no new bytes that would ask for it. */
static inline void node_set_top_cver(node *n, uint64_t top_cver)
{
	if (node_file(n) != NULL)
		node_file(n)->top_cver = top_cver;
}

/* Borrowed until they change. */
static inline emr_bytes node_attributes(const node *n)
{
	return emr_bytes_of(n->attributes, n->attributes_len);
}

/* The memory beside the place of N; owned; NULL: none. */
static inline void *node_place_memory(const node *n)
{
	if (n->has_whole_place)
		return n->packed.whole;
	return n->has_own_record ? n->packed.ids : NULL;
}

/* Where it is published: all zero before it ever was.  A published node's object is its id; tree.h
 * says how it is set. */
static inline emr_place node_place(const node *n)
{
	if (n->has_whole_place)
		return *n->packed.whole;
	if (n->has_own_record)
		return packed_open(&n->packed, n->packed.ids->domain, n->id, n->packed.ids->record);
	if (n->packed.domain == NULL)
		return (emr_place){.version = 0};
	return packed_open(&n->packed, *n->packed.domain, n->id, packed_record(&n->packed, n->id));
}

/* The same, of which one member is wanted. */
static inline emr_id16 node_domain(const node *n)
{
	if (n->has_whole_place)
		return n->packed.whole->domain;
	if (n->has_own_record)
		return n->packed.ids->domain;
	return n->packed.domain != NULL ? *n->packed.domain : (emr_id16){{0}};
}

static inline emr_id16 node_object(const node *n)
{
	if (n->has_whole_place)
		return n->packed.whole->object;
	return n->packed.domain != NULL ? n->id : (emr_id16){{0}};
}

static inline uint64_t node_version(const node *n)
{
	return n->has_whole_place ? n->packed.whole->version : packed_version(n->packed.version);
}

static inline uint64_t node_pversion(const node *n)
{
	return n->has_whole_place ? n->packed.whole->pversion : packed_version(n->packed.pversion);
}

/* NULL: it is no directory. */
static inline kid_list *node_listing(const node *n)
{
	return n->type == EMR_META_DIR ? n->listing : NULL;
}

/* NULL: it is no link. */
static inline const char *node_target(const node *n)
{
	return n->type == EMR_META_SYMLINK ? n->target : NULL;
}

static inline uint64_t node_change_count(const node *n)
{
	return n->pending != NULL ? n->pending->change : 0;
}

static inline uint64_t node_row_seq(const node *n)
{
	return n->pending != NULL ? n->pending->row_seq : 0;
}

/* 0: never, or so long ago that nobody waits for it. */
static inline int64_t node_changed_boot_ns(const node *n)
{
	return n->pending != NULL ? n->pending->changed_boot_ns : 0;
}

static inline emr_id16 node_next_id(const node *n)
{
	return n->pending != NULL ? n->pending->next_id : (emr_id16){{0}};
}

static inline emr_id16 node_lost_parent(const node *n)
{
	return n->pending != NULL ? n->pending->lost_parent : (emr_id16){{0}};
}

static inline bool node_has_kids(const node *n)
{
	const kid_list *in = node_listing(n);

	return in != NULL && in->live_kids != 0;
}

#define VACATED_CHAINS                                                                             \
	4096 /* a power of two: sharing a folder of 10,000 records vacates as many places */

/* A published record whose name went away: waits for whoever takes the name, or for its UNLINK. */
typedef struct vacated {
	struct vacated *next, **at;    /* of view->vacated, and what points here */
	struct vacated *next_in_chain; /* of view->vacated_by_object */
	emr_place place;	       /* place.object is the row's key */
	uint64_t top_cver;	       /* as a node's */
	emr_id16 directory;
	char name[EMR_NAME_MAX + 1];
	uint8_t type;
	bool may_be_adopted;
	bool is_sent;
	bool goes_first;  /* in its run, and without waiting until it is quiet */
	uint8_t refusals; /* of its UNLINK, in a row */
	uint8_t refusal;  /* the ledger's last code, 0: none */
	bool has_failed; /* asked for the last time in this run of the program, unless a person asks
			  */
	bool is_told;
	bool is_over; /* its UNLINK was answered; dropped once the journal has that */
	bool is_held; /* a directory's: something that cannot move now is still published in it */
	int64_t since_boot_ns;
} vacated;

/* A spill that no row names any more, once the journal is on the disk as far as SEQ. */
typedef struct doomed {
	struct doomed *next;
	emr_id16 id;
	uint64_t seq;
} doomed;

/* Where nodes and what they share are found: tree.c. */
struct tree_index {
	table by_name, by_id;
	unsigned kept; /* readers: kept.h; and when they are looked at next */
	int64_t kept_due_boot_ns;
	slots domain_ids;	/* that some node was ever published in; owned emr_id16 */
	table domains;		/* where they are */
	emr_place *spare_place; /* for the next tree_set_place, both */
	packed_ids *spare_ids;
	struct resting *resting; /* owned; NULL: no file rests */
	bool is_partial;	 /* a kid_list is */
	bool is_told;		 /* a person knows */
};

/* The hidden folder and what lies in it. */
struct special_nodes {
	node *root; /* .emrfs */
	node *files[EMR_SPECIAL_MAX];
	node *at;      /* .emrfs/at */
	node *letters; /* .emrfs/requests */
	node *consent; /* .emrfs/consent */
};

/* The changes that the disk does not have yet. */
struct disk_debt {
	emr_status status;     /* why it last refused what was handed to it; EMR_OK: it has all, or
				  will be asked */
	uint64_t unsynced_seq; /* newest journal position that is not on the disk yet, 0 if none */
	unsigned unsynced_spills;	/* files with is_spill_unsynced */
	int64_t unsynced_since_boot_ns; /* of the oldest of both */
	doomed *doomed;
};

/* The room for blocks: space.c, reclaim.c. */
struct space_state {
	bool wants_reclaim;   /* the disk was full */
	bool wants_look;      /* for space: enough may be of no use */
	bool is_looking;      /* a thread is giving space back, */
	bool is_pressed;      /* because the disk was full */
	int64_t read_boot_ns; /* when a file was last opened or read; atomic */
	bool is_asking;	      /* that thread waits for nodes, and writers do not wait for it */
	bool doubts_pins;     /* nobody has said yet whether some are lost: nothing is given back */
	bool has_looked;
	uint64_t dead_bytes; /* let go since the last look */
	uint64_t seen_live;  /* what that look found, and the counts as it began */
	uint64_t seen_appended, seen_left;
	uint64_t seen_kept;	    /* on the disk, of what that look saw */
	uint64_t spared_bytes;	    /* not given back: perhaps below a part that is not here */
	int64_t spared_due_boot_ns; /* when they are looked at again */
};

/* Changes that wait for copies: awaiting.h. */
struct awaiting_state {
	emr_buf rows;		/* of emr_awaiting, by node */
	bool has_copies;	/* some came since a run last looked */
	unsigned copies_wanted; /* as that run began */
	unsigned erasers;	/* that want no batch to wait meanwhile: what waits is taken back */
	bool holds_content;	/* nothing new is sent in this run, for them */
};

/* The records that are being erased: erasing.h. */
struct erasing_list {
	struct erasing *list; /* rows E of the journal */
	size_t n;
	size_t n_sorted;     /* the first of them, by object */
	emr_buf erased;	     /* objects that were erased in this run of the program */
	int64_t due_boot_ns; /* when it is tried (again) */
};

struct emr_view {
	emr_view_options options;  /* do not change, but for read_only */
	emr_leaving_asked leaving; /* of NULL: nobody is asked */
	pthread_mutex_t lock;
	pthread_cond_t wake;	/* the publisher and the syncer wait on it */
	pthread_cond_t settled; /* a publishing run ended */
	node *root;
	uint8_t hash_key[16];
	uint8_t confirm_key[32]; /* random for each opening: confirm.c */
	slots nodes;		 /* by their number */
	struct tree_index index;
	vacated *vacated;
	uint64_t vacated_changes; /* how often one came or went, or a name while there are some */
	vacated *vacated_by_object[VACATED_CHAINS];
	node *queue_head, *queue_tail; /* dirty nodes, oldest first */
	int64_t next_due_boot_ns; /* nothing is due before; the publisher walks the queue only then
				   */
	int64_t busy_boot_ns;	  /* when something was last changed or went away here; atomic */
	/* Something of this burst of changes was sent, or a record got another name and may be
	 * written again under the first: nothing of it is published before it is quiet. */
	bool waits_for_quiet;
	struct special_nodes special;
	struct past_trees *past; /* .emrfs/at and .emrfs/deleted: past.h; does not change */
	struct disk_debt disk;
	/* Entries of the ledger that the tree has taken in, objects to look at again, and when. */
	uint64_t followed;
	emr_buf follow_again; /* of {domain, object} */
	int64_t follow_due_boot_ns;
	/* Grants of inner domains are to be looked at: a domain was made or moved, a share given or
	 * taken back. */
	bool wants_tie;
	bool has_news;	       /* the ledger has grown since */
	emr_status stopped_by; /* why the folder became read-only by itself; EMR_OK: it did not */
	bool is_ledger_away;   /* said so, and not yet that it is back */
	struct awaiting_state awaiting;
	struct space_state space;
	bool stop;	  /* ends the threads, which `wake` and `settled` wake */
	bool is_started;  /* emr_view_start was called: threads may be made */
	bool has_threads; /* publisher and syncer run */
	struct erasing_list erasing;
	struct keeper *keeper; /* the threads of the folder: publish.h; does not change */
	refusal_window refusals[REFUSAL_KINDS];
	const struct shared_writings *writings; /* shared.h; does not change */
	const node_kind *received_kind;		/* of what others share; does not change */
	const struct attribute_source *grants;	/* attributes of what is shared; does not change */
	struct given_state *given; /* shared-by-me and .emrfs/requests: given.h; does not change */
	struct comparing *comparing; /* compare.h; NULL: nothing to do yet */
	struct shared_words *words;  /* signed.h */
	emr_buf originals;	     /* originals.c */
	emr_buf stale_told; /* of emr_cid: versions whose certificate could not be checked; told
			       once */
	struct deposit_tally *tallies; /* deposits_limit.c; the publisher's, without the lock */
	struct shares *shares; /* does not change; what others share: shared.h; NULL: nothing can be
				  (tests without a network) */
};

/* A member without a comment on this does not change once the open is answered. */
struct emr_handle {
	emr_view *view;
	unsigned refs; /* atomic: the kernel's open and each read under way */
	node *node;
	int flags;
	bool may_read, may_write;
	bool is_past_cache;    /* see emr_handle_is_past_cache */
	emr_buf virtual_bytes; /* of a special file, as of MADE_BOOT_NS; view->lock, both */
	int64_t made_boot_ns;
	uint64_t bytes_read;		    /* atomic */
	const struct handle_report *report; /* who is told what is read; NULL: nobody */
	bool is_told;			    /* that it is over, and was read; view->lock, both */
	bool is_let_in;			    /* counted in file->let_in */
	/* For bytes that are brought from elsewhere (bring.c): */
	bool is_brought, is_damaged; /* atomic: some of it was lacking; stood there and was bad */
	uint64_t last_leaf;	     /* that was read; view->lock, all three */
	size_t ahead;		     /* so many leaves are asked for next */
	uint64_t ahead_end;	     /* those before this one were asked for */
};

/* ---- clock.c ---- */
/* These are the clocks of an open folder, which a test may replace: the time of day, and the
 * time since the computer started. */

int64_t view_now_ns(const emr_view *view); /* wall */
int64_t view_boot_ns(const emr_view *view);
/* Under view->lock: when nothing will have been changed here for a moment, if nothing is from now
 * on. It may have passed. */
int64_t view_next_lull(const emr_view *view);
/* The same of those who read, too, without any lock. */
int64_t view_next_calm(const emr_view *view);
void view_note_reader(emr_view *view);
/* Something is changed now.  Behind a pause a burst of changes begins. */
void view_note_busy(emr_view *view);
/* How soon a file that is changed now may be published: a moment, or the quiet time (quiet.c). */
int64_t view_soonest_ns(const emr_view *view);
/* Under view->lock: until woken or NS have passed (negative: until woken). */
void view_wait_ns(emr_view *view, pthread_cond_t *cond, int64_t ns);
