/* This file puts names in directories into one array: it finds each a place, tells equal names
 * apart, and looks names up again. */
#include "flat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "view/names.h"

char *flat_text(emr_bytes text)
{
	char *copy = malloc(text.len + 1);

	if (copy != NULL && text.len > 0)
		memcpy(copy, text.data, text.len);
	if (copy != NULL)
		copy[text.len] = 0;
	return copy;
}

emr_status flat_rename(flat_item *item, const char *name)
{
	char *copy = strdup(name);

	EMR_TRY_MEMORY(copy);
	free(item->name);
	item->name = copy;
	item->is_renamed = true;
	return EMR_OK;
}

void flat_open_circles(flat_item *const *items, size_t n, flat_item *top)
{
	top->up = top;
	top->is_settled = true;
	for (size_t i = 0; i < n; i++) {
		flat_item *at = items[i];

		while (!at->is_settled && at->walk != i + 1) {
			at->walk = i + 1;
			at = at->up;
		}
		if (!at->is_settled)
			at->up = top;
		for (at = items[i]; !at->is_settled; at = at->up)
			at->is_settled = true;
	}
}

/* ---- names ---- */

typedef int (*first_fn)(const flat_item *a, const flat_item *b);

static int by_name(const void *a, const void *b, void *is_first)
{
	const flat_item *x = *(flat_item *const *)a, *y = *(flat_item *const *)b;
	int order;

	if (x->up != y->up)
		return x->up < y->up ? -1 : 1;
	order = strcmp(x->name, y->name);
	return order != 0 ? order : (*(first_fn *)is_first)(x, y);
}

static emr_status add_code(flat_item *item, size_t digits)
{
	char code[27], name[EMR_NAME_MAX + 1];

	emr_base32(item->object.b, sizeof item->object.b, code);
	emr_name_with_code(item->name, code, digits, name);
	return flat_rename(item, name);
}

/* In order of directories and names, until no directory has two equal ones. */
static emr_status tell_apart(flat_item **items, size_t n, first_fn is_first)
{
	for (size_t digits = 4; digits <= 26; digits += 2) {
		bool again = false;

		qsort_r(items, n, sizeof *items, by_name, &is_first);
		for (size_t i = n; i-- > 1;) {
			if (items[i]->up != items[i - 1]->up ||
				strcmp(items[i]->name, items[i - 1]->name) != 0)
				continue;
			again = true;
			EMR_TRY(add_code(items[i], digits));
		}
		if (!again)
			return EMR_OK;
	}
	return EMR_OK;
}

/* ---- building ---- */

static void take_name(flat_place *place, flat_item *item)
{
	place->name = item->name;
	item->name = NULL;
}

emr_status flat_build(
	flat_item *top, flat_item **items, size_t n, first_fn is_first, flat_tree *out)
{
	emr_status status = n > 0 ? tell_apart(items, n, is_first) : EMR_OK;

	*out = (flat_tree){0};
	if (status != EMR_OK)
		return status;
	out->places = calloc(n + 1, sizeof *out->places);
	EMR_TRY_MEMORY(out->places);
	out->count = n + 1;
	top->place = FLAT_TOP;
	take_name(&out->places[FLAT_TOP], top);
	for (size_t i = 0; i < n; i++)
		items[i]->place = (uint32_t)(i + 1);
	for (size_t i = 0; i < n; i++) {
		flat_place *up = &out->places[items[i]->up->place];

		take_name(&out->places[i + 1], items[i]);
		out->places[i + 1].parent = items[i]->up->place;
		if (up->nkids++ == 0)
			up->first_kid = items[i]->place;
	}
	return EMR_OK;
}

void flat_free(flat_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->places[i].name);
	free(tree->places);
	*tree = (flat_tree){0};
}

/* ---- looking ---- */

uint32_t flat_child(const flat_tree *tree, uint32_t directory, const char *name)
{
	uint32_t low = tree->places[directory].first_kid,
		 high = low + tree->places[directory].nkids;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = strcmp(name, tree->places[mid].name);

		if (order == 0)
			return mid;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return FLAT_NONE;
}

uint32_t flat_find(const flat_tree *tree, const char *path)
{
	char name[EMR_NAME_MAX + 1];
	uint32_t entry = FLAT_TOP;

	while (*path != 0 && entry != FLAT_NONE) {
		size_t len = strcspn(path, "/");

		if (len > EMR_NAME_MAX)
			return FLAT_NONE;
		memcpy(name, path, len);
		name[len] = 0;
		entry = flat_child(tree, entry, name);
		path += len + (path[len] == '/');
	}
	return entry;
}

char *flat_path(const flat_tree *tree, uint32_t entry)
{
	char *path = strdup(""), *longer;

	for (uint32_t i = entry; path != NULL && i != FLAT_TOP; i = tree->places[i].parent) {
		if (asprintf(&longer, "%s%s%s", tree->places[i].name, path[0] != 0 ? "/" : "",
			    path) < 0)
			longer = NULL;
		free(path);
		path = longer;
	}
	return path;
}
