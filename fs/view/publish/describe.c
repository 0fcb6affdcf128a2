/* Before something is published, this file turns each changed node into a change for the ledger
 * (save, rename, move, removal), with everything that it needs copied out of the tree, so that
 * sending does not hold the lock. A node that cannot be described now is left out and tried again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

#include "foreign.h"
#include "node.h"
#include "publish.h"

#define HELD_RETRY_NS INT64_C(60000000000) /* only a person, or another start, can change it */

void describe_free(publishing *p)
{
	for (size_t i = 0; i < p->nworks; i++) {
		free(p->works[i].name);
		free(p->works[i].sent_name);
		free(p->works[i].target);
		emr_buf_free(&p->works[i].attributes);
	}
	free(p->works);
	p->works = NULL;
	p->nworks = p->works_cap = 0;
}

static emr_status new_work(publishing *p, work **out_work)
{
	if (emr_array_room(&p->works, p->nworks, &p->works_cap, sizeof *p->works) != EMR_OK)
		return EMR_NO_MEMORY;
	p->works[p->nworks] = (work){0};
	*out_work = &p->works[p->nworks];
	return EMR_OK;
}

static unsigned depth_of(const node *n)
{
	unsigned depth = 0;

	while (n->parent != NULL) {
		depth++;
		n = n->parent;
	}
	return depth;
}

/* N's bytes are those of an earlier version of its record: they come again under their old number.
 */
static bool comes_again(const node *n)
{
	const file *f = node_file(n);

	if (f == NULL || f->restored == NULL || !f->has_content || f->staging != NULL)
		return false;
	return !n->is_published || (n->content_dirty && emr_id16_equal(f->restored->record_id,
								node_place(n).record_id));
}

static emr_change_kind change_kind_of(const node *n, bool moves)
{
	if (n->type != EMR_META_FILE)
		return EMR_CHANGE_META;
	if (comes_again(n))
		return EMR_CHANGE_REWRAP;
	if (!n->is_published || n->content_dirty)
		return EMR_CHANGE_PUT;
	return moves ? EMR_CHANGE_REWRAP : EMR_CHANGE_META;
}

static emr_status copy_names(work *w, const node *n)
{
	w->name = strdup(n->name != NULL ? n->name : "");
	w->target = strdup(node_target(n) != NULL ? n->target : "");
	if (n->parent != NULL && foreign_collects(n->parent)) {
		char sent[EMR_NAME_MAX + 1];

		foreign_sent_name(n, sent);
		w->sent_name = strdup(sent);
		EMR_TRY_MEMORY(w->sent_name);
	}
	if (w->name == NULL || w->target == NULL)
		return EMR_NO_MEMORY;
	return emr_buf_append(&w->attributes, n->attributes, n->attributes_len);
}

static uint16_t count_attributes(emr_bytes attributes)
{
	emr_xattr one;
	uint16_t n = 0;

	while (emr_xattr_next(&attributes, &one))
		n++;
	return n;
}

static void fill_meta(const emr_view *view, work *w, const node *n)
{
	w->meta = (emr_meta){
		.type = (emr_meta_type)n->type,
		.mode = n->mode,
		.n = n->type == EMR_META_FILE ? n->size : 0,
		.stored_leaves = n->type == EMR_META_FILE ? n->stored_leaves : 0,
		.mtime_ns = n->mtime_ns,
	};
	/* Where a share lies that is a file is its owner's to say. */
	if (!shared_is_file(n) && n->parent != NULL && !(n->is_domain && n->parent == view->root))
		w->meta.parent = emr_id16_is_zero(node_lost_parent(n))
					 ? tree_future_id(foreign_sent_to(n->parent))
					 : node_lost_parent(n);
	if (comes_again(n))
		memcpy(w->meta.r_pid, node_file(n)->restored->r_pid, sizeof w->meta.r_pid);
	else if (n->is_published)
		memcpy(w->meta.r_pid, node_place(n).r_pid, sizeof w->meta.r_pid);
	else
		memcpy(w->meta.r_pid, emr_id32_random().b, sizeof w->meta.r_pid);
}

/* DATABASE: NULL, or what W goes in one batch with. */
static void bind(work *w, const node *database)
{
	w->database = database != NULL ? database->number : 0;
	w->change.is_bound = database != NULL;
}

static void fill_change(work *w, const node *n, emr_change_kind kind, emr_id16 domain)
{
	w->change = (emr_change){
		.kind = kind,
		.node = n->id,
		.change = node_change_count(n),
		.domain = domain,
		.object = tree_future_id(n),
		.is_inbox = n->is_inbox,
		.base_version = n->is_published && emr_id16_equal(tree_future_id(n), node_object(n))
					? node_version(n)
					: 0,
	};
	if (shared_share_of(n) != NULL) /* lives as long as the view */
		w->change.owner_card = emr_buf_view(&shared_share_of(n)->owner_card);
	if (n->type != EMR_META_FILE)
		return;
	if (comes_again(n)) {
		w->change.record_id = node_file(n)->restored->record_id;
		w->change.cver = node_file(n)->restored->cver;
		return;
	}
	w->change.record_id = n->is_published ? node_place(n).record_id : n->id;
	w->change.cver = n->is_published ? node_place(n).cver : 0;
	if (kind == EMR_CHANGE_PUT)
		w->change.cver = !n->is_published		 ? 1
				 : node_top_cver(n) < UINT64_MAX ? node_top_cver(n) + 1
								 : UINT64_MAX;
}

