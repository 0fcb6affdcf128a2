/* A kind says what sort of thing a node is: a record of one's own, or what another part shows
 * (the past, what is shared, ...). A part of the view gives the nodes that it makes their kind,
 * and core calls the parts after it by this table alone: a new sort of folder is a table and the
 * functions that it names.
 *
 * A member that is NULL, false or EMR_OK means: as a record of one's own. All functions are
 * called under view->lock unless they say otherwise. */
#pragma once

#include "view/received.h"

#include "node.h"

typedef enum node_change {
	CHANGE_CONTENT, /* its bytes */
	CHANGE_META,	/* its name, place, mode, time, attributes, or its end */
} node_change;

/* A listing on its way to emr_view_each_entry's caller: of entries after COOKIE. */
typedef struct lister {
	emr_entry_fn fn;
	void *arg;
	uint64_t cookie;
	bool take;
	bool is_over; /* FN wants no more, or the rest is asked for again */
} lister;

#define ACCESS_BYTES 200

/* Whose something is. */
typedef struct node_owner {
	char access[ACCESS_BYTES];   /* as user.emrfs.access says it */
	char name[EMR_NAME_MAX + 1]; /* as user.emrfs.patient says it */
	emr_card card;
} node_owner;

struct node_kind {
	emr_status refuses;	  /* what every change of it is answered, */
	emr_status refuses_names; /* and of names in it, if that is something else */
	bool is_shown;		  /* its id was made for it (tree_by_shown_id) */
	bool has_size;		  /* of what is made: it must be right before it is opened */
	bool is_received;	  /* what another shares, as he shares it */
	bool is_past;		  /* a version as it was: place and attributes are known with
				     `is_published_gone` */
	bool is_borrowed;	  /* what its `past` points to does not go with it */

	const node_kind *within; /* of one's own records that hang below it; NULL: they do not */

	/* Before the directory NUMBER is looked into for NAME (NULL: listed): what must be known
	 * for that.  May give the lock away meanwhile. */
	emr_status (*ready)(emr_view *view, uint64_t number, const char *name);
	/* The kid of DIRECTORY called NAME: EMR_NOT_FOUND.  May give the lock away meanwhile, if
	 * DIRECTORY lives as long as the view. */
	emr_status (*child)(emr_view *view, node *directory, const char *name, node **out_node);
	/* Its entries, unless L is over. */
	emr_status (*list)(emr_view *view, node *directory, lister *l);
	/* From the top of the folder; NULL without memory. */
	char *(*path)(const node *n);
	/* The domain and the object of the ledger that it shows. */
	emr_id16 (*domain)(const node *n);
	emr_id16 (*object)(const node *n);
	/* Its bytes (false: not known), of which the signature was checked. */
	bool (*root)(const node *n, emr_cid *out);
	void (*note_checked)(node *n);
	/* PROGRAM, which reads without a person, was not let in: none is where this is set. */
	void (*note_refused)(emr_view *view, node *n, const char *program);
	/* Nothing is in DIRECTORY. */
	bool (*is_empty)(emr_view *view, node *directory);
	/* DIRECTORY lies in N, also by way of directories that are only shown. */
	bool (*is_below)(const emr_view *view, const node *directory, const node *n);
	/* A and B, each with a kind WITHIN, are of the same domain. */
	bool (*is_same)(const node *a, const node *b);
	/* Names may be made and removed in DIRECTORY: EMR_READ_ONLY, EMR_DENIED. */
	emr_status (*may_hold)(const emr_view *view, const node *directory);
	/* The same of one called NAME: EMR_QUOTA. */
	emr_status (*may_make)(
		emr_view *view, const node *directory, emr_meta_type type, const char *name);
	/* N, a file, may be sent as large as it is: EMR_TOO_BIG. */
	emr_status (*may_send)(emr_view *view, const node *n);
	/* N is about to be changed, and becomes one's own for that: EMR_READ_ONLY, EMR_DENIED. */
	emr_status (*prepare)(emr_view *view, node *n, node_change what);
	emr_status (*prepare_attr)(emr_view *view, node *n, unsigned mask, const emr_attr *wanted);
	/* Mode and time of N; *OUT_IS_DONE: it was for this kind to set them. */
	emr_status (*set_attr)(
		emr_view *view, node *n, unsigned mask, const emr_attr *wanted, bool *out_is_done);
	/* N was just made, or moved; it is about to lose its name. */
	void (*note_made)(emr_view *view, const node *n);
	void (*note_cut)(node *n);
	/* N, a directory, never goes to the ledger. */
	bool (*is_unsent)(const node *n);
	/* N stands for all that it hangs below, and has its path; of a kind WITHIN. */
	bool (*is_whole)(const node *n);
	/* False: not known. */
	bool (*whose)(const emr_view *view, const node *n, node_owner *out);
	/* N's bytes are those that another's folder shows, and are read with its keys; they may be
	 * read (still). */
	bool (*is_theirs)(const node *n);
	emr_status (*may_read)(emr_view *view, const node *n);
	/* Frees it when nobody holds it any more. */
	void (*release)(emr_view *view, node *n);

