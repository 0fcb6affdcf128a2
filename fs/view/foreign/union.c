/* A directory of another person's folder shows two things together: the records of that person,
 * and what was changed here and is not on the ledger yet. This file lists and looks up both as
 * one directory; of two equal names the other person's gets a code. */

#include <string.h>

#include "edit.h"
#include "foreign.h"
#include "shared_place.h"

#define PLACED_COOKIES                                                                             \
	(UINT64_C(1) << 40)		/* and a share's number: behind every record of a tree     \
					 */
#define OWN_COOKIES (UINT64_C(1) << 60) /* behind those of the other's records */

/* The entry that N, a directory in another's folder, is in the tree of its share; FLAT_NONE:
 * none. */
static uint32_t entry_of(const node *n)
{
	const shared_share *s;

	if (shared_has(n))
		return n->shared->entry;
	s = shared_share_of(n);
	return s != NULL && s->tree != NULL && n->is_published ? shared_tree_find(s->tree, n->id)
							       : FLAT_NONE;
}

/* Removed here, and the tree does not know yet. */
static bool is_gone(const emr_view *view, emr_id16 domain, const shared_entry *e)
{
	for (const vacated *v = vacated_find(view, e->object); v != NULL; v = v->next_in_chain)
		if (emr_id16_equal(v->place.object, e->object) &&
			emr_id16_equal(v->place.domain, domain))
			return true;
	EMR_EACH (const foreign_gone, gone, &view->shares->gone)
		if (emr_id16_equal(gone->object, e->object) &&
			emr_id16_equal(gone->domain, domain) && e->version <= gone->version)
			return true;
	return false;
}

static bool is_shown(const emr_view *view, const shared_share *s, const shared_entry *e)
{
	if (shared_own(view, s, e->object) != NULL)
		return false; /* stands for it */
	return !is_gone(view, s->domain, e);
}

/* The name of ENTRY in DIRECTORY: a node of one's own may have its name. */
static void name_of(const emr_view *view, const node *directory, const shared_tree *tree,
	uint32_t entry, char out[EMR_NAME_MAX + 1])
{
	const char *name = tree->names.places[entry].name;

	strcpy(out, name);
	if (tree_child(view, directory, name) != NULL)
		tree_free_name(view, directory, tree->entries[entry].object, name, out);
}

/* The entry that is called NAME because its own name is taken. */
static uint32_t second_of_name(const emr_view *view, const node *directory, const shared_share *s,
	uint32_t up, const char *name)
{
	for (const node *kid = tree_next_kid(directory, 0); kid != NULL;
		kid = tree_next_kid(directory, kid->cookie)) {
		uint32_t entry = flat_child(&s->tree->names, up, kid->name);
		char second[EMR_NAME_MAX + 1];

		if (entry == FLAT_NONE || !is_shown(view, s, &s->tree->entries[entry]))
			continue;
		name_of(view, directory, s->tree, entry, second);
		if (strcmp(second, name) == 0)
			return entry;
	}
	return FLAT_NONE;
}

static emr_status check(const emr_view *view, const node *directory)
{
	const shared_share *s = shared_share_of(directory);

	if (shared_has(directory))
		return shared_check_directory(view, directory);
	return s != NULL ? shared_is_readable(view, s) : EMR_OK;
}

emr_status union_child(emr_view *view, node *directory, const char *name, node **out_node)
{
	shared_share *s = shared_share_of(directory);
	uint32_t up = entry_of(directory), entry;
	shared_share *inner;
	node *own;

	EMR_TRY(check(view, directory));
	own = tree_child(view, directory, name);
	if (own != NULL) {
		*out_node = own;
		return EMR_OK;
	}
	if (up == FLAT_NONE)
		return EMR_NOT_FOUND;
	entry = flat_child(&s->tree->names, up, name);
	if (entry == FLAT_NONE || !is_shown(view, s, &s->tree->entries[entry]))
		entry = second_of_name(view, directory, s, up, name);
	if (entry != FLAT_NONE)
		return shared_record_node(view, s, entry, out_node);
	inner = shared_placed_child(s, up, name);
	return inner == NULL ? EMR_NOT_FOUND : shared_top_node(view, inner, out_node);
}

