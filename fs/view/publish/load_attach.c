/* When a folder is opened, this file hangs what was read into the tree: each file and directory
 * where the ledger or the journal says that it lies. A record with an unknown or circular parent is
 * shown at the top, and what a writer laid elsewhere in the domain of the right. */
#include "load_private.h"

#include "base/log.h"

#include "foreign.h"
#include "rest.h"
#include "would_share.h"
#include "writers.h"

static const emr_id16 *moved_to(const loading *l, const emr_id16 *id)
{
	for (size_t i = 0; i < l->nmoves; i++)
		if (emr_id16_equal(l->moves[i].from, *id)) {
			l->moves[i].is_used = true;
			return &l->moves[i].to;
		}
	return NULL;
}

static node *parent_node(const loading *l, emr_id16 id)
{
	const emr_id16 *at = &id;

	if (emr_id16_is_zero(id))
		return l->view->root;
	for (size_t hops = 0; at != NULL && hops <= l->nmoves; hops++) {
		node *n = tree_awake_by_id(l->view, *at); /* no directory rests */

		if (n != NULL)
			return n->type == EMR_META_DIR ? n : NULL;
		at = moved_to(l, at);
	}
	return NULL;
}

/* That of N, which need not hang anywhere yet. */
static emr_id16 domain_of(const loading *l, const node *n)
{
	return n == l->view->root || !n->is_published ? tree_domain(n) : node_domain(n);
}

node *load_foreign_parent(const loading *l, const loaded *entry)
{
	node *n = emr_id16_is_zero(entry->parent) ? NULL : parent_node(l, entry->parent);
	const loaded *above = n != NULL && n != l->view->root ? load_entry_of(l, n) : NULL;

	return above != NULL && above->is_foreign && emr_id16_equal(above->domain, entry->domain)
		       ? n
		       : NULL;
}

/* Of ENTRY: where it is to hang. */
static node *parent_of(const loading *l, const loaded *entry)
{
	node *n = entry->is_foreign ? load_foreign_parent(l, entry) : parent_node(l, entry->parent);

	if (entry->is_others &&
		(n == NULL || !emr_id16_equal(domain_of(l, n), node_domain(entry->n))))
		n = parent_node(l, node_domain(entry->n));
	return n == NULL && entry->is_foreign
		       ? tree_by_shown_id(
				 l->view, shared_record_id(entry->domain, entry->parent, 0))
		       : n;
}

#define FORGOTTEN_AT_ONCE 10000 /* 22 bytes each: well within one frame */

