/* This file moves something by its path, and finds out who would see more, or no more, of it in
 * its new place. All who ask that question ask here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "share/write.h"

#include "edit.h"
#include "ops_tree.h"
#include "would_share.h"

typedef struct planning {
	emr_view *view;
	uint64_t parent, new_parent;
	char name[EMR_NAME_MAX + 1], new_name[EMR_NAME_MAX + 1];
	emr_id16 object, target;
	move_sight sight;
	char *path;
} planning;

/* ---- who else sees a domain: the one place that knows ---- */

/* Two shares of one day for the same time end at the same time. */
#define SAME_DAY_S 86400u

/* The grants of DOMAIN that are in force or to come: emr_row_grant, ... */
static emr_status who_sees(emr_view *view, emr_id16 domain, emr_buf *out_grants)
{
	const uint64_t now = emr_clock_unix_s(view->options.clock);
	emr_known_grant grant;

	EMR_ASK(asked, view->options.replica, GRANTS, .domain = domain);
	while (emr_next(&asked, &grant)) {
		emr_row_grant row = grant.row;

		if (row.head.state != EMR_GRANT_ACTIVE || row.not_after_unix_s <= now)
			continue;
		if (row.not_before_unix_s < now)
			row.not_before_unix_s = now;
		EMR_TRY(emr_buf_append(out_grants, &row, sizeof row));
	}
	return asked.status;
}

emr_status move_is_seen(emr_view *view, emr_id16 domain, bool *out_is)
{
	EMR_AUTO_BUF grants = {0};
	emr_status status = who_sees(view, domain, &grants);

	*out_is = grants.len > 0;
	return status;
}

static emr_status add_id(emr_buf *ids, const uint8_t *id)
{
	return emr_buf_has(ids, emr_bytes_of(id, sizeof(emr_id32)))
		       ? EMR_OK
		       : emr_buf_append(ids, id, sizeof(emr_id32));
}

static bool has_person(const emr_buf *grants, const uint8_t *id)
{
	EMR_EACH (const emr_row_grant, row, grants)
		if (memcmp(row->grantee, id, sizeof row->grantee) == 0)
			return true;
	return false;
}

/* Whether WANTED gives nothing that one of GRANTS does not. */
static bool is_covered(const emr_row_grant *wanted, const emr_buf *grants)
{
	EMR_EACH (const emr_row_grant, row, grants)
		if (memcmp(row->grantee, wanted->grantee, sizeof row->grantee) == 0 &&
			(wanted->rights & ~row->rights) == 0 &&
			emr_rights_alike(wanted->rights, row->rights) &&
			(wanted->purposes & ~row->purposes) == 0 &&
			row->not_before_unix_s <= wanted->not_before_unix_s &&
			(row->not_after_unix_s >= wanted->not_after_unix_s ||
				wanted->not_after_unix_s - row->not_after_unix_s <= SAME_DAY_S))
			return true;
	return false;
}

/* The people who see more, longer or for more by THEN than by NOW. */
static emr_status add_gains(const emr_buf *now, const emr_buf *then, emr_buf *gains)
{
	EMR_EACH (const emr_row_grant, row, then)
		if (!is_covered(row, now))
			EMR_TRY(add_id(gains, row->grantee));
	return EMR_OK;
}

/* The people among NOW and BEFORE who are not among THEN. */
static emr_status add_losses(
	const emr_buf *now, const emr_buf *before, const emr_buf *then, emr_buf *loses)
{
	EMR_EACH (const emr_row_grant, row, now)
		if (has_person(before, row->grantee) && !has_person(then, row->grantee))
			EMR_TRY(add_id(loses, row->grantee));
	return EMR_OK;
}

/* ---- what a move takes along ---- */

emr_status move_sight_of(
	const emr_view *view, const node *n, const node *directory, move_sight *out)
{
	bool is_root = n->is_domain && (n->type == EMR_META_FILE || n->parent != view->root ||
					       tree_is_root_object(n));

	*out = (move_sight){.from = tree_domain(is_root && n->parent != NULL ? n->parent : n),
		.there = tree_domain(directory)};
	if (!is_root && n->type == EMR_META_DIR && directory == view->root)
		out->there = (emr_id16){{0}}; /* becomes one */
	if (!move_changes_sight(out))
		return EMR_OK;
	for (const node *at = NULL; (at = tree_next_awake(n, at)) != NULL;) {
		const emr_id16 domain = tree_future_id(at);

		/* A folder that is no domain on the ledger yet is seen with the folder around it.
		 */
		if (!at->is_domain || !tree_is_root_object(at))
			continue;
		out->has_own = out->has_own || at == n;
		EMR_TRY(emr_buf_append(&out->along, &domain, sizeof domain));
	}
	return EMR_OK;
}

void move_sight_free(move_sight *sight)
{
	emr_buf_free(&sight->along);
}

bool move_changes_sight(const move_sight *sight)
{
	return !emr_id16_equal(sight->from, sight->there);
}

/* A domain keeps those who have it by itself, loses those who see what it leaves, and gains those
 * who see what it comes to. */
