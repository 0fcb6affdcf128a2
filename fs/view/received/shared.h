/* The nodes below shared-with-me, and what the thread behind them keeps: owners, their shares,
 * questions on their way, and who waits for them. It refuses to hold a key after the end of its
 * grant.
 *
 * Owners and shares are added by the worker (the thread, or a caller of emr_view_shared_turn) and
 * live as long as the view, so that nodes may point to them. Everything is protected by view->lock;
 * what only the worker touches says so. The worker alone changes what is shown (shares, names,
 * grants, phases, trees), with the lock, and reads it without. */
#pragma once

#include "base/worker.h"
#include "share/read.h"
#include "view/received.h"

#include "kind.h"
#include "ops_file.h"
#include "shared_tree.h"
#include "tree.h"

#define SHARED_DIRECTORY "shared-with-me"
#define SHARED_COOKIE (UINT64_C(1) << 61) /* its place in the listing of the top */
#define SETS_DIRECTORY "datasets"
#define SETS_COOKIE (SHARED_COOKIE + 1)
#define SHARED_POLL_NS                                                                             \
	INT64_C(25000000) /* between looks for answers, while somebody waits and the ledger has    \
			     not moved */
#define SHARED_IDLE_POLL_NS INT64_C(500000000)
#define SHARED_NOTE_S (30u * 86400) /* how long the end of a share is told */

#define SHARED_FOR_EVER_S                                                                          \
	(UINT64_C(1) << 40) /* a right without an end: no clock gets there, and all arithmetic     \
			       with it fits */
#define SHARED_DAY_S 86400

typedef enum shared_level {
	SHARED_TOP,
	SHARED_OWNER,
	SHARED_RECORD, /* a share, and everything in it */
	SHARED_NOTE,   /* SHARE - access ended DATE.txt */
	SHARED_SETS,   /* the directory of all datasets */
	SHARED_SET,    /* one of them, in which owners lie under pseudonyms */
} shared_level;

/* A dataset that this person reads: who takes part is an owner of his own in each, so that nothing
 * leads from one to another, or to shared-with-me. */
typedef struct shared_set {
	struct shared_set *next;
	uint64_t number; /* from 1: its place in listings */
	emr_id16 line;	 /* by which it is known, whatever key it has */
	char name[EMR_NAME_MAX + 1];
	emr_terms terms;
	emr_id32 terms_id;
	unsigned ahead; /* participants' names that were asked for last and nobody looked at yet */
	uint64_t end_told_unix_s;    /* of the worker: of which end for all readers, or this one, it
					was told */
	uint64_t limit_until_unix_s; /* no file is opened for the first time before; 0: none was
					refused */
	emr_buf withheld; /* emr_cid: what was not let through since the folder was opened */
	emr_buf clean;	  /* of the worker: emr_cid of what was, the newest last */
} shared_set;

typedef struct shared_owner {
	struct shared_owner *next;
	uint64_t number; /* from 1: its place in listings */
	emr_id32 signer_id;
	shared_set *set;	     /* NULL: he shares with this person, or a team */
	char name[EMR_NAME_MAX + 1]; /* of the directory */
	emr_owner_called called;
	emr_card card;			   /* the newest of his letters' */
	int64_t pace_ns;		   /* of the worker: how long the last answer took */
	_Atomic int64_t away_told_boot_ns; /* written by the worker: when it was said last that his
					      folder, which alone could answer, does not; 0: not
					      since it did */
	_Atomic int64_t answered_boot_ns; /* written by the worker: when keys came last; 0: never */
	struct shared_share *shares;	  /* his, in the order in which they came */
} shared_owner;

typedef enum shared_phase {
	SHARED_COMING, /* nothing to show yet */
	SHARED_OPEN,
	SHARED_EXPIRED,
	SHARED_REVOKED,
} shared_phase;

