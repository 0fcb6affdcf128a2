/* This file looks up names, and makes files, directories and symbolic links. A new name is in
 * the tree and in the journal, or in neither. */
#include <string.h>

#include "edit.h"
#include "kind.h"
#include "node.h"
#include "ops_file.h"
#include "ops_tree.h"
#include "special.h"
#include "tree.h"

#define MODE_KEPT 01777u /* set-id bits mean nothing here and would outlive writes: never kept */

emr_status find_directory(const emr_view *view, uint64_t number, node **out_node)
{
	node *n = tree_by_number(view, number);

	if (n == NULL || n->state == NODE_GONE)
		return EMR_NOT_FOUND;
	if (n->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	*out_node = n;
	return EMR_OK;
}

emr_status find_writable(const emr_view *view, uint64_t number, node **out_node)
{
	EMR_TRY(find_directory(view, number, out_node));
	if (view->options.read_only)
		return EMR_READ_ONLY;
	if (kind_of(*out_node)->refuses_names != EMR_OK)
		return kind_of(*out_node)->refuses_names;
	if (kind_of(*out_node)->refuses != EMR_OK)
		return kind_of(*out_node)->refuses;
	if (kind_where(*out_node)->may_hold != NULL)
		return kind_where(*out_node)->may_hold(view, *out_node);
	return (*out_node)->state == NODE_VIRTUAL ? EMR_DENIED : EMR_OK;
}

emr_status check_new_name(const emr_view *view, const node *directory, const char *name)
{
	EMR_TRY(emr_name_check(name));
	if (directory == view->root && emr_name_is_reserved_at_top(name))
		return EMR_RESERVED_NAME;
	return EMR_OK;
}

/* Of a special file, without view->lock. */
static void learn_size(emr_view *view, node *n, emr_attr *out_attr)
{
	special_learn(view, n);
	pthread_mutex_lock(&view->lock);
	tree_attr(n, out_attr);
	pthread_mutex_unlock(&view->lock);
}

/* The node NUMBER once more, or what it lies in: for who has a file handle (open_by_handle_at, NFS)
 * and no name.  EMR_NOT_FOUND: it is no more; or, made on the fly, it is not known without its
 * name.
 */
static emr_status lookup_again(emr_view *view, uint64_t number, bool goes_up, emr_attr *out_attr)
{
	EMR_LOCKED(&view->lock);
	node *n = tree_by_number(view, number);

	if (n != NULL && goes_up && n != view->root)
		n = n->parent;
	if (n != NULL) {
		n->kernel_refs++;
		tree_attr(n, out_attr);
	}
	return n != NULL ? EMR_OK : EMR_NOT_FOUND;
}

emr_status emr_view_lookup(emr_view *view, uint64_t parent, const char *name, emr_attr *out_attr)
{
	node *directory, *n = NULL;
	bool is_special = false;
	emr_status status;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return lookup_again(view, parent, name[1] == '.', out_attr);
	pthread_mutex_lock(&view->lock);
	status = kind_ready(view, parent, name);
	if (status == EMR_OK)
		status = find_directory(view, parent, &directory);
	if (status == EMR_OK)
		status = kind_where(directory)->child != NULL
				 ? kind_where(directory)->child(view, directory, name, &n)
				 : kind_child_in_tree(view, directory, name, &n);
	if (status == EMR_OK) {
		n->kernel_refs++;
		tree_attr(n, out_attr);
		is_special = kind_of(n)->has_size;
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_IO)
		rest_tell(view, parent, name);
	if (is_special) /* these nodes live as long as the view */
		learn_size(view, n, out_attr);
	return status;
}

void emr_view_tell(emr_view *view, uint64_t number, const char *name)
{
	if (view->options.changed != NULL)
		view->options.changed(view->options.changed_arg, number, name);
}

void emr_view_tell_entry(emr_view *view, uint64_t directory, const char *name)
{
	emr_view_tell(view, directory, name);
	emr_view_tell(view, directory, NULL);
}

void emr_view_forget(emr_view *view, uint64_t number, uint64_t count)
{
	node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	if (n != NULL) {
		n->kernel_refs -= count < n->kernel_refs ? count : n->kernel_refs;
		tree_release_if_unused(view, n);
	}
}

emr_status emr_view_attr(emr_view *view, uint64_t number, emr_attr *out_attr)
{
	emr_status status = EMR_OK;
	bool is_special;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL)
		tree_attr(n, out_attr);
	else
		status = EMR_NOT_FOUND;
	is_special = n != NULL && kind_of(n)->has_size;
	pthread_mutex_unlock(&view->lock);
	if (is_special)
		learn_size(view, n, out_attr);
	return status;
}

void touch_directory(emr_view *view, node *directory)
{
	edit e = edit_begin(view);

	edit_touch(&e, directory, 0);
	if (edit_commit(&e, NULL) != EMR_OK) /* then the next start does not know them */
		directory->mtime_ns = directory->ctime_ns = view_now_ns(view);
}

