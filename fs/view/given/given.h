/* The directory shared-by-me: WHO/SHARE, a symbolic link to what is shared.  Its nodes are made
 * when they are looked up and name their entry by id; they refuse every change but the removal of a
 * link, which takes the share back. */
#pragma once

#include "kind.h"

#define GIVEN_DIRECTORY "shared-by-me"
#define GIVEN_COOKIE (UINT64_C(1) << 60) /* its place in the listing of the top */

typedef struct given_entry {
	char *who, *share; /* names of directory and link; owned */
	char *path;	   /* what it points to, from the top; owned */
	emr_id16 domain;
	emr_id16 who_id, link_id; /* of their nodes */
} given_entry;

/* ---- without view->lock */
/* Removing the directory NAME at the top when that is one of these (*OUT_IS_MINE): EMR_NOT_EMPTY
 * while there is something in it. */
emr_status given_rmdir(emr_view *view, uint64_t parent, const char *name, bool *out_is_mine);
void given_free(emr_view *view);

/* ---- under view->lock */
/* Looks again at what is shared; gives the lock away meanwhile. */
emr_status given_learn(emr_view *view);
/* shared-by-me itself; EMR_NOT_FOUND: nothing is shared. */
emr_status given_top(emr_view *view, node **out_node);
/* Its entry at the top, if it has something; false: FN wants no more. */
bool given_list_top(emr_view *view, uint64_t cookie, emr_entry_fn fn, void *arg);
