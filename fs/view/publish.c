#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"

#include "ops_file.h"

#define RUN_NODES_MAX 2000	/* bounds the memory of one run; the next one follows at once */
#define RETRY_NS INT64_C(5000000000)

/* One change with everything it borrows, copied out of the tree. */
typedef struct work {
	emr_change change;
	emr_meta meta;
	emr_content content;
	emr_place from;
	char *name, *target;
	emr_buf attributes;
	unsigned depth;
	uint64_t wrote;
	emr_id16 parent;	/* as rows name it */
	bool is_done;
} work;

typedef struct publishing {
	emr_view *view;
	bool all;
	node **nodes;	/* candidates, each with one open counted */
	size_t nnodes, nodes_cap;
	work *works;
	size_t nworks, works_cap;
} publishing;

/* ---- what waits ---- */

static int64_t quiet_ns(const emr_view *view)
{
	return view->options.quiet_ns;
}

/* Its newest bytes lie in a spill that could not be read: what stands in for them is nobody's version. */
static bool lacks_bytes(const node *n)
{
	return n->file != NULL && n->file->keep_spill;
}

/* The unpublished file that has the name of a record which went away. */
static node *heir_of(const emr_view *view, const vacated *v)
{
	const node *directory = tree_by_id(view, v->directory);
	node *n;

	if (!v->may_be_adopted || directory == NULL || directory->state != NODE_LIVE)
		return NULL;
	n = tree_child(view, directory, v->name);
	if (n == NULL || n->type != EMR_META_FILE || n->is_published || n->is_local)
		return NULL;
	return emr_id16_equal(tree_domain(n), v->place.domain) ? n : NULL;
}

/* Somebody writes what will be the record's next version, or it failed: nothing else is waited for. */
static bool waits_for_heir(const emr_view *view, const vacated *v)
{
	const node *heir = heir_of(view, v);

	return heir != NULL && (heir->write_opens != 0 || heir->failure != EMR_OK || lacks_bytes(heir));
}

int64_t publish_due(const emr_view *view)
{
	int64_t due = INT64_MAX;

	for (const node *n = view->queue_head; n != NULL; n = n->next_queued)
		if (n->failure == EMR_OK && n->write_opens == 0 && !lacks_bytes(n) &&
			n->changed_boot_ns + quiet_ns(view) < due)
			due = n->changed_boot_ns + quiet_ns(view);
	for (const vacated *v = view->vacated; v != NULL; v = v->next)
		if (v->since_boot_ns + quiet_ns(view) < due && !waits_for_heir(view, v))
			due = v->since_boot_ns + quiet_ns(view);
	return due;
}

bool publish_is_idle(const emr_view *view)
{
	for (const node *n = view->queue_head; n != NULL; n = n->next_queued)
		if (n->failure == EMR_OK && needs_settling(n) && !lacks_bytes(n))
			return false;
	return view->vacated == NULL;
}

static bool is_ready(const publishing *p, const node *n)
{
	if (n->write_opens != 0 || lacks_bytes(n) || (n->failure != EMR_OK && !p->all))
		return false;
	return p->all || view_boot_ns(p->view) - n->changed_boot_ns >= quiet_ns(p->view);
}

static emr_status add_node(publishing *p, node *n)
{
	if (p->nnodes == p->nodes_cap) {
		size_t cap = p->nodes_cap == 0 ? 64 : p->nodes_cap * 2;
		node **grown = realloc(p->nodes, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		p->nodes = grown;
		p->nodes_cap = cap;
	}
	n->opens++;
	n->in_run = true;
	p->nodes[p->nnodes++] = n;
	return EMR_OK;
}

/* Takes ready nodes off the queue; those that need nothing any more just leave it. */
static emr_status take_candidates(publishing *p)
{
	emr_view *view = p->view;
	emr_status status = EMR_OK;
	node *n = view->queue_head, *next;

	view->queue_head = view->queue_tail = NULL;
	for (; n != NULL; n = next) {
		next = n->next_queued;
		n->is_queued = false;
		n->next_queued = NULL;
		if (!needs_settling(n)) {
			tree_release_if_unused(view, n);
			continue;
		}
		if (status == EMR_OK && p->nnodes < RUN_NODES_MAX && is_ready(p, n))
			status = add_node(p, n);
		enqueue(view, n);	/* until the answer is in */
	}
	return status;
}

/* Directories above a candidate that are not on the ledger yet must come with it. */
static emr_status take_ancestors(publishing *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		node *up = p->nodes[i]->parent;

		for (; up != NULL && up != p->view->root; up = up->parent) {
			emr_status status;

			if (up->in_run || !needs_settling(up))
				continue;
			status = add_node(p, up);
			if (status != EMR_OK)
				return status;
		}
	}
	return EMR_OK;
}