typedef struct shared_share {
	struct shared_share *next;
	struct shared_share *next_of_owner;
	struct shared_share *next_busy; /* shared_busy.c */
	bool is_busy;
	shared_owner *owner;
	uint64_t number;      /* from 1: its place in listings */
	emr_id16 domain, top; /* TOP: the object where it begins */
	emr_id16 space; /* what the ids of its nodes grow from: DOMAIN, but for what is read in a
			   dataset, which may be shared besides */
	emr_id16 root;	/* with IS_TIED: the domain with whose share it came */
	const emr_view *view; /* in which it is shown */
	bool is_tied;
	char name[EMR_NAME_MAX + 1];
	char wanted[EMR_NAME_MAX + 1]; /* its owner's for it, of which NAME is made */
	bool knows_name;  /* that is what she calls it now, and not what a letter said */
	bool is_name_due; /* of the worker: there may be another one */
	char note_name[EMR_NAME_MAX + 1];
	emr_known_grant grant; /* the best there is: in force, for this purpose, the longest */
	emr_id32 agents[EMR_AGENTS_MAX];
	unsigned agents_count, needed;
	bool opens_away; /* enough agents can release its keys; else its owner's folder alone */
	/* Writing (foreign.h); RIGHTS 0: only reading. */
	uint16_t rights;
	uint64_t write_until_unix_s;
	bool is_blind;	    /* nothing of it may be read: GRANT has an end and nothing else */
	emr_buf owner_card; /* of an Inbox that one may write in because one has this card; else
			       empty */
	uint64_t sent_day, sent_seq, sent; /* of an Inbox (foreign_limit.c): how many of my files
					      the ledger has of that day, up to which entry */
	bool wants_tree; /* nobody looks, but changes here must be compared with what is there */
	shared_phase phase;
	uint64_t ended_unix_s;
	int64_t end_boot_ns; /* when it ends by the clock that nobody sets */
	bool is_file;	     /* TOP is no directory */
	bool has_purpose;    /* the grant is for what the folder was opened for */
	unsigned stale_told; /* of the worker: how often it was said that the ledger is away */
	bool is_ending_told;
	shared_tree *tree;  /* NULL: nobody has looked yet */
	bool was_looked_at; /* there was a TREE, so nodes may stand anywhere in it */
	bool has_grown;	    /* the ledger has, in this domain, since TREE was built */
	int64_t build_not_before_ns;
	bool has_failed; /* of the worker: to build it, last */
	struct {
		bool has_come; /* of the worker: the ledger has something new of who answers */
		int64_t absent_until_boot_ns, absent_ns; /* nobody does: how long not to ask */
		atomic_bool is_missed; /* written by the worker: nobody did, last */
	} answers;
	bool is_awaited;      /* of the worker: somebody opens what TREE shows and the ledger has in
				 another version */
	emr_report_row *rows; /* openings that the owner has not been told of */
	size_t nrows;
	int64_t report_due_boot_ns;
	/* of the worker */
	emr_shared *opened; /* with the keys; NULL: not open */
	struct shared_asking *asking;
	struct {
		emr_id16 directory;
		unsigned n;
	} ahead[8]; /* how many siblings were asked for last */
	unsigned ahead_next;
} shared_share;

typedef struct shared_span {
	uint64_t from, to;
} shared_span;
#define SHARED_SPANS_MAX 16

/* Where a node stands. */
typedef struct shared_at {
	shared_level level;
	shared_owner *owner;
	shared_share *share; /* NULL: not known (yet), only what was written there */
	shared_set *set;     /* of SHARED_SET */
	emr_id16 domain, object;
	emr_id16 space;	  /* as of its share */
	uint64_t version; /* of the content; of a link its row's, of a directory 0 */
	uint32_t entry;	  /* of share->tree; FLAT_NONE: it is no more, or there is no tree */
	bool has_verdict;
	uint8_t nspans, spans_room;
	shared_span spans[]; /* what was read since it was made, apart from each other: of most
				files nothing, and there is one of these for each that is listed */
} shared_at;

typedef struct shared_waiter {
	struct shared_waiter *next;
	node *n; /* kept by a count of its opens */
	shared_share *share;
	emr_need need;
	bool is_listing; /* wants every name of N, not one */
	bool is_taken;	 /* shared_take */
	emr_ready_fn ready;
	void *arg;
	int64_t deadline_boot_ns;
} shared_waiter;

/* A question on its way. */
typedef struct shared_asking {
	struct shared_asking *next;
	emr_ask *ask;
	emr_id16 *objects; /* NULL: names */
	size_t n;
	int64_t since_boot_ns, looked_boot_ns;
	int64_t patience_ns; /* with an owner who alone could answer, and shows no sign of it */
	bool is_quiet;	     /* he has shown none, and that is over */
	emr_share_trouble trouble; /* as of the last look */
} shared_asking;

#define SHARED_TOLD_KINDS 10

/* How often a person was told of one kind of trouble lately. */
typedef struct shared_told {
	const char *id; /* a literal; NULL: none yet */
	int64_t since_boot_ns;
	unsigned count;
} shared_told;

