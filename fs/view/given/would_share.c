/* Before a rename, this file asks whether somebody would see the record in its new place who does
 * not see it now. Such a rename is refused; `emrfs move` does it after it has named these people.
 */
#include "would_share.h"

#include <stdio.h>
#include <stdlib.h>

#include "edit.h"
#include "kind.h"
#include "ops_tree.h"
#include "tree.h"
#include "view/giving.h"

/* One name on its way. */
typedef struct passage {
	move_sight sight;
	char *from, *to; /* owned; NULL: it stays in its domain */
} passage;

static void passage_free(passage *p)
{
	move_sight_free(&p->sight);
	free(p->from);
	free(p->to);
}

static char *path_in(const node *directory, const char *name)
{
	char *up = tree_path(directory), *path = NULL;

	if (up != NULL && asprintf(&path, "%s%s%s", up, up[0] != 0 ? "/" : "", name) < 0)
		path = NULL;
	free(up);
	return path;
}

/* Under view->lock. The rename itself will say that a node is not there, or may not be renamed at
 * all. */
static emr_status plan(const emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, passage *out)
{
	const node *from = tree_by_number(view, parent),
		   *directory = tree_by_number(view, new_parent), *n;

	if (from == NULL || directory == NULL || from->state != NODE_LIVE ||
		directory->state != NODE_LIVE)
		return EMR_OK;
	if (kind_top(from) != NULL || kind_top(directory) != NULL)
		return EMR_OK; /* nothing moves between folders of different owners */
	n = tree_child(view, from, name);
	if (n == NULL)
		return EMR_OK;
	EMR_TRY(move_sight_of(view, n, directory, &out->sight));
	if (!move_changes_sight(&out->sight))
		return EMR_OK;
	out->from = path_in(from, name);
	out->to = path_in(directory, new_name);
	return out->from != NULL && out->to != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status judge(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name)
{
	__attribute__((cleanup(passage_free))) passage p = {.from = NULL};
	EMR_AUTO_BUF gains = {0};
	EMR_AUTO_BUF loses = {0};
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = plan(view, parent, name, new_parent, new_name, &p);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK || p.from == NULL)
		return status;
	EMR_TRY(move_compare_seers(view, &p.sight, &gains, &loses));
	if (gains.len == 0)
		return EMR_OK;
	view->options.giving->would_share(
		view->options.giving_arg, p.from, p.to, emr_buf_view(&gains));
	return EMR_WOULD_SHARE;
}

/* EMR_WOULD_SHARE, of which a person is told; without view->lock, before anything is changed. */
static emr_status would_share(emr_view *view, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned flags)
{
	if (view->options.giving == NULL || parent == new_parent)
		return EMR_OK;
	EMR_TRY(judge(view, parent, name, new_parent, new_name));
	if (flags == EMR_RENAME_EXCHANGE)
		EMR_TRY(judge(view, new_parent, new_name, parent, name));
	return EMR_OK;
}

emr_status emr_view_rename(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned flags)
{
	EMR_TRY(would_share(view, parent, name, new_parent, new_name, flags));
	return rename_node(view, parent, name, new_parent, new_name, flags);
}
