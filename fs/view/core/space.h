/* How many bytes of the store may be of no use by now, when to look for them, and how far writers
 * may run ahead of that.  With L live bytes the store has never more than about 2 L + 300 MiB: what
 * a look leaves is at most 5/3 L, the next look comes when 32 MiB + L/8 were appended or let go
 * since, and writers wait for it when it is 64 MiB + L/8; a look copies at most about 32 MiB + L/16
 * before it removes what that came from.
 * A look closes the segment that is being written, and takes a processor and the disk, so it gives
 * way to whoever saves: it begins in a lull, or when 48 MiB + L/8 came since the last one. */
#pragma once

#include "edit.h"

/* Under view->lock: about BYTES that were of use are of none any more. */
void space_died(emr_view *view, uint64_t bytes);
/* Under view->lock: asks for a look when one is due. */
void space_check(emr_view *view);
/* Under view->lock: when a look that is wanted begins. */
int64_t space_look_due(const emr_view *view);
/* One look, without view->lock: as emr_view_reclaim with limits that fit the disk. */
emr_status space_look(emr_view *view, emr_reclaim_report *out_report);
/* Without any lock, before more is written: asks for a look that is due, and waits while far more
 * is written than a look has seen.  Without the view's threads it looks itself. */
void space_make_room(emr_view *view);
