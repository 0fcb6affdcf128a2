/* This file shows the directory `datasets`: folders that others have put into the datasets that
 * this person reads, under pseudonyms. It is made of the same shares as shared-with-me, under other
 * names, and so ends with the same grants; a participant who has left is not there, and nothing
 * tells who it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "share/frozen.h"

#include "edit.h"
#include "node.h"
#include "shared.h"

#define CODE_DIGITS 4

/* ---- which ---- */

static bool is_taken(const emr_view *view, const char *name)
{
	for (const shared_set *s = view->shares->sets; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

shared_set *shared_set_of(const emr_view *view, emr_id16 line)
{
	shared_set *set = view->shares != NULL ? view->shares->sets : NULL;

	while (set != NULL && !emr_id16_equal(set->line, line))
		set = set->next;
	return set;
}

emr_status shared_read_terms(const emr_view *view, const emr_received *r, emr_terms *out)
{
	emr_team dataset;

	if (!r->is_dataset || shared_set_of(view, r->line) != NULL)
		return EMR_OK;
	EMR_TRY(emr_team_get(view->options.replica, r->via, &dataset));
	*out = dataset.terms;
	return EMR_OK;
}

shared_set *shared_need_set(emr_view *view, const emr_received *r, const emr_terms *terms)
{
	shared_set **at = &view->shares->sets;
	char name[EMR_NAME_MAX + 1], code[27];

	for (; *at != NULL; at = &(*at)->next)
		if (emr_id16_equal((*at)->line, r->line))
			return *at;
	emr_base32(r->line.b, sizeof r->line.b, code);
	snprintf(name, sizeof name, "%s", r->team);
	for (size_t digits = CODE_DIGITS; is_taken(view, name) && digits <= 26; digits++)
		emr_name_with_code(r->team, code, digits, name);
	*at = calloc(1, sizeof **at);
	if (*at == NULL)
		return NULL;
	(*at)->number = ++view->shares->next_set;
	(*at)->line = r->line;
	(*at)->terms = *terms;
	(*at)->terms_id = r->terms_id;
	memcpy((*at)->name, name, sizeof name);
	return *at;
}

/* One that somebody took part in stays when he has left: it is empty then. */
static bool set_is_shown(const emr_view *view, const shared_set *set)
{
	for (const shared_share *s = view->shares->all; s != NULL; s = s->next)
		if (s->owner->set == set && shared_share_is_shown(view, s))
			return true;
	return false;
}

static bool sets_are_there(const emr_view *view)
{
	if (view->shares == NULL)
		return false;
	for (const shared_set *s = view->shares->sets; s != NULL; s = s->next)
		if (set_is_shown(view, s))
			return true;
	return false;
}

/* ---- nodes ---- */

static emr_id16 top_id(void)
{
	return shared_id_of("sets", "", 0, (emr_id16){{0}}, 0);
}

static emr_id16 set_id(const shared_set *set)
{
	return shared_id_of("set", "", 0, set->line, 0);
}

static emr_status directory(emr_view *view, emr_id16 id, const shared_at *at, node **out_node)
{
	node *n = tree_by_shown_id(view, id);

	if (n == NULL) {
		EMR_TRY(shared_make(view, id, EMR_META_DIR, at, &n));
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	}
	n->listing->subdirectories = 0;
	*out_node = n;
	return EMR_OK;
}

emr_status shared_sets_top(emr_view *view, node **out_node)
{
	const shared_at at = {.level = SHARED_SETS, .entry = FLAT_NONE};

	EMR_TRY(sets_are_there(view) ? directory(view, top_id(), &at, out_node) : EMR_NOT_FOUND);
	for (const shared_set *s = view->shares->sets; s != NULL; s = s->next)
		(*out_node)->listing->subdirectories += set_is_shown(view, s);
	return EMR_OK;
}

static emr_status set_node(emr_view *view, shared_set *set, node **out_node)
{
	const shared_at at = {.level = SHARED_SET, .set = set, .entry = FLAT_NONE};

	EMR_TRY(directory(view, set_id(set), &at, out_node));
	for (const shared_owner *o = view->shares->owners; o != NULL; o = o->next)
		(*out_node)->listing->subdirectories +=
			o->set == set && shared_owner_is_shown(view, o);
	return EMR_OK;
}

/* A reader who opens a path again is told why it is not there, as long as the end is news. */
static emr_status child_of_set(
	emr_view *view, const shared_set *set, const char *name, node **out_node)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next) {
		if (o->set != set || strcmp(o->name, name) != 0)
			continue;
		if (shared_owner_is_shown(view, o))
			return shared_owner_node(view, o, out_node);
		for (const shared_share *s = o->shares; s != NULL; s = s->next_of_owner)
			if (shared_share_is_shown(view, s))
				return shared_is_readable(view, s);
	}
	return EMR_NOT_FOUND;
}

