/* This file removes and renames. A rename over an old file hands the new bytes to the operating
 * system first, so that a killed program leaves the old content or the new one. */
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "node.h"
#include "ops_file.h"
#include "ops_tree.h"
#include "rest.h"
#include "special.h"
#include "times.h"
#include "tree.h"

static bool directory_is_empty(emr_view *view, node *directory)
{
	return kind_where(directory)->is_empty != NULL
		       ? kind_where(directory)->is_empty(view, directory)
		       : !node_has_kids(directory);
}

static bool directory_is_below(const emr_view *view, const node *directory, const node *n)
{
	return kind_where(directory)->is_below != NULL
		       ? kind_where(directory)->is_below(view, directory, n)
		       : tree_is_below(directory, n);
}

/* ---- removing ---- */

void edit_remove(edit *e, node *n, vacated **out_vacated)
{
	*out_vacated = NULL;
	if (n->is_published) {
		*out_vacated = vacated_of(e->view, n);
		if (*out_vacated == NULL && e->status == EMR_OK)
			e->status = EMR_NO_MEMORY;
		if (*out_vacated != NULL)
			edit_vacate(e, *out_vacated);
	}
	edit_delete(e, n->id);
	edit_forget_times(e, n, n->id);
	edit_touch(e, n->parent, -1);
	if (node_file(n) != NULL && node_file(n)->has_content)
		edit_unpin(e, &node_file(n)->content->c, n->id);
}

void finish_remove(emr_view *view, node *n, vacated *v)
{
	node *directory = n->parent;

	if (kind_where(n)->note_cut != NULL)
		kind_where(n)->note_cut(n);
	if (v != NULL)
		vacated_add(view, v);
	tree_detach(view, n);
	tree_forget_id(view, n);
	n->ctime_ns = directory->ctime_ns;
	n->has_row = false;
	n->is_published_gone = n->is_published;
	n->is_published = false;
	tree_release_if_unused(view, n);
}

emr_status remove_node(emr_view *view, node *n)
{
	vacated *v;
	emr_status status;
	edit e = edit_begin(view);

	edit_remove(&e, n, &v);
	status = edit_commit(&e, NULL);
	if (status == EMR_OK)
		finish_remove(view, n, v);
	else
		free(v);
	return status;
}

/* The same in another's folder, where it becomes one's own. */
static emr_status child_to_change(
	emr_view *view, node *directory, const char *name, node **out_node)
{
	EMR_TRY(kind_where(directory)->child(view, directory, name, out_node));
	return kind_where(*out_node)->prepare(view, *out_node, CHANGE_META);
}

/* A child whose name is to change, or to go. */
static emr_status find_child(emr_view *view, uint64_t parent, const char *name, node **out_node)
{
	node *directory, *n;

	EMR_TRY(find_writable(view, parent, &directory));
	if (kind_where(directory)->prepare != NULL)
		return child_to_change(view, directory, name, out_node);
	n = tree_child(view, directory, name);
	if (n == NULL)
		return directory == view->root && strcmp(name, ".emrfs") == 0 ? EMR_DENIED
									      : EMR_NOT_FOUND;
	*out_node = n;
	return EMR_OK;
}

