/* These functions say whether what was saved is safe on the disk, and if not, why. They refuse to
 * call safe what is in memory only, and what no flush has covered once one was refused. */
#pragma once

#include "node.h"

/* Without view->lock: a call that hands bytes to the disk ended with STATUS.  The first refusal is
 * a notice at once. */
void disk_hear(emr_view *view, emr_status status);
/* Without view->lock: everything handed out so far is on the disk. */
void disk_took_all(emr_view *view);

/* Under view->lock, SYNCED from emr_journal_synced_seq: N has bytes, or a name, that a power cut or
 * the end of this process would take, and no program is writing it now. */
bool disk_lacks(const emr_view *view, const node *n, uint64_t synced);
