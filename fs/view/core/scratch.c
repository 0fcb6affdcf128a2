/* Programs leave files under names of scratch. This file says which of them stay on this computer,
 * and which become records all the same. */
#include "edit.h"
#include "file.h"
#include "kind.h"
#include "tree.h"

static void mark_one(node *n)
{
	/* A name that the ledger has, or will have, it keeps. */
	bool has_settled =
		n->stays ||
		(n->is_published &&
			(n->was == NULL || (n->type == EMR_META_DIR && !tree_is_fixture(n))));

	if (n->parent != NULL)
		n->is_local = n->parent->is_local || (emr_name_is_local(n->name) && !has_settled);
}

bool tree_is_fixture(const node *n)
{
	uint64_t size = n->type == EMR_META_DIR ? UINT64_MAX : n->size;

	for (; n->parent != NULL; n = n->parent, size = UINT64_MAX)
		if (emr_name_is_fixture(n->name, size))
			return kind_top(n) == NULL;
	return false;
}

bool tree_may_become(const node *n)
{
	const file *f = node_file(n);

	if (n->type == EMR_META_DIR || (f != NULL && f->is_former) ||
		emr_name_is_log_index(n->name, n->size))
		return false;
	if (node_is_file(n) && kind_top(n) != NULL)
		return true;
	return n->size > 0 && !emr_name_is_fixture(n->name, n->size) && !tree_is_fixture(n);
}

void tree_stay(emr_view *view, node *n)
{
	node *top = n;

	for (; n != NULL && n->is_local; n = n->parent) {
		n->stays = true;
		top = n;
	}
	tree_mark_local(top);
	requeue_below(view, top);
}

void tree_mark_local(node *n)
{
	bool was = n->is_local;

	mark_one(n);
	if (n->type != EMR_META_DIR || n->is_local == was)
		return;
	for (node *at = NULL; (at = tree_next_below(n, at)) != NULL;)
		mark_one(at);
}