/* ---- who takes the place of a name that went away ---- */

/* N becomes a new version of the record that had its name. */
static emr_status inherit(emr_view *view, node *n, const vacated *v)
{
	emr_place place = v->place;
	emr_id16 before = n->id;
	emr_status status;
	node_row row;
	edit e;

	status = tree_change_id(view, n, place.object);
	if (status != EMR_OK)
		return status;
	n->is_published = true;
	n->content_dirty = true;	/* also when it is empty, or an older version that came back */
	n->place = place;
	row = row_of_node(n);
	e = edit_begin(view);
	edit_delete(&e, before);
	edit_put(&e, n->id, &row);
	edit_unvacate(&e, place.object);
	if (n->file->has_content) {
		edit_unpin(&e, &n->file->content.c, before);
		edit_pin(&e, &n->file->content.c, n->id, EMR_PIN_WRITTEN);
	}
	status = edit_commit(&e, &n->row_seq);
	if (status != EMR_OK) {
		n->is_published = false;
		return tree_change_id(view, n, before) == EMR_OK ? status : EMR_NO_MEMORY;
	}
	vacated_drop(view, place.object);
	return EMR_OK;
}

/* Gives vacated records to whoever holds their name now; the rest will be unlinked, when they are quiet. */
static emr_status settle_names(publishing *p)
{
	emr_view *view = p->view;
	vacated *v = view->vacated, *next;

	for (; v != NULL; v = next) {
		node *heir = heir_of(view, v);
		emr_status status;

		next = v->next;
		v->is_sent = false;
		if (heir != NULL && heir->in_run) {
			status = inherit(view, heir, v);
			if (status != EMR_OK)
				return status;
			continue;
		}
		/* An heir that is still being written: wait for it. */
		v->is_sent = heir == NULL &&
			(p->all || view_boot_ns(view) - v->since_boot_ns >= quiet_ns(view));
	}
	return EMR_OK;
}

/* ---- records that went to a name of scratch ---- */

/* The bytes of a published file with a key of this computer's own, so that it reads without its record. */
static emr_status own_content(emr_view *view, node *n, emr_content *out_content)
{
	emr_content_key *key = NULL;
	emr_place place;
	emr_status status;

	pthread_mutex_lock(&view->lock);
	place = n->place;
	pthread_mutex_unlock(&view->lock);
	status = emr_facts_open_content(view->options.facts, &place, out_content, &key);
	if (status == EMR_OK)
		status = emr_content_keep_key(view->options.records, out_content, key);
	emr_content_key_free(key);
	return status;
}

/* What lies in DIRECTORY was published under the id that it had: should it be published again, that must be, too. */
static void mark_kids(emr_view *view, const node *directory)
{
	for (node *kid = tree_next_kid(directory, 0); kid != NULL; kid = tree_next_kid(directory, kid->cookie)) {
		kid->meta_dirty = true;
		mark_changed(view, kid);
	}
}

