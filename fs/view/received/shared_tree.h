/* These functions build the tree that one share shows, compact and never changed once it is built:
 * a share that has grown gets a new one. A tree knows no node and takes no lock; it refuses names
 * that could leave their directory, and gives what hangs nowhere the top of the share. */
#pragma once

#include "share/read.h"

#include "flat.h"

#define SHARED_WITHHELD "withheld" /* in place of a name that no copy for research has */
/* Whether NAME, of a TYPE of meta, is made of nothing but hashes and numbers, as such copies are
 * called. */
bool shared_copy_name_ok(const char *name, int type);

typedef struct shared_entry {
	emr_id16 object, record_id, parent_id; /* PARENT_ID: as its record says, there or not */
	emr_id32 signer;		       /* of the item that describes it */
	uint64_t version;		       /* of the row's chain */
	uint64_t pversion, cver;	       /* of the content; 0: directory or link */
	uint64_t size, padded, ledger_time;
	int64_t mtime_ns;
	emr_cid root;
	uint8_t r_pid[32];  /* its sealed number: a new version keeps it */
	char *target;	    /* NULL but for links */
	emr_buf attributes; /* as in the record's metadata */
	uint8_t sum[32];    /* with HAS_SUM: SHA-256 of a copy, by its participant */
	uint16_t mode;
	uint8_t type;
	bool has_sum;
	bool is_called_otherwise; /* its name is not what its record says: another has that one, or
				     it is none */
} shared_entry;

typedef struct shared_tree {
	flat_tree names;
	shared_entry *entries; /* as the places of NAMES */
	uint32_t *by_object;   /* all of them, in order of their objects */
	emr_id16 grant;	       /* with whose keys it was read */
	uint64_t unreadable;   /* records whose names could not be read (yet) */
	emr_id16 top_parent;   /* the directory of another domain that the top hangs in; zero: none,
				  or it could not be read */
	char *top_name;	       /* the top's own, as its owner has it */
	bool is_outdated;      /* the next one is being built; view->lock */
} shared_tree;

/* The share that begins at TOP, called NAME, with the names that SHARED can read. A record that has
 * not changed since BEFORE (NULL: none) was built with the same grant is taken from there. Errors
 * as emr_shared_each. COPIES_ONLY: of names, links and attributes only what such copies have is
 * shown. */
emr_status shared_tree_build(emr_shared *shared, emr_id16 top, const char *name,
	const shared_tree *before, bool copies_only, shared_tree **out_tree);
void shared_tree_free(shared_tree *tree); /* NULL is fine */
/* The entry of OBJECT; FLAT_NONE when there is none. */
uint32_t shared_tree_find(const shared_tree *tree, emr_id16 object);
/* Whether NOW has a name in the directory of ENTRY, an entry of NOW, that BEFORE has not there. */
bool shared_tree_is_new(const shared_tree *before, const shared_tree *now, uint32_t entry);
/* Whether entry I of A and K of B have the same name in the same directory. */
bool shared_tree_same_place(const shared_tree *a, uint32_t i, const shared_tree *b, uint32_t k);
