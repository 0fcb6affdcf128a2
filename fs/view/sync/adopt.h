/* Another computer of the owner may move a record to another shared folder, where it gets
 * another id. This keeps it one node here, so that open files and changes survive the move. */
#pragma once

#include "follow.h"

/* Under view->lock: the directory that was known as ID before it was moved; NULL.  Looks at all of
 * them. */
node *adopt_directory(const emr_view *view, emr_id16 id);
/* Without view->lock: sets `was` of every arrival whose record some node here has under another id.
 */
emr_status adopt_find(following *f);
/* Under view->lock: A, whose `was` is set.  As arrive(). */
emr_status adopt(following *f, const arrival *a);

/* arrive.c */
emr_status arrive_new(following *f, const arrival *a);
/* EMR_NOT_FOUND: its directory, or its name there, is not free yet. */
emr_status arrive_has_room(following *f, const arrival *a, const node *n);
emr_status arrive_meta(following *f, const arrival *a, node *n);
emr_status arrive_new_bytes(following *f, const arrival *a, node *n);
bool arrive_is_same_content(const emr_place *a, const emr_place *b);