/* N has a local-only name: it leaves its record, which stays vacated under the name it had. */
static emr_status leave_record(emr_view *view, node *n)
{
	emr_content content;
	emr_id16 before = n->id;
	emr_status status = EMR_OK;
	bool needs_content;
	vacated *v;
	node_row row;
	edit e;

	pthread_mutex_lock(&view->lock);
	needs_content = n->type == EMR_META_FILE && !n->file->has_content && n->place.pversion != 0;
	pthread_mutex_unlock(&view->lock);
	if (needs_content)
		status = own_content(view, n, &content);
	if (status != EMR_OK)
		return status;
	pthread_mutex_lock(&view->lock);
	if (!n->is_local || !n->is_published || n->state != NODE_LIVE) {
		pthread_mutex_unlock(&view->lock);
		return EMR_OK;
	}
	v = vacated_of(view, n);
	if (v == NULL || tree_change_id(view, n, emr_id16_random()) != EMR_OK) {
		free(v);
		pthread_mutex_unlock(&view->lock);
		return EMR_NO_MEMORY;
	}
	n->is_published = false;
	if (needs_content) {
		n->file->content = content;
		n->file->has_content = true;
	}
	row = row_of_node(n);
	e = edit_begin(view);
	edit_delete(&e, before);
	edit_put(&e, n->id, &row);
	if (n->file != NULL && n->file->has_content && !needs_content)
		edit_unpin(&e, &n->file->content.c, before);
	if (n->file != NULL && n->file->has_content)
		edit_pin(&e, &n->file->content.c, n->id, EMR_PIN_WRITTEN);
	if (n->type == EMR_META_DIR)
		edit_moved(&e, before, n->id);
	edit_vacate(&e, v);
	status = edit_commit(&e, &n->row_seq);
	if (status != EMR_OK) {
		n->is_published = true;
		if (needs_content)
			n->file->has_content = false;
		if (tree_change_id(view, n, before) != EMR_OK)
			status = EMR_NO_MEMORY;
		free(v);
	} else {
		n->has_row = true;
		free(n->was);
		n->was = NULL;
		vacated_add(view, v);
		if (n->type == EMR_META_DIR)
			mark_kids(view, n);
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}

/* ---- bytes that are not frozen yet ---- */

static void drop_node(publishing *p, size_t i)
{
	node *n = p->nodes[i];

	n->in_run = false;
	n->opens--;
	tree_release_if_unused(p->view, n);
	p->nodes[i] = p->nodes[--p->nnodes];
}

static emr_status prepare(publishing *p, node *n)
{
	bool is_local, needs_content;

	pthread_mutex_lock(&p->view->lock);
	is_local = n->is_local;
	needs_content = n->type == EMR_META_FILE && (n->content_dirty || !n->is_published);
	pthread_mutex_unlock(&p->view->lock);
	if (is_local)
		return leave_record(p->view, n);
	return needs_content ? file_freeze(p->view, n) : EMR_OK;
}

/* What is wrong with the bytes of one record and stays so: no reason to ask again, and none to stop the others. */
static bool is_lasting(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_MISSING_DATA || status == EMR_BAD_SIGNATURE ||
		status == EMR_NEWER_FORMAT || status == EMR_NOT_FOUND || status == EMR_LIMIT ||
		status == EMR_TOO_BIG || status == EMR_UNSUPPORTED;
}

/* Without view->lock.  Files that are written meanwhile, or cannot be sealed now, wait for the next run. */
static emr_status prepare_all(publishing *p)
{
	emr_status first = EMR_OK;

	for (size_t i = p->nnodes; i-- > 0;) {
		node *n = p->nodes[i];
		emr_status status = prepare(p, n);

		if (is_lasting(status))
			file_notice(p->view, n, status);
		pthread_mutex_lock(&p->view->lock);
		if (status != EMR_OK && status != EMR_CONFLICT && status != EMR_BUSY && first == EMR_OK &&
			!is_lasting(status))
			first = status;
		if (is_lasting(status))
			n->failure = status;
		if (status != EMR_OK)
			n->changed_boot_ns = view_boot_ns(p->view);
		if (status != EMR_OK || n->is_local || n->state != NODE_LIVE)
			drop_node(p, i);
		pthread_mutex_unlock(&p->view->lock);
	}
	return first;
}

/* ---- changes ---- */

static void free_works(publishing *p)
{
	for (size_t i = 0; i < p->nworks; i++) {
		free(p->works[i].name);
		free(p->works[i].target);
		emr_buf_free(&p->works[i].attributes);
	}
	free(p->works);
}

static emr_status new_work(publishing *p, work **out_work)
{
	if (p->nworks == p->works_cap) {
		size_t cap = p->works_cap == 0 ? 64 : p->works_cap * 2;
		work *grown = realloc(p->works, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		p->works = grown;
		p->works_cap = cap;
	}
	p->works[p->nworks] = (work){ 0 };
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

static emr_change_kind kind_of(const node *n, bool moves)
{
	if (n->type != EMR_META_FILE)
		return EMR_CHANGE_META;
	if (!n->is_published || n->content_dirty)
		return EMR_CHANGE_PUT;
	return moves ? EMR_CHANGE_REWRAP : EMR_CHANGE_META;
}

static emr_status copy_names(work *w, const node *n)
{
	w->name = strdup(n->name != NULL ? n->name : "");
	w->target = strdup(n->target != NULL ? n->target : "");
	if (w->name == NULL || w->target == NULL)
		return EMR_NO_MEMORY;
	return emr_buf_append(&w->attributes, n->attributes.data, n->attributes.len);
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
		.mtime_ns = n->mtime_ns,
	};
	if (n->parent != NULL && !(n->is_domain && n->parent == view->root))
		w->meta.parent = emr_id16_is_zero(n->lost_parent) ? tree_future_id(n->parent)
			: n->lost_parent;
	if (n->is_published)
		memcpy(w->meta.r_pid, n->place.r_pid, sizeof w->meta.r_pid);
	else
		memcpy(w->meta.r_pid, emr_id32_random().b, sizeof w->meta.r_pid);
}

static void fill_change(work *w, const node *n, emr_change_kind kind, emr_id16 domain)
{
	w->change = (emr_change){
		.kind = kind,
		.node = n->id,
		.change = n->change,
		.domain = domain,
		.object = tree_future_id(n),
		.is_inbox = n->is_inbox,
	};
	if (n->type != EMR_META_FILE)
		return;
	w->change.record_id = n->is_published ? n->place.record_id : n->id;
	w->change.cver = n->is_published ? n->place.cver : 0;
	if (kind == EMR_CHANGE_PUT)
		w->change.cver++;
}

static emr_status describe(publishing *p, node *n)
{
	emr_id16 domain = tree_domain(n);
	bool moves = n->is_published && !emr_id16_equal(domain, n->place.domain);
	emr_change_kind kind = kind_of(n, moves);
	emr_status status;
	work *w;

	if (moves && emr_id16_is_zero(n->next_id))
		n->next_id = emr_id16_random();
	/* Written again since: the next run has it.  An answer for the older bytes would pass for one for these. */
	if (kind == EMR_CHANGE_PUT && (!n->file->has_content || n->file->staging != NULL))
		return EMR_OK;
	status = new_work(p, &w);
	if (status != EMR_OK)
		return status;
	p->nworks++;
	status = copy_names(w, n);
	if (status != EMR_OK)
		return status;
	fill_meta(p->view, w, n);
	fill_change(w, n, kind, tree_domain(n));
	w->depth = depth_of(n);
	w->from = n->place;
	if (n->parent != NULL)
		w->parent = n->parent->id;
	if (kind == EMR_CHANGE_PUT) {
		w->content = n->file->content;
		w->meta.n = w->content.n;
		w->wrote = n->file->wrote;
	}
	if (!n->is_published)
		w->change.from = NULL;
	else
		w->change.from = &w->from;	/* set again once the array stands still */
	return EMR_OK;
}

/* A directory that changes domain gets its new id first: what lies in it will name that id. */
static void draw_future_ids(publishing *p)
{
	for (size_t i = 0; i < p->nnodes; i++) {
		node *n = p->nodes[i];

		if (n->type == EMR_META_DIR && n->is_published && emr_id16_is_zero(n->next_id) &&
			!emr_id16_equal(tree_domain(n), n->place.domain))
			n->next_id = emr_id16_random();
	}
}

#define ANCHORED_AT_ONCE 64	/* rows of at most 22 KiB: well within one frame */

/* Rows for KIDS, which have none. */
static emr_status put_rows(emr_view *view, node **kids, size_t n)
{
	edit e = edit_begin(view);
	emr_status status;

	for (size_t i = 0; i < n; i++) {
		node_row row = row_of_node(kids[i]);

		edit_put(&e, kids[i]->id, &row);
	}
	status = edit_commit(&e, NULL);
	for (size_t i = 0; i < n && status == EMR_OK; i++)
		kids[i]->has_row = true;
	return status;
}

/* What lies in a directory that changes its id is found by its row until it has followed. */
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
	emr_status status = EMR_OK;

	for (size_t i = 0; i < p->nnodes && status == EMR_OK; i++) {
		const node *n = p->nodes[i];

		if (n->type == EMR_META_DIR && n->is_published && n->state == NODE_LIVE &&
			!emr_id16_equal(tree_domain(n), n->place.domain))
			status = anchor_kids(p->view, n);
	}
	return status;
}

static emr_status describe_unlinks(publishing *p)
{
	size_t n = 0;

	for (const vacated *v = p->view->vacated; v != NULL && n < RUN_NODES_MAX; v = v->next) {
		emr_status status;
		work *w;

		if (!v->is_sent)
			continue;
		status = new_work(p, &w);
		if (status != EMR_OK)
			return status;
		p->nworks++;
		n++;
		w->depth = UINT32_MAX;
		w->change = (emr_change){ .kind = EMR_CHANGE_UNLINK, .node = v->place.object,
			.domain = v->place.domain, .object = v->place.object };
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
	if (p->nworks > 1)
		qsort(p->works, p->nworks, sizeof *p->works, by_depth);
	for (size_t i = 0; i < p->nworks; i++) {
		work *w = &p->works[i];

		if (w->change.kind == EMR_CHANGE_UNLINK)
			continue;
		w->meta.name = emr_bytes_of(w->name, strlen(w->name));
		w->meta.target = emr_bytes_of(w->target, strlen(w->target));
		w->meta.xattrs = emr_buf_view(&w->attributes);
		w->meta.xattr_count = count_attributes(w->meta.xattrs);
		w->change.meta = &w->meta;
		w->change.content = w->change.kind == EMR_CHANGE_PUT ? &w->content : NULL;
		w->change.from = w->change.from != NULL ? &w->from : NULL;
	}
}

static emr_status describe_all(publishing *p)
{
	emr_status status = EMR_OK;

	pthread_mutex_lock(&p->view->lock);
	status = settle_names(p);
	draw_future_ids(p);
	if (status == EMR_OK)
		status = anchor_all_kids(p);
	for (size_t i = 0; i < p->nnodes && status == EMR_OK; i++)
		if (p->nodes[i]->state == NODE_LIVE && !p->nodes[i]->is_local)
			status = describe(p, p->nodes[i]);
	if (status == EMR_OK)
		status = describe_unlinks(p);
	pthread_mutex_unlock(&p->view->lock);
	if (status == EMR_OK)
		link_works(p);
	return status;
}

/* ---- answers ---- */

static const work *work_of(const publishing *p, emr_id16 node_id)
{
	for (size_t i = 0; p != NULL && i < p->nworks; i++)
		if (emr_id16_equal(p->works[i].change.node, node_id) &&
			p->works[i].change.kind != EMR_CHANGE_UNLINK)
			return &p->works[i];
	return NULL;
}

static vacated *find_vacated(const emr_view *view, emr_id16 object)
{
	for (vacated *v = view->vacated; v != NULL; v = v->next)
		if (emr_id16_equal(v->place.object, object))
			return v;
	return NULL;
}

static void fail_edit(edit *e, emr_status status)
{
	if (e->status == EMR_OK)
		e->status = status;
}

/* What stands at PLACE has no name any more. */
static void vacate_place(edit *e, const emr_place *place, uint8_t type)
{
	vacated *v = find_vacated(e->view, place->object);

	if (v != NULL) {	/* removed while this version was on its way */
		v->place = *place;
		edit_vacate(e, v);
		return;
	}
	v = calloc(1, sizeof *v);
	if (v == NULL) {
		fail_edit(e, EMR_NO_MEMORY);
		return;
	}
	v->place = *place;
	v->type = type;
	v->since_boot_ns = view_boot_ns(e->view);
	edit_vacate(e, v);
	vacated_add(e->view, v);
}

/* What a node was before an answer was applied to it: the journal may refuse the answer's transaction. */
typedef struct former_state {
	node *n;	/* NULL: nothing to take back */
	emr_id16 id, next_id;
	emr_place place;
	former *was;	/* owned here until the end */
	emr_status failure;
	bool is_published, meta_dirty, content_dirty, has_row, has_content;
} former_state;

static former_state remember(node *n)
{
	return (former_state){ .n = n, .id = n->id, .next_id = n->next_id, .place = n->place, .was = n->was,
		.failure = n->failure, .is_published = n->is_published, .meta_dirty = n->meta_dirty,
		.content_dirty = n->content_dirty, .has_row = n->has_row,
		.has_content = n->file != NULL && n->file->has_content };
}

static void take_back(emr_view *view, const former_state *b)
{
	node *n = b->n;

	if (!emr_id16_equal(n->id, b->id) && tree_change_id(view, n, b->id) != EMR_OK)
		emr_log(EMR_LOG_ERROR, "a node lost its id");	/* reserved: cannot be */
	free(n->was);
	n->was = b->was;
	n->next_id = b->next_id;
	n->place = b->place;
	n->failure = b->failure;
	n->is_published = b->is_published;
	n->meta_dirty = b->meta_dirty;
	n->content_dirty = b->content_dirty;
	n->has_row = b->has_row;
	if (n->file != NULL)
		n->file->has_content = b->has_content;
}

/* N->was is new or NULL afterwards; the old one is the caller's. */
static void set_former(edit *e, node *n, const work *w)
{
	n->was = NULL;
	if (w == NULL || (strcmp(w->name, n->name) == 0 && n->parent != NULL &&
		emr_id16_equal(w->parent, n->parent->id)))
		return;
	n->was = calloc(1, sizeof *n->was);
	if (n->was == NULL) {
		fail_edit(e, EMR_NO_MEMORY);
		return;
	}
	n->was->directory = w->parent;
	memcpy(n->was->name, w->name, strlen(w->name) + 1);
}

static void content_is_published(edit *e, node *n, emr_id16 before, const work *w, bool unchanged)
{
	file *f = n->file;

	if (f == NULL || !f->has_content)
		return;
	if (!unchanged && (w == NULL || f->wrote != w->wrote || w->change.kind != EMR_CHANGE_PUT)) {
		if (!emr_id16_equal(before, n->id)) {
			edit_unpin(e, &f->content.c, before);
			edit_pin(e, &f->content.c, n->id, EMR_PIN_WRITTEN);
		}
		return;
	}
	edit_unpin(e, &f->content.c, before);
	f->has_content = false;
	n->content_dirty = f->staging != NULL;
}

static void put_or_drop_row(edit *e, node *n)
{
	node_row row = row_of_node(n);

	if (n->has_row)
		edit_put(e, n->id, &row);
	else
		edit_delete(e, n->id);
}

static void apply_to_node(edit *e, const publishing *p, node *n, const emr_outcome *o)
{
	const work *w = work_of(p, o->node);
	bool unchanged = n->change == o->change;
	emr_place before = n->place;
	bool moved = n->is_published && !emr_id16_equal(before.object, o->place.object);
	emr_id16 old_id = n->id;

	if (tree_change_id(e->view, n, o->place.object) != EMR_OK) {
		fail_edit(e, EMR_NO_MEMORY);
		return;
	}
	if (moved)
		vacate_place(e, &before, n->type);
	n->is_published = true;
	n->place = o->place;
	n->failure = EMR_OK;
	if (unchanged)
		n->meta_dirty = false;
	if (unchanged || emr_id16_equal(n->next_id, o->place.object))
		n->next_id = (emr_id16){ { 0 } };
	content_is_published(e, n, old_id, w, unchanged);
	if (unchanged && n->file != NULL && n->file->staging == NULL)
		n->content_dirty = false;
	set_former(e, n, w);
	if (!emr_id16_equal(old_id, n->id)) {
		edit_delete(e, old_id);
		if (n->type == EMR_META_DIR)
			edit_moved(e, old_id, n->id);
	}
	edit_ino(e, n->id, n->ino);
	if (o->place.pversion != 0)
		edit_pin(e, &o->place.root, n->id, EMR_PIN_REGISTERED);
	n->has_row = n->meta_dirty || n->content_dirty || n->is_local ||
		(n->file != NULL && n->file->staging_in_row);
	put_or_drop_row(e, n);
}

static bool is_momentary(uint8_t result)
{
	return result == EMR_RESULT_EPOCH || result == EMR_RESULT_CONFLICT ||
		result == EMR_RESULT_TIME_AHEAD || result == EMR_RESULT_EXPIRED_BATCH;
}

static void apply_refusal(emr_view *view, const emr_outcome *o)
{
	node *n = tree_by_id(view, o->node);
	char id[33];

	emr_hex(o->node.b, sizeof o->node.b, id);
	emr_log(EMR_LOG_WARN, "record %s was not registered: %s", id,
		o->error != EMR_OK ? emr_status_text(o->error) : emr_result_text(o->result));
	if (n == NULL)
		return;
	n->changed_boot_ns = view_boot_ns(view);
	if (o->error == EMR_OK && is_momentary(o->result)) {
		if (o->result == EMR_RESULT_TIME_AHEAD || o->result == EMR_RESULT_EXPIRED_BATCH)
			n->changed_boot_ns += RETRY_NS;	/* a clock is not mended at once */
		return;
	}
	n->failure = o->error != EMR_OK ? o->error : EMR_REFUSED;
	n->refusal = o->result;
}

static void apply_unlink(edit *e, const emr_outcome *o)
{
	bool gone = o->result <= 1 || o->result == EMR_RESULT_GONE;
	vacated *v = find_vacated(e->view, o->place.object);

	if (gone && o->error == EMR_OK) {
		edit_unvacate(e, o->place.object);
		if (e->status == EMR_OK)
			e->status = emr_journal_delete(e->txn, EMR_ROW_INO, o->place.object);
		if (v != NULL)
			v->is_over = true;
		return;
	}
	if (v != NULL)
		v->since_boot_ns = view_boot_ns(e->view) + RETRY_NS;
}

typedef struct applying {
	emr_view *view;
	const publishing *run;	/* NULL for batches of an earlier run */
	former_state *befores;	/* one for each outcome */
	size_t count;
	vacated *first;		/* those in front of it are new */
} applying;

static void apply_one(applying *a, edit *e, const emr_outcome *o, former_state *b)
{
	node *n = tree_by_id(a->view, o->node);

	if (o->kind == EMR_CHANGE_UNLINK) {
		apply_unlink(e, o);
	} else if (o->error != EMR_OK || o->result > 1) {
		apply_refusal(a->view, o);
	} else if (n == NULL || n->state != NODE_LIVE) {
		vacate_place(e, &o->place, EMR_META_FILE);
	} else {
		*b = remember(n);
		apply_to_node(e, a->run, n, o);
	}
}

static void keep_applied(applying *a)
{
	for (vacated **at = &a->view->vacated; *at != NULL;) {
		vacated *v = *at;

		if (v->is_over) {
			*at = v->next;
			free(v);
		} else {
			at = &v->next;
		}
	}
	for (size_t i = 0; i < a->count; i++)
		free(a->befores[i].was);
}

static void take_back_applied(applying *a)
{
	while (a->view->vacated != a->first)
		vacated_drop(a->view, a->view->vacated->place.object);
	for (vacated *v = a->view->vacated; v != NULL; v = v->next)
		v->is_over = false;
	for (size_t i = a->count; i-- > 0;)
		if (a->befores[i].n != NULL)
			take_back(a->view, &a->befores[i]);
}

static emr_status apply_outcomes(void *arg, emr_journal_txn *txn, const emr_outcome *outcomes, size_t n)
{
	applying a = *(const applying *)arg;
	emr_status status;
	edit e = edit_with(a.view, txn);

	a.befores = calloc(n > 0 ? n : 1, sizeof *a.befores);
	if (a.befores == NULL) {
		emr_journal_rollback(txn);
		return EMR_NO_MEMORY;
	}
	a.count = n;
	pthread_mutex_lock(&a.view->lock);
	a.first = a.view->vacated;
	e.status = tree_reserve_ids(a.view, 2 * n);	/* there and, perhaps, back */
	for (size_t i = 0; i < n && e.status == EMR_OK; i++)
		apply_one(&a, &e, &outcomes[i], &a.befores[i]);
	status = edit_commit(&e, NULL);
	if (status == EMR_OK)
		keep_applied(&a);
	else
		take_back_applied(&a);
	pthread_mutex_unlock(&a.view->lock);
	free(a.befores);
	return status;
}

static void tell_failures(const publishing *p)
{
	emr_view *view = p->view;

	if (view->options.notice == NULL)
		return;
	for (size_t i = 0; i < p->nnodes; i++) {
		char *path = NULL;

		pthread_mutex_lock(&view->lock);
		if (p->nodes[i]->failure != EMR_OK && p->nodes[i]->state == NODE_LIVE)
			path = tree_path(p->nodes[i]);
		pthread_mutex_unlock(&view->lock);
		if (path != NULL)
			view->options.notice(view->options.notice_arg, "refused", path);
		free(path);
	}
}

/* ---- sending, one domain after the other, the outer ones first ---- */

static emr_status send_domain(publishing *p, size_t first)
{
	applying a = { .view = p->view, .run = p };
	emr_id16 domain = p->works[first].change.domain;
	emr_change *changes = calloc(p->nworks, sizeof *changes);
	size_t n = 0;
	emr_status status;

	if (changes == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = first; i < p->nworks; i++) {
		if (!emr_id16_equal(p->works[i].change.domain, domain))
			continue;
		p->works[i].is_done = true;
		changes[n++] = p->works[i].change;
	}
	status = emr_settle_publish(p->view->options.settle, changes, n, apply_outcomes, &a);
	free(changes);
	return status;
}

static emr_status send_all(publishing *p)
{
	for (size_t i = 0; i < p->nworks; i++) {
		emr_status status;

		if (p->works[i].is_done)
			continue;
		status = send_domain(p, i);
		if (status != EMR_OK)
			return status;
	}
	return EMR_OK;
}

static void finish(publishing *p, emr_status status)
{
	emr_view *view = p->view;

	pthread_mutex_lock(&view->lock);
	while (p->nnodes > 0)
		drop_node(p, p->nnodes - 1);
	let_blocks_go(view);
	view->runs++;
	view->last_run = status;
	pthread_cond_broadcast(&view->settled);
	pthread_mutex_unlock(&view->lock);
	free_works(p);
	free(p->nodes);
	remove_doomed(view);
}

emr_status publish_run(emr_view *view, bool all)
{
	publishing p = { .view = view, .all = all };
	applying earlier = { .view = view };
	emr_status status;

	pthread_mutex_lock(&view->lock);
	hold_blocks(view);
	pthread_mutex_unlock(&view->lock);
	status = emr_settle_resend(view->options.settle, apply_outcomes, &earlier);
	if (status == EMR_OK) {
		pthread_mutex_lock(&view->lock);
		status = take_candidates(&p);
		if (status == EMR_OK)
			status = take_ancestors(&p);
		pthread_mutex_unlock(&view->lock);
	}
	if (status == EMR_OK)
		status = prepare_all(&p);
	if (status == EMR_OK || p.nnodes > 0)
		status = describe_all(&p);
	if (status == EMR_OK)
		status = send_all(&p);
	if (view_ledger_is_wrong(status))
		view_stop_writing(view, status);
	tell_failures(&p);
	finish(&p, status);
	return status;
}
