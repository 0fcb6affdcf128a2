/* When a folder is opened, this file decides which files rest (core/rest.h): they stay in the kept
 * facts, and get their nodes when somebody looks into their directory. All others get them now. */
#include "load_private.h"

#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "conflict.h"
#include "kind.h"
#include "rest.h"
#include "tree.h"
#include "writers.h"

emr_status load_know_others(loading *l, emr_id16 domain)
{
	emr_status status = EMR_OK;

	if (!l->is_known || !emr_id16_equal(l->known, domain)) {
		status = writers_has_any(l->view, domain, &l->has_others);
		l->is_known = status == EMR_OK;
		l->known = domain;
	}
	return status;
}

/* An ordinary file of a folder in which nobody else writes: what the ledger says of it nobody has
 * to judge, and nothing looks for it without its directory or its id. */
static bool may_rest(loading *l, const emr_place *place, const emr_meta *meta)
{
	char name[EMR_NAME_MAX + 1] = {0};
	emr_bytes value;

	if (meta->type != EMR_META_FILE || !emr_id16_equal(place->record_id, place->object) ||
		emr_id16_equal(place->object, place->domain) ||
		emr_id16_equal(place->domain, l->inbox) ||
		load_know_others(l, place->domain) != EMR_OK || l->has_others ||
		keep_is_said(meta->xattrs, &value))
		return false;
	memcpy(name, meta->name.data, meta->name.len);
	return !emr_name_is_local(name) && !emr_name_is_half_download(name) &&
	       !conflict_is_copy(name);
}

/* Something asked for a file that rests before the tree is there.  EMR_NOT_FOUND: it has its node,
 * or gets it with those that are ambiguous. */
static emr_status load_run(loading *l, emr_kept_run *run)
{
	EMR_AUTO_FACTS_WALK all = {0};

	if (run->is_over || l->is_in_run || l->status != EMR_OK)
		return EMR_NOT_FOUND;
	run->is_over = l->is_in_run = true;
	all = emr_kept_resting(l->view->options.facts, l->view->index.resting->kept, run);
	l->status = load_add_facts(l, &all);
	l->is_in_run = false;
	return l->status;
}

static bool load_id(const emr_view *view, emr_id16 id)
{
	const resting *r = view->index.resting;
	uint32_t run;

	if (!emr_kept_find(r->kept, id, &run))
		return false;
	return load_run(r->loading, &r->runs[run]) == EMR_OK;
}

emr_status load_ambiguous(loading *l)
{
	const resting *r = l->view->index.resting;

	for (uint32_t i = 0; r != NULL && i < r->n; i++)
		if (r->runs[i].is_ambiguous)
			(void)load_run(l, &r->runs[i]);
	return l->status;
}

emr_status load_open_kept(loading *l)
{
	resting *r = calloc(1, sizeof *r);
	emr_status status;

	EMR_TRY_MEMORY(r);
	*r = (resting){.view = l->view, .wake = rest_make_nodes, .wake_id = load_id, .loading = l};
	status = emr_kept_open(l->view->options.facts, may_rest, l, &r->kept);
	if (status == EMR_OK) {
		r->runs = emr_kept_runs(r->kept, &r->n);
		l->view->index.resting = r;
		return EMR_OK;
	}
	free(r);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static node *directory_of(const loading *l, const emr_kept_run *run)
{
	return emr_id16_is_zero(run->directory) ? l->view->root
						: tree_awake_by_id(l->view, run->directory);
}

/* RUN may rest in DIRECTORY: there its files are where the ledger says, and nothing of them waits.
 */
static bool may_rest_in(const emr_view *view, const node *directory, const emr_kept_run *run)
{
	return directory != NULL && directory->type == EMR_META_DIR &&
	       directory->state == NODE_LIVE && kind_top(directory) == NULL &&
	       !directory->is_local &&
	       (directory == view->root || (directory->is_published && !directory->has_row &&
						   !directory->meta_dirty)) &&
	       emr_id16_is_zero(node_lost_parent(directory)) &&
	       emr_id16_equal(tree_domain(directory), run->domain);
}

emr_status load_rest(loading *l)
{
	resting *r = l->view->index.resting;
	bool has_more = true;

	while (has_more) {
		EMR_TRY(load_attach_all(l));
		for (node *n = NULL; (n = tree_next_own(l->view, n)) != NULL;)
			tree_mark_local(n);
		has_more = false;
		/* Those that cannot rest where they are become nodes, which are to be attached. */
		for (uint32_t i = 0; r != NULL && i < r->n && l->status == EMR_OK; i++)
			if (!may_rest_in(l->view, directory_of(l, &r->runs[i]), &r->runs[i]))
				has_more = load_run(l, &r->runs[i]) != EMR_NOT_FOUND || has_more;
		EMR_TRY(l->status);
	}
	for (uint32_t i = 0; r != NULL && i < r->n; i++)
		if (!r->runs[i].is_over)
			rest_in(r, &r->runs[i], directory_of(l, &r->runs[i]));
	if (r != NULL)
		r->wake_id = rest_find_id;
	return EMR_OK;
}
