/* These functions say where a share is shown: in the tree of the share in which its folder lies,
 * or beside, in its owner's directory. They refuse to follow an owner who lets two shares lie in
 * each other. */
#pragma once

#include "shared.h"

/* A directory of another share's tree. */
typedef struct shared_spot {
	shared_share *outer;
	uint32_t entry;
} shared_spot;

/* All under view->lock. */

/* False: S lies in no share that is open, as far as names are known. */
bool shared_spot_of(const shared_share *s, shared_spot *out_spot);
/* Whether S, or the note of its end, stands in its owner's directory. A share that came with one
 * around it does not as long as its place in there may still be learned, and its end is told with
 * that one's. */
bool shared_is_beside(const shared_share *s);
/* A share that came with S, a share that begins itself, whose names are on their way: a listing
 * would lack it.  NULL: none. */
shared_share *shared_awaits_inner(const shared_share *s);
/* Whether S came with a share whose names somebody has looked at: its own are wanted. */
bool shared_is_wanted_inside(const shared_share *s);

/* The name of S at SPOT, its own: another name there, or an earlier share's, stays as it is. */
void shared_spot_name(const shared_share *s, const shared_spot *spot, char out[EMR_NAME_MAX + 1]);
/* The share called NAME that lies in ENTRY of OUTER; NULL: none. */
shared_share *shared_placed_child(shared_share *outer, uint32_t entry, const char *name);
/* The first after share number AFTER that lies there; NULL: none. */
shared_share *shared_placed_next(const shared_share *outer, uint32_t entry, uint64_t after);
/* How many directories lie there. */
uint32_t shared_placed_directories(const shared_share *outer, uint32_t entry);
/* From the top of the folder to S; NULL without memory. */
char *shared_place_path(const shared_share *s);
/* The kernel forgets S where it is shown now, and counts its directory again. */
void shared_tell_place(emr_view *view, const shared_share *s, emr_buf *tell);
/* Under view->lock: a share of the dataset that the folder shows whose names did not come yet, and
 * are waited for (shared_waiting.c); NULL: none. */
shared_share *shared_lacks_list(const emr_view *view);
