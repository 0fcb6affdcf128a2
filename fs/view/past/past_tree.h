/* The folder as of a time, or what was deleted from it, as one compact tree that never changes once
 * it is built.  Knows no node and takes no lock; refuses nothing: what hangs nowhere hangs at the
 * top. */
#pragma once

#include "settle/history.h"
#include "view/view.h"

#define PAST_TOP 0

typedef struct past_entry {
	emr_id16 domain, object;
	uint64_t version, pversion; /* for emr_facts_version */
	uint64_t size;
	int64_t mtime_ns;
	char *name, *target; /* target NULL but for links */
	uint32_t parent;
	uint32_t first_kid, nkids; /* kids stand side by side, in order of their names */
	uint16_t mode;
	uint8_t type;
	bool is_gone; /* deleted; false for the directories above what was deleted that still live
		       */
} past_entry;

typedef struct past_tree {
	past_entry *entries; /* PAST_TOP first */
	size_t count;
} past_tree;

/* The folder as of UNTIL; or files and links that are nowhere in the folder then, with the
 * directories above them. */
typedef enum past_which {
	PAST_ALL,
	PAST_DELETED,		 /* also what the ledger has not heard of yet: without view->lock */
	PAST_DELETED_WITH_EMPTY, /* and directories that were deleted, also with nothing in them */
} past_which;
emr_status past_tree_build(
	emr_view *view, uint64_t until_unix_s, past_which which, past_tree **out_tree);
void past_tree_free(past_tree *tree);
/* The kid of DIRECTORY called NAME; PAST_TOP when there is none. */
uint32_t past_tree_child(const past_tree *tree, uint32_t directory, const char *name);
/* As that, of a PATH from the top; "" is PAST_TOP, too. */
uint32_t past_tree_find(const past_tree *tree, const char *path);
