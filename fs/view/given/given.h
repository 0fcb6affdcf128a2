/* These functions show what the person shares: the directory shared-by-me (WHO/SHARE, a symbolic
 * link to what is shared), the attributes shared-with and grant.WHO, and the files of
 * .emrfs/requests. The nodes are made when they are looked up and name their entry by id. They
 * refuse every change but the removal of a link, which takes the share back, and the attributes,
 * which give it. */
#pragma once

#include "attributes.h"
#include "kind.h"

#define GIVEN_DIRECTORY "shared-by-me"
#define GIVEN_COOKIE (UINT64_C(1) << 60) /* its place in the listing of the top */

typedef struct given_entry {
	char *who, *share; /* names of directory and link; owned */
	char *path;	   /* what it points to, from the top; owned */
	emr_id16 domain;
	emr_id16 who_id, link_id; /* of their nodes */
} given_entry;

/* The shares, by the people who may see them. */
struct given {
	struct given_entry *list; /* owned; sorted by who, then share */
	size_t n;
	uint64_t generation;
	bool is_known;
};

/* A file of .emrfs/requests. */
typedef struct view_letter {
	char *name; /* owned */
	node *node;
	bool is_there;	  /* now */
	bool has_changed; /* at the last change of names */
} view_letter;

/* Under view->lock. */
struct given_state {
	struct given shares;
	emr_id16 emptied;	 /* the directory in it whose last link was just removed, */
	int64_t emptied_boot_ns; /* and when; 0: none */
	view_letter *letters;	 /* that were ever there (letters.c) */
	size_t n_letters;
};

/* ---- without view->lock */
/* Once, when the view is made. */
emr_status given_begin(emr_view *view);
/* Removing the directory NAME at the top when that is one of these (*OUT_IS_MINE): EMR_NOT_EMPTY
 * while there is something in it. */
emr_status given_rmdir(emr_view *view, uint64_t parent, const char *name, bool *out_is_mine);
void given_free(emr_view *view);

/* ---- under view->lock */
/* Looks again at what is shared; gives the lock away meanwhile. */
emr_status given_learn(emr_view *view);
/* shared-by-me itself; EMR_NOT_FOUND: nothing is shared. */
emr_status given_top(emr_view *view, node **out_node);
/* Its entry at the top, if it has something. */
void given_list_top(const emr_view *view, lister *l);

/* ---- giving_attributes.c ---- */
/* The attributes shared-with and grant.WHO of a folder: reading them lists whom it is shared
 * with, and writing them shares it (through view/giving.h). They refuse nodes that are not the
 * person's own: the past, and files that are made on the fly. */

/* user.emrfs.shared-with and each grant.WHO.  A value with `grant=` is what reading one gave: a
 * copy, which never shares.  Without the node's code (confirm.c) nothing is taken that lets anybody
 * see more: EMR_FORBIDDEN. */
extern const attribute_source giving_attributes;

/* ---- letters.c ---- */
/* The files of .emrfs/requests: names that come and go while the folder is open, made when they are
 * opened.  Their nodes live as long as the view, a name that came back gets its old one; they
 * refuse every change. */

#define LETTERS_FOLDER "requests"

extern const node_kind letters_folder_kind;

/* Of given_free alone. */
void letters_free(emr_view *view);
