/* One change of the journal made under view->lock: rows of nodes and of vacated names.  The first
 * failure is kept; nothing of a failed edit happened. */
#pragma once

#include "row.h"
#include "tree.h"
#include "vacated.h"

typedef struct edit {
	emr_view *view;
	emr_journal_txn *txn;
	uint64_t died; /* bytes of what is of no use afterwards */
	emr_status status;
} edit;

edit edit_begin(emr_view *view);
/* Goes on with a transaction of settle's. */
edit edit_with(emr_view *view, emr_journal_txn *txn);
void edit_put(edit *e, emr_id16 id, const node_row *row);
void edit_delete(edit *e, emr_id16 id);
void edit_vacate(edit *e, const vacated *v);
void edit_unvacate(edit *e, emr_id16 object);
void edit_ino(edit *e, emr_id16 object,
	uint64_t ino); /* remembers it when the id alone does not give it */
/* Whatever rows and records still name FROM as their parent means TO: a directory got another id.
 */
void edit_moved(edit *e, emr_id16 from, emr_id16 to);
void edit_pin(edit *e, const emr_cid *root, emr_id16 owner, emr_pin_state state);
void edit_unpin(edit *e, const emr_cid *root, emr_id16 owner);
/* The blocks of CONTENT are of no use once this is committed. */
void edit_died(edit *e, const emr_content *content);
/* Commits and notes that the disk does not have it yet; the position goes to *OUT_SEQ (may be
 * NULL). */
emr_status edit_commit(edit *e, uint64_t *out_seq);

/* N differs from the ledger from now on. */
void mark_changed(emr_view *view, node *n);
/* Looks again at N and everything below it after a move. */
void requeue_below(emr_view *view, node *n);
bool needs_settling(const node *n);
void enqueue(emr_view *view, node *n);
/* Something will be ready to be published at BOOT_NS: the publisher must not sleep longer. */
void note_due(emr_view *view, int64_t boot_ns);

/* Under view->lock: something was handed to the operating system that the disk does not have yet.
 */
void note_unsynced(emr_view *view);
bool is_unsynced(const emr_view *view);

/* A working copy that was taken out of its file. */
typedef struct ended {
	emr_staging *staging; /* NULL: there was none */
	bool keep_spill;
} ended;
/* Takes the working copy of F, which no row names from the journal's present position on.  Under
 * view->lock, nobody else at F.  Its spill is removed once the disk knows that, too: a power cut
 * may bring the old row back. */
ended take_working_copy(emr_view *view, file *f);
/* Its end, with or without view->lock. */
void end_working_copy(ended e);
/* Without view->lock: removes the spills that may go now. */
void remove_doomed(emr_view *view);

/* Under view->lock: space should be given back soon. */
void want_reclaim(emr_view *view);

/* A status that says the ledger contradicts itself or what this computer has verified. */
bool view_ledger_is_wrong(emr_status status);
/* Without view->lock: nothing may be changed.  The publisher may say so at any time: who holds the
 * lock reads the option. */
bool view_is_read_only(emr_view *view);
/* The folder is read-only from now on, and says so once. */
void view_stop_writing(emr_view *view, emr_status why);
/* Whether WHY was damage of the ledger or of the own copy, and is put right now: what failed may be
 * tried again. */
bool view_mend_ledger(emr_view *view, emr_status why);

/* What the ledger said last: once when it is away, once when it is back.  Without view->lock. */
void view_hear_ledger(emr_view *view, emr_status status);

int64_t view_now_ns(const emr_view *view); /* wall */
int64_t view_boot_ns(const emr_view *view);
/* A device signs as itself: a domain of its making would be its own for ever, also when it is lost.
 */
bool view_makes_domains(const emr_view *view);