static emr_status draw_next_id(const emr_view *view, node *n, emr_id16 domain)
{
	emr_status status = tree_need_pending(n);

	if (status == EMR_OK && !n->is_domain)
		tree_set_next_id(n, tree_next_id(view, n, domain));
	else if (status == EMR_OK && emr_id16_is_zero(node_next_id(n)))
		tree_set_next_id(n, tree_next_id(view, n, (emr_id16){{0}}));
	return status;
}

bool describe_may(const node *n)
{
	const file *f = node_file(n);
	bool moves = n->is_published && !emr_id16_equal(tree_domain(n), node_domain(n));

	if (!n->in_run || n->state != NODE_LIVE || n->is_local)
		return false;
	if (change_kind_of(n, moves) != EMR_CHANGE_PUT)
		return true;
	/* Written again since: the next run has it.  An answer for the older bytes would pass for
	 * one for these.  Or it became a version of a record since tops_learn: the next run knows
	 * its number. */
	return f != NULL && f->has_content && f->staging == NULL &&
	       (!n->is_published || node_top_cver(n) != 0);
}

static emr_status describe(publishing *p, node *n)
{
	emr_id16 domain = tree_domain(n);
	bool moves = n->is_published && !emr_id16_equal(domain, node_domain(n));
	emr_change_kind kind = change_kind_of(n, moves);
	work *w;

	EMR_TRY(moves ? draw_next_id(p->view, n, domain) : EMR_OK);
	if (!database_is_whole(p, n))
		return EMR_OK;
	EMR_TRY(new_work(p, &w));
	p->nworks++;
	EMR_TRY(copy_names(w, n));
	fill_meta(p->view, w, n);
	fill_change(w, n, kind, tree_domain(n));
	if (n->is_published && !moves) /* else it goes with the removal of its former place */
		w->leaving = (emr_leaving){.object = node_object(n),
			.cver = node_place(n).cver,
			.is_moving = kind == EMR_CHANGE_META};
	w->depth = depth_of(n);
	bind(w, database_with(p->view, n));
	w->from = comes_again(n) ? *node_file(n)->restored : node_place(n);
	if (n->parent != NULL)
		w->parent = n->parent->id;
	if (kind == EMR_CHANGE_PUT || comes_again(n)) {
		w->content = *node_file(n)->content;
		w->meta.n = w->content.n;
		w->meta.stored_leaves = emr_content_stored_leaves(&w->content);
		w->wrote = node_file(n)->wrote;
		w->has_content = true;
		EMR_TRY(emr_record_hold_content(p->view->options.records, &w->content));
	}
	if (!n->is_published && !comes_again(n))
		w->change.from = NULL;
	else
		w->change.from = &w->from; /* set again once the array stands still */
	return EMR_OK;
}

/* A directory that changes domain gets its new id first: what lies in it will name that id. */
static emr_status draw_future_ids(publishing *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		node *n = p->nodes[i];

		if (n->type == EMR_META_DIR && n->is_published &&
			!emr_id16_equal(tree_domain(n), node_domain(n)))
			EMR_TRY(draw_next_id(p->view, n, tree_domain(n)));
	}
	return EMR_OK;
}

#define ANCHORED_AT_ONCE 64 /* rows of at most 22 KiB: well within one frame */

/* Rows for KIDS, which have none. */
static emr_status put_rows(emr_view *view, node **kids, size_t n)
{
	edit e = edit_begin(view);

	for (size_t i = 0; i < n; i++) {
		node_row row = row_of_node(kids[i]);

		edit_put(&e, kids[i]->id, &row);
	}
	EMR_TRY(edit_commit(&e, NULL));
	for (size_t i = 0; i < n; i++)
		kids[i]->has_row = true;
	return EMR_OK;
}

/* A node in a directory that changes its id is found by its row until it has followed. */
static emr_status anchor_kids(emr_view *view, const node *directory)
{
	node *without[ANCHORED_AT_ONCE];
	emr_status status = EMR_OK;
	size_t n = 0;

	for (node *kid = tree_next_kid(directory, 0); kid != NULL && status == EMR_OK;
		kid = tree_next_kid(directory, kid->cookie)) {
		if (!kid->has_row)
			without[n++] = kid;
		if (n == ANCHORED_AT_ONCE) {
			status = put_rows(view, without, n);
			n = 0;
		}
	}
	return status == EMR_OK && n > 0 ? put_rows(view, without, n) : status;
}

static emr_status anchor_all_kids(publishing *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		const node *n = p->nodes[i];

		if (n->type == EMR_META_DIR && n->is_published && n->state == NODE_LIVE &&
			!emr_id16_equal(tree_domain(n), node_domain(n)))
			EMR_TRY(anchor_kids(p->view, n));
	}
	return EMR_OK;
}

