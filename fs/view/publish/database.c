/* SQLite keeps the newest rows of a database in a file beside it (-wal), or what takes half a
 * change back (-journal). A reader who has one without the other reads older rows, or a torn table,
 * and no error. This file finds such files: what changed of them goes to the ledger in one batch.
 */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "publish.h"

static const char *const endings[DATABASE_FILES] = {"", "-wal", "-journal"};

/* The file in DIRECTORY called NAME, of which LEN bytes count, with ENDING; NULL: none. */
static node *find(const emr_view *view, const node *directory, const char *name, size_t len,
	const char *ending)
{
	char whole[2 * EMR_NAME_MAX];
	node *n = NULL;

	if (snprintf(whole, sizeof whole, "%.*s%s", (int)len, name, ending) <= EMR_NAME_MAX)
		n = tree_child(view, directory, whole);
	return n != NULL && node_is_file(n) ? n : NULL;
}

node *database_of_log(const emr_view *view, const node *directory, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 1; i < DATABASE_FILES && directory != NULL; i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && strcmp(name + len - ending, endings[i]) == 0)
			return find(view, directory, name, len - ending, "");
	}
	return NULL;
}

node *database_other(const emr_view *view, const node *n, size_t i)
{
	const node *database;
	node *other;

	if (!node_is_file(n) || n->parent == NULL)
		return NULL;
	database = database_of_log(view, n->parent, n->name);
	if (database == NULL)
		database = n;
	other = find(view, n->parent, database->name, strlen(database->name), endings[i]);
	if (other == NULL || other == n)
		return NULL;
	/* Something of it is not on the ledger; a program that has a log open is not done. */
	return needs_settling(other) || (node_writers(other) != 0 && other->size > 0 &&
						(!other->is_published || other->content_dirty))
		       ? other
		       : NULL;
}

const node *database_with(const emr_view *view, const node *n)
{
	const node *database = n->parent != NULL && node_is_file(n)
				       ? database_of_log(view, n->parent, n->name)
				       : NULL;

	for (size_t i = 0; i < DATABASE_FILES && database == NULL; i++)
		database = database_other(view, n, i) != NULL ? n : NULL;
	return database;
}

const node *database_left(const emr_view *view, const vacated *v)
{
	const node *database =
		database_of_log(view, tree_directory_by_id(view, v->directory), v->name);

	return database != NULL && needs_settling(database) ? database : NULL;
}

bool database_is_whole(const publishing *p, const node *n)
{
	for (size_t i = 0; i < DATABASE_FILES; i++) {
		const node *other = database_other(p->view, n, i);

		if (other != NULL && !describe_may(other))
			return false;
	}
	return describe_may(n);
}
