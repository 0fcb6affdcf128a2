/* This file finds, for a node that this person made in somebody else's folder, the share that it
 * lies in and the record that it stands for there. */
#include "node.h"
#include "shared.h"

shared_share *shared_share_of(const node *n)
{
	const node *top = kind_top(n);

	return top != NULL ? top->shared->share : NULL;
}

node *shared_own(const emr_view *view, const shared_share *s, emr_id16 object)
{
	/* Nobody writes in a dataset, and who reads one may take part in it himself. */
	node *n = s->owner->set == NULL ? tree_by_id(view, object) : NULL;

	if (n == NULL || n->state != NODE_LIVE)
		return NULL;
	if (n->is_published)
		return emr_id16_equal(node_domain(n), s->domain) ? n : NULL;
	return shared_share_of(n) == s ? n : NULL;
}

bool shared_is_file(const node *n)
{
	if (!node_is_file(n))
		return false;
	if (shared_has(n))
		return n->shared->level == SHARED_RECORD &&
		       emr_id16_equal(n->shared->object, n->shared->domain);
	return n->is_published && n->parent != NULL && shared_has(n->parent) &&
	       emr_id16_equal(node_object(n), n->parent->shared->domain);
}

node *shared_file_node(const emr_view *view, const shared_share *s)
{
	node *n = s->is_file && s->owner->set == NULL ? tree_by_id(view, s->domain) : NULL;

	return n != NULL && n->state == NODE_LIVE && shared_is_file(n) ? n : NULL;
}

bool shared_reads_theirs(const node *n)
{
	const file *f = node_file(n);

	if (!node_is_file(n))
		return false;
	if (shared_has(n))
		return n->shared->level == SHARED_RECORD;
	if (f != NULL && (f->has_content || f->staging != NULL))
		return false;
	if (f != NULL && f->cut != NULL)
		return true;
	return n->is_published && node_pversion(n) != 0 && kind_top(n) != NULL;
}

shared_share *shared_gives(const node *n)
{
	if (!shared_reads_theirs(n))
		return NULL;
	if (shared_has(n))
		return n->shared->share;
	return node_file(n) != NULL && node_file(n)->cut != NULL ? node_file(n)->cut
								 : shared_share_of(n);
}

emr_status shared_may_read(emr_view *view, const node *n)
{
	const shared_share *s = shared_gives(n);

	return s != NULL ? shared_is_readable(view, s) : EMR_OK;
}

bool shared_reads_of(const node *n, const shared_share *s)
{
	return shared_has(n) ? n->shared->share == s : shared_gives(n) == s;
}

bool shared_is_writable(const emr_view *view, const shared_share *s)
{
	return s != NULL && s->phase == SHARED_OPEN && s->rights != 0 &&
	       (uint64_t)(view_now_ns(view) / 1000000000) < s->write_until_unix_s;
}
