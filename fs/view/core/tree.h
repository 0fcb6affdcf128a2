/* These are nodes, names and listings in memory, without journal or content: the caller has decided
 * and holds view->lock. */
#pragma once

#include "kind.h"
#include "node.h"
#include "rest.h"

/* A node of TYPE with a fresh number, not in the tree.  Its id is ID, its ino INO (0: made from the
 * id). */
emr_status tree_new_node(
	emr_view *view, emr_meta_type type, emr_id16 id, uint64_t ino, node **out_node);
/* N, which has no name, gets the number of the folder itself. */
emr_status tree_become_root(emr_view *view, node *n);
/* N's attributes are BYTES, in no more memory than they need. */
emr_status tree_set_attributes(node *n, emr_bytes bytes);
/* The same in the memory of BYTES, which is empty afterwards: cannot fail. */
void tree_take_attributes(node *n, emr_buf *bytes);
void tree_swap_attributes(node *a, node *b);
/* N, if it is a link, leads to TARGET, which becomes its own; NULL: nowhere. */
void tree_take_target(node *n, char *target);
/* Room for what N, which is changed here, needs, so that the two below cannot fail.  Zero needs
 * none.
 */
emr_status tree_need_pending(node *n);
void tree_set_next_id(node *n, emr_id16 id);
void tree_set_lost_parent(node *n, emr_id16 id);
/* It was changed last at BOOT_NS; without memory for that it is as if that were long ago. */
void tree_note_changed(node *n, int64_t boot_ns);
/* Gives that room back when N is as the ledger has it, and nobody is about to publish it. */
void tree_drop_pending(node *n);
/* So that the next tree_set_place, with PLACE, cannot fail. */
emr_status tree_need_place(emr_view *view, const emr_place *place);
/* N, which has the id of PLACE's object or soon will, stands there; after tree_need_place. */
void tree_set_place(emr_view *view, node *n, const emr_place *place);
/* N, a regular file, has its `file` afterwards. */
emr_status tree_need_file(node *n);
/* Under file->lock for writing: F's base is read through READER (owned; NULL: no longer), and what
 * was there goes.  It is not kept (kept.h), unless somebody judges it. */
void tree_set_reader(file *f, emr_content_reader *reader);
/* Under view->lock alone: is there a reader of N, open or kept?  A hint; who reads looks
 * again under file->lock. */
bool tree_has_reader(const node *n);
/* The same, and room in it for frozen content. */
emr_status tree_need_content(node *n);
/* Gives that room back, unless there is frozen content. */
void tree_drop_content(node *n);
/* Frees a node that has neither name nor kids nor references. */
void tree_free_node(emr_view *view, node *n);
/* Drops a nameless node when nobody holds it any more. */
void tree_release_if_unused(emr_view *view, node *n);
/* N, whose opens the caller had raised, may go.  Without view->lock. */
void tree_let_go(emr_view *view, node *n);
/* For qsort() and bsearch() of emr_id16. */
int tree_compare_ids(const void *a, const void *b);

node *tree_by_number(const emr_view *view, uint64_t number);
/* The record of that id, whose object it is. */
node *tree_by_id(const emr_view *view, emr_id16 id);
/* The same, unless it rests (rest.h). */
node *tree_awake_by_id(const emr_view *view, emr_id16 id);
/* Finds a node that is only shown, by the id that was made for it. */
node *tree_by_shown_id(const emr_view *view, emr_id16 id);
/* A directory that a node's id was noted of: one or the other. */
node *tree_directory_by_id(const emr_view *view, emr_id16 id);
node *tree_child(const emr_view *view, const node *directory, const char *name);

/* NAME in DIRECTORY is emrfs's own, or that of the Inbox, which is a domain. */
bool tree_is_kept_name(
	const emr_view *view, const node *directory, const char *name, bool is_domain);
/* A name like NAME that nothing in DIRECTORY has, for the object ID: "NAME~k7qf.EXT". */
void tree_free_name(const emr_view *view, const node *directory, emr_id16 id, const char *name,
	char out[EMR_NAME_MAX + 1]);

/* Gives N a name in DIRECTORY.  The name must be free. */
emr_status tree_attach(emr_view *view, node *directory, const char *name, node *n);
/* Takes its name away; N stays alive. */
void tree_detach(emr_view *view, node *n);
/* Room in DIRECTORY for two more entries, of which one is called NAME: the copy of that goes to
 * *OUT_NAME, which is freed, or given to tree_move. */
