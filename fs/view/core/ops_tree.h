/* Making, removing, moving and restoring names share this. All of it is called under view->lock. */
#pragma once

#include "edit.h"

/* EMR_NOT_FOUND, EMR_NOT_DIRECTORY. */
emr_status find_directory(const emr_view *view, uint64_t number, node **out_node);
/* A directory in which names may be made and removed; as find_directory, EMR_READ_ONLY,
 * EMR_FORBIDDEN, EMR_DENIED. */
emr_status find_writable(const emr_view *view, uint64_t number, node **out_node);
/* EMR_BAD_NAME, EMR_RESERVED_NAME. */
emr_status check_new_name(const emr_view *view, const node *directory, const char *name);
void touch_directory(emr_view *view, node *directory);
/* emr_view_rename, whoever may see it then. */
emr_status rename_node(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned flags);
/* Adds to E what the end of N's name means, and prepares *OUT_VACATED (NULL when nothing was
 * published). */
void edit_remove(edit *e, node *n, vacated **out_vacated);
/* The edit is in the journal: N has no name any more, and may be freed. */
void finish_remove(emr_view *view, node *n, vacated *v);
/* Both, with the journal between them: N has no name any more. */
emr_status remove_node(emr_view *view, node *n);
