/* These functions say what a viewer opens next in a share, so that it waits neither for keys nor
 * for readers nor for blocks: they ask, make and bring ahead. They refuse to do so for a single
 * file that somebody opens, and in datasets. Readers stay after the close (core/handle.c), so that
 * an opening once more needs neither the worker nor curves; it is let in and reported as the first.
 */
#pragma once

#include "kind.h"

#define SHARED_AHEAD_MAX 1024u /* keys of one question */
#define SHARED_MADE_MAX 16u    /* readers that are made ahead */

struct shared_share;

/* All that is known of the viewer, in a share. */
typedef struct shared_ahead {
	struct {
		emr_id16 directory;
		unsigned n;
	} asked[8]; /* how many siblings were asked for last */
	unsigned next_asked;
	uint32_t last, from; /* entries: what was opened last; and behind which readers are to be
				made, FLAT_TOP: behind none */
	unsigned made, tries;
} shared_ahead;

/* How many of DIRECTORY are asked for at once: 1, 2, 4 ... each time that the last were not enough.
 * Under view->lock. */
unsigned shared_grow_ahead(struct shared_share *s, emr_id16 directory);
/* Under view->lock: N of S was opened. WAS_READY: its reader had been made before. shared_bytes.c
 */
void shared_go_on(emr_view *view, struct shared_share *s, const node *n, bool was_ready);
/* Of the worker, with S open: makes the readers of those behind what was opened last. True: it
 * stopped, because somebody waits for the worker; the next opening goes on. *OUT: how many, and
 * behind which; FROM is FLAT_TOP where nothing more is to be done. */
bool shared_make_ahead(emr_view *view, struct shared_share *s, shared_ahead *out);
/* An emr_fetched_fn of what the worker lacked: it looks again. */
void shared_look_again(void *view, emr_status status);
