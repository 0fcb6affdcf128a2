/* This file makes the nodes below shared-with-me, and those of participants in datasets, when
 * they are looked up or listed, and finds them again by an id that stands for what they show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "node.h"
#include "shared.h"
#include "shared_place.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

/* Below shared-with-me. */
static bool owner_is_shown(const emr_view *view, const shared_owner *owner)
{
	return owner->set == NULL && shared_owner_is_shown(view, owner);
}

/* ---- making nodes ---- */

static void count_subdirectories(node *n, const shared_tree *tree, uint32_t entry)
{
	const flat_place *at = &tree->names.places[entry];

	n->listing->subdirectories = 0;
	for (const node *kid = tree_next_kid(n, 0); kid != NULL;
		kid = tree_next_kid(n, kid->cookie))
		n->listing->subdirectories += kid->type == EMR_META_DIR;
	n->listing->subdirectories += shared_placed_directories(n->shared->share, n->shared->entry);
	for (uint32_t i = 0; i < at->nkids; i++)
		n->listing->subdirectories += tree->entries[at->first_kid + i].type == EMR_META_DIR;
}

emr_status shared_fill(node *n, const shared_tree *tree, uint32_t entry)
{
	const shared_entry *e = &tree->entries[entry];

	n->mode = e->mode;
	n->size = e->size;
	n->mtime_ns = n->ctime_ns = e->mtime_ns;
	/* To the nanosecond it would be found again, in a ledger's copy or at the participant's. */
	if (n->shared->owner->set != NULL)
		n->mtime_ns = n->ctime_ns = e->mtime_ns - e->mtime_ns % DAY_NS;
	n->shared->entry = entry;
	if (n->type == EMR_META_SYMLINK && n->target == NULL && e->target != NULL &&
		(n->target = strdup(e->target)) == NULL)
		return EMR_NO_MEMORY;
	if (n->type == EMR_META_DIR)
		count_subdirectories(n, tree, entry);
	return tree_set_attributes(n, emr_buf_view(&e->attributes));
}

uint64_t shared_version_of(const shared_entry *e)
{
	return e->type == EMR_META_DIR ? 0 : e->pversion != 0 ? e->pversion : e->version;
}

shared_at shared_at_entry(shared_share *s, uint32_t entry)
{
	const shared_entry *e = &s->tree->entries[entry];

	return (shared_at){.level = SHARED_RECORD,
		.owner = s->owner,
		.share = s,
		.domain = s->domain,
		.space = s->space,
		.object = e->object,
		.version = shared_version_of(e),
		.entry = entry};
}

emr_status shared_record_node(emr_view *view, shared_share *s, uint32_t entry, node **out_node)
{
	const shared_entry *e = &s->tree->entries[entry];
	shared_at at = shared_at_entry(s, entry);
	emr_id16 id = shared_record_id(s->space, e->object, at.version);
	node *n = tree_by_shown_id(view, id);
	emr_status status;

	if (n != NULL) {
		if (n->type == EMR_META_DIR) /* what lies in it may have come since */
			count_subdirectories(n, s->tree, entry);
		*out_node = n;
		return EMR_OK;
	}
	status = shared_make(view, id, (emr_meta_type)e->type, &at, &n);
	if (status == EMR_OK) {
		status = shared_fill(n, s->tree, entry);
		if (status != EMR_OK)
			tree_free_node(view, n);
	}
	if (status == EMR_OK)
		*out_node = n;
	return status;
}

static emr_status anchor(
	emr_view *view, emr_id16 space, emr_id16 domain, emr_id16 object, node **out_node)
{
	shared_at at = {.level = SHARED_RECORD,
		.domain = domain,
		.space = space,
		.object = object,
		.entry = FLAT_NONE};
	emr_id16 id = shared_record_id(space, object, 0);

	*out_node = tree_by_shown_id(view, id);
	return *out_node != NULL ? EMR_OK : shared_make(view, id, EMR_META_DIR, &at, out_node);
}

emr_status shared_anchor(emr_view *view, emr_id16 domain, emr_id16 object, node **out_node)
{
	return anchor(view, domain, domain, object, out_node);
}

/* The directory of a share whose names nobody has asked for yet. */
static emr_status unknown_share(emr_view *view, shared_share *s, node **out_node)
{
	node *n;

	EMR_TRY(anchor(view, s->space, s->domain, s->top, &n));
	n->shared->owner = s->owner;
	n->shared->share = s;
	n->mtime_ns = n->ctime_ns =
		(int64_t)shared_time(s->owner, s->grant.ledger_time) * 1000000000;
	*out_node = n;
	return EMR_OK;
}

