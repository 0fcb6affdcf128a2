/* This file goes from one node to the next, for loops over all nodes or over those of one's own,
 * also where they lie in the folders of others. It changes nothing. */
#include "kind.h"
#include "rest.h"
#include "tree.h"

/* The first kid from slot I on. */
static node *kid_from(const kid_list *in, size_t i)
{
	while (i < in->nkids && in->kids[i] == NULL)
		i++;
	return i < in->nkids ? in->kids[i] : NULL;
}

node *tree_next_awake_kid(const node *directory, uint64_t cookie)
{
	const kid_list *in = node_listing(directory);

	return in != NULL ? kid_from(in, tree_kid_index(in, cookie + 1)) : NULL;
}

node *tree_next_kid(const node *directory, uint64_t cookie)
{
	rest_wake(directory);
	return tree_next_awake_kid(directory, cookie);
}

node *tree_next_awake(const node *n, const node *at)
{
	node *next;

	if (at == NULL)
		return (node *)(uintptr_t)n;
	next = at->type == EMR_META_DIR ? kid_from(at->listing, 0) : NULL;
	for (; next == NULL && at != n; at = at->parent)
		next = kid_from(at->parent->listing, at->slot + (size_t)1);
	return next;
}

node *tree_next_below(const node *n, const node *at)
{
	if (at != NULL)
		rest_wake(at);
	return tree_next_awake(n, at);
}

node *tree_next_any(const emr_view *view, const node *at)
{
	node *next = NULL;

	for (size_t i = at != NULL ? slot_of(at->number) + (size_t)1 : 0;
		next == NULL && i < view->nodes.used; i++)
		next = slots_at(&view->nodes, i);
	return next;
}

node *tree_next_elsewhere(const emr_view *view, const node *at)
{
	const node *top = at != NULL ? kind_top(at) : NULL;
	node *next = top != NULL ? tree_next_below(top, at) : NULL;

	while (next == NULL && (top = tree_next_any(view, top)) != NULL)
		if (kind_of(top)->within != NULL)
			next = tree_next_below(top, top);
	return next;
}

node *tree_next_own(const emr_view *view, const node *at)
{
	const bool is_elsewhere = at != NULL && kind_top(at) != NULL;
	node *next = is_elsewhere ? NULL : tree_next_awake(view->root, at);

	return next != NULL ? next : tree_next_elsewhere(view, is_elsewhere ? at : NULL);
}