/* ---- removals ---- */

/* The nodes on their way out of a domain: a directory's old place is not removed while something is
 * published in it, or other computers would find that without a directory. */
typedef struct leaving {
	emr_buf can,
		cannot; /* of emr_id16: domains; from the second kind nothing leaves by itself */
	bool renames;	/* the root of an inner domain is to name its directory's new id */
} leaving;

static bool leaves(const emr_buf *domains, emr_id16 domain)
{
	return emr_buf_has(domains, emr_bytes_of(&domain, sizeof domain));
}

static emr_status note_leaving(emr_buf *domains, emr_id16 domain)
{
	return leaves(domains, domain) ? EMR_OK : emr_buf_append(domains, &domain, sizeof domain);
}

static emr_status find_leaving(const emr_view *view, leaving *l)
{
	emr_status status = EMR_OK;

	for (const node *n = view->queue_head; n != NULL && status == EMR_OK; n = n->next_queued) {
		if (!n->is_published || n->state != NODE_LIVE || n->is_local)
			continue;
		if (!emr_id16_equal(tree_domain(n), node_domain(n)))
			status = note_leaving(
				n->failure == EMR_OK ? &l->can : &l->cannot, node_domain(n));
		else if (tree_is_root_object(n) && n->meta_dirty && n->failure == EMR_OK)
			l->renames = true;
	}
	return status;
}

/* V is the old place of a directory that moved. */
static bool must_wait(const emr_view *view, const leaving *l, vacated *v)
{
	bool can = l->renames || leaves(&l->can, v->place.domain);

	if (v->type != EMR_META_DIR || v->name[0] != 0 ||
		(!can && !leaves(&l->cannot, v->place.domain)))
		return false;
	v->is_held = !can;
	v->since_boot_ns = view_boot_ns(view) + (can ? 0 : HELD_RETRY_NS);
	return true;
}

static emr_status describe_unlinks(publishing *p, const leaving *l)
{
	size_t n = 0;

	if (p->gives_way)
		return EMR_OK;
	for (vacated *v = p->view->vacated; v != NULL && n < PUBLISH_RUN_MAX; v = v->next) {
		const node *database;
		work *w;

		if (!v->is_sent)
			continue;
		v->is_held = false;
		if (must_wait(p->view, l, v))
			continue;
		EMR_TRY(new_work(p, &w));
		p->nworks++;
		n++;
		w->depth = v->goes_first ? 0 : UINT32_MAX;
		w->leaving = (emr_leaving){.object = v->place.object, .cver = v->place.cver};
		w->change = (emr_change){.kind = EMR_CHANGE_UNLINK,
			.node = v->place.object,
			.domain = v->place.domain,
			.object = v->place.object,
			.base_version = v->place.version};
		/* A log that is gone goes with its database, if that changed. */
		database = database_left(p->view, v);
		bind(w, database);
		for (size_t i = 0; i < p->nworks && database != NULL; i++)
			if (emr_id16_equal(p->works[i].change.node, database->id))
				bind(&p->works[i], database);
	}
	return EMR_OK;
}

static int by_depth(const void *a, const void *b)
{
	const work *x = a, *y = b;

	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

/* The array is in its final order: now its entries may point into themselves. */
static void link_works(publishing *p)
{
	EMR_SORT(p->works, p->nworks, by_depth);
	for (size_t i = 0; i < p->nworks; i++) {
		work *w = &p->works[i];

		if (w->change.kind == EMR_CHANGE_UNLINK)
			continue;
		w->meta.name = w->sent_name != NULL
				       ? emr_bytes_of(w->sent_name, strlen(w->sent_name))
				       : emr_bytes_of(w->name, strlen(w->name));
		w->meta.target = emr_bytes_of(w->target, strlen(w->target));
		w->meta.xattrs = emr_buf_view(&w->attributes);
		w->meta.xattr_count = count_attributes(w->meta.xattrs);
		w->change.meta = &w->meta;
		w->change.content = w->change.kind == EMR_CHANGE_PUT ? &w->content : NULL;
		w->change.from = w->change.from != NULL ? &w->from : NULL;
	}
}

emr_status describe_all(publishing *p)
{
	leaving l = {.renames = false};
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->view->lock);
	status = heirs_settle(p);
	if (status == EMR_OK)
		status = find_leaving(p->view, &l);
	if (status == EMR_OK)
		status = draw_future_ids(p);
	if (status == EMR_OK)
		status = anchor_all_kids(p);
	for (size_t i = 0; i < p->nnodes && status == EMR_OK; i++)
		if (p->nodes[i]->state == NODE_LIVE && !p->nodes[i]->is_local) {
			heirs_forget_living_record(p->view, p->nodes[i]);
			status = describe(p, p->nodes[i]);
		}
	if (status == EMR_OK)
		status = describe_unlinks(p, &l);
	pthread_mutex_unlock(&p->view->lock);
	emr_buf_free(&l.can);
	emr_buf_free(&l.cannot);
	if (status == EMR_OK)
		link_works(p);
	return status;
}
