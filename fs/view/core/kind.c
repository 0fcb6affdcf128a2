/* This file finds what the kind of a node says where many ask, and has the kind of one's own
 * records, of which core knows everything itself. */
#include "kind.h"

#include "tree.h"

const node_kind own_kind = {.refuses = EMR_OK};

emr_status kind_ready(emr_view *view, uint64_t number, const char *name)
{
	const node *n = tree_by_number(view, number);

	return n == NULL || kind_of(n)->ready == NULL ? EMR_OK
						      : kind_of(n)->ready(view, number, name);
}

const node_kind *kind_of_number(emr_view *view, uint64_t number)
{
	const node *n;
	EMR_LOCKED(&view->lock);

	n = tree_by_number(view, number);
	return n != NULL ? kind_of(n) : &own_kind;
}

emr_status kind_learn(emr_view *view, uint64_t number)
{
	const node_kind *kind = kind_of_number(view, number);

	return kind->learn == NULL ? EMR_OK : kind->learn(view, number);
}

emr_status kind_child_in_tree(emr_view *view, node *directory, const char *name, node **out_node)
{
	*out_node = tree_child(view, directory, name);
	if (*out_node != NULL)
		return EMR_OK;
	return node_listing(directory) != NULL && directory->listing->is_partial ? EMR_IO
										 : EMR_NOT_FOUND;
}

void kind_list_tree(const node *directory, lister *l)
{
	node *kid = tree_next_kid(directory, l->cookie < 2 ? 2 : l->cookie);

	while (kid != NULL && kind_give(l, kid, kid->name, kid->cookie))
		kid = tree_next_kid(directory, kid->cookie);
}

void kind_release_shown(emr_view *view, node *n)
{
	if (n->kernel_refs == 0 && n->opens == 0)
		tree_free_node(view, n);
}

bool kind_is_unsent(const node *n)
{
	const node_kind *kind = n->type == EMR_META_DIR ? kind_where(n) : &own_kind;

	return kind->is_unsent != NULL && kind->is_unsent(n);
}

void kind_tell_refused(emr_view *view, uint64_t number, const char *name, const char *id)
{
	const node_kind *kind;
	const node *n;

	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	kind = n != NULL ? kind_where(n) : &own_kind;
	pthread_mutex_unlock(&view->lock);
	if (kind->tell_refused != NULL)
		kind->tell_refused(view, number, name, id);
}

char *kind_path(const node *n)
{
	if (kind_of(n)->path != NULL)
		return kind_of(n)->path(n);
	return n->state == NODE_LIVE ? tree_path(n) : NULL;
}

bool kind_say(lister *l, const char *name, const emr_attr *attr, uint64_t next)
{
	l->is_over = !l->fn(l->arg, name, attr, next);
	return !l->is_over;
}

bool kind_give(lister *l, node *n, const char *name, uint64_t next)
{
	emr_attr attr;

	tree_attr(n, &attr);
	n->kernel_refs += kind_say(l, name, &attr, next) && l->take;
	return !l->is_over;
}
