/* This header declares what brings back a file and what brings back a folder share; only
 * fs/view/publish/restore*.c see it. */
#pragma once

#include "past_tree.h"
#include "writers.h"

#define DEPTH_MAX 256

/* A directory on the way to a deleted file, as it was. */
typedef struct old_directory {
	emr_place place;
	emr_buf bytes;
	emr_meta meta; /* points into BYTES and WORD */
	writers_word word;
} old_directory;

typedef struct restoring {
	emr_view *view;
	const emr_restore *what;
	bool is_live; /* a published file is at what->path */
	bool is_busy;
	emr_place live;	 /* of it */
	emr_place place; /* the version that comes back */
	emr_buf bytes;
	emr_meta meta; /* of it; points into BYTES and WORD */
	writers_word word;
	emr_place last;	  /* where its record stood last */
	uint64_t highest; /* version that the record has had */
	bool lives_elsewhere;
	emr_content content;
	past_tree *tree; /* in which PATH was found, when it is not there */
	past_tree *lent; /* what was deleted, the caller's; NULL: looked up for each */
	old_directory above[DEPTH_MAX];
	size_t depth;
	uint64_t parent; /* node of the directory that changed, 0: none */
} restoring;

/* Waiting changes become versions first, so that nothing is lost below what comes back; an absent
 * ledger does not matter. */
void restore_publish_first(emr_view *view);
emr_status restore_fetch_directories(restoring *r);
/* The directory that PATH's last name goes to; those of r->above that are missing are made again.
 */
emr_status restore_find_parent(
	restoring *r, const char *path, node **out_directory, const char **out_name);
void restore_tell_kernel(const restoring *r);
void restore_end(restoring *r);
/* LENT: as in struct restoring. */
emr_status restore_one(
	emr_view *view, const emr_restore *what, past_tree *lent, emr_restored *out_restored);