static emr_status unlink_child(emr_view *view, uint64_t parent, const char *name, bool goes_first)
{
	const node_kind *kind = kind_of_number(view, parent);
	bool is_said = false, was_published = false;
	emr_status status = EMR_OK;
	node *n;

	if (kind->unlink != NULL)
		status = kind->unlink(view, parent, name, &is_said);
	if (is_said)
		return status;
	pthread_mutex_lock(&view->lock);
	status = find_child(view, parent, name, &n);
	if (status == EMR_OK && n->type == EMR_META_DIR)
		status = EMR_IS_DIRECTORY;
	if (status == EMR_OK) {
		was_published = n->is_published;
		status = remove_node(view, n);
	}
	if (status == EMR_OK && was_published)
		view->vacated->goes_first = goes_first;
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_unlink(emr_view *view, uint64_t parent, const char *name)
{
	return unlink_child(view, parent, name, false);
}

void emr_view_ask_leaving(emr_view *view, emr_leaving_asked asked)
{
	view->leaving = asked;
}

emr_status emr_view_unlink_first(emr_view *view, uint64_t parent, const char *name)
{
	return unlink_child(view, parent, name, true);
}

emr_status emr_view_rmdir(emr_view *view, uint64_t parent, const char *name)
{
	const node_kind *kind = kind_of_number(view, parent);
	bool is_said = false;
	emr_status status = EMR_OK;
	node *n;

	if (kind->rmdir != NULL)
		status = kind->rmdir(view, parent, name, &is_said);
	if (is_said)
		return status;
	pthread_mutex_lock(&view->lock);
	status = find_child(view, parent, name, &n);
	if (status == EMR_OK && n->type != EMR_META_DIR)
		status = EMR_NOT_DIRECTORY;
	if (status == EMR_OK && !directory_is_empty(view, n))
		status = EMR_NOT_EMPTY;
	if (status == EMR_OK && n->is_inbox)
		status = EMR_DENIED;
	if (status == EMR_OK)
		status = remove_node(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- moving ---- */

/* Once a domain, always one: as published, or as somebody asked for.  At the top every directory is
 * one. */
static bool stays_domain(const emr_view *view, const node *n, const node *directory)
{
	bool was_asked_for = n->is_domain && (n->type == EMR_META_FILE || n->parent != view->root);

	return (n->type == EMR_META_DIR && directory == view->root && view_makes_domains(view)) ||
	       was_asked_for || tree_is_root_object(n);
}

/* The domain and id that N will have as a child of DIRECTORY. */
static void plan_domain(const emr_view *view, const node *n, const node *directory, node_row *row)
{
	bool is_domain = stays_domain(view, n, directory);
	emr_id16 domain = tree_domain(directory);
	bool stays = is_domain ? tree_is_root_object(n) : emr_id16_equal(node_domain(n), domain);

	row->flags = (uint16_t)((row->flags & ~ROW_IS_DOMAIN) | (is_domain ? ROW_IS_DOMAIN : 0));
	if (!n->is_published || stays)
		row->next_id = (emr_id16){{0}};
	else
		row->next_id = tree_next_id(view, n, is_domain ? (emr_id16){{0}} : domain);
}

static emr_status check_move(emr_view *view, const node *n, const node *directory, node *target)
{
	if (n->is_inbox)
		return EMR_DENIED;
	if (n->type == EMR_META_DIR && directory_is_below(view, directory, n))
		return EMR_CROSS;
	if (target == NULL)
		return EMR_OK;
	if (target->is_inbox)
		return EMR_DENIED;
	if (n->type == EMR_META_DIR && target->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	if (n->type != EMR_META_DIR && target->type == EMR_META_DIR)
		return EMR_IS_DIRECTORY;
	return directory_is_empty(view, target) ? EMR_OK : EMR_NOT_EMPTY;
}

static node_row moved_row(const emr_view *view, const node *n, const node *directory,
	const char *name, int64_t now_ns)
{
	node_row row = row_of_node(n);

	row.parent = row_directory(directory);
	row.name = emr_bytes_of(name, strlen(name));
	row.ctime_ns = now_ns;
	row.change++;
	row.flags |= ROW_META_DIRTY;
	plan_domain(view, n, directory, &row);
	return row;
}

/* Remembers where N was published before it goes elsewhere, perhaps under another id. */
static emr_status remember_former(node *n)
{
	if (!n->is_published)
		return EMR_OK;
	if (tree_need_pending(n) != EMR_OK)
		return EMR_NO_MEMORY;
	if (n->was != NULL)
		return EMR_OK;
	n->was = calloc(1, sizeof *n->was);
	EMR_TRY_MEMORY(n->was);
	n->was->directory = n->parent->id;
	memcpy(n->was->name, n->name, strlen(n->name) + 1);
	return EMR_OK;
}

/* The journal has ROW: the tree follows. */
static void finish_move(emr_view *view, node *n, const node_row *row)
{
	n->ctime_ns = row->ctime_ns;
	n->is_domain = (row->flags & ROW_IS_DOMAIN) != 0;
	tree_set_next_id(n, row->next_id);
	tree_set_lost_parent(n, (emr_id16){{0}});
	n->meta_dirty = true;
	n->has_row = true;
	if (n->was != NULL && strcmp(n->was->name, n->name) == 0 &&
		emr_id16_equal(n->was->directory, n->parent->id)) {
		free(n->was);
		n->was = NULL;
	}
	n->stays = false;
	if (n->is_published && n->parent->is_local && !tree_is_fixture(n->parent))
		tree_stay(view, n->parent); /* a record is in it */
	tree_mark_local(n);
	if (kind_where(n)->note_made != NULL)
		kind_where(n)->note_made(view, n);
	mark_changed(view, n);
	if (n->is_published)
		view->waits_for_quiet = true;
	if (n->type == EMR_META_DIR)
		requeue_below(view, n);
}

/* Memory is asked for before the journal is told: what the journal has, the tree can follow. */
static emr_status move_over(
	emr_view *view, node *n, node *directory, const char *name, node *target)
{
	vacated *v = NULL;
	node *from = n->parent;
	node_row row = moved_row(view, n, directory, name, view_now_ns(view));
	char *copy = NULL;
	emr_status status;

	edit e;

	EMR_TRY(rest_wake_below(n)); /* all of it goes along */
	EMR_TRY(remember_former(n));
	EMR_TRY(tree_prepare(view, directory, name, &copy));
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	edit_touch(&e, from, -1);
	edit_touch(&e, directory, 1);
	if (target != NULL)
		edit_remove(&e, target, &v);
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		free(v);
		free(copy);
		return status;
	}
	if (target != NULL)
		finish_remove(view, target, v);
	tree_move(view, n, directory, copy);
	finish_move(view, n, &row);
	return EMR_OK;
}

/* The journal's half of an exchange. */
static emr_status commit_exchange(
	emr_view *view, node *a, node *b, const node_row *row_a, const node_row *row_b)
{
	edit e = edit_begin(view);

	edit_put(&e, a->id, row_a);
	edit_put(&e, b->id, row_b);
	edit_touch(&e, a->parent, 0);
	edit_touch(&e, b->parent, 0);
	if (e.status == EMR_OK)
		e.status = tree_need_pending(b);
	EMR_TRY(edit_commit_node(&e, a));
	b->pending->row_seq = a->pending->row_seq;
	return EMR_OK;
}

static emr_status exchange(emr_view *view, node *a, node *b)
{
	node *dir_a = a->parent, *dir_b = b->parent;
	char *name_of_a = NULL, *name_of_b = NULL;
	node_row row_a, row_b;
	emr_status status;

	if (a->is_inbox || b->is_inbox)
		return EMR_DENIED;
	if (directory_is_below(view, dir_b, a) || directory_is_below(view, dir_a, b))
		return EMR_CROSS;
	EMR_TRY(rest_wake_below(a));
	EMR_TRY(rest_wake_below(b));
	status = remember_former(a);
	if (status == EMR_OK)
		status = remember_former(b);
	if (status == EMR_OK)
		status = tree_prepare(view, dir_b, b->name, &name_of_a);
	if (status == EMR_OK)
		status = tree_prepare(view, dir_a, a->name, &name_of_b);
	if (status == EMR_OK) {
		row_a = moved_row(view, a, dir_b, name_of_a, view_now_ns(view));
		row_b = moved_row(view, b, dir_a, name_of_b, row_a.ctime_ns);
		status = commit_exchange(view, a, b, &row_a, &row_b);
	}
	if (status != EMR_OK) {
		free(name_of_a);
		free(name_of_b);
		return status;
	}
	tree_swap(view, a, b, name_of_a, name_of_b);
	finish_move(view, a, &row_a);
	finish_move(view, b, &row_b);
	return EMR_OK;
}

/* The node that a rename would replace; NULL: none. */
static emr_status find_target(emr_view *view, node *directory, const char *name, node **out_target)
{
	emr_status status;

	*out_target = NULL;
	if (kind_where(directory)->prepare == NULL) {
		*out_target = tree_child(view, directory, name);
		return EMR_OK;
	}
	status = child_to_change(view, directory, name, out_target);
	if (status != EMR_NOT_FOUND)
		return status;
	*out_target = NULL;
	return EMR_OK;
}

/* PARENT and DIRECTORY are of the same domain of another's, or both in the folder itself:
 * EMR_APART.
 */
static emr_status check_apart(const emr_view *view, uint64_t parent, const node *directory)
{
	const node *from = tree_by_number(view, parent), *top = kind_top(directory), *from_top;

	if (from == NULL)
		return EMR_NOT_FOUND;
	from_top = kind_top(from);
	if (from_top == NULL || top == NULL)
		return from_top == top ? EMR_OK : EMR_APART;
	return kind_of(top)->is_same(from_top, top) ? EMR_OK : EMR_APART;
}

static emr_status rename_locked(emr_view *view, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned flags)
{
	node *n, *directory, *target;

	EMR_TRY(find_writable(view, parent, &directory));
	EMR_TRY(find_writable(view, new_parent, &directory));
	EMR_TRY(check_apart(view, parent, directory));
	EMR_TRY(find_child(view, parent, name, &n));
	EMR_TRY(check_new_name(view, directory, new_name));
	EMR_TRY(find_target(view, directory, new_name, &target));
	if (flags == EMR_RENAME_EXCHANGE)
		return target == NULL ? EMR_NOT_FOUND
		       : target == n  ? EMR_OK
				      : exchange(view, n, target);
	if (target == n)
		return flags == EMR_RENAME_NO_REPLACE ? EMR_EXISTS : EMR_OK;
	if (target != NULL && flags == EMR_RENAME_NO_REPLACE)
		return EMR_EXISTS;
	EMR_TRY(check_move(view, n, directory, target));
	return move_over(view, n, directory, new_name, target);
}

/* Bytes that only this process has must be in the operating system's hands before their name
 * replaces another: otherwise kill -9 would leave neither the old content nor the new. */
static emr_status hand_out_child(emr_view *view, uint64_t parent, const char *name)
{
	node *directory, *n = NULL;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = find_directory(view, parent, &directory);
	if (status == EMR_OK)
		n = tree_child(view, directory, name);
	if (n == NULL || node_file(n) == NULL || node_file(n)->wrote == node_file(n)->handed) {
		pthread_mutex_unlock(&view->lock);
		return EMR_OK;
	}
	n->opens++;
	pthread_mutex_unlock(&view->lock);
	status = file_hand_out(view, n);
	tree_let_go(view, n);
	return status;
}

emr_status rename_node(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned flags)
{
	emr_status status;

	if (flags != 0 && flags != EMR_RENAME_NO_REPLACE && flags != EMR_RENAME_EXCHANGE)
		return EMR_INVALID;
	EMR_TRY(hand_out_child(view, parent, name));
	if (flags == EMR_RENAME_EXCHANGE)
		EMR_TRY(hand_out_child(view, new_parent, new_name));
	pthread_mutex_lock(&view->lock);
	status = rename_locked(view, parent, name, new_parent, new_name, flags);
	pthread_mutex_unlock(&view->lock);
	return status;
}
