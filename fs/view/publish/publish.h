/* The files of the last part of the view share these types and functions: one publishing run
 * with its candidates and changes, the folder as it is loaded, and what is erased. */
#pragma once

#include "base/worker.h"
#include "replica/follower.h"

#include "edit.h"
#include "erasing.h"
#include "kind.h"
#include "node.h"

/* This is what the parts of one publishing run share: candidates, the changes made of them, and
 * the answers. */

/* One change with everything it borrows, copied out of the tree. */
typedef struct work {
	emr_change change;
	emr_meta meta;
	emr_content content;
	emr_place from;
	emr_leaving leaving; /* object zero: nothing that stood there changes */
	char *name, *target;
	char *sent_name; /* NULL: NAME */
	emr_buf attributes;
	unsigned depth;
	uint64_t database; /* what has the same number here goes in one batch; 0: it is of none */
	uint64_t wrote;
	bool has_content; /* the node's bytes of `wrote` go with it */
	emr_id16 parent;  /* as rows name it */
	bool is_done;
} work;

typedef struct publishing {
	emr_view *view;
	bool all;
	bool gives_way; /* what the ledger brought is looked at, and nothing is sent */
	node **nodes;	/* candidates, each with one open counted */
	size_t nnodes, nodes_cap;
	work *works;
	size_t nworks, works_cap;
} publishing;

/* The threads of an open folder, what they are asked for, and how their last work ended: keeper.c.
 * Every field is under view->lock unless it says otherwise. */
struct keeper {
	emr_worker publisher, syncer;
	emr_listener listener; /* of news of the ledger; listed as long as these two run */
	emr_worker
		reclaimer; /* one giving back of space at a time; the syncer starts and ends it */
	emr_header_reader *headers; /* of the publishing run; NULL: nobody reads them */
	unsigned hurry;		    /* that many wait: quiet time does not count */
	uint64_t hurries, hurried;  /* asked for so far; the newest that a run has served */
	emr_status last_run;	    /* how the last publishing run ended */
	emr_buf became;	  /* emr_id16, emr_id16, ...: roots of domains, and what they were before */
	bool has_refused; /* the ledger has, and nothing was forgotten since */
	int64_t refused_apart_ns;    /* between the two clocks then */
	int64_t tie_due_boot_ns;     /* when grants of inner domains are looked at again */
	int64_t reclaim_due_boot_ns; /* not before */
	uint64_t opened_at; /* entries of the ledger when the folder was opened; does not change */
	bool has_looked_back;	   /* erase_look_back came to its end */
	int64_t look_back_boot_ns; /* when it is tried (again) */
	emr_status erase_status;   /* how the last try to erase ended, and what stood in its way */
	emr_reclaim_report erase_left;
};

/* keeper.c: once, when the view is made, and when it ends, after keeper_stop. */
emr_status keeper_begin(emr_view *view);
void keeper_free(emr_view *view);

#define PUBLISH_RUN_MAX 2000 /* bounds the memory of one run; the next one follows at once */
#define PUBLISH_RETRY_NS INT64_C(5000000000) /* after a refusal of the moment */

/* quiet.c: how long N must not have changed before it is published.  Under view->lock. */
int64_t quiet_ns_of(const emr_view *view, const node *n);
/* N has a name of scratch, and becomes a record under it when it goes to the ledger. */
bool quiet_becomes(const emr_view *view, const node *n);
/* The same of one that must have stayed for that: nobody who is in a hurry may call a moment's file
 * a record. */
bool quiet_hesitates(const emr_view *view, const node *n);

/* database.c: a database and its logs, under view->lock */

#define DATABASE_FILES 3

/* The database of which NAME in DIRECTORY is a log, NULL if it is none. */
node *database_of_log(const emr_view *view, const node *directory, const char *name);
/* Another file of N's database that must go to the ledger: the one of number I, NULL if it need
 * not. */
node *database_other(const emr_view *view, const node *n, size_t i);
/* The database that N is, with a log that goes along, or is a log of; NULL: neither. */
const node *database_with(const emr_view *view, const node *n);
/* V is a removed log of it, and it changed, too; else NULL. */
const node *database_left(const emr_view *view, const vacated *v);
/* N and all that must go with it can. */
bool database_is_whole(const publishing *p, const node *n);

