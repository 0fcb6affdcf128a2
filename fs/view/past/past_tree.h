/* The folder as of a time, or what was deleted from it, as one compact tree that never changes once
 * it is built.  Knows no node and takes no lock; refuses nothing: an entry without a known
 * directory hangs at the top. */
#pragma once

#include "settle/history.h"
#include "view/view.h"

#include "flat.h"

typedef struct past_entry {
	emr_id16 domain, object;
	uint64_t version, pversion; /* for emr_facts_version */
	uint64_t size;
	int64_t mtime_ns;
	char *target; /* NULL but for links */
	uint16_t mode;
	uint8_t type;
	bool is_gone; /* deleted; false for the directories above what was deleted that still live
		       */
} past_entry;

typedef struct past_tree {
	flat_tree names;
	past_entry *entries; /* as the places of NAMES */
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
