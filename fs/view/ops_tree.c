/* Names: lookup, listing, making, removing, moving. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "edit.h"
#include "ops_file.h"
#include "ops_tree.h"
#include "past.h"
#include "proofs.h"
#include "special.h"

#define MODE_KEPT 01777u	/* set-id bits mean nothing here and would outlive writes: never kept */

static emr_status find_directory(const emr_view *view, uint64_t number, node **out_node)
{
	node *n = tree_by_number(view, number);

	if (n == NULL || n->state == NODE_GONE)
		return EMR_NOT_FOUND;
	if (n->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	*out_node = n;
	return EMR_OK;
}

/* A directory in which names may be made and removed. */
static emr_status find_writable(const emr_view *view, uint64_t number, node **out_node)
{
	emr_status status = find_directory(view, number, out_node);

	if (status != EMR_OK)
		return status;
	if (view->options.read_only)
		return EMR_READ_ONLY;
	if ((*out_node)->past != NULL || *out_node == view->at_root)
		return EMR_READ_ONLY;
	return (*out_node)->state == NODE_VIRTUAL ? EMR_DENIED : EMR_OK;
}

emr_status check_new_name(const emr_view *view, const node *directory, const char *name)
{
	emr_status status = emr_name_check(name);

	if (status == EMR_OK && directory == view->root && emr_name_is_reserved_at_top(name))
		status = EMR_RESERVED_NAME;
	return status;
}

static node *special_child(const emr_view *view, const node *directory, const char *name)
{
	if (directory == view->root && strcmp(name, ".emrfs") == 0)
		return view->special_root;
	if (directory != view->special_root)
		return NULL;
	if (strcmp(name, "at") == 0)
		return view->at_root;
	for (size_t i = 0; i < view->options.special_count; i++)
		if (strcmp(name, view->options.special_names[i]) == 0)
			return view->special_files[i];
	return NULL;
}

/* A name whose directory is no node of its own until it is asked for: NAME, "" for .emrfs/deleted. */
static bool is_past_top(const emr_view *view, uint64_t parent, const char *name, const char **out_past)
{
	bool is_time = parent == view->at_root->number;

	*out_past = is_time ? name : "";
	return is_time || (parent == view->special_root->number && strcmp(name, "deleted") == 0);
}

/* Of a special file, without view->lock. */
static void learn_size(emr_view *view, node *n, emr_attr *out_attr)
{
	special_learn(view, n);
	pthread_mutex_lock(&view->lock);
	tree_attr(n, out_attr);
	pthread_mutex_unlock(&view->lock);
}

emr_status emr_view_lookup(emr_view *view, uint64_t parent, const char *name, emr_attr *out_attr)
{
	node *directory, *n = NULL;
	const char *past_name;
	bool is_special = false;
	emr_status status;

	if (is_past_top(view, parent, name, &past_name))
		return *name == 0 ? EMR_NOT_FOUND : past_take_top(view, past_name, out_attr);
	pthread_mutex_lock(&view->lock);
	status = past_ready(view, parent);
	if (status == EMR_OK)
		status = find_directory(view, parent, &directory);
	if (status == EMR_OK && directory->past != NULL) {
		status = past_child(view, directory, name, &n);
	} else if (status == EMR_OK && proofs_has(directory)) {
		status = proofs_child(view, directory, name, &n);
	} else if (status == EMR_OK && directory == view->special_root && view->options.make_proof != NULL &&
		strcmp(name, "proof") == 0) {
		status = proofs_top(view, &n);
	} else if (status == EMR_OK) {
		n = special_child(view, directory, name);
		if (n == NULL)
			n = tree_child(view, directory, name);
		status = n == NULL ? EMR_NOT_FOUND : EMR_OK;
	}
	if (status == EMR_OK) {
		n->kernel_refs++;
		tree_attr(n, out_attr);
		is_special = special_has_size(n);
	}
	pthread_mutex_unlock(&view->lock);
	if (is_special)	/* these nodes live as long as the view */
		learn_size(view, n, out_attr);
	return status;
}

void emr_view_forget(emr_view *view, uint64_t number, uint64_t count)
{
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL) {
		n->kernel_refs -= count < n->kernel_refs ? count : n->kernel_refs;
		tree_release_if_unused(view, n);
	}
	pthread_mutex_unlock(&view->lock);
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
	is_special = n != NULL && special_has_size(n);
	pthread_mutex_unlock(&view->lock);
	if (is_special)
		learn_size(view, n, out_attr);
	return status;
}

