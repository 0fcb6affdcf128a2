/* Names in directories as one array that never changes once it is built: the folder as of a time,
 * and what one share shows.  The builder of the tree keeps what each entry stands for, in an array
 * of the same order.  Knows no node and takes no lock; refuses nothing: an entry without a known
 * directory hangs at the top, and of two equal names the second gets a code. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/status.h"

#define FLAT_TOP 0
#define FLAT_NONE UINT32_MAX

typedef struct flat_place {
	char *name;
	uint32_t parent;	   /* the top's is the top */
	uint32_t first_kid, nkids; /* kids stand side by side, in order of their names */
} flat_place;

typedef struct flat_tree {
	flat_place *places; /* FLAT_TOP first */
	size_t count;
} flat_tree;

/* A thing that is to have a place. */
typedef struct flat_item {
	struct flat_item *up; /* the directory that it lies in; the top's is itself */
	char *name;	      /* the caller's, until flat_build takes it */
	emr_id16 object;      /* the code is made of it */
	uint32_t place;	      /* set by flat_build */
	bool is_renamed;      /* set by flat_rename and flat_build: NAME is another than it was */
	bool is_settled;      /* of flat_open_circles: it is known to hang below the top */
	size_t walk;	      /* of flat_open_circles: which walk upwards came by last, from 1 */
} flat_item;

/* TEXT as an item's name, or as what a link leads to; NULL without memory. */
char *flat_text(emr_bytes text);
/* ITEM is called NAME. */
emr_status flat_rename(flat_item *item, const char *name);
/* A directory that would close a circle hangs at TOP. */
void flat_open_circles(flat_item *const *items, size_t n, flat_item *top);
/* A tree of TOP and of ITEMS, which does not have it; ITEMS[i] is at place i + 1 then. Each item in
 * it must lie in TOP or in another of them. IS_FIRST orders two of one name in one directory, less
 * than 0 where A keeps the name. Takes the names; OUT is to be freed, and is empty on an error. */
emr_status flat_build(flat_item *top, flat_item **items, size_t n,
	int (*is_first)(const flat_item *a, const flat_item *b), flat_tree *out);
void flat_free(flat_tree *tree);
/* The kid of DIRECTORY called NAME, what PATH leads to from the top ("" is FLAT_TOP); FLAT_NONE
 * when there is none. */
uint32_t flat_child(const flat_tree *tree, uint32_t directory, const char *name);
uint32_t flat_find(const flat_tree *tree, const char *path);
/* The names from below the top to ENTRY, with slashes between them, owned by the caller; NULL
 * without memory. */
char *flat_path(const flat_tree *tree, uint32_t entry);