static emr_status note_node(emr_view *view, shared_share *s, node **out_node)
{
	shared_at at = {.level = SHARED_NOTE, .owner = s->owner, .share = s, .entry = FLAT_NONE};
	emr_id16 id =
		shared_id_of("note", s->domain.b, sizeof s->domain.b, s->top, s->ended_unix_s);
	EMR_AUTO_BUF text = {0};
	emr_status status = shared_note_text(s, &text);
	node *n = tree_by_shown_id(view, id);

	if (status == EMR_OK && n == NULL)
		status = shared_make(view, id, EMR_META_FILE, &at, &n);
	if (status != EMR_OK)
		return status;
	n->size = text.len;
	n->mtime_ns = n->ctime_ns = (int64_t)shared_time(s->owner, s->ended_unix_s) * 1000000000;
	*out_node = n;
	return EMR_OK;
}

emr_status shared_top_node(emr_view *view, shared_share *s, node **out_node)
{
	node *own = shared_file_node(view, s);

	if (own == NULL)
		return shared_record_node(view, s, FLAT_TOP, out_node);
	*out_node = own;
	return EMR_OK;
}

static emr_status share_node(emr_view *view, shared_share *s, node **out_node)
{
	if (shared_is_over(s))
		return note_node(view, s, out_node);
	if (shared_file_node(view, s) == NULL && s->is_file && s->tree != NULL &&
		s->tree->entries[FLAT_TOP].type != EMR_META_FILE)
		return EMR_NOT_FOUND; /* removed since, or it cannot be read */
	if (s->tree != NULL || shared_file_node(view, s) != NULL)
		return shared_top_node(view, s, out_node);
	return s->is_file ? EMR_BUSY : unknown_share(view, s, out_node);
}

emr_status shared_top(emr_view *view, node **out_node)
{
	shared_at at = {.level = SHARED_TOP, .entry = FLAT_NONE};
	emr_id16 id = shared_top_id();
	node *n = tree_by_shown_id(view, id);

	if (!shared_is_there(view))
		return EMR_NOT_FOUND;
	if (n == NULL) {
		EMR_TRY(shared_make(view, id, EMR_META_DIR, &at, &n));
		n->mtime_ns = n->ctime_ns = view_now_ns(view);
	}
	n->listing->subdirectories = 0;
	for (const shared_owner *o = view->shares->owners; o != NULL; o = o->next)
		n->listing->subdirectories += owner_is_shown(view, o);
	*out_node = n;
	return EMR_OK;
}

/* ---- looking ---- */

static const char *shown_name(const shared_share *s)
{
	return shared_is_over(s) ? s->note_name : s->name;
}

static emr_status child_of_top(emr_view *view, const char *name, node **out_node)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next)
		if (strcmp(o->name, name) == 0 && owner_is_shown(view, o))
			return shared_owner_node(view, o, out_node);
	return EMR_NOT_FOUND;
}

static emr_status child_of_owner(
	emr_view *view, const shared_owner *owner, const char *name, node **out_node)
{
	for (shared_share *s = owner->shares; s != NULL; s = s->next_of_owner)
		if (strcmp(shown_name(s), name) == 0 && shared_is_beside(s))
			return share_node(view, s, out_node);
	/* A viewer that opens its path again is told why it is not there, as long as the note is.
	 */
	for (const shared_share *s = owner->shares; s != NULL; s = s->next_of_owner)
		if (shared_is_over(s) && shared_share_is_shown(view, s) &&
			strcmp(s->name, name) == 0)
			return shared_is_readable(view, s);
	return EMR_NOT_FOUND;
}

emr_status shared_check_directory(const emr_view *view, const node *n)
{
	EMR_TRY(shared_is_readable(view, n->shared->share));
	if (n->shared->share->is_blind)
		return EMR_OK;
	if (n->shared->share->tree == NULL)
		return EMR_BUSY;
	return n->shared->entry == FLAT_NONE ? EMR_NOT_FOUND : EMR_OK;
}

emr_status shared_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	const shared_at *at = directory->shared;

	if (at->level == SHARED_SETS || at->level == SHARED_SET)
		return shared_sets_child(view, at, name, out_node);
	if (at->level == SHARED_TOP)
		return child_of_top(view, name, out_node);
	if (at->level == SHARED_OWNER)
		return child_of_owner(view, at->owner, name, out_node);
	return kind_of(directory)->within->child(view, directory, name, out_node);
}

