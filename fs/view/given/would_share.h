/* A rename must not show a record to somebody who does not see it where it is.  It refuses nothing
 * that stays among the same people, and nothing at all in a folder whose owner shares nothing. */
#pragma once

#include "node.h"

/* Whose sight a move can change. */
typedef struct move_sight {
	emr_id16 from;	/* the domain it belongs to; of the root of a domain, which takes it along:
			   the one that it hangs in */
	emr_id16 there; /* the one it will belong to or hang in; zero: a new one, which nobody sees
			 */
	emr_buf along;	/* emr_id16, ...: the domains it takes along, each with seers of its own */
	bool has_own;	/* it is the root of the first of them */
} move_sight;
/* move.c.  Under view->lock: of N as a kid of DIRECTORY; to be freed whatever is returned. */
emr_status move_sight_of(
	const emr_view *view, const node *n, const node *directory, move_sight *out);
void move_sight_free(move_sight *sight);
bool move_changes_sight(const move_sight *sight);
/* Whether anybody but her sees DOMAIN, or will. */
emr_status move_is_seen(emr_view *view, emr_id16 domain, bool *out_is);
/* Whom it gains, or who may see it longer, for more purposes or with its past; whom it loses:
 * emr_id32, ... appended. */
emr_status move_compare_seers(
	emr_view *view, const move_sight *sight, emr_buf *gains, emr_buf *loses);
