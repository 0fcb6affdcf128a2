/* This file goes from one node to the next, for loops over all nodes or over those of one's own,
 * also where they lie in the folders of others. It changes nothing. */
#include "kind.h"
#include "rest.h"
#include "tree.h"

node *tree_next_awake(const node *n, const node *at)
{
	node *next;

	if (at == NULL)
		return (node *)(uintptr_t)n;
	next = at->type == EMR_META_DIR ? tree_kid_from(at->listing, 0) : NULL;
	for (; next == NULL && at != n; at = at->parent)
		next = tree_kid_from(at->parent->listing, at->slot + (size_t)1);
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
