/* Two computers may change one file at the same time: this file gives the second copy its name,
 * "NAME (conflict, WHO, TIME).EXT", and finds all such copies, so that a person can look at both
 * and lose neither. */
#include "conflict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "edit.h"
#include "foreign.h"

#define MARK " (conflict, "

void conflict_name(const emr_view *view, const node *n, char out[EMR_NAME_MAX + 1])
{
	const char *who = view->options.person != NULL ? view->options.person : "this computer";
	time_t at = (time_t)(n->mtime_ns / 1000000000);
	char text[EMR_NAME_MAX + 1], day[32], wanted[EMR_NAME_MAX + 1];
	struct tm local;

	localtime_r(&at, &local);
	strftime(day, sizeof day, "%Y-%m-%d %H.%M", &local);
	snprintf(text, sizeof text, MARK "%.120s, %s)", who, day);
	for (char *c = text; *c != 0; c++)
		if (*c == '/')
			*c = '_';
	emr_name_insert(n->name, text, wanted);
	if (tree_child(view, n->parent, wanted) == NULL)
		strcpy(out, wanted);
	else
		tree_free_name(view, n->parent, n->id, wanted, out);
}

bool conflict_is_copy(const char *name)
{
	const char *mark = strstr(name, MARK);

	return mark != NULL && mark != name && strchr(mark, ')') != NULL;
}

node *conflict_original(const emr_view *view, const node *n)
{
	const char *mark = strstr(n->name, MARK), *end = mark != NULL ? strchr(mark, ')') : NULL;
	char name[EMR_NAME_MAX + 1];

	if (end == NULL || n->parent == NULL)
		return NULL;
	snprintf(name, sizeof name, "%.*s%s", (int)(mark - n->name), n->name, end + 1);
	return tree_child(view, n->parent, name);
}

typedef struct listing {
	uint64_t *out;
	size_t max, n;
} listing;

static void list_one(void *arg, node *n)
{
	listing *l = arg;

	if (l->n < l->max && n->type == EMR_META_FILE && !n->is_local && conflict_is_copy(n->name))
		l->out[l->n++] = n->number;
}

size_t emr_view_conflicts(emr_view *view, uint64_t *out, size_t max)
{
	listing l = {.out = out, .max = max};

	pthread_mutex_lock(&view->lock);
	tree_walk(view->root, list_one, &l);
	tree_walk_elsewhere(view, list_one, &l);
	pthread_mutex_unlock(&view->lock);
	return l.n;
}