emr_status tree_prepare(emr_view *view, node *directory, const char *name, char **out_name);
/* As attach, with what tree_prepare made: cannot fail. */
void tree_attach_prepared(emr_view *view, node *directory, char *name, node *n);
/* The node at PATH from the top, symbolic links not followed; NULL when there is none. */
node *tree_find(const emr_view *view, const char *path);
/* As detach and attach, with what tree_prepare made: cannot fail. */
void tree_move(emr_view *view, node *n, node *directory, char *name);
/* A and B change places, with what tree_prepare made for each: cannot fail. */
void tree_swap(emr_view *view, node *a, node *b, char *name_of_a, char *name_of_b);
/* So that MORE calls of tree_change_id cannot fail. */
emr_status tree_reserve_ids(emr_view *view, size_t more);
/* N is known under another object id from now on. */
emr_status tree_change_id(emr_view *view, node *n, emr_id16 id);

/* N, a directory, had the id FROM until now: what remembers names in it by that id is told. */
void tree_follow_directory(emr_view *view, node *n, emr_id16 from);

/* N, whose name is gone, is not found by its id any more: somebody else may take over the record.
 */
void tree_forget_id(emr_view *view, node *n);

/* True when N is DIRECTORY or lies below it. */
bool tree_is_below(const node *n, const node *directory);
/* The first kid from slot I on. */
node *tree_kid_from(const kid_list *in, size_t i);
/* First kid whose cookie is larger than COOKIE, NULL at the end; without those that rest. */
node *tree_next_awake_kid(const node *directory, uint64_t cookie);
/* The same of all kids. */
static inline node *tree_next_kid(const node *directory, uint64_t cookie)
{
	rest_wake(directory);
	return tree_next_awake_kid(directory, cookie);
}
/* The domain that N's place in the tree belongs to: that of the nearest directory above (or N
 * itself) that is one. */
emr_id16 tree_domain(const node *n);
/* The object id it has, or will have once it is published where it stands. */
emr_id16 tree_future_id(const node *n);
/* The one it gets in DOMAIN, which is its own when N is one: the same on each of the owner's
 * computers. */
emr_id16 tree_next_id(const emr_view *view, const node *n, emr_id16 domain);
/* N is, as the ledger has it, the root of a domain: a directory, or a single file. */
bool tree_is_root_object(const node *n);
/* Works out is_local for N and everything below it. */
void tree_mark_local(node *n);
/* N lies in one's own folder where a desktop has its own things, and never is a record. */
bool tree_is_fixture(const node *n);
/* N, which is local, becomes a record when it stays: in one's own folder what is not empty, no
 * fixture and no backup of a record that goes on; in another's, where nobody else would have it,
 * any file but such a backup. */
bool tree_may_become(const node *n);
/* It stayed, and so did the directories above that are local. */
void tree_stay(emr_view *view, node *n);
/* The node after AT (NULL: the first) of N and everything below it, parents first; NULL: there is
 * no more. */
node *tree_next_below(const node *n, const node *at);
/* The same without what rests: an ordinary record, of which nothing waits here. */
node *tree_next_awake(const node *n, const node *at);
/* The same of the nodes of one's own in others' folders. */
node *tree_next_elsewhere(const emr_view *view, const node *at);
/* The same of all nodes of one's own but what rests: first those of the folder itself. */
node *tree_next_own(const emr_view *view, const node *at);
/* The same of all nodes that there are, with a name or not, in no order. */
node *tree_next_any(const emr_view *view, const node *at);
/* Path from the top without a leading slash; NULL when memory runs out or N has no name. */
char *tree_path(const node *n);

/* N's bytes are CONTENT. */
void tree_note_stored(node *n, const emr_content *content);
void tree_attr(const node *n, emr_attr *out_attr);
/* The number programs see for an object: made from its random id, never 0 or 1, and of 53 bits,
 * because programs that keep numbers as fractions (JSON, JavaScript) have no more. */
uint64_t tree_ino_of(emr_id16 id);

/* ---- domains.c ---- */
/* These functions decide which directories are domains (folders that can be shared by
 * themselves) of this person, and whether this computer may make new ones. */

/* A device signs as itself: a domain of its making would be its own for ever, also when it is lost.
 */
bool view_makes_domains(const emr_view *view);
/* For the loading of the tree: the domain of the owner's Inbox (zero: none), and whether what is at
 * PLACE in it was described by somebody else: then it comes in as an arrival. */
emr_status domains_inbox(emr_view *view, emr_id16 *out_domain);
