/* Names: what restoring shares with making and removing.  All under view->lock. */
#pragma once

#include "edit.h"

/* EMR_BAD_NAME, EMR_RESERVED_NAME. */
emr_status check_new_name(const emr_view *view, const node *directory, const char *name);
void touch_directory(emr_view *view, node *directory);
/* Adds to E what the end of N's name means, and prepares *OUT_VACATED (NULL when nothing was published). */
void edit_remove(edit *e, node *n, vacated **out_vacated);
/* The edit is in the journal: N has no name any more, and may be freed. */
void finish_remove(emr_view *view, node *n, vacated *v);
