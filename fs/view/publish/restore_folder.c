/* This file brings back a deleted folder: each of its files that is gone, one after the other,
 * and its empty directories. One file that cannot come back does not keep the others away. */
#include "restore_private.h"

#include <stdlib.h>
#include <string.h>

#include "tree.h"

typedef struct folder {
	emr_view *view;
	uint64_t until_unix_s;
	past_tree *tree, *then; /* THEN: the folder as of a time that was said; else NULL */
	emr_restored_fn fn;
	void *arg;
	char *path; /* of what is being brought back; owned */
	size_t room;
} folder;

/* For a path of LEN bytes and two more. */
static emr_status reserve_path(folder *f, size_t len)
{
	size_t room = len + EMR_NAME_MAX + 2;
	char *grown;

	if (len + 2 <= f->room)
		return EMR_OK;
	grown = realloc(f->path, room);
	EMR_TRY_MEMORY(grown);
	f->path = grown;
	f->room = room;
	return EMR_OK;
}

static bool is_in_folder(emr_view *view, const char *path)
{
	EMR_LOCKED(&view->lock);

	return tree_find(view, path) != NULL;
}

static bool was_directory_then(const folder *f)
{
	uint32_t entry = f->then != NULL ? flat_find(&f->then->names, f->path) : FLAT_NONE;

	return f->then == NULL ||
	       (entry != FLAT_NONE && f->then->entries[entry].type == EMR_META_DIR);
}

/* Under view->lock. */
static emr_status make_directories(restoring *r)
{
	node *directory;
	const char *name;

	if (r->view->options.read_only)
		return EMR_READ_ONLY;
	EMR_TRY(restore_find_parent(r, r->what->path, &directory, &name));
	r->parent = directory->number;
	return EMR_OK;
}

/* Nothing that came back lies in it, or it would be there. */
static emr_status restore_directory(folder *f, size_t len)
{
	const emr_restore what = {.path = f->path};
	const emr_restored restored = {.is_directory = true};
	restoring *r;
	emr_status status;

	if (is_in_folder(f->view, f->path) || !was_directory_then(f))
		return EMR_OK;
	r = calloc(1, sizeof *r);
	EMR_TRY_MEMORY(r);
	r->view = f->view;
	r->what = &what;
	r->tree = r->lent = f->tree;
	memcpy(f->path + len, "/", 2); /* all of its names are of directories */
	status = restore_fetch_directories(r);
	pthread_mutex_lock(&r->view->lock);
	if (status == EMR_OK)
		status = make_directories(r);
	pthread_mutex_unlock(&r->view->lock);
	if (status == EMR_OK)
		restore_tell_kernel(r);
	f->path[len] = '\0';
	restore_end(r);
	return f->fn(f->arg, f->path, status, &restored);
}

/* Of directory ENTRY, which f->path names, LEN bytes. */
static emr_status restore_below(folder *f, uint32_t entry, size_t len)
{
	const flat_place *places = f->tree->names.places, *directory = &places[entry];
	emr_status status = EMR_OK;

	for (uint32_t i = 0; i < directory->nkids && status == EMR_OK; i++) {
		uint32_t number = directory->first_kid + i;
		const past_entry *kid = &f->tree->entries[number];
		size_t name = strlen(places[number].name), at = len + (len > 0);

		status = reserve_path(f, at + name);
		if (status != EMR_OK)
			return status;
		if (len > 0)
			f->path[len] = '/';
		memcpy(f->path + at, places[number].name, name + 1);
		if (kid->type == EMR_META_DIR)
			status = restore_below(f, number, at + name);
		else if (kid->is_gone) {
			const emr_restore what = {.path = f->path, .until_unix_s = f->until_unix_s};
			emr_restored restored = {0};

			/* FN has the last word: one file that cannot come back does not keep the
			 * others away. */
			status = restore_one(f->view, &what, f->tree, &restored);
			status = f->fn(f->arg, f->path, status, &restored);
		}
		f->path[len] = '\0';
	}
	return status == EMR_OK && f->tree->entries[entry].is_gone ? restore_directory(f, len)
								   : status;
}

emr_status emr_view_restore_folder(
	emr_view *view, const emr_restore *what, emr_restored_fn fn, void *arg)
{
	folder f = {.view = view, .until_unix_s = what->until_unix_s, .fn = fn, .arg = arg};
	size_t len = strlen(what->path);
	uint32_t entry;
	emr_status status;

	if (what->to != NULL || what->cver != 0)
		return EMR_INVALID;
	restore_publish_first(view);
	if (is_in_folder(view, what->path))
		return EMR_IS_DIRECTORY;
	status = past_tree_build(view, UINT64_MAX, PAST_DELETED_WITH_EMPTY, &f.tree);
	if (status == EMR_OK && what->until_unix_s != 0)
		status = past_tree_build(view, what->until_unix_s, PAST_ALL, &f.then);
	if (status == EMR_OK)
		status = reserve_path(&f, len);
	if (status != EMR_OK) {
		past_tree_free(f.tree);
		past_tree_free(f.then);
		return status;
	}
	entry = flat_find(&f.tree->names, what->path);
	memcpy(f.path, what->path, len + 1);
	status = entry != FLAT_NONE && f.tree->entries[entry].type == EMR_META_DIR
			 ? restore_below(&f, entry, len)
			 : EMR_NOT_FOUND;
	past_tree_free(f.tree);
	past_tree_free(f.then);
	free(f.path);
	restore_publish_first(view);
	return status;
}
