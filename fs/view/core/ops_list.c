/* This file lists directories and finds things by path, the made directories of `.emrfs` and
 * `shared-with-me` among them. */
#include "edit.h"
#include "ops_tree.h"
#include "kind.h"
#include "special.h"

/* ---- listing ---- */

static emr_status list_directory(emr_view *view, node *n, lister *l)
{
	node *parent = n->parent != NULL				     ? n->parent
		       : n == view->special.root			     ? view->root
		       : n == view->special.at || n == view->special.letters ? view->special.root
									     : n;
	emr_attr attr;

	tree_attr(n, &attr);
	if (l->cookie < 1 && !kind_say(l, ".", &attr, 1))
		return EMR_OK;
	tree_attr(parent, &attr);
	if (l->cookie < 2 && !kind_say(l, "..", &attr, 2))
		return EMR_OK;
	if (kind_where(n)->list != NULL)
		return kind_where(n)->list(view, n, l);
	kind_list_tree(n, l);
	return n->listing->is_partial ? EMR_IO : EMR_OK;
}

emr_status emr_view_each_entry(
	emr_view *view, uint64_t number, uint64_t cookie, bool take, emr_entry_fn fn, void *arg)
{
	lister l = {.fn = fn, .arg = arg, .cookie = cookie, .take = take};
	emr_status status;
	node *n;

	pthread_mutex_lock(&view->lock);
	status = kind_ready(view, number, NULL);
	n = tree_by_number(view, number);
	if (status == EMR_OK && n == NULL)
		status = EMR_NOT_FOUND;
	else if (status == EMR_OK && n->type != EMR_META_DIR)
		status = EMR_NOT_DIRECTORY;
	else if (status == EMR_OK && n->state != NODE_GONE)
		status = list_directory(view, n, &l);
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_IO)
		rest_tell(view, number, ".");
	return status;
}

/* ---- finding ---- */

emr_status emr_view_find(emr_view *view, const char *path, emr_attr *out_attr)
{
	EMR_LOCKED(&view->lock);
	const node *n = tree_find(view, path);

	if (n != NULL)
		tree_attr(n, out_attr);
	return n != NULL ? EMR_OK : EMR_NOT_FOUND;
}

/* Under view->lock. */
static emr_status path_of(const node *n, char **out_path)
{
	char *path;

	if (n == NULL || n->state != NODE_LIVE)
		return EMR_NOT_FOUND;
	path = tree_path(n);
	EMR_TRY_MEMORY(path);
	*out_path = path;
	return EMR_OK;
}

emr_status emr_view_path(emr_view *view, uint64_t number, char **out_path)
{
	EMR_LOCKED(&view->lock);

	return path_of(tree_by_number(view, number), out_path);
}

emr_status emr_view_path_of_object(emr_view *view, emr_id16 object, char **out_path)
{
	EMR_LOCKED(&view->lock);

	return path_of(tree_by_id(view, object), out_path);
}
