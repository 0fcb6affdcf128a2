/* These functions are for writing in another's folder. A file or folder that is made or changed
 * there is a node of the view like any other, with its working copy, row and settle patterns; its
 * uppermost directory is a directory of the share (kind_top), and its domain the other's. A record
 * of the other's that is to be changed is taken (foreign_take): its node, under the number the
 * kernel knows, becomes one's own. Once what is here is what the share shows, the node goes back
 * (foreign_meet.c).
 *
 * It refuses what the right there does not allow, and renames between folders of different
 * owners. Under view->lock unless it says otherwise; the order of locks is that of node.h. */
#pragma once

#include "share/write.h"

#include "edit.h"
#include "shared.h"

/* ---- rights: foreign_may.c */

/* DIRECTORY, another's or one's own in another's, may be changed at all: EMR_READ_ONLY, what
 * shared_is_readable says. */
emr_status foreign_check_directory(const emr_view *view, const node *directory);
/* A node of TYPE may be made there: EMR_DENIED. */
emr_status foreign_may_make(
	const emr_view *view, const node *directory, emr_meta_type type, const char *name);
/* foreign_folder.c: N is a folder that its maker alone sees, in what takes no folders but files:
 * its files are left there under names that say where they lay.  It is never sent. */
bool foreign_collects(const node *n);
/* Where what lies in N, a directory, is sent to: N, or what the folders of that kind around it lie
 * in. */
const node *foreign_sent_to(const node *directory);
/* The name of N, a file in such a folder, there: "Series - CT.dcm", in an Inbox with this between
 * (U+2215), which makes a folder of what stands before it; as much of it, from its end, as a name
 * may have. */
#define FOREIGN_BETWEEN "\xe2\x88\x95"
void foreign_sent_name(const node *n, char out[EMR_NAME_MAX + 1]);
/* N, such a folder, is empty, and nothing came into it or left it for long. */
bool foreign_is_left_alone(const emr_view *view, const node *n);
/* foreign_limit.c: one more file may be made in DIRECTORY today: EMR_QUOTA, when it is in an Inbox
 * that takes no more from one sender. */
emr_status foreign_check_deposit(emr_view *view, const node *directory);
/* N, a file, is as large as its owner's computer takes it: EMR_TOO_BIG, when it is in an Inbox.  It
 * is asked when N is sent and not when it is written: a copy that is stopped in its middle leaves
 * half a file, and that would be sent. */
emr_status foreign_check_size(emr_view *view, const node *n);
/* N may be changed, a share that is a file in nothing but its bytes: EMR_READ_ONLY, EMR_DENIED. */
emr_status foreign_may_change(const emr_view *view, const node *n, node_change what);
/* N lies in another's folder, and cannot be sent now as far as is known here. */
bool foreign_must_wait(const emr_view *view, const node *n);
/* The same of what was removed in DOMAIN; true of one's own. */
bool foreign_may_send(const emr_view *view, emr_id16 domain);
/* Of the worker, without view->lock: where this person may write becomes, or changes, shares. Names
 * that come go to TELL. */
emr_status foreign_take_writings(emr_view *view, emr_buf *tell);
emr_status foreign_take_writing(emr_view *view, const emr_writing *writing, emr_buf *tell);

/* ---- nodes: foreign.c */

/* N was just made, or moved: it will meet what its share says. */
void foreign_note_made(emr_view *view, const node *n);

/* N, which a share shows, becomes one's own: published, unchanged.  Rights were asked. */
emr_status foreign_take(emr_view *view, node *n);
emr_place foreign_place_of(const struct shared_share *s, const struct shared_entry *e);
/* The part of it that cannot fail: N, a file of a share with room for its bytes, stands at PLACE
 * under NAME, which tree_prepare gave, in DIRECTORY.  An id is reserved. */
void foreign_become(emr_view *view, node *n, const emr_place *place, node *directory, char *name);
/* As `taken` if it is shown by another, for a change of WHAT; nothing for other nodes. */
emr_status foreign_prepare_change(emr_view *view, node *n, node_change what);
/* DOMAIN is that of a share. */
bool foreign_is_domain(const emr_view *view, emr_id16 domain);
/* Without any lock: N, which leaves its record for a name of scratch, gets a copy of the other's
 * bytes.  EMR_BUSY: they were asked for. */