typedef struct shares {
	emr_share *share; /* of the worker */
	emr_worker worker;
	pthread_cond_t answered;
	bool is_closed;
	bool is_in_use;	    /* atomic: there are shares */
	unsigned answering; /* READYs that run */
	shared_owner *owners;
	shared_set *sets;
	shared_share *all;
	shared_share *busy;	  /* those for which there may be something to do */
	int64_t all_busy_boot_ns; /* of the worker: when all of them were, last */
	int64_t ends_due_boot_ns; /* of the worker: nothing ends before, */
	int64_t ends_clocks_ns;	  /* if the clocks stay so far apart */
	uint64_t next_owner, next_share, next_set;
	emr_id16 only;	    /* the folder shows this dataset alone; zero: it shows everything */
	uint64_t frozen_at; /* of it, what came before that entry; 0: all */
	emr_buf frozen;	    /* emr_id16: the domains of that state */
	bool shows_sets;    /* the top's listing counts their directory */
	shared_waiter *waiters;
	shared_told told[SHARED_TOLD_KINDS];
	emr_handle **open; /* that read what others share; owned, what it points to is not */
	size_t nopen, open_cap;
	emr_buf kept_keys;	  /* of the worker: entries of the file shared-keys */
	bool has_kept_keys;	  /* of the worker: it was read */
	bool has_new_keys;	  /* of the worker: they are not in the file yet */
	int64_t keys_due_boot_ns; /* of the worker: when those are written */
	uint64_t seen;		  /* of the worker: entries of the ledger that were looked at */
	bool knows_grants;	  /* of the worker: grants were looked at once */
	bool knows_inboxes;	  /* of the worker, all three: the list of others' Inboxes, and what
				     owners are called, as of this generation */
	uint64_t inboxes, names_generation;
	bool has_leaving; /* a record of another's has a name of scratch, and no bytes here yet */
	bool has_own;	  /* there may be nodes of one's own in others' folders (foreign.h) */
	emr_buf gone;	  /* foreign_gone, ...: removed here, and still in the tree that is shown */
	int64_t fresh_boot_ns;	 /* of the worker: when the ledger was last reached, */
	emr_status followed;	 /* and what became of the last try */
	_Atomic int64_t ahead_s; /* of the host's clock: emr_ledger_absence */
	struct {
		int64_t due_boot_ns, wait_ns; /* so long after the last time */
	} late; /* of the worker: when what is not here of grants is looked for again */
} shares;

/* The worker's part for one's own files in others' folders. */
typedef struct shared_writings {
	/* Where this person may write becomes, or changes, shares.  Names that come go to TELL. */
	emr_status (*take_writings)(emr_view *view, emr_buf *tell);
	/* Every node of one's own meets what its share says. */
	void (*turn)(emr_view *view);
} shared_writings;

/* ---- life: shared.c */
/* Before the first catch_up of the view. */
emr_status shared_new(emr_view *view);
emr_status shared_start(emr_view *view);
void shared_stop(emr_view *view); /* the thread; wipes every key */
void shared_free(emr_view *view); /* after the nodes */
/* Under view->lock: the ledger may have grown, or somebody waits. */
void shared_wake(emr_view *view);

/* ---- nodes, under view->lock: shared_make.c, shared_nodes.c */
static inline bool shared_is_over(const shared_share *s)
{
	return s->phase == SHARED_EXPIRED || s->phase == SHARED_REVOKED;
}
/* Whether there is anything to show. */
bool shared_is_there(const emr_view *view);
bool shared_share_is_shown(const emr_view *view, const shared_share *s);
emr_status shared_top(emr_view *view, node **out_node);
/* After emr_view_await: the kid of DIRECTORY called NAME. */
emr_status shared_child(emr_view *view, node *directory, const char *name, node **out_node);
/* After emr_view_await: its entries. */
emr_status shared_list(emr_view *view, node *directory, lister *l);
void shared_release_if_unused(emr_view *view, node *n);
/* Entry of S's tree, as a node. */
emr_status shared_record_node(emr_view *view, shared_share *s, uint32_t entry, node **out_node);
/* The node that shows S itself: the anchor, or the file that was written for it here. S has a tree,
 * or is a file that was written. */
emr_status shared_top_node(emr_view *view, shared_share *s, node **out_node);
/* N, which is to be a node of S's tree or is one, shows ENTRY of it. */
emr_status shared_fill(node *n, const shared_tree *tree, uint32_t entry);
/* The version that makes an entry another node. */
uint64_t shared_version_of(const shared_entry *e);
/* The place of ENTRY of S's tree. */
shared_at shared_at_entry(shared_share *s, uint32_t entry);
/* The directory OBJECT of DOMAIN, which nobody may know (yet): found by its id when the share shows
 * it. */