static emr_status list_owners(emr_view *view, lister *l)
{
	for (shared_owner *o = view->shares->owners; o != NULL; o = o->next) {
		node *n;

		if (o->number + 2 <= l->cookie || !owner_is_shown(view, o))
			continue;
		EMR_TRY(shared_owner_node(view, o, &n));
		if (!shared_give(view, l, n, o->name, o->number + 2))
			break;
	}
	return EMR_OK;
}

static emr_status list_shares(emr_view *view, const shared_owner *owner, lister *l)
{
	for (shared_share *s = owner->shares; s != NULL; s = s->next_of_owner) {
		emr_status status;
		node *n;

		if (s->number + 2 <= l->cookie || !shared_is_beside(s))
			continue;
		status = share_node(view, s, &n);
		if (status == EMR_BUSY ||
			status == EMR_NOT_FOUND) /* a file nobody could tell the size of: it is
						    there when it can be named */
			continue;
		if (status != EMR_OK)
			return status;
		if (!shared_give(view, l, n, shown_name(s), s->number + 2))
			break;
	}
	return EMR_OK;
}

emr_status shared_list(emr_view *view, node *directory, lister *l)
{
	const shared_at *at = directory->shared;

	if (at->level == SHARED_SETS || at->level == SHARED_SET)
		return shared_sets_list(view, at, l);
	if (at->level == SHARED_TOP)
		return list_owners(view, l);
	if (at->level == SHARED_OWNER)
		return list_shares(view, at->owner, l);
	return kind_of(directory)->within->list(view, directory, l);
}

char *shared_path(const node *n)
{
	const shared_at *at = n->shared;
	const shared_share *s = at->share;
	char *inner = NULL, *path = NULL, *place = NULL;
	int len;

	if (s != NULL && s->tree != NULL && at->level == SHARED_RECORD && at->entry != FLAT_NONE)
		inner = flat_path(&s->tree->names, at->entry);
	if (at->level == SHARED_SETS)
		len = asprintf(&path, "%s", SETS_DIRECTORY);
	else if (at->level == SHARED_SET)
		len = asprintf(&path, "%s/%s", SETS_DIRECTORY, at->set->name);
	else if (at->level == SHARED_TOP || at->owner == NULL)
		len = asprintf(&path, "%s", SHARED_DIRECTORY);
	else if (at->level == SHARED_OWNER)
		return shared_owner_path(at->owner);
	else if (at->level == SHARED_NOTE)
		len = asprintf(&path, "%s/%s/%s", SHARED_DIRECTORY, at->owner->name, s->note_name);
	else if ((place = shared_place_path(s)) == NULL)
		len = -1;
	else
		len = asprintf(&path, "%s%s%s", place, inner != NULL && inner[0] != 0 ? "/" : "",
			inner != NULL ? inner : "");
	free(inner);
	free(place);
	return len < 0 ? NULL : path;
}

char *shared_path_of_any(const node *n)
{
	return shared_has(n) ? shared_path(n) : tree_path(n);
}

/* ---- a share that has grown ---- */

void shared_tell(emr_view *view, const emr_buf *tell)
{
	EMR_EACH (const shared_telling, t, tell)
		emr_view_tell(view, t->node, t->name[0] != 0 ? t->name : NULL);
}

/* The node of the directory in which ENTRY lies, if the kernel has one. */
static node *directory_node(
	const emr_view *view, const shared_share *s, const shared_tree *tree, uint32_t entry)
{
	const shared_entry *up = &tree->entries[tree->names.places[entry].parent];

	return tree_by_shown_id(view, shared_record_id(s->space, up->object, 0));
}

/* N stood at entry OLD of BEFORE; the kernel forgets that name unless it means N still. */
static void tell_if_moved(emr_view *view, shared_share *s, const shared_tree *before, uint32_t old,
	const node *n, emr_buf *tell)
{
	const shared_tree *now = s->tree;
	uint32_t entry = n->shared->entry;
	bool stays = now != NULL && entry != FLAT_NONE &&
		     shared_tree_same_place(now, entry, before, old);
	const node *directory = old != FLAT_TOP ? directory_node(view, s, before, old) : NULL;

	/* Without memory the entry's time-out does it. */
	if (!stays && directory != NULL &&
		shared_tell_later(tell, directory->number, before->names.places[old].name) !=
			EMR_OK)
		return;
	if (shared_tell_later(tell, n->number, NULL) != EMR_OK)
		return;
}