void touch_directory(emr_view *view, node *directory)
{
	directory->mtime_ns = directory->ctime_ns = view_now_ns(view);
}

/* Puts a new node into the tree and the journal, or leaves neither. */
static emr_status add_new(emr_view *view, node *directory, const char *name, node *n)
{
	emr_status status;
	node_row row;
	edit e;

	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->is_domain = n->type == EMR_META_DIR && directory == view->root;
	n->meta_dirty = true;
	status = tree_attach(view, directory, name, n);
	if (status != EMR_OK)
		return status;
	tree_mark_local(n);
	row = row_of_node(n);
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	status = edit_commit(&e, &n->row_seq);
	if (status != EMR_OK) {
		tree_detach(view, n);
		return status;
	}
	n->has_row = true;
	touch_directory(view, directory);
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
	if (status == EMR_OK && tree_child(view, directory, name) != NULL)
		status = EMR_EXISTS;
	if (status == EMR_OK)
		status = tree_new_node(view, type, emr_id16_random(), 0, &n);
	if (status != EMR_OK)
		return status;
	n->mode = (uint16_t)(mode & MODE_KEPT);
	if (target != NULL && (n->target = strdup(target)) == NULL)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = add_new(view, directory, name, n);
	if (status != EMR_OK) {
		tree_free_node(view, n);
		return status;
	}
	*out_node = n;
	return EMR_OK;
}