emr_status shared_sets_child(emr_view *view, const shared_at *at, const char *name, node **out)
{
	if (at->level == SHARED_SET)
		return child_of_set(view, at->set, name, out);
	for (shared_set *s = view->shares->sets; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0 && set_is_shown(view, s))
			return set_node(view, s, out);
	return EMR_NOT_FOUND;
}

static emr_status list_participants(emr_view *view, const shared_set *set, lister *l)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next) {
		node *n;

		if (o->set != set || o->number + 2 <= l->cookie || !shared_owner_is_shown(view, o))
			continue;
		EMR_TRY(shared_owner_node(view, o, &n));
		if (!shared_give(view, l, n, o->name, o->number + 2))
			break;
	}
	return EMR_OK;
}

emr_status shared_sets_list(emr_view *view, const shared_at *at, lister *l)
{
	if (at->level == SHARED_SET)
		return list_participants(view, at->set, l);
	for (shared_set *s = view->shares->sets; s != NULL; s = s->next) {
		node *n;

		if (s->number + 2 <= l->cookie || !set_is_shown(view, s))
			continue;
		EMR_TRY(set_node(view, s, &n));
		if (!shared_give(view, l, n, s->name, s->number + 2))
			break;
	}
	return EMR_OK;
}

/* ---- who takes part ---- */

/* A folder of one. */
typedef struct part {
	const shared_owner *owner; /* which live as long as the view */
	const char *opens;
	emr_known_grant grant;
	bool is_over;
} part;

static emr_status gather_parts(emr_view *view, emr_buf *out)
{
	const shares *all = view->shares;
	EMR_LOCKED(&view->lock);

	for (const shared_owner *o = all->owners; o != NULL; o = o->next)
		for (const shared_share *s = o->shares; s != NULL; s = s->next_of_owner) {
			const part one = {.owner = o,
				.opens = shared_opens(view, s),
				.grant = s->grant,
				.is_over = shared_is_over(s)};

			if (o->set != NULL && emr_id16_equal(o->set->line, all->only) &&
				shared_share_is_shown(view, s))
				EMR_TRY(emr_buf_append(out, &one, sizeof one));
		}
	return EMR_OK;
}

emr_status emr_view_participants(emr_view *view, emr_buf *out)
{
	EMR_AUTO_BUF parts = {0};
	const part *all;
	size_t n;

	if (view->shares == NULL || emr_id16_is_zero(view->shares->only))
		return EMR_OK;
	EMR_TRY(gather_parts(view, &parts));
	all = (const part *)(const void *)parts.data;
	n = parts.len / sizeof *all;
	for (size_t i = 0, next; i < n; i = next) {
		emr_participant one = {
			.pseudonym = all[i].owner->name, .opens = all[i].opens, .is_over = true};

		for (next = i; next < n && all[next].owner == all[i].owner; next++) {
			if (all[next].is_over)
				continue;
			one.opens = all[next].opens; /* one folder that is there is enough */
			one.is_over = false;
			EMR_TRY(emr_frozen_files(view->options.replica, &all[next].grant,
				view->shares->frozen_at, &one.files));
		}
		EMR_TRY(emr_buf_append(out, &one, sizeof one));
	}
	return EMR_OK;
}

/* ---- the kernel ---- */

/* Without memory the time-outs of the entries do it. */
void shared_tell_set(emr_view *view, const shared_owner *owner, emr_buf *tell)
{
	const node *set = tree_by_shown_id(view, set_id(owner->set)),
		   *top = tree_by_shown_id(view, top_id());

	if (emr_id16_equal(view->shares->only, owner->set->line) &&
		(shared_tell_later(tell, EMR_ROOT_NODE, owner->name) != EMR_OK ||
			shared_tell_later(tell, EMR_ROOT_NODE, NULL) != EMR_OK))
		return;
	if (top != NULL && (shared_tell_later(tell, top->number, owner->set->name) != EMR_OK ||
				   shared_tell_later(tell, top->number, NULL) != EMR_OK))
		return;
	if (set != NULL && (shared_tell_later(tell, set->number, owner->name) != EMR_OK ||
				   shared_tell_later(tell, set->number, NULL) != EMR_OK))
		return;
}

emr_status shared_sets_have_come(emr_view *view, emr_buf *tell)
{
	bool there = sets_are_there(view);

	if (there == view->shares->shows_sets || view->root == NULL)
		return EMR_OK;
	view->shares->shows_sets = there;
	view->root->listing->subdirectories += there ? 1u : -1u;
	EMR_TRY(shared_tell_later(tell, EMR_ROOT_NODE, SETS_DIRECTORY));
	return shared_tell_later(tell, EMR_ROOT_NODE, NULL);
}
