/* This file keeps the names in `.emrfs/requests`, one made file for each request for access that
 * waits. When requests come or go, it tells the kernel, so that file managers show the change at
 * once. */
#include "given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "node.h"
#include "tree.h"

static view_letter *find(const emr_view *view, const char *name)
{
	for (size_t i = 0; i < view->given->n_letters; i++)
		if (strcmp(view->given->letters[i].name, name) == 0)
			return &view->given->letters[i];
	return NULL;
}

static emr_status letters_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	const view_letter *letter = find(view, name);

	(void)directory;
	if (letter == NULL || !letter->is_there)
		return EMR_NOT_FOUND;
	*out_node = letter->node;
	return EMR_OK;
}

static emr_status letters_list(emr_view *view, node *directory, lister *l)
{
	(void)directory;
	for (size_t i = l->cookie < 2 ? 0 : (size_t)(l->cookie - 2);
		i < view->given->n_letters && !l->is_over; i++)
		if (view->given->letters[i].is_there)
			(void)kind_give(l, view->given->letters[i].node,
				view->given->letters[i].name, i + 3);
	return EMR_OK;
}

const node_kind letters_folder_kind = {
	.refuses = EMR_DENIED, .child = letters_child, .list = letters_list};

/* EMR_NOT_FOUND: it has gone meanwhile. */
static emr_status letters_make(emr_view *view, const node *n, emr_buf *out)
{
	char name[sizeof LETTERS_FOLDER + EMR_NAME_MAX + 1];
	bool is_there = false;

	pthread_mutex_lock(&view->lock);
	for (size_t i = 0; i < view->given->n_letters && !is_there; i++) {
		is_there = view->given->letters[i].node == n && view->given->letters[i].is_there;
		if (is_there)
			snprintf(name, sizeof name, LETTERS_FOLDER "/%s",
				view->given->letters[i].name);
	}
	pthread_mutex_unlock(&view->lock);
	return is_there ? view->options.make_special(view->options.special_arg, name, out)
			: EMR_NOT_FOUND;
}

static const node_kind letter_kind = {
	.refuses = EMR_DENIED, .is_shown = true, .has_size = true, .make = letters_make};

void letters_free(emr_view *view)
{
	for (size_t i = 0; i < view->given->n_letters; i++)
		free(view->given->letters[i].name);
	free(view->given->letters);
}

/* ---- new names ---- */

static emr_status add(emr_view *view, const char *name)
{
	view_letter *grown = realloc(
			    view->given->letters, (view->given->n_letters + 1) * sizeof *grown),
		    *letter;
	emr_status status;

	EMR_TRY_MEMORY(grown);
	view->given->letters = grown;
	letter = &grown[view->given->n_letters];
	*letter = (view_letter){.name = strdup(name), .is_there = true};
	EMR_TRY_MEMORY(letter->name);
	status = tree_new_node(view, EMR_META_FILE, emr_id16_random(), 0, &letter->node);
	if (status != EMR_OK) {
		free(letter->name);
		return status;
	}
	letter->node->state = NODE_VIRTUAL;
	letter->node->kind = &letter_kind;
	letter->node->mode = 0400;
	letter->node->mtime_ns = letter->node->ctime_ns = view_now_ns(view);
	view->given->n_letters++;
	return EMR_OK;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Says in letters[].has_changed which names came or went. */
static emr_status take_names(emr_view *view, const char *const *names, size_t n)
{
	for (size_t i = 0; i < view->given->n_letters; i++) {
		bool is_there = is_among(view->given->letters[i].name, names, n);

		view->given->letters[i].has_changed = is_there != view->given->letters[i].is_there;
		view->given->letters[i].is_there = is_there;
	}
	for (size_t i = 0; i < n; i++) {
		if (find(view, names[i]) != NULL)
			continue;
		EMR_TRY(add(view, names[i]));
		view->given->letters[view->given->n_letters - 1].has_changed = true;
	}
	return EMR_OK;
}

emr_status emr_view_set_requests(emr_view *view, const char *const *names, size_t n)
{
	emr_status status;
	bool has_changed = true;

	pthread_mutex_lock(&view->lock);
	status = take_names(view, names, n);
	pthread_mutex_unlock(&view->lock);
	/* The kernel learns it without the lock, name by name. */
	for (size_t i = 0; has_changed; i++) {
		char name[EMR_NAME_MAX + 1] = "";

		pthread_mutex_lock(&view->lock);
		has_changed = i < view->given->n_letters;
		if (has_changed && view->given->letters[i].has_changed)
			snprintf(name, sizeof name, "%s", view->given->letters[i].name);
		pthread_mutex_unlock(&view->lock);
		if (name[0] != 0)
			emr_view_tell(view, view->special.letters->number, name);
	}
	return status;
}
