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

/* One page of a directory, copied under the view's lock. */
typedef struct page {
	found *entries;
	size_t n;
	bool out_of_memory;
} page;

static void page_free(page *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->entries[i].name);
	free(p->entries);
}

static bool copy_entry(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	page *p = arg;
	char *copy = strdup(name);

	if (copy == NULL) {
		p->out_of_memory = true;
		return false;
	}
	p->entries[p->n++] = (found){.name = copy, .attr = *attr, .next = next};
	return p->n < PAGE;
}

typedef struct walk {
	emr_view *view;
	emr_walk_fn fn;
	void *arg;
	bool ended;
} walk;

static emr_status walk_directory(walk *w, const char *path, uint64_t node);

static emr_status visit_entry(walk *w, const char *path, const found *entry)
{
	EMR_AUTO_FREE char *whole = NULL;
	emr_status status = EMR_OK;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return EMR_OK;
	/* A directory that is made on the fly is no record: shared-by-me. */
	if (entry->attr.is_virtual)
		return EMR_OK;
	if (asprintf(&whole, "%s%s%s", path, path[0] != '\0' ? "/" : "", entry->name) < 0) {
		whole = NULL;
		return EMR_NO_MEMORY;
	}
	w->ended = !w->fn(w->arg, whole, &entry->attr);
	if (!w->ended && entry->attr.type == EMR_META_DIR)
		status = walk_directory(w, whole, entry->attr.node);
	/* A directory that went away while we looked is no failure. */
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status walk_directory(walk *w, const char *path, uint64_t node)
{
	uint64_t cookie = 0;
	emr_status status = EMR_OK;

	while (status == EMR_OK && !w->ended) {
		page p = {.entries = calloc(PAGE, sizeof(found))};
		bool is_last;

		if (p.entries == NULL)
			return EMR_NO_MEMORY;
		status = emr_view_each_entry(w->view, node, cookie, false, copy_entry, &p);
		if (status == EMR_OK && p.out_of_memory)
			status = EMR_NO_MEMORY;
		is_last = p.n < PAGE;
		for (size_t i = 0; i < p.n && status == EMR_OK && !w->ended; i++) {
			status = visit_entry(w, path, &p.entries[i]);
			cookie = p.entries[i].next;
		}
		page_free(&p);
		if (is_last)
			break;
	}
	return status;
}

emr_status emr_walk(emr_view *view, const char *path, emr_walk_fn fn, void *arg)
{
	walk w = {.view = view, .fn = fn, .arg = arg};
	emr_attr attr;

	EMR_TRY(emr_view_find(view, path, &attr));
	if (attr.type == EMR_META_DIR)
		return walk_directory(&w, path, attr.node);
	fn(arg, path, &attr);
	return EMR_OK;
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
