/* This goes through names of the open folder, path by path, for lists that people read. It
 * refuses nothing and changes nothing. */
#pragma once

#include "view/view.h"

/* PATH from the top, without a leading slash.  False ends the walk. */
typedef bool (*emr_walk_fn)(void *arg, const char *path, const emr_attr *attr);
/* Every file, link and directory below PATH ("" = the top), parents first.  No lock is held while
 * FN runs. */
emr_status emr_walk(emr_view *view, const char *path, emr_walk_fn fn, void *arg);

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

/* PATH lexically: no ".", "..", doubled or trailing slashes, no leading slash.  EMR_NOT_FOUND when
 * it climbs out of the top. */
emr_status emr_path_clean(const char *path, char *out, size_t size);

/* Where PATH, as typed, lies in the folder open at FOLDER: from the current directory if that is
 * inside, else from the top; an absolute path below FOLDER is taken, too, and one that leads there
 * by symbolic links.  EMR_NOT_FOUND when it lies outside. */
emr_status emr_path_in_folder(const char *folder, const char *path, char *out, size_t size);