emr_status shared_anchor(emr_view *view, emr_id16 domain, emr_id16 object, node **out_node);
/* A directory of a share can be looked into. */
emr_status shared_check_directory(const emr_view *view, const node *n);
bool shared_give(emr_view *view, lister *l, node *n, const char *name, uint64_t next);
/* The share by which the bytes of N are asked for: N shows a record, or is one's own that was
 * published. */
emr_id16 shared_object_of(const node *n);
/* From the top of the folder, whatever N is. */
char *shared_path_of_any(const node *n);
/* From the top of the folder; NULL without memory. */
char *shared_path(const node *n);
/* TREE is what S shows from now on (NULL: nothing); what the kernel must be told goes to TELL (of
 * shared_telling).  Gives the old one. */
shared_tree *shared_swap_tree(emr_view *view, shared_share *s, shared_tree *tree, emr_buf *tell);
/* EMR_OK, or why nothing of S can be read (any more). */
emr_status shared_is_readable(const emr_view *view, const shared_share *s);
/* Names that S has and BEFORE had not, in directories that the kernel knows: it may remember that
 * they are lacking.  shared_grown.c */
void shared_tell_new(
	emr_view *view, const shared_share *s, const shared_tree *before, emr_buf *tell);

/* A thing that the kernel holds and must not: an entry (NAME) or a node's data and attributes. */
typedef struct shared_telling {
	uint64_t node;
	char name[EMR_NAME_MAX + 1]; /* "": the node */
} shared_telling;
emr_status shared_tell_later(emr_buf *tell, uint64_t number, const char *name);
/* Without view->lock. */
void shared_tell(emr_view *view, const emr_buf *tell);

/* ---- what the files of these nodes share: shared_make.c, shared_owner.c */
emr_status shared_make(
	emr_view *view, emr_id16 id, emr_meta_type type, const shared_at *at, node **out_node);
emr_id16 shared_id_of(
	const char *what, const void *who, size_t who_len, emr_id16 object, uint64_t version);
bool shared_owner_is_shown(const emr_view *view, const shared_owner *owner);
emr_status shared_owner_node(emr_view *view, shared_owner *owner, node **out_node);

/* ---- datasets, under view->lock: shared_sets.c; what they decide: shared_terms.c */
emr_status shared_sets_top(emr_view *view, node **out_node);
/* As shared_child and shared_list, of a directory of that level. */
emr_status shared_sets_child(emr_view *view, const shared_at *at, const char *name, node **out);
emr_status shared_sets_list(emr_view *view, const shared_at *at, lister *l);
/* Of LINE; NULL: nobody takes part in it (yet). */
shared_set *shared_set_of(const emr_view *view, emr_id16 line);
/* Of a frozen state: whether R belongs to it. */
bool shared_is_wanted(const emr_view *view, const emr_received *r);
/* Of the worker, without view->lock: the terms that a dataset's set needs, of one that has none
 * yet; *OUT stays as it is for all others. */
emr_status shared_read_terms(const emr_view *view, const emr_received *r, emr_terms *out);
/* The dataset of R, which is made, on TERMS; NULL without memory. */
shared_set *shared_need_set(emr_view *view, const emr_received *r, const emr_terms *terms);
/* The kernel forgets OWNER's directory, who is in a set, where it is shown. */
void shared_tell_set(emr_view *view, const shared_owner *owner, emr_buf *tell);
/* The directory of datasets has come or gone: the top counts it again. */
emr_status shared_sets_have_come(emr_view *view, emr_buf *tell);
/* From the top of the folder; NULL without memory. */
char *shared_owner_path(const shared_owner *owner);
/* ---- copies for research, of de-identified datasets: shared_copies.c */
/* Nobody answers for S, of a dataset: what is asked for is refused at once, until an answer or a
 * change of the owner's comes, or a pause is over, which doubles. */
bool shared_is_absent(const emr_view *view, const shared_share *s);
void shared_note_absent(emr_view *view, shared_share *s);
/* By this computer's count no further file of OWNER, in a dataset, opens today: nobody is asked. */
bool shared_is_over_limit(const emr_view *view, const shared_owner *owner);
/* The word for how a file of S opens for the first time, as emr_participant has it. */
const char *shared_opens(const emr_view *view, const shared_share *s);
bool shared_is_of_copies(const shared_owner *owner);
/* Of the worker, without view->lock: READER, of N in S, may be shown, or EMR_FORBIDDEN: S is of a
 * de-identified dataset, and N no copy by its rules, is counted, and the person has been told. Also
 * what emr_content_reader_read says. */