static emr_status list_theirs(emr_view *view, node *directory, lister *l)
{
	shared_share *s = shared_share_of(directory);
	uint32_t up = entry_of(directory);
	uint64_t first = l->cookie < 2 ? 0 : l->cookie - 2;

	for (uint64_t i = first;
		up != FLAT_NONE && i < s->tree->names.places[up].nkids && !l->is_over; i++) {
		uint32_t entry = s->tree->names.places[up].first_kid + (uint32_t)i;
		char name[EMR_NAME_MAX + 1];
		emr_status status;
		node *n;

		if (!is_shown(view, s, &s->tree->entries[entry]))
			continue;
		status = shared_record_node(view, s, entry, &n);
		if (status != EMR_OK) {
			l->is_over = true;
			return i == first ? status : EMR_OK; /* asked again from here */
		}
		name_of(view, directory, s->tree, entry, name);
		(void)shared_give(view, l, n, name, i + 3);
	}
	return EMR_OK;
}

/* Shares that lie in DIRECTORY, in the order of their numbers. */
static emr_status list_placed(emr_view *view, const node *directory, lister *l)
{
	const shared_spot spot = {
		.outer = shared_share_of(directory), .entry = entry_of(directory)};
	shared_share *s =
		spot.entry == FLAT_NONE
			? NULL
			: shared_placed_next(spot.outer, spot.entry,
				  l->cookie > PLACED_COOKIES ? l->cookie - PLACED_COOKIES : 0);

	for (; s != NULL && !l->is_over;
		s = shared_placed_next(spot.outer, spot.entry, s->number)) {
		char name[EMR_NAME_MAX + 1];
		node *n;

		EMR_TRY(shared_top_node(view, s, &n));
		shared_spot_name(s, &spot, name);
		(void)shared_give(view, l, n, name, PLACED_COOKIES + s->number);
	}
	return EMR_OK;
}

emr_status union_list(emr_view *view, node *directory, lister *l)
{
	uint64_t cookie = l->cookie < OWN_COOKIES ? 0 : l->cookie - OWN_COOKIES;

	EMR_TRY(check(view, directory));
	if (l->cookie < PLACED_COOKIES)
		EMR_TRY(list_theirs(view, directory, l));
	if (l->cookie < OWN_COOKIES)
		EMR_TRY(list_placed(view, directory, l));
	for (node *kid = tree_next_kid(directory, cookie); kid != NULL && !l->is_over;
		kid = tree_next_kid(directory, kid->cookie))
		(void)shared_give(view, l, kid, kid->name, OWN_COOKIES + kid->cookie);
	return EMR_OK;
}

bool union_is_empty(emr_view *view, node *directory)
{
	const shared_share *s = shared_share_of(directory);
	uint32_t up = entry_of(directory);

	const flat_place *at;

	if (node_has_kids(directory))
		return false;
	if (up == FLAT_NONE)
		return true;
	at = &s->tree->names.places[up];
	for (uint32_t i = 0; i < at->nkids; i++)
		if (is_shown(view, s, &s->tree->entries[at->first_kid + i]))
			return false;
	return shared_placed_next(s, up, 0) == NULL;
}

emr_status union_place(emr_view *view, shared_share *s, uint32_t entry, node **out_directory,
	char out_name[EMR_NAME_MAX + 1])
{
	uint32_t up = s->tree->names.places[entry].parent;
	node *directory = shared_own(view, s, s->tree->entries[up].object);

	if (directory == NULL || directory->type != EMR_META_DIR)
		EMR_TRY(shared_record_node(view, s, up, &directory));
	name_of(view, directory, s->tree, entry, out_name);
	*out_directory = directory;
	return EMR_OK;
}