void load_forget_moves(const loading *l)
{
	size_t n = 0;
	edit e;

	for (size_t i = 0; i < l->nmoves; i++)
		n += !l->moves[i].is_used;
	if (n == 0 || l->view->options.read_only)
		return;
	e = edit_begin(l->view);
	for (size_t i = 0; i < l->nmoves && n > 0; i++)
		if (!l->moves[i].is_used && n-- <= FORGOTTEN_AT_ONCE && e.status == EMR_OK)
			e.status = emr_journal_delete(e.txn, EMR_ROW_MOVED, l->moves[i].from);
	if (edit_commit(&e, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "old ids of directories stay in the journal for a while");
}

static emr_status attach_one(loading *l, loaded *entry, node *directory)
{
	const emr_id16 domain = tree_domain(directory);
	const bool is_own = entry->n->is_published && !entry->is_foreign && !entry->is_others &&
			    (entry->n->is_domain || emr_id16_equal(node_domain(entry->n), domain));

	entry->is_attached = true;
	EMR_TRY(is_own ? load_know_others(l, domain) : EMR_OK);
	/* Published under an id that its directory no longer has: the ledger must be told the
	 * present one. */
	if (entry->n->is_published && directory != l->view->root && !entry->is_foreign &&
		!entry->is_others && !emr_id16_equal(entry->parent, directory->id))
		entry->n->meta_dirty = true;
	return rest_attach(l->view, directory, entry->name, entry->n, is_own && !l->has_others);
}

/* One that a writer closed: what he said lies in its domain.  False: he has no part in it. */
static bool open_circle(const loading *l, loaded *first)
{
	loaded *at = first;

	do {
		if (at->is_others && !emr_id16_equal(at->parent, node_domain(at->n))) {
			at->parent = node_domain(at->n);
			return true;
		}
		at = load_entry_of(l, parent_of(l, at));
	} while (at != first);
	return false;
}

/* The highest entry above FIRST (or itself) that is not attached yet, and what it is to hang in.  A
 * record whose parent is unknown, or that would close a circle, hangs at the top of the folder.
 * NULL: a circle was opened, look again. */
static loaded *highest_loose(loading *l, loaded *first, size_t path, node **out_directory)
{
	loaded *entry = first;

	first->below = NULL;
	for (;;) {
		node *parent = parent_of(l, entry);
		loaded *above;

		entry->path = path;
		if (parent == NULL || parent == l->view->root) {
			*out_directory = l->view->root;
			return entry;
		}
		above = load_entry_of(l, parent);
		if (!above->is_attached && above->path == path && open_circle(l, above)) {
			*out_directory = NULL;
			return NULL;
		}
		if (above->is_attached || above->path == path) {
			*out_directory = above->is_attached ? parent : l->view->root;
			return entry;
		}
		above->below = entry;
		entry = above;
	}
}

/* That of ENTRY; it is above whatever lies deep in it, and so in the tree already. */
static node *domain_root(const loading *l, const loaded *entry)
{
	node *n = tree_awake_by_id(l->view, node_domain(entry->n));

	return n != NULL && n->type == EMR_META_DIR &&
			       (n == l->view->root || load_entry_of(l, n)->is_attached)
		       ? n
		       : l->view->root;
}

static emr_status lose_parent(const loaded *top)
{
	emr_status status = tree_need_pending(top->n);

	tree_set_lost_parent(top->n, top->is_others ? node_domain(top->n) : top->parent);
	return status;
}

/* TOP into DIRECTORY, and down from there what the walk came by: one walk for each of them would
 * take a day of directories that somebody has laid a hundred thousand deep. */
static emr_status attach_below(loading *l, loaded *top, node *directory)
{
	emr_status status = parent_of(l, top) == NULL ? lose_parent(top) : EMR_OK;

	for (loaded *entry = top; entry != NULL && status == EMR_OK; entry = entry->below) {
		if (entry->is_others && !writers_may_place(directory, node_domain(entry->n))) {
			directory = domain_root(l, entry);
			status = writers_call_anew(entry->n->type, &entry->name);
		}
		if (status == EMR_OK)
			status = attach_one(l, entry, directory);
		directory = entry->n;
	}
	return status;
}

/* ---- in which domain ---- */

/* That of what is to hang in PARENT. */
static emr_id16 domain_in(const loading *l, const loaded *entry, const node *parent)
{
	if (parent == NULL && entry->n->is_published)
		return node_domain(entry->n);
	if (parent == NULL || parent == l->view->root || !load_has_entry(l, parent) ||
		!load_entry_of(l, parent)->is_judged)
		return domain_of(l, parent != NULL ? parent : l->view->root);
	return load_entry_of(l, parent)->there;
}

/* Where it lies nobody says but the ledger: nothing was changed here. */
static bool is_only_said(const loaded *entry)
{
	const node *n = entry->n;

	return n->is_published && !n->has_row && !entry->is_foreign && !tree_is_root_object(n);
}

/* A record that is said to lie in a folder that somebody sees, and is not wrapped for it, stays in
 * its domain, as while the folder is open (sync/arrive.c). With a folder that she is moving there
 * goes what her own hand alone put into it: of the rest nobody knows whether it lay there when she
 * moved it. */
static emr_status must_stay(
	const loading *l, const loaded *entry, const node *parent, bool *out_must)
{
	const emr_place place = node_place(entry->n);
	const emr_id16 there = domain_in(l, entry, parent);
	bool is_moving, is_own = false;
	emr_status status = EMR_OK;

	*out_must = false;
	if (parent == NULL || emr_id16_equal(there, place.domain))
		return EMR_OK;
	is_moving = !emr_id16_equal(domain_of(l, parent), there);
	status = move_is_seen(l->view, there, out_must);
	if (status == EMR_OK && *out_must && is_moving)
		status = writers_is_by_own_hand(l->view, place.domain, place.object, &is_own);
	*out_must = *out_must && !is_own;
	return status;
}

static emr_status judge_place(const loading *l, loaded *entry)
{
	const node *parent = parent_of(l, entry);
	bool must = false;

	EMR_TRY(is_only_said(entry) ? must_stay(l, entry, parent, &must) : EMR_OK);
	if (must) {
		entry->parent = node_domain(entry->n);
		entry->n->meta_dirty = entry->n->meta_dirty || !entry->is_others;
	}
	entry->there = entry->n->is_domain ? tree_domain(entry->n)
		       : entry->is_foreign ? entry->domain
		       : must		   ? node_domain(entry->n)
					   : domain_in(l, entry, parent);
	entry->is_judged = true;
	return EMR_OK;
}

/* From the top down: what stays keeps with it what lies in it. */
static emr_status judge_above(const loading *l, loaded *first, size_t path)
{
	loaded *entry = first;
	emr_status status = EMR_OK;

	first->below = NULL;
	for (;;) {
		const node *parent = parent_of(l, entry);
		loaded *above;

		entry->path = path;
		if (parent == NULL || parent == l->view->root || !load_has_entry(l, parent))
			break;
		above = load_entry_of(l, parent);
		if (above->is_judged || above->path == path)
			break;
		above->below = entry;
		entry = above;
	}
	for (; entry != NULL && status == EMR_OK; entry = entry->below)
		status = judge_place(l, entry);
	return status;
}

emr_status load_attach_all(loading *l)
{
	size_t path = 0;

	for (size_t i = 0; i < l->count; i++) {
		loaded *entry = &l->all[i];

		if (entry->n != NULL && entry->n != l->view->root && !entry->is_judged)
			EMR_TRY(judge_above(l, entry, ++path));
	}
	for (size_t i = 0; i < l->count; i++) {
		loaded *entry = &l->all[i];

		while (entry->n != NULL && entry->n != l->view->root && !entry->is_attached) {
			node *directory;
			loaded *top = highest_loose(l, entry, ++path, &directory);

			EMR_TRY(top != NULL ? attach_below(l, top, directory) : EMR_OK);
		}
	}
	return EMR_OK;
}

void load_follow_vacated(const loading *l)
{
	for (vacated *v = l->view->vacated; v != NULL; v = v->next) {
		const node *directory =
			emr_id16_is_zero(v->directory) ? NULL : parent_node(l, v->directory);

		if (directory == NULL) /* one's own when it was written, the other's by now */
			directory = tree_by_shown_id(
				l->view, shared_record_id(v->place.domain, v->directory, 0));
		if (directory != NULL)
			v->directory = directory->id;
	}
}
