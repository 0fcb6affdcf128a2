/* What a directory of another's folder shows: the other's records, and nodes of one's own that lie
 * in it.  A node of one's own stands for the record that it is, under whatever name it has here;
 * what was removed here is not shown.  Of two equal names the other's is shown as the second.  It
 * decides nothing and changes nothing.  Everything under view->lock. */
#pragma once

#include "shared.h"

/* In DIRECTORY, which kind_top knows: of one's own, or another's.  What shared_check_directory
 * says, EMR_NOT_FOUND. */
emr_status union_child(emr_view *view, node *directory, const char *name, node **out_node);
/* Entries after COOKIE, as emr_view_each_entry. */
emr_status union_list(
	emr_view *view, node *directory, uint64_t cookie, bool take, emr_entry_fn fn, void *arg);
bool union_is_empty(emr_view *view, node *directory);
/* The directory in which ENTRY of S hangs, and its name there. */
emr_status union_place(emr_view *view, shared_share *s, uint32_t entry, node **out_directory,
	char out_name[EMR_NAME_MAX + 1]);
