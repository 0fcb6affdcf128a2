/* A share may lie inside another share that the same person received. This file decides whether
 * it is shown there or beside the other, and under which name; an owner who lets two shares lie
 * in each other gets both beside. */
#include "shared_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/names.h"

#include "edit.h"
#include "node.h"

#define DEPTH_MAX 64 /* shares in shares */

static bool is_over(const shared_share *s)
{
	return s->phase == SHARED_EXPIRED || s->phase == SHARED_REVOKED;
}

/* ---- where ---- */

/* Without a look at what is around the outer one. */
static bool find_spot(const shared_share *s, shared_spot *out)
{
	if (s->phase != SHARED_OPEN || s->tree == NULL || emr_id16_is_zero(s->tree->top_parent))
		return false;
	for (shared_share *o = s->owner->shares; o != NULL; o = o->next_of_owner) {
		uint32_t entry;

		if (o == s || o->phase != SHARED_OPEN || o->tree == NULL)
			continue;
		entry = shared_tree_find(o->tree, s->tree->top_parent);
		if (entry == FLAT_NONE || o->tree->entries[entry].type != EMR_META_DIR)
			continue;
		*out = (shared_spot){.outer = o, .entry = entry};
		return true;
	}
	return false;
}

bool shared_spot_of(const shared_share *s, shared_spot *out_spot)
{
	shared_spot spot, up;

	if (!find_spot(s, &spot))
		return false;
	up = spot;
	for (int depth = 0; up.outer != s && find_spot(up.outer, &up); depth++)
		if (depth > DEPTH_MAX)
			return false;
	if (up.outer == s)
		return false;
	*out_spot = spot;
	return true;
}

static shared_share *root_of(const shared_share *s)
{
	for (shared_share *o = s->owner->shares; o != NULL && s->is_tied; o = o->next_of_owner)
		if (o != s && emr_id16_equal(o->domain, s->root))
			return o;
	return NULL;
}

/* Its names may still come. */
static bool is_on_its_way(const shared_share *s)
{
	return s->phase == SHARED_OPEN && s->tree == NULL && s->has_purpose &&
	       view_boot_ns(s->view) >= s->build_not_before_ns;
}

shared_share *shared_awaits_inner(const shared_share *s)
{
	for (shared_share *i = s->owner->shares; i != NULL; i = i->next_of_owner)
		if (i != s && i->is_tied && emr_id16_equal(i->root, s->domain) && is_on_its_way(i))
			return i;
	return NULL;
}

bool shared_is_wanted_inside(const shared_share *s)
{
	const shared_share *root = root_of(s);

	return root != NULL && root->phase == SHARED_OPEN && root->tree != NULL && is_on_its_way(s);
}

bool shared_is_beside(const shared_share *s)
{
	const shared_share *root = root_of(s);
	shared_spot spot;

	if (!shared_share_is_shown(s->view, s))
		return false;
	if (is_over(s))
		return s->owner->set == NULL && (root == NULL || !is_over(root));
	if (shared_spot_of(s, &spot))
		return false;
	return root == NULL || root->phase != SHARED_OPEN ||
	       (root->tree != NULL && !is_on_its_way(s) && shared_awaits_inner(root) == NULL);
}

/* ---- what it is called there ---- */

static const char *own_name(const shared_share *s)
{
	return emr_name_check(s->tree->top_name) == EMR_OK ? s->tree->top_name : "unnamed";
}

static bool is_taken(const shared_share *s, const shared_spot *spot, const char *name)
{
	if (flat_child(&spot->outer->tree->names, spot->entry, name) != FLAT_NONE)
		return true;
	for (shared_share *o = shared_placed_next(spot->outer, spot->entry, 0);
		o != NULL && o->number < s->number;
		o = shared_placed_next(spot->outer, spot->entry, o->number))
		if (strcmp(own_name(o), name) == 0)
			return true;
	return false;
}

void shared_spot_name(const shared_share *s, const shared_spot *spot, char out[EMR_NAME_MAX + 1])
{
	char code[27];

	snprintf(out, EMR_NAME_MAX + 1, "%s", own_name(s));
	if (!is_taken(s, spot, out))
		return;
	emr_base32(s->domain.b, sizeof s->domain.b, code);
	emr_name_with_code(own_name(s), code, 8, out);
}

shared_share *shared_placed_next(const shared_share *outer, uint32_t entry, uint64_t after)
{
	shared_share *first = NULL;

	for (shared_share *s = outer->owner->shares; s != NULL; s = s->next_of_owner) {
		shared_spot spot;

		if (s->number <= after || (first != NULL && s->number > first->number) ||
			!shared_spot_of(s, &spot) || spot.outer != outer || spot.entry != entry)
			continue;
		first = s;
	}
	return first;
}

shared_share *shared_placed_child(shared_share *outer, uint32_t entry, const char *name)
{
	const shared_spot spot = {.outer = outer, .entry = entry};

	for (shared_share *s = shared_placed_next(outer, entry, 0); s != NULL;
		s = shared_placed_next(outer, entry, s->number)) {
		char is[EMR_NAME_MAX + 1];

		shared_spot_name(s, &spot, is);
		if (strcmp(is, name) == 0)
			return s;
	}
	return NULL;
}

uint32_t shared_placed_directories(const shared_share *outer, uint32_t entry)
{
	uint32_t n = 0;

	for (shared_share *s = shared_placed_next(outer, entry, 0); s != NULL;
		s = shared_placed_next(outer, entry, s->number))
		n += s->tree->entries[FLAT_TOP].type == EMR_META_DIR;
	return n;
}

char *shared_place_path(const shared_share *s)
{
	char name[EMR_NAME_MAX + 1], *path = NULL, *up, *inner;
	shared_spot spot;
	int len;

	if (!shared_spot_of(s, &spot)) {
		up = shared_owner_path(s->owner);
		len = up != NULL ? asprintf(&path, "%s/%s", up, s->name) : -1;
		free(up);
		return len < 0 ? NULL : path;
	}
	shared_spot_name(s, &spot, name);
	up = shared_place_path(spot.outer);
	inner = flat_path(&spot.outer->tree->names, spot.entry);
	len = up != NULL && inner != NULL
		      ? asprintf(&path, "%s/%s%s%s", up, inner, inner[0] != 0 ? "/" : "", name)
		      : -1;
	free(up);
	free(inner);
	return len < 0 ? NULL : path;
}

/* ---- the kernel ---- */

void shared_tell_place(emr_view *view, const shared_share *s, emr_buf *tell)
{
	char name[EMR_NAME_MAX + 1];
	shared_spot spot;
	const node *n;

	if (!shared_spot_of(s, &spot))
		return;
	n = tree_by_shown_id(view, shared_record_id(spot.outer->space,
					   spot.outer->tree->entries[spot.entry].object, 0));
	if (n == NULL)
		return;
	shared_spot_name(s, &spot, name);
	/* Without memory the entry's time-out does it. */
	if (shared_tell_later(tell, n->number, name) != EMR_OK ||
		shared_tell_later(tell, n->number, NULL) != EMR_OK)
		return;
}
