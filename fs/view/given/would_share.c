/* Before a rename, this file asks whether somebody would see the record in its new place who does
 * not see it now. Such a rename is refused; `emrfs move` does it after it has named these people.
 * Undoing a deletion shows nothing to those who saw the record when it was thrown away. */
#include "would_share.h"

#include <stdio.h>
#include <stdlib.h>

#include "contract/codes.h"

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
} passage;

static void passage_free(passage *p)
{
	move_sight_free(&p->sight);
	free(p->from);
	free(p->to);
	emr_buf_free(&p->left);
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

/* When the last item of OBJECT in DOMAIN was entered. */
static emr_status last_time(emr_replica *replica, emr_id16 domain, emr_id16 object, uint64_t *out)
{
	emr_replica_item item;

	*out = 0;
	EMR_ASK(items, replica, HISTORY, .family = EMR_FAMILY_OBJECT, .domain = domain,
		.object = object);
	while (emr_next(&items, &item))
		*out = item.ledger_time;
	return items.status;
}

/* The people to whom DOMAIN was given since GONE: emr_id32, ... */
static emr_status find_newer(emr_replica *replica, emr_id16 domain, uint64_t gone, emr_buf *out)
{
	emr_known_grant grant;

	EMR_ASK(asked, replica, GRANTS, .domain = domain);
	while (emr_next(&asked, &grant))
		if (grant.row.head.state == EMR_GRANT_ACTIVE &&
			(grant.ledger_time >= gone || grant.row.not_before_unix_s > gone))
			EMR_TRY(emr_buf_append(out, grant.row.grantee, sizeof grant.row.grantee));
	return asked.status;
}

/* The people of GAINS who saw it there lose nothing by a mistake of hers, and learn nothing. */
static emr_status leave_out_former(emr_view *view, const passage *p, emr_buf *gains)
{
	EMR_AUTO_BUF all = *gains;
	EMR_AUTO_BUF newer = {0};
	uint64_t gone_unix_s = UINT64_MAX; /* the first of them */

	*gains = (emr_buf){0};
	EMR_EACH (const emr_id16, object, &p->left) {
		emr_replica_head head;
		uint64_t last;

		EMR_TRY(emr_replica_head_get(
			view->options.replica, p->sight.there, *object, &head));
		if (head.state == EMR_OBJECT_LIVE) /* its removal is still to be sent */
			continue;
		EMR_TRY(last_time(view->options.replica, p->sight.there, *object, &last));
		gone_unix_s = last < gone_unix_s ? last : gone_unix_s;
	}
	EMR_TRY(find_newer(view->options.replica, p->sight.there, gone_unix_s, &newer));
	EMR_EACH (const emr_id32, id, &all)
		if (emr_buf_has(&newer, emr_bytes_of(id, sizeof *id)))
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
