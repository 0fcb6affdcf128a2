/* These functions say whether the folder may be changed, what the ledger and the local copy of
 * it said last, and whether what was saved is safe on the disk. They refuse to call safe what is
 * in memory only, and what no flush has covered once one was refused. */
#pragma once

#include "node.h"

/* A status that says the ledger contradicts itself or what this computer has verified. */
bool view_ledger_is_wrong(emr_status status);
/* Without view->lock: nothing may be changed.  The publisher may say so at any time: who holds the
 * lock reads the option. */
bool view_is_read_only(emr_view *view);
/* Whether WHY was damage of the ledger or of the local copy, and is put right now: what failed may
 * be tried again. */
bool view_mend_ledger(emr_view *view, emr_status why);

/* Nobody waits for one that is away, or has not answered yet. */
bool view_reaches_ledger(emr_view *view);
/* Notes the ledger's last status: it is said once when the ledger is away, once when it is back.
 * Without view->lock. */
void view_hear_ledger(emr_view *view, emr_status status);
/* The same of a restart of its host, which is told once; when the ledger can be asked, the others
 * hear that nothing is left to sign again here. */
void view_hear_restart(emr_view *view, emr_status status);

/* ---- disk.c ---- */
/* These functions say whether what was saved is safe on the disk, and if not, why. They refuse to
 * call safe what is in memory only, and what no flush has covered once one was refused. */

/* Without view->lock: a call that hands bytes to the disk ended with STATUS.  The first refusal is
 * a notice at once. */
void disk_hear(emr_view *view, emr_status status);
/* Without view->lock: everything handed out so far is on the disk. */
void disk_took_all(emr_view *view);

/* Under view->lock, SYNCED from emr_journal_synced_seq: N has bytes, or a name, that a power cut or
 * the end of this process would take, and no program is writing it now. */
bool disk_lacks(const emr_view *view, const node *n, uint64_t synced);
