/* Moving by path, and who else sees what lies in a directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"

#include "edit.h"

typedef struct planning {
	emr_view *view;
	uint64_t parent, new_parent;
	char name[EMR_NAME_MAX + 1], new_name[EMR_NAME_MAX + 1];
	emr_id16 domain, new_domain;
	char *path;
} planning;

/* ---- who else sees a domain: the one place that knows ---- */

typedef struct seers {
	uint64_t now_unix_s;
	emr_buf *ids;
} seers;

static emr_status note_grant(void *arg, const char *key, emr_bytes bytes)
{
	const seers *s = arg;
	emr_row_grant row;

	(void)key;
	if (emr_row_grant_parse((emr_span){ bytes.data, bytes.len }, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (row.head.state != EMR_GRANT_ACTIVE || row.not_after_unix_s <= s->now_unix_s)
		return EMR_OK;
	return emr_buf_append(s->ids, row.grantee, sizeof row.grantee);
}

/* Whoever holds a grant of DOMAIN that is in force, each once or more: emr_id32, ... */
static emr_status who_sees(emr_view *view, emr_id16 domain, emr_buf *out_ids)
{
	const seers s = { .now_unix_s = emr_clock_unix_s(view->options.clock), .ids = out_ids };
	char prefix[40] = "G/", hex[33];

	if (emr_id16_is_zero(domain))
		return EMR_OK;
	emr_hex(domain.b, sizeof domain.b, hex);
	snprintf(prefix + 2, sizeof prefix - 2, "%s/", hex);
	return emr_replica_each_row(view->options.replica, prefix, note_grant, (void *)(uintptr_t)&s);
}

static bool has_id(const emr_buf *ids, const uint8_t *id)
{
	for (size_t at = 0; at < ids->len; at += sizeof(emr_id32))
		if (memcmp(ids->data + at, id, sizeof(emr_id32)) == 0)
			return true;
	return false;
}

/* Those of A that B has not, each once. */
static emr_status only_in(const emr_buf *a, const emr_buf *b, emr_buf *out)
{
	emr_status status = EMR_OK;

	for (size_t at = 0; at < a->len && status == EMR_OK; at += sizeof(emr_id32))
		if (!has_id(b, a->data + at) && !has_id(out, a->data + at))
			status = emr_buf_append(out, a->data + at, sizeof(emr_id32));
	return status;
}

static emr_status compare_seers(const planning *p, emr_moved *out)
{
	EMR_AUTO_BUF here = { 0 };
	EMR_AUTO_BUF there = { 0 };
	emr_status status = who_sees(p->view, p->domain, &here);

	if (status == EMR_OK)
		status = who_sees(p->view, p->new_domain, &there);
	if (status == EMR_OK)
		status = only_in(&there, &here, &out->gains);
	return status == EMR_OK ? only_in(&here, &there, &out->loses) : status;
}

/* ---- where from, where to ---- */

/* The directory of PATH, which is not the top, and the name in it.  Under view->lock. */
static emr_status split(const emr_view *view, const char *path, node **out_directory, char out_name[EMR_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	EMR_AUTO_FREE char *up = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	node *directory;

	if (up == NULL)
		return EMR_NO_MEMORY;
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

/* A directory that is a domain stays one; another that comes to the top becomes one, which nobody sees (zero). */
static emr_id16 domain_there(const emr_view *view, const node *n, const node *directory)
{
	if (n->type == EMR_META_DIR && n->is_published && emr_id16_equal(n->place.object, n->place.domain))
		return n->place.domain;
	if (n->type == EMR_META_DIR && directory == view->root)
		return (emr_id16){ { 0 } };
	return tree_domain(directory);
}

static emr_status plan(planning *p, const emr_move *what)
{
	emr_view *view = p->view;
	node *from = NULL, *directory = NULL, *n, *target = tree_find(view, what->to);
	emr_status status = split(view, what->from, &from, p->name);

	if (status != EMR_OK)
		return status;
	n = tree_child(view, from, p->name);
	if (n == NULL)
		return EMR_NOT_FOUND;
	if (target != NULL && target->type == EMR_META_DIR) {
		directory = target;
		memcpy(p->new_name, p->name, sizeof p->new_name);
	} else {
		status = split(view, what->to, &directory, p->new_name);
	}
	if (status != EMR_OK)
		return status;
	if (n->type == EMR_META_DIR && tree_is_below(directory, n))
		return EMR_CROSS;
	if (tree_child(view, directory, p->new_name) != NULL)
		return EMR_EXISTS;
	p->parent = from->number;
	p->new_parent = directory->number;
	p->domain = tree_domain(n);
	p->new_domain = domain_there(view, n, directory);
	p->path = tree_path(directory);
	return p->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status set_path(planning *p, emr_moved *out)
{
	if (asprintf(&out->path, "%s%s%s", p->path, p->path[0] != 0 ? "/" : "", p->new_name) >= 0)
		return EMR_OK;
	out->path = NULL;
	return EMR_NO_MEMORY;
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
	*moved = (emr_moved){ 0 };
}

emr_status emr_view_move(emr_view *view, const emr_move *what, emr_moved *out_moved)
{
	planning p = { .view = view };
	emr_moved moved = { 0 };
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = plan(&p, what);
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK)
		status = set_path(&p, &moved);
	if (status == EMR_OK)
		status = compare_seers(&p, &moved);
	if (status == EMR_OK && !what->only_look)
		status = emr_view_rename(view, p.parent, p.name, p.new_parent, p.new_name, EMR_RENAME_NO_REPLACE);
	if (status == EMR_OK && !what->only_look)
		tell_kernel(&p);
	free(p.path);
	if (status != EMR_OK) {
		emr_moved_free(&moved);
		return status;
	}
	*out_moved = moved;
	return EMR_OK;
}
