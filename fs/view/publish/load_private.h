/* This header declares what is read when a folder is opened, before it hangs in the tree; only
 * fs/view/publish/load*.c see it. */
#pragma once

#include "publish.h"
#include "row.h"

/* A node whose name is not in the tree yet.  Indexed by its number minus the first one. */
typedef struct loaded {
	node *n; /* NULL: left out */
	emr_id16 parent;
	char *name;
	emr_id16 staging;
	uint64_t promised; /* of it */
	bool has_staging;
	bool is_others;	 /* a writer said it: it lies in its domain */
	bool is_foreign; /* PARENT is a directory of DOMAIN, another's */
	emr_id16 domain;
	emr_id16 there; /* the domain that it is to lie in, once IS_JUDGED */
	bool is_judged;
	size_t path;	      /* which walk upwards came by last, from 1 */
	struct loaded *below; /* from which that walk came; NULL: it began here */
	bool is_attached;
	bool is_unknown;    /* its times: load_times.c */
	bool is_new_inside; /* a directory: something in it is */
} loaded;

/* A directory that got another object id: what names the old one lies in it. */
typedef struct moved {
	emr_id16 from, to;
	bool is_used;
} moved;

typedef struct emr_loading {
	emr_view *view;
	moved *moves;
	size_t nmoves, moves_cap;
	loaded *all;
	size_t count, cap;
	size_t first_slot; /* of those in ALL, whose slots follow one another */
	emr_id16 root_id, inbox;
	emr_id16 known; /* the domain looked at last, and whether others may have written there */
	bool is_known, has_others;
	bool has_root, is_journal_damaged;
	const emr_buf *unheard; /* of emr_unheard, sorted */
	emr_buf overtaken;	/* load_overtaken.c */
	emr_status status;	/* of what had to be loaded because its id was asked for */
	bool is_in_run;		/* such a walk is under way */
} loading;

static inline loaded *load_entry_of(const loading *l, const node *n)
{
	return &l->all[slot_of(n->number) - l->first_slot];
}

static inline bool load_has_entry(const loading *l, const node *n)
{
	const size_t at = slot_of(n->number) - l->first_slot;

	return at < l->count && l->all[at].n == n;
}

/* ---- load_overtaken.c ---- */

/* The row of KEY is older than what this computer itself has put on the ledger: it does
 * not count, and is forgotten. */
emr_status load_pass_overtaken(loading *l, emr_id16 key, const node_row *row, bool *out_is);
/* The same of a name that went away when the record had VERSION. */
emr_status load_pass_vacated(loading *l, emr_id16 object, uint64_t version, bool *out_is);
void load_sort_unheard(emr_buf *unheard);
/* When all rows were read. */
void load_forget_overtaken(const loading *l);

/* ---- load_attach.c ---- */

/* The directory of one's own in which ENTRY lies in another's folder; the other chose its id. NULL:
 * it is only shown. */
node *load_foreign_parent(const loading *l, const loaded *entry);
/* Each entry into its directory. */
emr_status load_attach_all(loading *l);
/* Old ids of directories that nothing names any more. */
void load_forget_moves(const loading *l);
/* A record whose name went away waits for whoever takes the name: in the directory as it is known
 * now. */
void load_follow_vacated(const loading *l);

/* ---- load_rest.c ---- */

/* Whether others may have written in DOMAIN, whose words are judged at each opening: L->has_others.
 */
emr_status load_know_others(loading *l, emr_id16 domain);
/* Opens the kept facts, if there are any: l->view->index.resting. */
emr_status load_open_kept(loading *l);
/* Makes the nodes of files whose ids do not tell them from others (settle/facts.h). */
emr_status load_ambiguous(loading *l);
/* Attaches everything, and lets rest what may: until then nothing makes nodes but the loading. */
emr_status load_rest(loading *l);
/* (load.c) Each of WALK, which has no name in the tree yet. */
emr_status load_add_facts(loading *l, emr_facts_walk *walk);

/* ---- load_times.c ---- */

/* Behind everything else that changes the tree. */
emr_status load_times(loading *l);

/* ---- load_working.c ---- */

/* The working copy that ENTRY had at a crash.  A moment without memory must not cost it: then the
 * folder does not open. */
emr_status load_working_copy(loading *l, const loaded *entry);