static emr_status check_free(emr_view *view, node *directory, const char *name)
{
	emr_status status;
	node *n;

	if (kind_where(directory)->prepare == NULL)
		return tree_child(view, directory, name) != NULL ? EMR_EXISTS : EMR_OK;
	status = kind_where(directory)->child(view, directory, name, &n);
	return status == EMR_NOT_FOUND ? EMR_OK : status == EMR_OK ? EMR_EXISTS : status;
}

/* Puts a new node into the tree and the journal, or leaves neither. */
static emr_status add_new(emr_view *view, node *directory, const char *name, node *n)
{
	emr_status status;
	node_row row;
	edit e;

	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->is_domain =
		n->type == EMR_META_DIR && directory == view->root && view_makes_domains(view);
	n->meta_dirty = true;
	EMR_TRY(tree_attach(view, directory, name, n));
	tree_mark_local(n);
	row = row_of_node(n);
	row.change++;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	edit_touch(&e, directory, 0);
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		tree_detach(view, n);
		return status;
	}
	n->has_row = true;
	if (kind_where(n)->note_made != NULL)
		kind_where(n)->note_made(view, n);
	mark_changed(view, n);
	return EMR_OK;
}

static emr_status make_node(emr_view *view, uint64_t parent, const char *name, emr_meta_type type,
	uint16_t mode, const char *target, node **out_node)
{
	node *directory, *n;
	emr_status status;

	status = find_writable(view, parent, &directory);
	if (status == EMR_OK)
		status = check_new_name(view, directory, name);
	if (status == EMR_OK)
		status = check_free(view, directory, name);
	if (status == EMR_OK && kind_where(directory)->may_make != NULL)
		status = kind_where(directory)->may_make(view, directory, type, name);
	if (status == EMR_OK)
		status = tree_new_node(view, type, emr_id16_random(), 0, &n);
	if (status != EMR_OK)
		return status;
	n->mode = (uint16_t)(mode & MODE_KEPT);
	if (type == EMR_META_SYMLINK && (n->target = strdup(target)) == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = add_new(view, directory, name, n);
	if (status == EMR_OK)
		*out_node = n;
	else
		tree_free_node(view, n);
	return status;
}

static emr_status make_and_take(emr_view *view, uint64_t parent, const char *name,
	emr_meta_type type, uint16_t mode, const char *target, emr_attr *out_attr)
{
	node *n;
	EMR_LOCKED(&view->lock);

	EMR_TRY(make_node(view, parent, name, type, mode, target, &n));
	n->kernel_refs++;
	tree_attr(n, out_attr);
	return EMR_OK;
}

emr_status emr_view_mkdir(
	emr_view *view, uint64_t parent, const char *name, uint16_t mode, emr_attr *out_attr)
{
	return make_and_take(view, parent, name, EMR_META_DIR, mode, NULL, out_attr);
}

emr_status emr_view_symlink(
	emr_view *view, uint64_t parent, const char *name, const char *target, emr_attr *out_attr)
{
	size_t len = strlen(target);

	if (len == 0)
		return EMR_NOT_FOUND;
	if (len > EMR_META_TARGET_MAX)
		return EMR_BAD_NAME;
	return make_and_take(view, parent, name, EMR_META_SYMLINK, 0777, target, out_attr);
}

emr_status emr_view_make(
	emr_view *view, uint64_t parent, const char *name, uint16_t mode, emr_attr *out_attr)
{
	return make_and_take(view, parent, name, EMR_META_FILE, mode, NULL, out_attr);
}

emr_status emr_view_create(emr_view *view, uint64_t parent, const char *name, uint16_t mode,
	int open_flags, emr_attr *out_attr, emr_handle **out_handle)
{
	emr_handle *handle = NULL;
	emr_status status;
	node *n;

	pthread_mutex_lock(&view->lock);
	status = make_node(view, parent, name, EMR_META_FILE, mode, NULL, &n);
	if (status == EMR_OK) {
		n->kernel_refs++;
		status = handle_new(view, n, open_flags, &handle);
		if (status != EMR_OK)
			n->kernel_refs--;
		else
			handle->is_past_cache = !handle->may_read;
		tree_attr(n, out_attr);
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		*out_handle = handle;
	return status;
}

emr_status emr_view_read_link(emr_view *view, uint64_t number, char **out_target)
{
	const node_kind *kind = kind_of_number(view, number);
	emr_status status = kind->follow != NULL ? kind->follow(view, number) : EMR_OK;
	char *copy = NULL;
	node *n;

	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		status = EMR_NOT_FOUND;
	else if (n->type != EMR_META_SYMLINK)
		status = EMR_INVALID;
	else if ((copy = strdup(n->target)) == NULL)
		status = EMR_NO_MEMORY;
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		*out_target = copy;
	return status;
}