/* heirs.c: names that went away */

/* Its newest bytes lie in a spill that could not be read: what stands in for them is nobody's
 * version. */
bool heirs_lack_bytes(const node *n);
/* The unpublished file that has the name of a record which went away, NULL if there is none.  Under
 * view->lock. */
node *heirs_find(const emr_view *view, const vacated *v);
/* Somebody writes what will be the record's next version, or it failed: nothing else is waited for.
 */
bool heirs_are_awaited(const emr_view *view, const vacated *v);
/* Under view->lock: gives vacated records to whoever holds their name now, and marks the rest that
 * are quiet. */
emr_status heirs_settle(publishing *p);
/* Without view->lock: N has a local-only name and leaves its record, which stays vacated under the
 * name it had. */
emr_status heirs_leave_record(emr_view *view, node *n);
/* Under view->lock: a desktop's trash has N, or a directory above it. */
bool heirs_is_in_trash(const node *n);
/* Under view->lock: the record that N came from has an heir, so N will be a record of its own. */
void heirs_forget_living_record(const emr_view *view, const node *n);

/* lacking.c: blocks that only nodes have */

/* All without view->lock.  EMR_BUSY: N waits for a block; EMR_AWAITED: for a place that is away,
 * which a person was told.  Another run looks again. */

/* N's bytes are to go under another key, and what that needs is here. */
emr_status lacking_look(emr_view *view, node *n);
/* file_freeze, of a working copy whose old bytes may be elsewhere. */
emr_status lacking_freeze(emr_view *view, node *n);
/* A call for N gave STATUS in this thread: that again unless it lacked a block that may come. */
emr_status lacking_bring(emr_view *view, node *n, emr_status status);
/* A person knows which places do not give what N needs. */
bool lacking_was_told(emr_view *view, const node *n);

/* tops.c: the numbers of new versions */

/* Without view->lock: asks the ledger for the highest version of the records that get new content,
 * where it is not known. */
emr_status tops_learn(publishing *p);

/* headers.c: what DICOM, PDF and FHIR files say about themselves */

/* Without view->lock: notes it with every candidate that has new content. */
void headers_learn(publishing *p);

/* copies.c: what is a copy of a signed record */

/* Without view->lock: says so of every candidate that is one, once. */
void copies_tell(publishing *p);

/* describe.c: candidates become changes */
/* N is a candidate of this run, and as it was sealed. */
bool describe_may(const node *n);
emr_status describe_all(publishing *p);
void describe_free(publishing *p);

/* answers.c: answers become state */

/* The argument of answers_apply, an emr_outcome_fn. */
typedef struct answering {
	emr_view *view;
	const publishing *run; /* NULL for batches of an earlier run */
} answering;
emr_status answers_apply(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n);
void answers_tell_failures(const publishing *p);
/* A certificate seems to have ended, or not begun, by a clock that is wrong: once that was set,
 * what was refused by the former one is due again (true).  Under view->lock. */
bool quiet_hear_clock(emr_view *view);
void quiet_note_refusal(emr_view *view); /* something was refused now */

/* ---- publish.c ---- */
/* This turns what has become quiet into changes of the ledger, and the ledger's answers into
 * changes of the tree. */

/* One run.  ALL: quiet or not.  *OUT_LEFT: something that is not quiet, or failed for the moment,
 * remains. */
emr_status publish_run(emr_view *view, bool all);
/* Boot time at which the next run should begin: a change is quiet and so is the folder, or the
 * change has waited for 15 quiet times; INT64_MAX when nothing waits.  Under view->lock. */
int64_t publish_due(const emr_view *view);
/* True when nothing waits for the ledger.  Under view->lock. */
bool publish_is_idle(const emr_view *view);

/* ---- load.c ---- */
/* This builds the tree from the disk when a folder is opened. */

/* Replica, journal rows, vacated names, spills.  UNHEARD, of emr_unheard: against which rows do not
 * count; it is sorted.  EMR_NOT_FOUND: the folder was never initialised. */
emr_status load_tree(emr_view *view, emr_buf *unheard);
/* Answers to batches of an earlier mount, before there is a tree: rows only. */
emr_status load_outcomes(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n);
/* Removes spills that no row names. */
void load_clean_spills(emr_view *view);

