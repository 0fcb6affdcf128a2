/* This file answers what a person wants kept on this computer (user.emrfs.keep) and what is
 * here. Without other places everything is here. */
#include "attributes.h"

#include <stdlib.h>
#include <string.h>

#include "ops_file.h"

#define YES "yes"
#define NO "no"

bool keep_is_said(emr_bytes attributes, emr_bytes *out_value)
{
	return emr_xattr_find(attributes, emr_bytes_of(KEEP_KEY, strlen(KEEP_KEY)), out_value) ==
	       EMR_OK;
}

static bool says(const node *n, emr_bytes *out_value)
{
	return keep_is_said(node_attributes(n), out_value);
}

emr_status keep_check(emr_bytes value)
{
	bool is_known = (value.len == strlen(YES) && memcmp(value.data, YES, value.len) == 0) ||
			(value.len == strlen(NO) && memcmp(value.data, NO, value.len) == 0);

	return is_known ? EMR_OK : EMR_INVALID;
}

/* Under view->lock: what holds for N, whoever said so; the folder itself says yes. */
static bool is_wanted(const node *n)
{
	emr_bytes value;

	for (; n != NULL; n = n->parent)
		if (says(n, &value))
			return value.len == strlen(YES);
	return true;
}

bool keep_differs(const node *n, emr_bytes value)
{
	emr_bytes old;

	return !says(n, &old) || !emr_bytes_equal(old, value);
}

emr_status keep_say(const node *n, emr_buf *out)
{
	const char *text = is_wanted(n) ? YES : NO;

	return emr_buf_append(out, text, strlen(text));
}

/* ---- the list ---- */

/* The blocks that the files below one node need. */
typedef struct needing {
	emr_view *view;
	emr_buf roots; /* emr_cid, ... */
	uint64_t bytes;
	bool is_complete;
} needing;

static emr_status note_needed(needing *need, const node *n)
{
	emr_cid root;

	if (!node_is_file(n))
		return EMR_OK;
	need->bytes += n->size;
	if (node_file(n) != NULL && node_file(n)->has_content)
		root = node_file(n)->content->c;
	else if (n->is_published && node_pversion(n) != 0)
		root = node_place(n).root;
	else
		return EMR_OK;
	return emr_buf_append(&need->roots, &root, sizeof root);
}

static emr_status look_for_block(void *arg, const emr_cid *cid)
{
	const needing *need = arg;
	uint64_t bytes;

	return emr_store_size(need->view->options.store, cid, &bytes);
}

static emr_status check_roots(needing *need)
{
	const emr_cid *roots = (const emr_cid *)(const void *)need->roots.data;
	emr_cid missing;

	for (size_t i = 0; i < need->roots.len / sizeof *roots; i++) {
		emr_status status = emr_store_walk(emr_store_blocks(need->view->options.store),
			&roots[i], look_for_block, need, &missing);

		if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
			need->is_complete = false;
		else if (status != EMR_OK)
			return status;
	}
	return EMR_OK;
}

emr_status keep_look(emr_view *view, const emr_buf *roots, bool *out_is_here)
{
	needing need = {.view = view, .roots = *roots, .is_complete = true};

	EMR_TRY(check_roots(&need));
	*out_is_here = need.is_complete;
	return EMR_OK;
}

static emr_status tell_one(emr_view *view, uint64_t number, emr_kept_fn fn, void *arg)
{
	needing need = {.view = view, .is_complete = true};
	emr_kept kept = {0};
	emr_status status = EMR_OK;
	char *path = NULL;
	node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && n->state == NODE_LIVE) {
		path = tree_path(n);
		kept.is_wanted = is_wanted(n);
		status = path != NULL ? EMR_OK : EMR_NO_MEMORY;
		for (const node *at = NULL;
			status == EMR_OK && (at = tree_next_below(n, at)) != NULL;)
			status = note_needed(&need, at);
	}
	pthread_mutex_unlock(&view->lock);
	if (path != NULL && status == EMR_OK)
		status = check_roots(&need);
	kept.path = path;
	kept.bytes = need.bytes;
	kept.is_complete = need.is_complete;
	if (path != NULL && status == EMR_OK)
		status = fn(arg, &kept);
	emr_buf_free(&need.roots);
	free(path);
	return status;
}

/* Under view->lock: PATH itself, and of the whole folder everything that something was said of. */
static emr_status list_said(emr_view *view, const char *path, emr_buf *numbers)
{
	const node *n = tree_find(view, path);
	emr_bytes value;

	if (n == NULL || n->state != NODE_LIVE)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_buf_append(numbers, &n->number, sizeof n->number));
	for (const node *at = n; n == view->root && (at = tree_next_awake(n, at)) != NULL;)
		if (says(at, &value))
			EMR_TRY(emr_buf_append(numbers, &at->number, sizeof at->number));
	return EMR_OK;
}

emr_status keep_each(emr_view *view, const char *path, emr_kept_fn fn, void *arg)
{
	EMR_AUTO_BUF numbers = {0}; /* of what is to be listed */
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = list_said(view, path, &numbers);
	pthread_mutex_unlock(&view->lock);
	EMR_TRY(status);
	EMR_EACH (const uint64_t, number, &numbers)
		EMR_TRY(tell_one(view, *number, fn, arg));
	return EMR_OK;
}