emr_status foreign_fetch(emr_view *view, node *n);
/* N has the name of a record that is about to be left so: it will be its next version. */
bool foreign_is_heir(emr_view *view, const node *n);
/* N is about to lose its name: what is read of it goes on being another's. */
void foreign_note_cut(node *n);
/* Whether DIRECTORY lies in N, also by way of directories that are only shown. */
bool foreign_is_below(const emr_view *view, const node *directory, const node *n);
/* Without file->lock's being free: with it held for writing, a working copy of N that needs nothing
 * of the other's any more. */
emr_status foreign_start_staging(emr_view *view, node *n, uint64_t size);

/* ---- a share that is a single file: foreign_file.c */

/* Where it hangs then, and its name there: EMR_READ_ONLY (S is a directory), EMR_DENIED (its id is
 * taken here). */
emr_status foreign_file_place(
	emr_view *view, shared_share *s, node **out_directory, char out_name[EMR_NAME_MAX + 1]);
/* MASK says no more of N, such a share, than goes with its bytes: the mode that it has, and the
 * time of what is not sent yet. */
bool foreign_file_may_say(const node *n, unsigned mask, const emr_attr *wanted);
/* The time of N's bytes, if they were not sent. */
emr_status foreign_file_set_time(emr_view *view, node *n, int64_t mtime_ns);
/* The kernel forgets the name of N, one's own, in the directory where it sees it. */
emr_status foreign_tell_name(emr_view *view, const node *n, emr_buf *tell);

/* ---- what the share says by now: foreign_meet.c */

/* The removal of what stood at PLACE was answered: hidden until the tree knows. */
void foreign_note_gone(emr_view *view, const emr_place *place);
/* Of the worker, without view->lock: every node of one's own meets what its share says. */
void foreign_turn(emr_view *view);
/* Another node N of the same record is what the folder shows: N keeps its readers and nothing else.
 * *TELL as in shared.h. */
emr_status foreign_retire(emr_view *view, node *n, emr_buf *tell);

/* ---- the end of a right: foreign_keep.c */

/* Of the worker, without view->lock: what was not sent to S and never will be goes to the top of
 * one's own folder. */
void foreign_keep_unsent(emr_view *view, shared_share *s);
/* Under view->lock: N, which was written of S, is kept there at once; what the kernel must be told
 * goes to TELL. */
emr_status foreign_keep_one(emr_view *view, shared_share *s, node *n, emr_buf *tell);

typedef struct foreign_gone {
	emr_id16 domain, object;
	uint64_t version;
} foreign_gone;

/* ---- foreign_kind.c ---- */
/* This names the kinds of nodes in folders that belong to somebody else: what that person
 * shares, and what this person has made or changed there. */

extern const node_kind shared_kind;	 /* what others share, as they share it */
extern const node_kind foreign_cut_kind; /* one of those without a name, whose bytes are theirs */

extern const shared_writings foreign_writings;

/* ---- inboxes.c ---- */
/* Inboxes of others in which this person may leave records because he has their cards: each is a
 * share of its owner's that accepts new files and shows nothing.  It refuses to keep one open when
 * the card or one's own role does not carry it any more. */

/* Of the worker, without view->lock: looks again when the list says that it may be another. */
void inboxes_turn(emr_view *view);

/* ---- union.c ---- */
/* The entries of a directory in another's folder: the other's records, and nodes of one's own that
 * lie in it. A node of one's own stands for the record that it is, under whatever name it has here;
 * what was removed here is not shown. Of two equal names the other's is shown as the second. It
 * decides nothing and changes nothing. Everything under view->lock. */

/* In DIRECTORY, which kind_top knows: of one's own, or another's. Errors as shared_check_directory,
 * and EMR_NOT_FOUND. */
emr_status union_child(emr_view *view, node *directory, const char *name, node **out_node);
/* Its entries. */
emr_status union_list(emr_view *view, node *directory, lister *l);
bool union_is_empty(emr_view *view, node *directory);
/* The directory in which ENTRY of S hangs, and its name there. */
emr_status union_place(emr_view *view, shared_share *s, uint32_t entry, node **out_directory,
	char out_name[EMR_NAME_MAX + 1]);
