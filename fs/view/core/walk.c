/* This file walks through the names of the open folder, for lists that people read, and finds one
 * by its path. It changes nothing. */
#include "view/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/names.h"

#define PAGE 256

typedef struct found {
	char *name;
	emr_attr attr;
	uint64_t next;
} found;

/* A directory that the walk is in, and one page of it, copied under the view's lock. */
typedef struct emr_walk_level {
	struct emr_walk_level *up;
	char *path;
	uint64_t node, cookie;
	found entries[PAGE];
	size_t n, at; /* AT is the next one */
	bool is_last, out_of_memory;
} level;

static void clear_page(level *l)
{
	while (l->n > 0)
		free(l->entries[--l->n].name);
	l->at = 0;
}

static bool copy_entry(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	level *l = arg;
	char *copy = strdup(name);

	l->out_of_memory = copy == NULL;
	if (copy != NULL)
		l->entries[l->n++] = (found){.name = copy, .attr = *attr, .next = next};
	return copy != NULL && l->n < PAGE;
}

static emr_status read_page(const emr_walk *w, level *l)
{
	clear_page(l);
	EMR_TRY(emr_view_each_entry(w->view, l->node, l->cookie, false, copy_entry, l));
	l->is_last = l->n < PAGE;
	return l->out_of_memory ? EMR_NO_MEMORY : EMR_OK;
}

static emr_status enter(emr_walk *w)
{
	level *l = calloc(1, sizeof *l);

	EMR_TRY_MEMORY(l);
	l->up = w->level;
	l->path = w->path;
	l->node = w->attr.node;
	w->level = l;
	w->path = NULL;
	return EMR_OK;
}

static void leave(emr_walk *w)
{
	level *l = w->level;

	w->level = l->up;
	clear_page(l);
	free(l->path);
	free(l);
}

emr_walk emr_walk_of(emr_view *view, const char *path)
{
	emr_walk w = {.view = view, .path = strdup(path)};

	w.status = w.path != NULL ? emr_view_find(view, path, &w.attr) : EMR_NO_MEMORY;
	w.is_alone = w.status == EMR_OK && w.attr.type != EMR_META_DIR;
	return w;
}

/* False: ENTRY is passed over.  A directory that is made on the fly is no record: shared-by-me. */
static bool stand_at(emr_walk *w, const level *l, const found *entry)
{
	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0 ||
		entry->attr.is_virtual)
		return false;
	w->attr = entry->attr;
	if (asprintf(&w->path, "%s%s%s", l->path, l->path[0] != '\0' ? "/" : "", entry->name) < 0) {
		w->path = NULL;
		w->status = EMR_NO_MEMORY;
	}
	return true;
}

bool emr_walk_next(emr_walk *w)
{
	level *l;

	if (w->is_alone && w->status == EMR_OK) {
		w->is_alone = false;
		return true;
	}
	if (w->status == EMR_OK && w->path != NULL && w->attr.type == EMR_META_DIR)
		w->status = enter(w);
	free(w->path);
	w->path = NULL;
	while (w->status == EMR_OK && (l = w->level) != NULL) {
		if (l->at < l->n) {
			const found *entry = &l->entries[l->at++];

			l->cookie = entry->next;
			if (stand_at(w, l, entry))
				return w->status == EMR_OK;
		} else if (l->is_last) {
			leave(w);
		} else {
			w->status = read_page(w, l);
			/* A directory that went away while we looked is no failure. */
			if (w->status == EMR_NOT_FOUND && l->up != NULL) {
				w->status = EMR_OK;
				leave(w);
			}
		}
	}
	return false;
}

void emr_walk_end(emr_walk *w)
{
	while (w->level != NULL)
		leave(w);
	free(w->path);
}

emr_status emr_attribute_text(emr_view *view, uint64_t node, const char *name, char **out_text)
{
	EMR_AUTO_BUF value = {0};
	char whole[128];

	snprintf(whole, sizeof whole, "user.emrfs.%s", name);
	EMR_TRY(emr_view_get_attribute(view, node, whole, &value));
	EMR_TRY(emr_buf_append(&value, "", 1));
	*out_text = (char *)value.data;
	value = (emr_buf){0};
	return EMR_OK;
}

/* ---- by path ---- */

void emr_found_end(const emr_found *at)
{
	if (at->is_held)
		emr_view_forget(at->view, at->attr.node, 1);
}

emr_status emr_find_anywhere(emr_view *view, const char *path, emr_found *out)
{
	emr_found at = {.view = view};
	char name[EMR_NAME_MAX + 1];
	emr_status status = emr_view_find(view, path, &at.attr);

	if (status != EMR_NOT_FOUND) {
		if (status == EMR_OK)
			*out = at;
		return status;
	}
	status = emr_view_find(view, "", &at.attr);
	while (status == EMR_OK && *path != '\0') {
		emr_found next = {.view = view, .is_held = true};
		size_t len = strcspn(path, "/");

		if (len == 0 || len >= sizeof name) {
			status = EMR_NOT_FOUND;
			break;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		status = emr_view_lookup(view, at.attr.node, name, &next.attr);
		if (status != EMR_OK)
			break;
		emr_found_end(&at);
		at = next;
		path += len + (path[len] == '/');
	}
	if (status == EMR_OK)
		*out = at;
	else
		emr_found_end(&at);
	return status;
}
