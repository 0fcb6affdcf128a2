/* The directory shared-by-me: WHO/SHARE, a symbolic link to what is shared.  Its nodes are made
 * when they are looked up and name their entry by id; they refuse every change but the removal of a
 * link, which takes the share back. */
#pragma once

#include "node.h"

#define SPECIAL_GIVEN (UINT8_MAX - 2) /* node.special of all of them */
#define GIVEN_DIRECTORY "shared-by-me"
#define GIVEN_COOKIE (UINT64_C(1) << 60) /* its place in the listing of the top */

typedef struct given_entry {
	char *who, *share; /* names of directory and link; owned */
	char *path;	   /* what it points to, from the top; owned */
	emr_id16 domain;
	emr_id16 who_id, link_id; /* of their nodes */
} given_entry;

static inline bool given_has(const node *n)
{
	return n->special == SPECIAL_GIVEN;
}

/* ---- without view->lock */
/* Looks again at what is shared if PARENT (the top: with NAME, or NULL for a listing) shows it. */
emr_status given_learn(emr_view *view, uint64_t parent, const char *name);
/* Removing NAME in PARENT when that is one of these directories (*out_is_ours).  EMR_IS_DIRECTORY,
 * EMR_NOT_FOUND, EMR_FORBIDDEN. */
emr_status given_unlink(emr_view *view, uint64_t parent, const char *name, bool *out_is_ours);
/* The same for a directory: EMR_NOT_EMPTY while there is something in it. */
emr_status given_rmdir(emr_view *view, uint64_t parent, const char *name, bool *out_is_ours);
void given_free(emr_view *view);

/* ---- under view->lock */
/* The node of NAME in DIRECTORY, the top or one of ours; EMR_NOT_FOUND. */
emr_status given_child(emr_view *view, const node *directory, const char *name, node **out_node);
/* Entries after COOKIE, as emr_view_each_entry; of the top: shared-by-me itself, if it has
 * something.  False: FN wants no more. */
bool given_list(emr_view *view, const node *directory, uint64_t cookie, emr_entry_fn fn, void *arg);