emr_status shared_check_copy(emr_view *view, const shared_share *s, const node *n,
	emr_content_reader *reader, const emr_shared_word *word);
/* UNIX_S as it may be shown of what OWNER shares: in a dataset only the day, because a second leads
 * to an entry of the ledger, which names the key that brought it. */
uint64_t shared_time(const shared_owner *owner, uint64_t unix_s);
/* Research for a share of a dataset, else the purpose for which the folder was opened. */
uint8_t shared_purpose(const emr_view *view, const shared_share *s);

/* ---- who and what is shown: shared_folder.c */
/* Of the worker, without view->lock: looks at all grants to me, and at what has grown since. */
emr_status shared_follow(emr_view *view);
/* The same with what this computer knows already, whatever the ledger has by now. */
emr_status shared_look(emr_view *view);
/* The first key of the person whose CARD this is: what she had and has is in one directory. */
emr_id32 shared_person_of(const emr_view *view, const emr_card *card);
/* Under view->lock: the share that DOMAIN of CARD's owner PERSON is, called LABEL when it is new;
 * NULL without memory.  The second: NULL when there is none. */
shared_share *shared_need(
	emr_view *view, const emr_card *card, emr_id32 person, emr_id16 domain, const char *label);
shared_share *shared_of_domain(const emr_view *view, emr_id16 domain);
/* Of the worker, without view->lock: asks for names that are lacking, or may have changed. */
emr_status shared_call_owners(emr_view *view);
/* As user.emrfs.patient says it, in a set a pseudonym.  Under view->lock. */
void shared_owner_says(const shared_owner *owner, char out[EMR_NAME_MAX + 1]);
/* Under view->lock: every owner gets a name of his own; names of TOP_NUMBER (0: no such node) that
 * are no more, or are there from now on, go to TELL. */
void shared_name_owners(emr_view *view, emr_buf *tell, uint64_t top_number);
/* Without view->lock: before and after shares came, of which the kernel is then told. */
bool shared_was_there(emr_view *view);
emr_status shared_have_come(emr_view *view, bool was_there, emr_buf *tell);
/* Under view->lock: S's owner calls it NAME by now (empty: nobody can tell); it has that name in
 * her directory unless another share has it. Names that the kernel must forget go to TELL. */
void shared_rename_share(emr_view *view, shared_share *s, const char *name, emr_buf *tell);

/* ---- bytes: shared_bytes.c */
/* Without view->lock: HANDLE was opened; if it reads what another shares, its owner is told.
 * EMR_BUSY: its bytes are not here. */
emr_status shared_open(emr_view *view, emr_handle *handle);
/* Whether READER, of N in S, may be shown. */
typedef emr_status (*shared_check_fn)(emr_view *view, const shared_share *s, const node *n,
	emr_content_reader *reader, const emr_shared_word *word);
/* Of the worker: the reader of N, a record of S, if CHECK says so.  EMR_DENIED: its key is not
 * here. */
emr_status shared_attach(emr_view *view, shared_share *s, node *n, shared_check_fn check);
/* Appends what a note says. */
emr_status shared_note_text(const shared_share *s, emr_buf *out);

/* ---- questions: shared_asking.c.  Of the worker, without view->lock. */
void shared_serve(emr_view *view, shared_share *s);
void shared_close(shared_share *s); /* drops questions and keys */
/* And those in readers, of open files with the last close unless IS_OVER.  shared_end.c */
void shared_forget_keys(emr_view *view, shared_share *s, bool is_over);
/* Under view->lock: whether S needs the worker again without anything new, and when at the latest:
 * *OUT_DUE_NS is then no later than that. */
bool shared_goes_on(const emr_view *view, const shared_share *s, int64_t *out_due_ns);

/* ---- which shares have something to do: shared_busy.c.  Under view->lock. */
void shared_stir(emr_view *view, shared_share *s);
/* Under the lock: a private part of DOMAIN came later than its entry, so what is read there is
 * looked at again. */
void shared_part_came(emr_view *view, emr_id16 domain);
void shared_stir_owner(emr_view *view, const shared_owner *owner);
/* From time to time every one. */
void shared_stir_all(emr_view *view);

