/* This file tells which blocks of what others share are on this computer. They are sealed as they
 * came; each opening asks for its key all the same. It fetches none of them. */
#include <string.h>

#include "attributes.h"
#include "edit.h"
#include "shared_place.h"

static bool shared_is_path(const char *path)
{
	size_t len = strlen(SHARED_DIRECTORY);

	return strncmp(path, SHARED_DIRECTORY, len) == 0 && (path[len] == 0 || path[len] == '/');
}

typedef struct counting {
	emr_buf roots;
	uint64_t bytes;
	bool is_known; /* every name that matters has been read */
} counting;

static bool is_below(const shared_tree *tree, uint32_t entry, uint32_t top)
{
	while (entry != top && entry != FLAT_TOP)
		entry = tree->names.places[entry].parent;
	return entry == top;
}

/* Under view->lock, as the next ones: ENTRY of S, what is below it, and the shares that lie there.
 */
static emr_status count_entry(const shared_share *s, uint32_t entry, counting *c)
{
	emr_status status = EMR_OK;

	for (uint32_t i = 0; i < s->tree->names.count && status == EMR_OK; i++) {
		const shared_entry *e = &s->tree->entries[i];

		if (!is_below(s->tree, i, entry) || e->pversion == 0 || e->type != EMR_META_FILE)
			continue;
		c->bytes += e->size;
		status = emr_buf_append(&c->roots, &e->root, sizeof e->root);
	}
	for (const shared_share *i = s->owner->shares; i != NULL && status == EMR_OK;
		i = i->next_of_owner) {
		shared_spot spot;

		if (shared_spot_of(i, &spot) && spot.outer == s &&
			is_below(s->tree, spot.entry, entry))
			status = count_entry(i, FLAT_TOP, c);
	}
	return status;
}

static emr_status count_share(const shared_share *s, counting *c)
{
	if (s->phase != SHARED_OPEN)
		return EMR_OK;
	c->is_known = c->is_known && s->tree != NULL;
	return s->tree != NULL ? count_entry(s, FLAT_TOP, c) : EMR_OK;
}

static emr_status count_at(emr_view *view, const shared_at *at, counting *c)
{
	emr_status status = EMR_OK;

	if (at->level == SHARED_RECORD && at->entry != FLAT_NONE)
		return count_entry(at->share, at->entry, c);
	if (at->level == SHARED_RECORD)
		return count_share(at->share, c);
	for (const shared_share *s = view->shares->all; s != NULL && status == EMR_OK;
		s = s->next) {
		shared_spot spot;

		if (at->level == SHARED_NOTE ||
			(at->level == SHARED_OWNER && s->owner != at->owner) ||
			shared_spot_of(s, &spot))
			continue;
		status = count_share(s, c);
	}
	return status;
}

/* The node of PATH, as far as names have been read; EMR_BUSY beyond that. */
static emr_status find_node(emr_view *view, const char *path, node **out_node)
{
	const char *at = path + strlen(SHARED_DIRECTORY);
	node *n = NULL;
	emr_status status = shared_top(view, &n);

	while (status == EMR_OK && *at == '/') {
		size_t len = strcspn(at + 1, "/");
		char name[EMR_NAME_MAX + 1];
		node *kid = NULL;

		if (len == 0 || len > EMR_NAME_MAX || !shared_has(n)) {
			status = EMR_NOT_FOUND;
			break;
		}
		memcpy(name, at + 1, len);
		name[len] = 0;
		status = shared_child(view, n, name, &kid);
		shared_release_if_unused(view, n);
		n = kid;
		at += len + 1;
	}
	if (status == EMR_OK)
		*out_node = n;
	return status;
}

static emr_status shared_kept(emr_view *view, const char *path, emr_kept_fn fn, void *arg)
{
	emr_kept kept = {.path = path, .is_wanted = true};
	counting c = {.is_known = true};
	emr_status status;
	node *n = NULL;

	if (view->shares == NULL)
		return EMR_NOT_FOUND;
	pthread_mutex_lock(&view->lock);
	status = find_node(view, path, &n);
	if (status == EMR_OK && shared_has(n)) {
		status = count_at(view, n->shared, &c);
		shared_release_if_unused(view, n);
	} else if (status == EMR_BUSY) {
		c.is_known = false;
		status = EMR_OK;
	} else if (status == EMR_OK) {
		status = EMR_NOT_FOUND;
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		status = keep_look(view, &c.roots, &kept.is_complete);
	kept.is_complete = kept.is_complete && c.is_known;
	kept.bytes = c.bytes;
	emr_buf_free(&c.roots);
	return status == EMR_OK ? fn(arg, &kept) : status;
}

emr_status emr_view_each_kept(emr_view *view, const char *path, emr_kept_fn fn, void *arg)
{
	return shared_is_path(path) ? shared_kept(view, path, fn, arg)
				    : keep_each(view, path, fn, arg);
}