static emr_status make_and_take(emr_view *view, uint64_t parent, const char *name, emr_meta_type type,
	uint16_t mode, const char *target, emr_attr *out_attr)
{
	emr_status status;
	node *n;

	pthread_mutex_lock(&view->lock);
	status = make_node(view, parent, name, type, mode, target, &n);
	if (status == EMR_OK) {
		n->kernel_refs++;
		tree_attr(n, out_attr);
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_mkdir(emr_view *view, uint64_t parent, const char *name, uint16_t mode,
	emr_attr *out_attr)
{
	return make_and_take(view, parent, name, EMR_META_DIR, mode, NULL, out_attr);
}

emr_status emr_view_symlink(emr_view *view, uint64_t parent, const char *name, const char *target,
	emr_attr *out_attr)
{
	size_t len = strlen(target);

	if (len == 0)
		return EMR_NOT_FOUND;
	if (len > EMR_META_TARGET_MAX)
		return EMR_BAD_NAME;
	return make_and_take(view, parent, name, EMR_META_SYMLINK, 0777, target, out_attr);
}

emr_status emr_view_make(emr_view *view, uint64_t parent, const char *name, uint16_t mode,
	emr_attr *out_attr)
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
		tree_attr(n, out_attr);
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		*out_handle = handle;
	return status;
}

emr_status emr_view_read_link(emr_view *view, uint64_t number, char **out_target)
{
	emr_status status = EMR_OK;
	char *copy = NULL;
	node *n;

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
	if (n->file != NULL && n->file->has_content)
		edit_unpin(e, &n->file->content->c, n->id);
}

void finish_remove(emr_view *view, node *n, vacated *v)
{
	node *directory = n->parent;

	note_dead(view, n);
	if (v != NULL)
		vacated_add(view, v);
	tree_detach(view, n);
	tree_forget_id(view, n);
	touch_directory(view, directory);
	n->ctime_ns = directory->ctime_ns;
	n->has_row = false;
	n->is_published_gone = n->is_published;
	n->is_published = false;
	tree_release_if_unused(view, n);
}

static emr_status remove_node(emr_view *view, node *n)
{
	vacated *v;
	emr_status status;
	edit e = edit_begin(view);

	edit_remove(&e, n, &v);
	status = edit_commit(&e, NULL);
	if (status != EMR_OK) {
		free(v);
		return status;
	}
	finish_remove(view, n, v);
	return EMR_OK;
}

static emr_status find_child(const emr_view *view, uint64_t parent, const char *name, node **out_node)
{
	node *directory, *n;
	emr_status status;

	status = find_writable(view, parent, &directory);
	if (status != EMR_OK)
		return status;
	n = tree_child(view, directory, name);
	if (n == NULL)
		return special_child(view, directory, name) != NULL ? EMR_DENIED : EMR_NOT_FOUND;
	*out_node = n;
	return EMR_OK;
}

emr_status emr_view_unlink(emr_view *view, uint64_t parent, const char *name)
{
	emr_status status;
	node *n;

	pthread_mutex_lock(&view->lock);
	status = find_child(view, parent, name, &n);
	if (status == EMR_OK && n->type == EMR_META_DIR)
		status = EMR_IS_DIRECTORY;
	if (status == EMR_OK)
		status = remove_node(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_rmdir(emr_view *view, uint64_t parent, const char *name)
{
	emr_status status;
	node *n;

	pthread_mutex_lock(&view->lock);
	status = find_child(view, parent, name, &n);
	if (status == EMR_OK && n->type != EMR_META_DIR)
		status = EMR_NOT_DIRECTORY;
	if (status == EMR_OK && node_has_kids(n))
		status = EMR_NOT_EMPTY;
	if (status == EMR_OK && n->is_inbox)
		status = EMR_DENIED;
	if (status == EMR_OK)
		status = remove_node(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- moving ---- */

/* What domain and id N will have as a child of DIRECTORY. */
static void plan_domain(const emr_view *view, const node *n, const node *directory, node_row *row)
{
	bool is_root_object = n->is_published && emr_id16_equal(n->place.object, n->place.domain);
	bool is_domain = n->type == EMR_META_DIR && (directory == view->root || is_root_object);
	emr_id16 domain = tree_domain(directory);
	bool stays = is_domain ? is_root_object : emr_id16_equal(n->place.domain, domain);

	row->flags = (uint16_t)((row->flags & ~ROW_IS_DOMAIN) | (is_domain ? ROW_IS_DOMAIN : 0));
	if (!n->is_published || stays)
		row->next_id = (emr_id16){ { 0 } };
	else if (emr_id16_is_zero(row->next_id))
		row->next_id = emr_id16_random();
}

static emr_status check_move(const node *n, const node *directory, const node *target)
{
	if (n->is_inbox)
		return EMR_DENIED;
	if (n->type == EMR_META_DIR && tree_is_below(directory, n))
		return EMR_CROSS;
	if (target == NULL)
		return EMR_OK;
	if (target->is_inbox)
		return EMR_DENIED;
	if (n->type == EMR_META_DIR && target->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	if (n->type != EMR_META_DIR && target->type == EMR_META_DIR)
		return EMR_IS_DIRECTORY;
	return node_has_kids(target) ? EMR_NOT_EMPTY : EMR_OK;
}

static node_row moved_row(const emr_view *view, const node *n, const node *directory,
	const char *name, int64_t now_ns)
{
	node_row row = row_of_node(n);

	row.parent = directory->id;
	row.name = emr_bytes_of(name, strlen(name));
	row.ctime_ns = now_ns;
	row.change++;
	row.flags |= ROW_META_DIRTY;
	plan_domain(view, n, directory, &row);
	return row;
}

/* Remembers where N was published before it goes elsewhere. */
static emr_status remember_former(node *n)
{
	if (!n->is_published || n->was != NULL)
		return EMR_OK;
	n->was = calloc(1, sizeof *n->was);
	if (n->was == NULL)
		return EMR_NO_MEMORY;
	n->was->directory = n->parent->id;
	memcpy(n->was->name, n->name, strlen(n->name) + 1);
	return EMR_OK;
}

/* The journal has ROW: the tree follows. */
static void finish_move(emr_view *view, node *n, const node_row *row)
{
	n->ctime_ns = row->ctime_ns;
	n->is_domain = (row->flags & ROW_IS_DOMAIN) != 0;
	n->next_id = row->next_id;
	n->lost_parent = (emr_id16){ { 0 } };
	n->meta_dirty = true;
	n->has_row = true;
	if (n->was != NULL && strcmp(n->was->name, n->name) == 0 &&
		emr_id16_equal(n->was->directory, n->parent->id)) {
		free(n->was);
		n->was = NULL;
	}
	tree_mark_local(n);
	mark_changed(view, n);
	if (n->type == EMR_META_DIR)
		requeue_below(view, n);
}

/* Memory is asked for before the journal is told: what the journal has, the tree can follow. */
static emr_status move_over(emr_view *view, node *n, node *directory, const char *name, node *target)
{
	vacated *v = NULL;
	node *from = n->parent;
	node_row row = moved_row(view, n, directory, name, view_now_ns(view));
	char *copy = NULL;
	emr_status status = remember_former(n);
	edit e;

	if (status == EMR_OK)
		status = tree_prepare(view, directory, name, &copy);
	if (status != EMR_OK)
		return status;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	if (target != NULL)
		edit_remove(&e, target, &v);
	status = edit_commit(&e, &n->row_seq);
	if (status != EMR_OK) {
		free(v);
		free(copy);
		return status;
	}
	if (target != NULL)
		finish_remove(view, target, v);
	tree_move(view, n, directory, copy);
	touch_directory(view, from);
	touch_directory(view, directory);
	finish_move(view, n, &row);
	return EMR_OK;
}

/* The journal's half of an exchange. */
static emr_status commit_exchange(emr_view *view, node *a, node *b, const node_row *row_a,
	const node_row *row_b)
{
	edit e = edit_begin(view);
	emr_status status;

	edit_put(&e, a->id, row_a);
	edit_put(&e, b->id, row_b);
	status = edit_commit(&e, &a->row_seq);
	if (status == EMR_OK)
		b->row_seq = a->row_seq;
	return status;
}

static emr_status exchange(emr_view *view, node *a, node *b)
{
	node *dir_a = a->parent, *dir_b = b->parent;
	char *name_of_a = NULL, *name_of_b = NULL;
	node_row row_a, row_b;
	emr_status status;

	if (a->is_inbox || b->is_inbox)
		return EMR_DENIED;
	if (tree_is_below(dir_b, a) || tree_is_below(dir_a, b))
		return EMR_CROSS;
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
	touch_directory(view, dir_a);
	touch_directory(view, dir_b);
	finish_move(view, a, &row_a);
	finish_move(view, b, &row_b);
	return EMR_OK;
}

static emr_status rename_locked(emr_view *view, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned flags)
{
	node *n, *directory, *target;
	emr_status status;

	status = find_child(view, parent, name, &n);
	if (status == EMR_OK)
		status = find_writable(view, new_parent, &directory);
	if (status == EMR_OK)
		status = check_new_name(view, directory, new_name);
	if (status != EMR_OK)
		return status;
	target = tree_child(view, directory, new_name);
	if (flags == EMR_RENAME_EXCHANGE)
		return target == NULL ? EMR_NOT_FOUND : target == n ? EMR_OK : exchange(view, n, target);
	if (target == n)
		return flags == EMR_RENAME_NO_REPLACE ? EMR_EXISTS : EMR_OK;
	if (target != NULL && flags == EMR_RENAME_NO_REPLACE)
		return EMR_EXISTS;
	status = check_move(n, directory, target);
	return status == EMR_OK ? move_over(view, n, directory, new_name, target) : status;
}

/* Bytes that only this process has must be in the operating system's hands before their name replaces another:
 * otherwise kill -9 would leave neither the old content nor the new. */
static emr_status hand_out_child(emr_view *view, uint64_t parent, const char *name)
{
	node *directory, *n = NULL;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = find_directory(view, parent, &directory);
	if (status == EMR_OK)
		n = tree_child(view, directory, name);
	if (n == NULL || n->file == NULL || n->file->wrote == n->file->handed) {
		pthread_mutex_unlock(&view->lock);
		return EMR_OK;
	}
	n->opens++;
	pthread_mutex_unlock(&view->lock);
	status = file_hand_out(view, n);
	pthread_mutex_lock(&view->lock);
	n->opens--;
	tree_release_if_unused(view, n);
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_rename(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned flags)
{
	emr_status status;

	if (flags != 0 && flags != EMR_RENAME_NO_REPLACE && flags != EMR_RENAME_EXCHANGE)
		return EMR_INVALID;
	status = hand_out_child(view, parent, name);
	if (status == EMR_OK && flags == EMR_RENAME_EXCHANGE)
		status = hand_out_child(view, new_parent, new_name);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	status = rename_locked(view, parent, name, new_parent, new_name, flags);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- listing ---- */

static bool give(node *n, const char *name, uint64_t next, bool take, emr_entry_fn fn, void *arg)
{
	emr_attr attr;

	tree_attr(n, &attr);
	if (!fn(arg, name, &attr, next))
		return false;
	if (take)
		n->kernel_refs++;
	return true;
}

#define SPECIAL_AT (EMR_SPECIAL_MAX + 3)
#define SPECIAL_DELETED (EMR_SPECIAL_MAX + 4)
#define SPECIAL_PROOFS (EMR_SPECIAL_MAX + 5)

/* Gets its node when it is looked up. */
static bool give_directory(const char *name, uint64_t cookie, emr_entry_fn fn, void *arg)
{
	const emr_attr attr = { .ino = cookie, .type = EMR_META_DIR, .mode = 0500, .nlink = 2,
		.size_bytes = 4096, .is_virtual = true };

	return fn(arg, name, &attr, cookie);
}

static void list_special(emr_view *view, uint64_t cookie, bool take, emr_entry_fn fn, void *arg)
{
	for (size_t i = 0; i < view->options.special_count; i++)
		if (i + 3 > cookie && !give(view->special_files[i], view->options.special_names[i],
			i + 3, take, fn, arg))
			return;
	if (cookie < SPECIAL_AT && !give(view->at_root, "at", SPECIAL_AT, take, fn, arg))
		return;
	if (cookie < SPECIAL_DELETED && !give_directory("deleted", SPECIAL_DELETED, fn, arg))
		return;
	if (cookie < SPECIAL_PROOFS && view->options.make_proof != NULL)
		give_directory("proof", SPECIAL_PROOFS, fn, arg);
}

static void list_directory(emr_view *view, node *n, uint64_t cookie, bool take, emr_entry_fn fn,
	void *arg)
{
	node *parent = n->parent != NULL ? n->parent : n == view->special_root ? view->root
		: n == view->at_root ? view->special_root : n;

	if (cookie < 1 && !give(n, ".", 1, false, fn, arg))
		return;
	if (cookie < 2 && !give(parent, "..", 2, false, fn, arg))
		return;
	if (proofs_has(n)) {
		proofs_list(view, n, cookie, fn, arg);
		return;
	}
	if (n == view->special_root) {
		list_special(view, cookie, take, fn, arg);
		return;
	}
	if (n == view->at_root || n->past != NULL) {
		if (n->past != NULL)
			past_list(view, n, cookie, take, fn, arg);
		else
			past_list_days(view, cookie, fn, arg);
		return;
	}
	for (node *kid = tree_next_kid(n, cookie < 2 ? 2 : cookie); kid != NULL;
		kid = tree_next_kid(n, kid->cookie))
		if (!give(kid, kid->name, kid->cookie, take, fn, arg))
			return;
}

emr_status emr_view_each_entry(emr_view *view, uint64_t number, uint64_t cookie, bool take,
	emr_entry_fn fn, void *arg)
{
	emr_status status = number == view->at_root->number ? past_learn_days(view) : EMR_OK;
	node *n;

	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	status = past_ready(view, number);
	n = tree_by_number(view, number);
	if (status == EMR_OK && n == NULL)
		status = EMR_NOT_FOUND;
	else if (status == EMR_OK && n->type != EMR_META_DIR)
		status = EMR_NOT_DIRECTORY;
	else if (status == EMR_OK && n->state != NODE_GONE)
		list_directory(view, n, cookie, take, fn, arg);
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- finding ---- */

emr_status emr_view_find(emr_view *view, const char *path, emr_attr *out_attr)
{
	const node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_find(view, path);
	if (n != NULL)
		tree_attr(n, out_attr);
	pthread_mutex_unlock(&view->lock);
	return n != NULL ? EMR_OK : EMR_NOT_FOUND;
}

emr_status emr_view_path(emr_view *view, uint64_t number, char **out_path)
{
	emr_status status = EMR_NOT_FOUND;
	char *path;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && n->state == NODE_LIVE) {
		path = tree_path(n);
		status = path == NULL ? EMR_NO_MEMORY : EMR_OK;
		if (status == EMR_OK)
			*out_path = path;
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}
