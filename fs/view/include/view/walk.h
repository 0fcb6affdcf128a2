/* This header declares how the names of the open folder are gone through, path by path, for lists
 * that people read. It refuses nothing and changes nothing. */
#pragma once

#include "view/view.h"

/* Every file, link and directory below PATH ("" = the top), parents first; a PATH that is no
 * directory itself.  No lock is held between two of them, and a block that is left early ends it.
 *
 *	EMR_WALK(walk, view, "Imaging");
 *
 *	while (emr_walk_next(&walk))
 *		... walk.path, walk.attr ...
 *	return walk.status;
 */
typedef struct emr_walk {
	emr_status status; /* EMR_OK when all was seen; EMR_NOT_FOUND: there is no PATH */
	char *path;	   /* from the top, without a leading slash; until the next one */
	emr_attr attr;	   /* before the first one: of PATH */
	/* walk.c only */
	emr_view *view;
	struct emr_walk_level *level;
	bool is_alone;
} emr_walk;

emr_walk emr_walk_of(emr_view *view, const char *path);
bool emr_walk_next(emr_walk *walk);
void emr_walk_end(emr_walk *walk);
#define EMR_WALK(walk, view, path)                                                                 \
	__attribute__((cleanup(emr_walk_end))) emr_walk walk = emr_walk_of(view, path)

/* The attribute user.emrfs.NAME of a node as text, owned by the caller: EMR_NO_ATTRIBUTE. */
emr_status emr_attribute_text(emr_view *view, uint64_t node, const char *name, char **out_text);

/* A node by its path, also one below shared-with-me, which is there as long as somebody looks. */
typedef struct emr_found {
	emr_view *view;
	emr_attr attr;
	bool is_held;
} emr_found;
/* EMR_NOT_FOUND; what a lookup says. */
emr_status emr_find_anywhere(emr_view *view, const char *path, emr_found *out);
void emr_found_end(const emr_found *found);
#define EMR_AUTO_FOUND __attribute__((cleanup(emr_found_end))) emr_found

/* All inner domains (emr_view_domains_below), as share/give.h takes them; the caller's, to be
 * freed. */
struct emr_nested;
emr_status emr_view_inner_tree(emr_view *view, struct emr_nested **out_tree, size_t *out_n);
