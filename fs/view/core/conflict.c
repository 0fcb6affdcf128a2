/* Two computers may change one file at the same time: this file gives the second copy its name,
 * "NAME (conflict, WHO, TIME).EXT", and finds all such copies, so that a person can look at both
 * and lose neither. */
#include "conflict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "edit.h"
#include "refusals.h"

#define MARK " (conflict, "

void conflict_mark(const char *head, const char *who, int64_t unix_ns, char out[EMR_NAME_MAX + 1])
{
	time_t at = (time_t)(unix_ns / 1000000000);
	char minute[32];
	struct tm local;

	localtime_r(&at, &local);
	strftime(minute, sizeof minute, "%Y-%m-%d %H.%M", &local);
	snprintf(out, EMR_NAME_MAX + 1, "%s%.120s, %s)", head, who, minute);
	for (char *c = out; *c != 0; c++)
		if (*c == '/')
			*c = '_';
}

void conflict_name(const emr_view *view, const node *n, char out[EMR_NAME_MAX + 1])
{
	const char *who = view->options.person != NULL ? view->options.person : "this computer";
	char text[EMR_NAME_MAX + 1], wanted[EMR_NAME_MAX + 1];

	conflict_mark(MARK, who, n->mtime_ns, text);
	emr_name_insert(n->name, text, wanted);
	if (tree_child(view, n->parent, wanted) == NULL)
		strcpy(out, wanted);
	else
		tree_free_name(view, n->parent, n->id, wanted, out);
}

bool conflict_is_copy(const char *name)
{
	const char *mark = strstr(name, MARK);

	return mark != NULL && mark != name && strchr(mark, ')') != NULL;
}

/* Under view->lock: the file beside N that N was a copy of; NULL where that is gone. */
static node *original_of(const emr_view *view, const node *n)
{
	const char *mark = strstr(n->name, MARK), *end = mark != NULL ? strchr(mark, ')') : NULL;
	char name[EMR_NAME_MAX + 1];

	if (end == NULL || n->parent == NULL)
		return NULL;
	snprintf(name, sizeof name, "%.*s%s", (int)(mark - n->name), n->name, end + 1);
	return tree_child(view, n->parent, name);
}

size_t emr_view_conflicts(emr_view *view, uint64_t *out, size_t max)
{
	size_t count = 0;
	EMR_LOCKED(&view->lock);

	for (const node *n = NULL; count < max && (n = tree_next_own(view, n)) != NULL;)
		if (n->type == EMR_META_FILE && !n->is_local && conflict_is_copy(n->name))
			out[count++] = n->number;
	return count;
}

/* Whether BY, a `signed-by`, names the person whose folder this is. */
static bool is_own_name(const emr_view *view, emr_bytes by)
{
	const char *own = view->options.owner != NULL ? view->options.owner->name : "";
	size_t len = strlen(own);

	return len > 0 && by.len >= len && memcmp(by.data, own, len) == 0 &&
	       (by.len == len || by.data[len] == ',');
}

/* Whose key the ledger says it was; owned.  NULL: it does not say. */
static char *registered_writer(const emr_view *view, const view_conflict *c)
{
	const emr_view_options *o = &view->options;
	char name[600] = "";
	emr_status status = EMR_DENIED;

	if (!emr_id32_is_zero(c->by) && o->named != NULL)
		status = o->named(o->named_arg, c->by, name, sizeof name);
	if (status == EMR_NOT_FOUND && c->owner[0] != '\0')
		return strdup(c->owner);
	if (status != EMR_OK)
		return NULL;
	return strdup(name[0] != '\0' ? name : "another computer of yours");
}

/* The writer of the one of the two that is not this person's; owned. */
static char *other_writer(emr_view *view, const view_conflict *c, uint64_t original)
{
	const uint64_t both[] = {original, c->number};
	char *known = registered_writer(view, c);
	bool is_own = false;

	if (known != NULL)
		return known;

	for (size_t i = 0; i < 2; i++) {
		EMR_AUTO_BUF by = {0};

		if (both[i] == 0 || emr_view_get_attribute(
					    view, both[i], "user.emrfs.signed-by", &by) != EMR_OK)
			continue;
		if (!is_own_name(view, emr_buf_view(&by)))
			return strndup((const char *)by.data, by.len);
		is_own = true;
	}
	return strdup(is_own ? "another computer of yours" : "somebody else");
}

void conflict_tell(emr_view *view, const emr_buf *conflicts)
{
	if (view->options.notice == NULL)
		return;
	EMR_EACH (const view_conflict, c, conflicts) {
		uint64_t original = 0;
		char *path = NULL, *who;
		node *n, *beside;

		pthread_mutex_lock(&view->lock);
		n = tree_by_number(view, c->number);
		if (n != NULL && n->state == NODE_LIVE) {
			path = tree_path(n);
			beside = original_of(view, n);
			original = beside != NULL ? beside->number : 0;
		}
		pthread_mutex_unlock(&view->lock);
		who = path != NULL ? other_writer(view, c, original) : NULL;
		if (who != NULL)
			refusals_tell_with(view, "conflict", path, who);
		free(who);
		free(path);
	}
}

emr_status conflict_leave_record(emr_view *view, node *n, const char *name)
{
	emr_id16 before = n->id, id = emr_id16_random();
	bool was_published = n->is_published, was_dirty = n->content_dirty,
	     was_domain = n->is_domain;
	emr_place *restored = node_file(n)->restored;
	char *copy = NULL;
	node_row row;
	edit e;
	emr_status status = tree_prepare(view, n->parent, name, &copy);

	if (status == EMR_OK)
		status = tree_reserve_ids(view, 2);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	n->is_published = n->is_domain = false;
	n->content_dirty = true;
	node_file(n)->restored = NULL;
	row = row_of_node(n);
	row.name = emr_bytes_of(name, strlen(name));
	row.next_id = (emr_id16){{0}};
	row.change++;
	e = edit_begin(view);
	edit_delete(&e, before);
	edit_put(&e, id, &row);
	if (node_file(n)->has_content) {
		edit_unpin(&e, &node_file(n)->content->c, before);
		edit_pin(&e, &node_file(n)->content->c, id, EMR_PIN_WRITTEN);
	}
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		n->is_published = was_published;
		n->is_domain = was_domain;
		n->content_dirty = was_dirty;
		node_file(n)->restored = restored;
		free(copy);
		return status;
	}
	free(restored);
	n->has_row = true;
	tree_set_next_id(n, (emr_id16){{0}});
	node_set_top_cver(n, 0);
	n->failure = EMR_OK;
	free(n->was);
	n->was = NULL;
	status = tree_change_id(view, n, id); /* reserved: cannot fail */
	tree_move(view, n, n->parent, copy);
	tree_mark_local(n);
	mark_changed(view, n);
	return status;
}
