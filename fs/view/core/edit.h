/* An edit is one change of the journal under view->lock: rows of nodes and of vacated names
 * (published records whose name went away). The first failure is kept; nothing of a failed edit
 * happened. */
#pragma once

#include "node.h"
#include "row.h"
#include "tree.h"

typedef struct edit {
	emr_view *view;
	emr_journal_txn *txn;
	uint64_t died; /* bytes of what is of no use afterwards */
	bool has_pins; /* pins of what is registered change with it */
	struct {
		node *directory;
		int more; /* entries than it has now */
	} touched[3];
	unsigned ntouched;
	emr_buf times; /* of file_time: times.h */
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
/* Entries of DIRECTORY change: its times are now once this is committed.  It has MORE entries than
 * in the tree now afterwards.  Three directories at most. */
void edit_touch(edit *e, node *directory, int more);
/* Whatever rows and records still name FROM as their parent means TO: a directory got another id.
 */
void edit_moved(edit *e, emr_id16 from, emr_id16 to);
void edit_pin(edit *e, const emr_cid *root, emr_id16 owner, emr_pin_state state);
/* The version at PLACE is on the ledger, if it has content: it stays until it is erased. */
void edit_pin_place(edit *e, const emr_place *place);
void edit_unpin(edit *e, const emr_cid *root, emr_id16 owner);
/* The blocks of CONTENT are of no use once this is committed. */
void edit_died(edit *e, const emr_content *content);
/* Commits and notes that the disk does not have it yet; the position goes to *OUT_SEQ (may be
 * NULL). */
emr_status edit_commit(edit *e, uint64_t *out_seq);
/* The same of an edit that puts the row of N, with what N needs to be changed: EMR_NO_MEMORY. */
emr_status edit_commit_node(edit *e, node *n);

/* N differs from the ledger from now on.  Cannot fail: without memory to say since when, it is due
 * at once. */
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
/* Under view->lock: directory N, removed on the ledger by another, is made again there, as long as
 * something in it lives, or the next start would not know where its entries lie. */
emr_status edit_stay(emr_view *view, node *n);

/* ---- vacated.c ---- */
/* Published records whose name went away, in the order in which they did, newest first, and found
 * by their object.  All under view->lock. */

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