	/* ---- without view->lock */
	/* Removing NAME in the directory NUMBER; *OUT_IS_MINE: it was for this kind to say. */
	emr_status (*unlink)(emr_view *view, uint64_t number, const char *name, bool *out_is_mine);
	emr_status (*rmdir)(emr_view *view, uint64_t number, const char *name, bool *out_is_mine);
	/* Prepares the attributes of NUMBER before they are read; answers them itself, if this kind
	 * knows them. */
	emr_status (*learn)(emr_view *view, uint64_t number);
	emr_status (*attribute)(emr_view *view, uint64_t number, const char *name, emr_buf *out);
	/* NAME in NUMBER (NULL: it itself) was refused: a person is told ID. */
	void (*tell_refused)(emr_view *view, uint64_t number, const char *name, const char *id);
	/* The link NUMBER is about to be followed: what it leads to is there then. */
	emr_status (*follow)(emr_view *view, uint64_t number);
	/* With N's file->lock held for writing: a working copy that needs nothing of another's any
	 * more. */
	emr_status (*start_staging)(emr_view *view, node *n, uint64_t size);
	/* The bytes of N, which are made when they are asked for (special.h). */
	emr_status (*make)(emr_view *view, const node *n, emr_buf *out);
	/* HANDLE, just made, gets what it reads from. */
	emr_status (*open)(emr_view *view, emr_handle *handle);
};

extern const node_kind own_kind; /* a record of one's own */

/* With or without view->lock: the node of an open file may become one's own at any time, and one
 * that nobody has open goes back (foreign.h). */
static inline const node_kind *kind_of(const node *n)
{
	return __atomic_load_n(&n->kind, __ATOMIC_RELAXED);
}

/* The directory of another's folder under which N lies as one's own, N itself when it is one; NULL:
 * N lies in the folder itself. */
static inline node *kind_top(const node *n)
{
	while (n->parent != NULL)
		n = n->parent;
	return kind_of(n)->within != NULL ? (node *)(uintptr_t)n : NULL;
}

/* Under view->lock: what N is where it lies. */
static inline const node_kind *kind_where(const node *n)
{
	const node *top = kind_top(n);

	return top == NULL || top == n ? kind_of(n) : kind_of(top)->within;
}

/* Under view->lock: N is of KIND from now on. */
static inline void kind_change(node *n, const node_kind *kind)
{
	__atomic_store_n(&n->kind, kind, __ATOMIC_RELAXED);
}

/* N shows what another shares: its `shared` is set. */
static inline bool shared_has(const node *n)
{
	return kind_of(n)->is_received;
}

/* The same: N is what somebody else says, or made: its id was made for it, and it has no working
 * copy. */
static inline bool kind_is_shown(const node *n)
{
	return kind_of(n)->is_shown;
}

/* Without view->lock: of whatever NUMBER is; of one's own if it is nothing. */
const node_kind *kind_of_number(emr_view *view, uint64_t number);
/* As that member. */
emr_status kind_ready(emr_view *view, uint64_t number, const char *name);
emr_status kind_learn(emr_view *view, uint64_t number);
/* The entries of DIRECTORY by the tree. */
emr_status kind_child_in_tree(emr_view *view, node *directory, const char *name, node **out_node);
void kind_list_tree(const node *directory, lister *l);
/* NAME, which is ATTR, is an entry, and gets its node when it is looked up; N under NAME is one.
 * False: L is over. */
bool kind_say(lister *l, const char *name, const emr_attr *attr, uint64_t next);
bool kind_give(lister *l, node *n, const char *name, uint64_t next);
/* For nodes that are made each time that they are looked up. */
void kind_release_shown(emr_view *view, node *n);
/* N, a directory, never goes to the ledger. */
bool kind_is_unsent(const node *n);
/* Without view->lock: a person is told, if this is another's folder, that NUMBER refused something.
 */
void kind_tell_refused(emr_view *view, uint64_t number, const char *name, const char *id);
/* N's path from the top of the folder; NULL: it has none, or there is no memory. */
char *kind_path(const node *n);
