/* This file applies the ledger's answers to the tree and to the journal, both or neither, so
 * that a crash or a full disk never leaves the one without the other. A refused removal is asked
 * for again after growing pauses, and not for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "settle/reopen.h"

#include "erasing.h"
#include "foreign.h"
#include "node.h"
#include "publish.h"
#include "refusals.h"
#include "times.h"

#define UNLINK_TRIES 4		  /* 5, 10, 20 s between them */
#define UNLINK_TRIES_MOMENTARY 12 /* up to 320 s between them: half an hour */
#define UNLINK_DOUBLINGS_MAX 6

static const work *work_of(const publishing *p, emr_id16 node_id)
{
	for (size_t i = 0; p != NULL && i < p->nworks; i++)
		if (emr_id16_equal(p->works[i].change.node, node_id) &&
			p->works[i].change.kind != EMR_CHANGE_UNLINK)
			return &p->works[i];
	return NULL;
}

static void fail_edit(edit *e, emr_status status)
{
	if (e->status == EMR_OK)
		e->status = status;
}

/* The record at PLACE has no name any more. */
static void vacate_place(edit *e, const emr_place *place, uint8_t type)
{
	vacated *v = vacated_find(e->view, place->object);

	if (v != NULL) { /* removed while this version was on its way */
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

/* The state of a node before an answer was applied to it: the journal may refuse the answer's
 * transaction. */
typedef struct former_state {
	node *n; /* NULL: nothing to take back */
	emr_id16 id, next_id;
	packed_place packed;
	void *place_memory; /* of PACKED; owned here until the end, as the next is */
	former *was;
	emr_status failure;
	bool has_whole_place, has_own_record, is_published, meta_dirty, content_dirty, has_row,
		has_content;
} former_state;

static former_state remember(node *n)
{
	return (former_state){.n = n,
		.id = n->id,
		.next_id = node_next_id(n),
		.packed = n->packed,
		.place_memory = node_place_memory(n),
		.has_whole_place = n->has_whole_place,
		.has_own_record = n->has_own_record,
		.was = n->was,
		.failure = n->failure,
		.is_published = n->is_published,
		.meta_dirty = n->meta_dirty,
		.content_dirty = n->content_dirty,
		.has_row = n->has_row,
		.has_content = node_file(n) != NULL && node_file(n)->has_content};
}

static void take_back(emr_view *view, const former_state *b)
{
	node *n = b->n;

	if (!emr_id16_equal(n->id, b->id) && tree_change_id(view, n, b->id) != EMR_OK)
		emr_log(EMR_LOG_ERROR, "a node lost its id"); /* reserved: cannot be */
	if (n->was != b->was)
		free(n->was);
	n->was = b->was;
	tree_set_next_id(n, b->next_id);
	if (node_place_memory(n) != b->place_memory)
		free(node_place_memory(n));
	n->packed = b->packed;
	n->has_whole_place = b->has_whole_place;
	n->has_own_record = b->has_own_record;
	n->failure = b->failure;
	n->is_published = b->is_published;
	n->meta_dirty = b->meta_dirty;
	n->content_dirty = b->content_dirty;
	n->has_row = b->has_row;
	if (node_file(n) != NULL)
		node_file(n)->has_content = b->has_content;
}

/* N->was is new or NULL afterwards; the old one is the caller's. */
static void set_former(edit *e, node *n, const work *w)
{
	n->was = NULL;
	if (n->name == NULL) /* the folder itself */
		return;
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
	file *f = node_file(n);

	if (f == NULL || !f->has_content)
		return;
	if (!unchanged && (w == NULL || f->wrote != w->wrote || !w->has_content)) {
		if (!emr_id16_equal(before, n->id)) {
			edit_unpin(e, &f->content->c, before);
			edit_pin(e, &f->content->c, n->id, EMR_PIN_WRITTEN);
		}
		return;
	}
	edit_unpin(e, &f->content->c, before);
	f->has_content = false; /* its room is given back once the journal has this */
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

/* A record that was on its way when it was made a domain has another id as one: who was promised
 * the first one finds it (emr_view_domain_now). */
static void note_became(edit *e, const node *n, emr_id16 old_id)
{
	const emr_id16 both[] = {old_id, n->id};

	if (n->is_domain && emr_buf_append(&e->view->keeper->became, both, sizeof both) != EMR_OK)
		fail_edit(e, EMR_NO_MEMORY);
}

static void apply_to_node(edit *e, const publishing *p, node *n, const emr_change_outcome *o)
{
	const work *w = work_of(p, o->node);
	bool unchanged = node_change_count(n) == o->change;
	emr_place before = node_place(n);
	bool moved = n->is_published && !emr_id16_equal(before.object, o->place.object);
	emr_id16 old_id = n->id;

	if (tree_need_place(e->view, &o->place) != EMR_OK ||
		tree_change_id(e->view, n, o->place.object) != EMR_OK) {
		fail_edit(e, EMR_NO_MEMORY);
		return;
	}
	if (moved)
		vacate_place(e, &before, n->type);
	n->is_published = true;
	n->packed = (packed_place){.domain = NULL}; /* what it was is remembered */
	n->has_whole_place = n->has_own_record = false;
	tree_set_place(e->view, n, &o->place);
	n->failure = EMR_OK;
	if (o->kind == EMR_CHANGE_PUT)
		node_set_top_cver(n, o->place.cver);
	if (unchanged)
		n->meta_dirty = false;
	if (unchanged || emr_id16_equal(node_next_id(n), o->place.object))
		tree_set_next_id(n, (emr_id16){{0}});
	content_is_published(e, n, old_id, w, unchanged);
	if (unchanged && node_is_file(n) && (node_file(n) == NULL || node_file(n)->staging == NULL))
		n->content_dirty = false;
	set_former(e, n, w);
	if (tree_is_root_object(n))
		e->view->wants_tie = true;
	if (!emr_id16_equal(old_id, n->id)) {
		note_became(e, n, old_id);
		edit_delete(e, old_id);
		edit_forget_times(e, n, old_id);
		if (n->type == EMR_META_DIR)
			edit_moved(e, old_id, n->id);
	}
	if (kind_top(n) == NULL)
		edit_ino(e, n->id, n->ino);
	edit_pin_place(e, &o->place);
	n->has_row = n->meta_dirty || n->content_dirty || n->is_local ||
		     (node_file(n) != NULL && node_file(n)->staging_in_row);
	put_or_drop_row(e, n);
	edit_times(e, n, n->id, o->place.version);
}

static bool is_momentary(uint8_t result)
{
	return result == EMR_RESULT_EPOCH || result == EMR_RESULT_CONFLICT ||
	       result == EMR_RESULT_TIME_AHEAD || result == EMR_RESULT_EXPIRED_BATCH;
}

/* EARLIER: it was signed in an earlier run, and perhaps by another clock: made again, it is judged
 * by this one. */
static void apply_refusal(emr_view *view, const emr_change_outcome *o, bool earlier)
{
	node *n = tree_by_id(view, o->node);
	char id[33];

	if (!earlier)
		quiet_note_refusal(view);
	emr_hex(o->node.b, sizeof o->node.b, id);
	emr_log(EMR_LOG_WARN, "record %s was not registered: %s", id,
		o->error != EMR_OK ? emr_status_text(o->error) : emr_result_text(o->result));
	if (n == NULL)
		return;
	if (o->error == EMR_OK && (earlier || is_momentary(o->result))) {
		bool is_clock = !earlier && (o->result == EMR_RESULT_TIME_AHEAD ||
						    o->result == EMR_RESULT_EXPIRED_BATCH);

		/* A clock is not mended at once. */
		tree_note_changed(n, view_boot_ns(view) + (is_clock ? PUBLISH_RETRY_NS : 0));
		return;
	}
	tree_note_changed(n, view_boot_ns(view));
	/* The version that it was is gone for good; its bytes are here and become a record of their
	 * own, unless they are not whose they say. */
	if (o->error != EMR_OK && o->error != EMR_BAD_SIGNATURE && node_file(n) != NULL &&
		node_file(n)->restored != NULL && !n->is_published) {
		free(node_file(n)->restored);
		node_file(n)->restored = NULL;
		return;
	}
	n->failure = o->error != EMR_OK ? o->error : EMR_REFUSED;
	n->refusal = o->result;
}

/* A change that was refused for the moment is sent again for longer than one whose refusal will
 * hardly change; both less and less often, and not for ever. */
static void refuse_unlink(emr_view *view, vacated *v, const emr_change_outcome *o, bool earlier)
{
	bool momentary = o->error == EMR_OK && is_momentary(o->result);
	unsigned doublings =
		v->refusals < UNLINK_DOUBLINGS_MAX ? v->refusals : UNLINK_DOUBLINGS_MAX;
	char id[33];

	v->refusal = o->result;
	if (!earlier) {
		quiet_note_refusal(view);
		v->refusals += v->refusals < UINT8_MAX;
	}
	v->since_boot_ns = view_boot_ns(view) + (PUBLISH_RETRY_NS << doublings);
	v->has_failed = v->refusals >= (momentary ? UNLINK_TRIES_MOMENTARY : UNLINK_TRIES);
	emr_hex(o->place.object.b, sizeof o->place.object.b, id);
	emr_log(EMR_LOG_WARN, "the removal of record %s was refused: %s", id,
		o->error != EMR_OK ? emr_status_text(o->error) : emr_result_text(o->result));
}

static void apply_unlink(edit *e, const emr_change_outcome *o, bool earlier)
{
	bool gone = o->result <= 1 || o->result == EMR_RESULT_GONE;
	vacated *v = vacated_find(e->view, o->place.object);

	if (gone && o->error == EMR_OK) {
		edit_unvacate(e, o->place.object);
		if (e->status == EMR_OK)
			e->status = emr_journal_delete(e->txn, EMR_ROW_INO, o->place.object);
		if (v != NULL)
			v->is_over = true;
		foreign_note_gone(e->view, &o->place);
		return;
	}
	if (v != NULL)
		refuse_unlink(e->view, v, o, earlier);
}

typedef struct applying {
	emr_view *view;
	const publishing *run;
	former_state *befores; /* one for each outcome */
	size_t count;
	vacated *first; /* those in front of it are new */
	emr_buf opened; /* of emr_opened: contents that are on the ledger now */
} applying;

static void apply_one(applying *a, edit *e, const emr_change_outcome *o, former_state *b)
{
	node *n = tree_by_id(a->view, o->node);

	if (o->error == EMR_OK && o->result == EMR_RESULT_CONFLICT)
		a->view->has_news = true; /* what others did first */
	if (o->kind == EMR_CHANGE_ERASE) {
		return; /* erase.c asks the ledger itself what stands */
	} else if (o->kind == EMR_CHANGE_UNLINK) {
		apply_unlink(e, o, a->run == NULL);
	} else if (o->error != EMR_OK || o->result > 1) {
		apply_refusal(a->view, o, a->run == NULL);
	} else if (n == NULL || n->state != NODE_LIVE) {
		/* Removed while this version was on its way: it is one of the past, with its bytes,
		 * unless it was erased meanwhile. */
		if (!erase_has(a->view, o->place.object) &&
			!erase_has_finished(a->view, o->place.object))
			edit_pin_place(e, &o->place);
		vacate_place(e, &o->place, EMR_META_FILE);
	} else {
		*b = remember(n);
		apply_to_node(e, a->run, n, o);
	}
}

/* N, a directory, is known by another id than FROM now: whatever remembers the old one must know.
 */
static void follow_directory(emr_view *view, node *n, emr_id16 from)
{
	tree_follow_directory(view, n, from);
	for (node *kid = tree_next_kid(n, 0); kid != NULL; kid = tree_next_kid(n, kid->cookie)) {
		/* The root of an inner domain stays where it is, and names its directory.  (After a
		 * restart row P says so.) */
		if (tree_is_root_object(kid)) {
			kid->meta_dirty = true;
			mark_changed(view, kid);
		}
	}
}

/* The content of N, which this run has sent, is what stands at its place: it need not be unwrapped
 * to be opened again. */
static void note_published(
	applying *a, const node *n, const emr_change_outcome *o, const former_state *b)
{
	emr_opened one = {.place = node_place(n)};

	if (o->kind != EMR_CHANGE_PUT || work_of(a->run, o->node) == NULL || !b->has_content ||
		node_file(n)->has_content || node_file(n)->content == NULL)
		return;
	one.content = *node_file(n)->content;
	if (emr_buf_append(&a->opened, &one, sizeof one) != EMR_OK)
		emr_log(EMR_LOG_INFO, "what a record was saved as is not kept: no memory");
}

static void keep_applied(applying *a, const emr_change_outcome *outcomes)
{
	for (vacated *v = a->view->vacated, *next; v != NULL; v = next) {
		next = v->next;
		if (v->is_over)
			vacated_drop_this(a->view, v);
	}
	for (size_t i = 0; i < a->count; i++) {
		former_state *b = &a->befores[i];

		free(b->was);
		if (b->n == NULL)
			continue;
		if (node_place_memory(b->n) != b->place_memory)
			free(b->place_memory);
		if (node_file(b->n) != NULL)
			note_published(a, b->n, &outcomes[i], b);
		tree_drop_content(b->n);
		if (b->n->type == EMR_META_DIR && !emr_id16_equal(b->n->id, b->id))
			follow_directory(a->view, b->n, b->id);
	}
}

static void take_back_applied(applying *a)
{
	while (a->view->vacated != a->first)
		vacated_drop_this(a->view, a->view->vacated);
	for (vacated *v = a->view->vacated; v != NULL; v = v->next)
		v->is_over = false;
	for (size_t i = a->count; i-- > 0;)
		if (a->befores[i].n != NULL)
			take_back(a->view, &a->befores[i]);
}

/* It saves time later and can do nothing else. */
static void keep_published(applying *a)
{
	emr_status status = emr_facts_keep_opened(a->view->options.facts,
		(const emr_opened *)(const void *)a->opened.data,
		a->opened.len / sizeof(emr_opened));

	emr_buf_free(&a->opened);
	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "what records were saved as is not kept: %s",
			emr_status_text(status));
}

emr_status answers_apply(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	const answering *asked = arg;
	applying a = {.view = asked->view, .run = asked->run};
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
	e.status = tree_reserve_ids(a.view, 2 * n); /* there and, perhaps, back */
	for (size_t i = 0; i < n && e.status == EMR_OK; i++)
		apply_one(&a, &e, &outcomes[i], &a.befores[i]);
	status = edit_commit(&e, NULL);
	if (status == EMR_OK)
		keep_applied(&a, outcomes);
	else
		take_back_applied(&a);
	pthread_mutex_unlock(&a.view->lock);
	free(a.befores);
	keep_published(&a);
	return status;
}

/* The path of a name that went away; NULL when its directory went, too. */
static char *path_of_vacated(const emr_view *view, const vacated *v)
{
	const node *directory = tree_directory_by_id(view, v->directory);
	char *up = directory != NULL && directory->state == NODE_LIVE ? tree_path(directory) : NULL,
	     *path = NULL;

	if (up != NULL && asprintf(&path, "%s%s%s", up, up[0] != 0 ? "/" : "", v->name) < 0)
		path = NULL;
	free(up);
	return path;
}

static void tell_refused_removals(emr_view *view)
{
	for (;;) {
		char *path = NULL;
		vacated *v;

		pthread_mutex_lock(&view->lock);
		for (v = view->vacated; v != NULL && (!v->has_failed || v->is_told);)
			v = v->next;
		if (v != NULL) {
			v->is_told = true;
			path = path_of_vacated(view, v);
		}
		pthread_mutex_unlock(&view->lock);
		if (v == NULL)
			return;
		view->options.notice(
			view->options.notice_arg, "removal-refused", path != NULL ? path : "");
		free(path);
	}
}

void answers_tell_failures(const publishing *p)
{
	emr_view *view = p->view;

	if (view->options.notice == NULL)
		return;
	tell_refused_removals(view);
	for (size_t i = 0; i < p->nnodes; i++) {
		const char *reason = "";
		char *path = NULL;

		pthread_mutex_lock(&view->lock);
		if (p->nodes[i]->failure != EMR_OK && p->nodes[i]->state == NODE_LIVE) {
			path = tree_path(p->nodes[i]);
			reason = refusals_reason(p->nodes[i]->failure, p->nodes[i]->refusal);
		}
		pthread_mutex_unlock(&view->lock);
		if (path != NULL)
			refusals_tell_with(view, "refused", path, reason);
		free(path);
	}
}
