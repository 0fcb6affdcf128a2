/* Published records whose name went away, in the order in which they did, newest first, and found
 * by their object.  All under view->lock. */
#pragma once

#include "node.h"

/* A vacated name for published N, as a struct of its own; NULL when memory runs out. */
vacated *vacated_of(const emr_view *view, const node *n);
void vacated_add(emr_view *view, vacated *v); /* takes it */
/* The one that stands at OBJECT, or NULL. */
vacated *vacated_find(const emr_view *view, emr_id16 object);
/* V stands at PLACE from here on. */
void vacated_move(emr_view *view, vacated *v, const emr_place *place);
/* Out of the view, and freed. */
void vacated_drop_this(emr_view *view, vacated *v);
void vacated_drop(emr_view *view, emr_id16 object);
