/* Before a rename, this file asks whether somebody would see the record in its new place who does
 * not see it now. Such a rename is refused; `emrfs move` does it after it has named these people.
 * Undoing a deletion shows nothing to those who saw the record when it was thrown away. */
#include "would_share.h"

#include <stdio.h>
#include <stdlib.h>

#include "contract/codes.h"
#include "replica/people.h"

#include "edit.h"
#include "file.h"
#include "kind.h"
#include "ops_tree.h"
#include "tree.h"
#include "view/giving.h"

/* One name on its way. */
typedef struct passage {
	move_sight sight;
	char *from, *to; /* owned; NULL: it stays in its domain */
	bool is_back;	 /* to where it was, with the bytes that it had there */
	emr_buf left;	 /* emr_id16, ...: the records that it was, as far as it has left them */
	uint64_t gone_unix_s; /* the first of them */
	emr_buf newer;	      /* emr_id32, ...: the people to whom its place was given since then */
} passage;

static void passage_free(passage *p)
{
	move_sight_free(&p->sight);
	free(p->from);
	free(p->to);
	emr_buf_free(&p->left);
	emr_buf_free(&p->newer);
}

/* ---- back to where it was ---- */

/* Under view->lock.  True of what the ledger still has there, and of what was thrown away. */
static emr_status look_back(const node *n, passage *p)
{
	const emr_id16 there = p->sight.there;

	for (const node *at = NULL; (at = tree_next_below(n, at)) != NULL;) {
		const file *f = node_file(at);
		const emr_place *was =
			f != NULL && f->has_content && f->staging == NULL ? f->restored : NULL;

		if (at->is_published  ? at->content_dirty || !emr_id16_equal(node_domain(at), there)
			: was != NULL ? !emr_id16_equal(was->domain, there)
				      : at->type != EMR_META_DIR)
			return EMR_OK;
		if (!at->is_published && was != NULL)
			EMR_TRY(emr_buf_append(&p->left, &was->object, sizeof was->object));
	}
	p->is_back = p->sight.along.len == 0;
	return EMR_OK;
}

static emr_status note_time(void *arg, const emr_replica_item *item)
{
	*(uint64_t *)arg = item->ledger_time;
	return EMR_OK;
}

static emr_status note_newer(void *arg, const emr_known_grant *grant)
{
	passage *p = arg;

	return grant->row.head.state != EMR_GRANT_ACTIVE ||
			       (grant->ledger_time < p->gone_unix_s &&
				       grant->row.not_before_unix_s <= p->gone_unix_s)
		       ? EMR_OK
		       : emr_buf_append(&p->newer, grant->row.grantee, sizeof grant->row.grantee);
}

/* The people of GAINS who saw it there lose nothing by a mistake of hers, and learn nothing. */
static emr_status leave_out_former(emr_view *view, passage *p, emr_buf *gains)
{
	EMR_AUTO_BUF all = *gains;

	*gains = (emr_buf){0};
	p->gone_unix_s = UINT64_MAX;
	EMR_EACH (const emr_id16, object, &p->left) {
		emr_replica_head head;
		uint64_t last = 0;

		EMR_TRY(emr_replica_head_get(
			view->options.replica, p->sight.there, *object, &head));
		if (head.state == EMR_OBJECT_LIVE) /* its removal is still to be sent */
			continue;
		EMR_TRY(emr_replica_history(view->options.replica, EMR_FAMILY_OBJECT,
			p->sight.there, *object, note_time, &last));
		p->gone_unix_s = last < p->gone_unix_s ? last : p->gone_unix_s;
	}
	EMR_TRY(emr_replica_grants(view->options.replica, p->sight.there, note_newer, p));
	EMR_EACH (const emr_id32, id, &all)
		if (emr_buf_has(&p->newer, emr_bytes_of(id, sizeof *id)))
			EMR_TRY(emr_buf_append(gains, id, sizeof *id));
	return EMR_OK;
}

/* ---- one rename ---- */

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
	EMR_TRY(look_back(n, out));
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
	EMR_TRY(gains.len > 0 && p.is_back ? leave_out_former(view, &p, &gains) : EMR_OK);
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