/* ---- who waits: shared_waiting.c.  Of the worker, without view->lock. */
/* Under view->lock: how many of N's opens are those of who waits. */
uint32_t shared_waits(const emr_view *view, const node *n);
/* Under view->lock: those on the list that were marked as taken, off it; each is then answered with
 * shared_say (without), which gives the next. */
shared_waiter *shared_take(emr_view *view);
shared_waiter *shared_say(emr_view *view, shared_waiter *w, emr_status status);
/* Everybody who waits for NEED of S (NULL: of any), or of the node N (NULL: of all), is answered
 * with STATUS. */
void shared_answer_all(
	emr_view *view, const shared_share *s, const node *n, emr_need need, emr_status status);
/* The names of S have come: who lists a directory that shows another share, too, whose names are
 * lacking, waits on for that one, no longer than he would have. */
void shared_answer_names(emr_view *view, shared_share *s);

/* ---- under view->lock: shared_nodes.c */
/* The entries of S in its owner's directory. */
void shared_tell_of(emr_view *view, const shared_share *s, emr_buf *tell);
/* The bytes of every record of S, also of what was changed there. */
void shared_tell_records(emr_view *view, const shared_share *s, emr_buf *tell);

/* ---- what is said of them: shared_say.c.  Without view->lock. */
emr_status shared_attribute(emr_view *view, uint64_t number, const char *name, emr_buf *out);
/* Under view->lock: what user.emrfs.access says in S. */
void shared_access(const emr_view *view, const shared_share *s, char out[ACCESS_BYTES]);
/* Its word alone, and when that right ends: of writing the end of writing, which may come before
 * that of reading. */
const char *shared_right(const emr_view *view, const shared_share *s, uint64_t *out_until_unix_s);
/* The ids of nodes. */
emr_id16 shared_record_id(emr_id16 space, emr_id16 object, uint64_t version);
emr_id16 shared_owner_id(const shared_owner *owner);
emr_id16 shared_top_id(void);

/* ---- what the owner is told: shared_report.c */
extern const handle_report shared_report;
/* Without view->lock: HANDLE reads what others share from now on.  Without memory it is told when
 * it is closed, and no sooner. */
void shared_note_opened(emr_view *view, emr_handle *handle);
/* Under view->lock: S is over, and what is open of it counts as read so far. */
void shared_note_over(emr_view *view, shared_share *s);
/* Under view->lock: PROGRAM was not let in. */
void shared_note_refused(emr_view *view, node *n, const char *program);
/* Of the worker, without view->lock: what there is, now; and if it is time. */
void shared_send_report(emr_view *view, shared_share *s);
void shared_report_due(emr_view *view, shared_share *s);

/* ---- keys at rest: shared_keys.c.  Of the worker, without view->lock. */
/* Whether there is one of S's. */
bool shared_keeps_keys(emr_view *view, const shared_share *s);
/* Into S, which was just opened. */
void shared_load_keys(emr_view *view, shared_share *s);
/* Those of S that are not there yet. */
void shared_save_keys(emr_view *view, shared_share *s);
/* Saves what changed since, once for a second's changes; returns when that is due, or INT64_MAX. */
int64_t shared_write_keys(emr_view *view);
/* All that was saved, now. */
void shared_end_keys(emr_view *view);
/* None of GRANT's any more, nor of what has ended. */
void shared_drop_keys(emr_view *view, emr_id16 grant);

/* ---- one's own in others' folders: shared_own.c.  Under view->lock. */
/* The node of one's own that stands for OBJECT of S, NULL: none.  The other chooses ids, so one
 * alone says nothing. */
node *shared_own(const emr_view *view, const shared_share *s, emr_id16 object);
/* The share in which N lies; NULL: none, or one that is not known (yet). */
shared_share *shared_share_of(const node *n);
/* Something can be put there now. */
bool shared_is_writable(const emr_view *view, const shared_share *s);
/* The node of what was written for S, a file: it stands for S; NULL: nothing was. */
node *shared_file_node(const emr_view *view, const shared_share *s);
/* The bytes of N, shown or one's own, are what the other's folder shows, read with its keys. */
bool shared_reads_theirs(const node *n);
/* The share whose keys those are, also when N has lost its name; NULL: none that is known. */
shared_share *shared_gives(const node *n);
/* EMR_OK, or why they cannot be read (any more). */
emr_status shared_may_read(emr_view *view, const node *n);
/* N's bytes are read with keys of S, as it is shown or one's own. */
bool shared_reads_of(const node *n, const shared_share *s);
/* N is a share that is a single file: as it is shown, or one's own. */
bool shared_is_file(const node *n);