/* ---- folder.c ---- */
/* The folder itself and .emrfs, and what the parts of the view put into them. */

extern const node_kind folder_kind; /* of the folder itself */

/* Makes .emrfs, before anything can be asked for. */
emr_status folder_new_special(emr_view *view);

/* ---- inner.c ---- */
/* This is what publishing knows of directories and files that are shared by themselves. */

/* Without view->lock: the grants of inner domains are brought in line, if something happened to
 * them. */
emr_status inner_tie(emr_view *view);

/* ---- erase_scratch.c ---- */

/* A file under a name of scratch. */
typedef struct scratch_file {
	emr_cid root; /* of its sealed bytes; zero: nobody can tell of which record they are */
	emr_id16 id;
	uint64_t node;
	size_t path;
	bool is_same; /* it has the bytes of a version of what is erased, */
	bool is_note; /* or the trash's word of where such a file was */
	bool is_kin;  /* by its name it is the lock, or a copy that some program made, of one that
			 is erased */
	bool is_in_trash;
} scratch_file;

typedef struct scratch_found {
	emr_buf files; /* of scratch_file */
	emr_buf paths; /* of those, each with its NUL */
	emr_buf roots; /* of emr_cid: all versions of what is erased */
} scratch_found;

/* Without view->lock.  OBJECTS (of erasing) and RECORDS (of emr_id16), sorted, are erased: files of
 * scratch that are not among them.  OUT, zeroed, is to be freed, also after an error. */
emr_status scratch_find(
	emr_view *view, const emr_buf *objects, const emr_buf *records, scratch_found *out);
static inline const char *scratch_path(const scratch_found *s, const scratch_file *one)
{
	return (const char *)s->paths.data + one->path;
}
/* Sets is_kin of those that a name in ERASED (paths, each with its NUL) is a part of. */
emr_status scratch_find_kin(scratch_found *s, const emr_buf *erased);
/* Under view->lock: the node of ONE while it has the bytes that were compared and nobody writes it;
 * else NULL. */
node *scratch_node(emr_view *view, const scratch_file *one);
void scratch_free(scratch_found *s);
/* Files of scratch with the bytes of what another computer erased are erased here from now on.
 * Without view->lock. */
emr_status scratch_follow(emr_view *view);

/* ---- erase.c ---- */
/* Erasing for good: rows E say which objects, the ledger purges their private parts, and nothing of
 * them stays in the state. Refuses nothing that a person asked for: what cannot be finished now is
 * tried again, also after a restart. */

/* At open, after the tree: what an earlier mount has begun.  Nodes that it did not come to are
 * removed. */
emr_status erase_load(emr_view *view);
/* On the publishing thread, between its runs: one try at everything that is being erased. */
void erase_run(emr_view *view);

/* ---- under view->lock */
bool erase_is_due(const emr_view *view);
/* Erases records that others erased before this mount, and whose bytes this computer has without
 * showing them: once, by the publishing thread, a moment after opening, and again when it could not
 * come to its end. */
void erase_look_back(emr_view *view);
void erase_look_soon(emr_view *view);
int64_t erase_look_due(const emr_view *view); /* under view->lock; INT64_MAX: not any more */
/* N has no name any more, and nobody inherits its record. */
emr_status erase_node(emr_view *view, node *n);

/* ---- keeper.c ---- */
/* These are the folder's threads.  Two run as long as a folder is open for writing: the publisher
 * takes in the ledger's news and sends it what is quiet, the syncer brings what was closed to the
 * disk.  The syncer starts a third for the time in which disk space is given back.  Received shares
 * (shared.c) and comparisons (compare.c) have threads of their own. */

void keeper_stop(emr_view *view); /* joins; fine when there are none */
/* After much was read: what was kept to read it again goes back to the system.  Without view->lock,
 * or before there are threads. */
void keeper_rest(emr_view *view);
/* Hands the bytes of every file to the operating system. */
emr_status keeper_hand_out(emr_view *view);

/* ---- pins.c ---- */
/* Pins say which blocks are still needed. This says all of them again after the store's index
 * was made again. */

/* Nothing to do unless emr_store_pins_incomplete, or there is none.  Reads the whole history:
 * before the mount answers, and rare. */
emr_status pins_restore(emr_view *view);