emr_status move_compare_seers(
	emr_view *view, const move_sight *sight, emr_buf *gains, emr_buf *loses)
{
	EMR_AUTO_BUF before = {0};
	EMR_AUTO_BUF then = {0};

	if (!move_changes_sight(sight))
		return EMR_OK;
	EMR_TRY(who_sees(view, sight->from, &before));
	EMR_TRY(who_sees(view, sight->there, &then));
	if (!sight->has_own)
		EMR_TRY(add_gains(&before, &then, gains));
	if (!sight->has_own)
		EMR_TRY(add_losses(&before, &before, &then, loses));
	EMR_EACH (const emr_id16, domain, &sight->along) {
		EMR_AUTO_BUF now = {0};

		EMR_TRY(who_sees(view, *domain, &now));
		EMR_TRY(add_gains(&now, &then, gains));
		EMR_TRY(add_losses(&now, &before, &then, loses));
	}
	return EMR_OK;
}

/* ---- where from, where to ---- */

/* The directory of PATH, which is not the top, and the name in it.  Under view->lock. */
static emr_status split(const emr_view *view, const char *path, node **out_directory,
	char out_name[EMR_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	EMR_AUTO_FREE char *up = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	node *directory;

	EMR_TRY_MEMORY(up);
	if (*name == 0)
		return EMR_DENIED;
	if (strlen(name) > EMR_NAME_MAX)
		return EMR_BAD_NAME;
	directory = tree_find(view, up);
	if (directory == NULL)
		return EMR_NOT_FOUND;
	if (directory->type != EMR_META_DIR)
		return EMR_NOT_DIRECTORY;
	memcpy(out_name, name, strlen(name) + 1);
	*out_directory = directory;
	return EMR_OK;
}

static emr_status plan(planning *p, const emr_move *what)
{
	emr_view *view = p->view;
	node *from = NULL, *directory = NULL, *n, *target = tree_find(view, what->to);

	EMR_TRY(split(view, what->from, &from, p->name));
	n = tree_child(view, from, p->name);
	if (n == NULL)
		return EMR_NOT_FOUND;
	if (target != NULL && target->type == EMR_META_DIR) {
		directory = target;
		memcpy(p->new_name, p->name, sizeof p->new_name);
	} else
		EMR_TRY(split(view, what->to, &directory, p->new_name));
	if (n->type == EMR_META_DIR && tree_is_below(directory, n))
		return EMR_CROSS;
	if (tree_child(view, directory, p->new_name) != NULL)
		return EMR_EXISTS;
	p->object = n->id;
	p->target = directory->id;
	p->parent = from->number;
	p->new_parent = directory->number;
	p->path = tree_path(directory);
	return p->path != NULL ? move_sight_of(view, n, directory, &p->sight) : EMR_NO_MEMORY;
}

static emr_status set_path(planning *p, emr_moved *out)
{
	if (asprintf(&out->path, "%s%s%s", p->path, p->path[0] != 0 ? "/" : "", p->new_name) >= 0)
		return EMR_OK;
	out->path = NULL;
	return EMR_NO_MEMORY;
}

/* The subject of the question to a person. */
static emr_status sum_of(const planning *p, emr_moved *moved)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(emr_buf_append(&bytes, p->object.b, sizeof p->object.b));
	EMR_TRY(emr_buf_append(&bytes, p->target.b, sizeof p->target.b));
	EMR_TRY(emr_buf_append(&bytes, moved->gains.data, moved->gains.len));
	emr_sha256(bytes.data, bytes.len, moved->sum.b);
	return EMR_OK;
}

static void tell_kernel(const planning *p)
{
	const emr_view_options *o = &p->view->options;

	if (o->changed == NULL)
		return;
	o->changed(o->changed_arg, p->parent, p->name);
	o->changed(o->changed_arg, p->new_parent, p->new_name);
	o->changed(o->changed_arg, p->parent, NULL);
	if (p->new_parent != p->parent)
		o->changed(o->changed_arg, p->new_parent, NULL);
}

void emr_moved_free(emr_moved *moved)
{
	free(moved->path);
	emr_buf_free(&moved->gains);
	emr_buf_free(&moved->loses);
	*moved = (emr_moved){0};
}

emr_status emr_view_move(emr_view *view, const emr_move *what, emr_moved *out_moved)
{
	planning p = {.view = view};
	emr_moved moved = {0};
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = plan(&p, what);
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		status = set_path(&p, &moved);
	if (status == EMR_OK)
		status = move_compare_seers(view, &p.sight, &moved.gains, &moved.loses);
	if (status == EMR_OK)
		status = sum_of(&p, &moved);
	if (status == EMR_OK && !what->only_look && !emr_id32_is_zero(what->seen) &&
		!emr_id32_equal(what->seen, moved.sum))
		status = EMR_CONFLICT;
	if (status == EMR_OK && !what->only_look)
		status = rename_node(
			view, p.parent, p.name, p.new_parent, p.new_name, EMR_RENAME_NO_REPLACE);
	if (status == EMR_OK && !what->only_look)
		tell_kernel(&p);
	free(p.path);
	move_sight_free(&p.sight);
	if (status == EMR_OK)
		*out_moved = moved;
	else
		emr_moved_free(&moved);
	return status;
}