/* The kernel's copy of entry I of A stays right for entry K of B. */
static bool is_same(const shared_tree *a, uint32_t i, const shared_tree *b, uint32_t k)
{
	const shared_entry *x = &a->entries[i], *y = &b->entries[k];

	return x->mode == y->mode && x->size == y->size && x->mtime_ns == y->mtime_ns &&
	       x->type != EMR_META_DIR && shared_tree_same_place(a, i, b, k);
}

/* N finds its place in the present tree of its share. */
static void move_node(
	emr_view *view, shared_share *s, const shared_tree *before, node *n, emr_buf *tell)
{
	shared_at *at = n->shared;
	uint32_t old = at->entry,
		 entry = s->tree != NULL ? shared_tree_find(s->tree, at->object) : FLAT_NONE;
	emr_status status = EMR_OK;

	if (entry != FLAT_NONE && shared_version_of(&s->tree->entries[entry]) != at->version)
		entry = FLAT_NONE; /* another version: another node */
	at->entry = entry;
	if (entry != FLAT_NONE)
		status = shared_fill(n, s->tree, entry);
	if (status != EMR_OK)
		at->entry = FLAT_NONE;
	if (before == NULL || old == FLAT_NONE) {
		if (shared_tell_later(tell, n->number, NULL) != EMR_OK)
			return;
	} else if (entry == FLAT_NONE || !is_same(before, old, s->tree, entry)) {
		tell_if_moved(view, s, before, old, n, tell);
	}
}

/* S, and what lies in it, where they are shown with the tree that S has now. */
static void tell_places(emr_view *view, const shared_share *s, emr_buf *tell)
{
	for (const shared_share *i = s->owner->shares; i != NULL; i = i->next_of_owner) {
		shared_spot spot;

		if (i != s && (!shared_spot_of(i, &spot) || spot.outer != s))
			continue;
		shared_tell_place(view, i, tell);
		shared_tell_of(view, i, tell);
	}
}

static void settle_node(
	emr_view *view, shared_share *s, const shared_tree *before, node *n, emr_buf *tell)
{
	if (n == NULL || !shared_has(n) || n->shared->level != SHARED_RECORD ||
		!emr_id16_equal(n->shared->space, s->space))
		return;
	/* Files that were written there may be here before the share is known. */
	n->shared->share = s;
	n->shared->owner = s->owner;
	move_node(view, s, before, n, tell);
}

shared_tree *shared_swap_tree(emr_view *view, shared_share *s, shared_tree *tree, emr_buf *tell)
{
	shared_tree *before = s->tree;

	tell_places(view, s, tell);
	s->tree = tree;
	s->ahead.last = s->ahead.from = FLAT_TOP;
	/* Nobody writes in a dataset: before the first look there is its top and nothing else. A
	 * thousand participants would else be looked for among the files of all, each. */
	if (s->owner->set != NULL && !s->was_looked_at)
		settle_node(view, s, before,
			tree_by_shown_id(view, shared_record_id(s->space, s->top, 0)), tell);
	else
		for (size_t i = 0; i < view->nodes.used; i++)
			settle_node(view, s, before, slots_at(&view->nodes, i), tell);
	s->was_looked_at = s->was_looked_at || tree != NULL;
	if (before != NULL && tree != NULL)
		shared_tell_new(view, s, before, tell);
	tell_places(view, s, tell);
	return before;
}

void shared_tell_of(emr_view *view, const shared_share *s, emr_buf *tell)
{
	const node *n = tree_by_shown_id(view, shared_owner_id(s->owner));

	if (s->owner->set != NULL)
		shared_tell_set(view, s->owner, tell);
	if (n == NULL)
		return;
	/* Without memory the time-outs of the entries do it. */
	if (shared_tell_later(tell, n->number, s->name) != EMR_OK ||
		(s->note_name[0] != 0 &&
			shared_tell_later(tell, n->number, s->note_name) != EMR_OK) ||
		shared_tell_later(tell, n->number, NULL) != EMR_OK)
		return;
}

void shared_tell_records(emr_view *view, const shared_share *s, emr_buf *tell)
{
	for (const node *n = NULL; (n = tree_next_any(view, n)) != NULL;)
		if (n->type == EMR_META_FILE && shared_reads_of(n, s) &&
			shared_tell_later(tell, n->number, NULL) != EMR_OK)
			return;
}
