/* Nodes of one's own in another's folder meet what the share says by now: they go back to being
 * what it shows, or go on where others went on, too.  The first on the ledger has the name; bytes
 * that were written here are never lost. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "conflict.h"
#include "file.h"
#include "foreign.h"

/* One look at everything. */
typedef struct meeting {
	emr_view *view;
	emr_buf tell;	   /* shared_telling, ... */
	emr_buf conflicts; /* view_conflict, ... */
	emr_buf numbers;   /* of the nodes, uint64_t */
	emr_buf ended;	   /* shared_share *, of shares that are written to no more */
} meeting;

static bool has_own_bytes(const node *n)
{
	return node_is_file(n) &&
	       (n->content_dirty || (node_file(n) != NULL && (node_file(n)->staging != NULL ||
								     node_file(n)->has_content)));
}

static bool is_clean(const node *n)
{
	return !n->meta_dirty && !has_own_bytes(n) && !n->has_row && !n->is_local;
}

/* Somebody has it open: who waits to open it hears of what comes in its place. */
static bool is_open(const emr_view *view, const node *n)
{
	return n->opens > shared_waits(view, n);
}

/* ---- the removal of a record ---- */

void foreign_note_gone(emr_view *view, const emr_place *place)
{
	foreign_gone gone = {
		.domain = place->domain, .object = place->object, .version = place->version};

	/* Without memory it is shown for a moment longer. */
	if (view->shares != NULL && shared_of_domain(view, place->domain) != NULL &&
		emr_buf_append(&view->shares->gone, &gone, sizeof gone) != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: a removed name is shown for a moment longer");
}

/* Forgets the nodes that left and that the trees know by now. */
static void forget_gone(emr_view *view)
{
	emr_buf *all = &view->shares->gone;
	size_t kept = 0;

	EMR_EACH (const foreign_gone, gone, all) {
		const shared_share *s = shared_of_domain(view, gone->domain);
		uint32_t entry = FLAT_NONE;

		if (s != NULL && s->tree != NULL)
			entry = shared_tree_find(s->tree, gone->object);
		if (entry == FLAT_NONE || s->tree->entries[entry].version > gone->version)
			continue;
		memmove(all->data + kept, gone, sizeof *gone);
		kept += sizeof *gone;
	}
	all->len = kept;
}

static emr_status drop_vacated(emr_view *view, const vacated *v)
{
	edit e = edit_begin(view);
	emr_id16 object = v->place.object;

	edit_unvacate(&e, object);
	EMR_TRY(edit_commit(&e, NULL));
	vacated_drop(view, object);
	return EMR_OK;
}

static bool is_same_content(const emr_place *place, const shared_entry *e)
{
	return e->pversion == place->pversion ||
	       (e->pversion != 0 && e->cver == place->cver &&
		       emr_id16_equal(e->record_id, place->record_id) &&
		       emr_cid_equal(&e->root, &place->root));
}

/* The entry is the newer one, with the same bytes: what is changed here stands on it. */
static void stand_on(emr_place *place, const shared_entry *e)
{
	place->version = e->version;
	place->pversion = e->pversion;
	place->padded = e->padded;
}

static bool is_over(const emr_view *view, const emr_place *place)
{
	emr_replica_head head;

	return emr_replica_head_get(view->options.replica, place->domain, place->object, &head) ==
		       EMR_OK &&
	       head.state != EMR_OBJECT_LIVE && head.version > place->version;
}

/* Removed here, and changed there: new bytes bring it back, a new name does not. */
static emr_status meet_vacated(emr_view *view)
{
	vacated *next;

	for (vacated *v = view->vacated; v != NULL; v = next) {
		const shared_share *s = shared_of_domain(view, v->place.domain);
		const shared_entry *e;
		uint32_t entry;

		next = v->next;
		if (s == NULL || s->tree == NULL)
			continue;
		entry = shared_tree_find(s->tree, v->place.object);
		e = entry != FLAT_NONE ? &s->tree->entries[entry] : NULL;
		if (e == NULL)
			EMR_TRY(is_over(view, &v->place) ? drop_vacated(view, v) : EMR_OK);
		else if (e->version <= v->place.version)
			continue;
		else if (is_same_content(&v->place, e))
			stand_on(&v->place, e);
		else
			EMR_TRY(drop_vacated(view, v));
	}
	return EMR_OK;
}

/* ---- nodes ---- */

static void give_up_name(emr_view *view, node *n)
{
	foreign_note_cut(n);
	tree_detach(view, n);
	tree_forget_id(view, n);
	n->has_row = false;
	n->is_published_gone = n->is_published;
	n->is_published = false;
	tree_release_if_unused(view, n);
}

emr_status foreign_retire(emr_view *view, node *n, emr_buf *tell)
{
	node *directory = n->parent;
	edit e;

	EMR_TRY(foreign_tell_name(view, n, tell));
	if (n->has_row) {
		e = edit_begin(view);
		edit_delete(&e, n->id);
		if (node_file(n) != NULL && node_file(n)->has_content)
			edit_unpin(&e, &node_file(n)->content->c, n->id);
		EMR_TRY(edit_commit(&e, NULL));
	}
	give_up_name(view, n);
	tree_release_if_unused(view, directory);
	return EMR_OK;
}

/* N is what ENTRY of S shows: its number stays, and with it what the kernel knows. */
static emr_status give_back(meeting *m, shared_share *s, node *n, uint32_t entry)
{
	emr_view *view = m->view;
	const shared_entry *e = &s->tree->entries[entry];
	const flat_place *place = &s->tree->names.places[entry];
	emr_id16 id = shared_record_id(s->space, e->object, shared_version_of(e)), own = n->id;
	node *directory = n->parent;
	shared_at *at;
	emr_status status = EMR_OK;

	if (tree_by_shown_id(view, id) != NULL) /* seen under another name: that one stays */
		return node_has_kids(n) ? EMR_OK : foreign_retire(view, n, &m->tell);
	at = calloc(1, sizeof *at);
	EMR_TRY_MEMORY(at);
	*at = shared_at_entry(s, entry);
	if (strcmp(n->name, place->name) != 0 ||
		!emr_id16_equal(row_directory(directory), s->tree->entries[place->parent].object))
		status = shared_tell_later(&m->tell, directory->number, n->name);
	if (status == EMR_OK)
		status = tree_change_id(view, n, id);
	if (status != EMR_OK) {
		free(at);
		return status;
	}
	tree_detach(view, n);
	n->state = NODE_VIRTUAL;
	free(n->was);
	n->was = NULL;
	n->shared = at;
	n->is_published = false;
	tree_set_next_id(n, (emr_id16){{0}});
	tree_set_lost_parent(n, (emr_id16){{0}});
	kind_change(n, &shared_kind);
	if (n->type == EMR_META_DIR)
		tree_follow_directory(view, n, own);
	status = shared_fill(n, s->tree, entry);
	if (status != EMR_OK)
		at->entry = FLAT_NONE;
	shared_release_if_unused(view, n);
	tree_release_if_unused(view, directory);
	return EMR_OK;
}

/* Nobody need have opened the other version: its item on the ledger says whose key signed it,
 * unless the owner has sealed it again. */
static emr_status note_conflict(
	meeting *m, const node *n, const shared_share *s, const shared_entry *e)
{
	const emr_part_key at = emr_part_of_object(s->domain, e->object, e->pversion);
	view_conflict conflict = {.number = n->number};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	strcpy(conflict.owner, s->owner->name);
	if (emr_replica_item_get(m->view->options.replica, &at, &bytes, &item) == EMR_OK &&
		item.op == EMR_OP_PUT)
		conflict.by = item.signer_id;
	return emr_buf_append(&m->conflicts, &conflict, sizeof conflict);
}

/* Nothing can be made beside a share that is a file: what was written here is kept in one's own
 * folder. */
static emr_status conflict_of_share(meeting *m, node *n, const shared_entry *e)
{
	EMR_TRY(note_conflict(m, n, shared_share_of(n), e));
	return foreign_keep_one(m->view, shared_share_of(n), n, &m->tell);
}

static emr_status conflict_beside(meeting *m, node *n, const shared_share *s, const shared_entry *e)
{
	char name[EMR_NAME_MAX + 1], was[EMR_NAME_MAX + 1];

	strcpy(was, n->name);
	conflict_name(m->view, n, name);
	EMR_TRY(shared_tell_later(&m->tell, n->parent->number, was));
	EMR_TRY(shared_tell_later(&m->tell, n->parent->number, name));
	EMR_TRY(note_conflict(m, n, s, e));
	return conflict_leave_record(m->view, n, name);
}

static emr_status conflict(meeting *m, node *n, const shared_share *s, const shared_entry *e)
{
	size_t before = m->conflicts.len;
	emr_status status =
		shared_is_file(n) ? conflict_of_share(m, n, e) : conflict_beside(m, n, s, e);

	if (status != EMR_OK) /* there is no copy yet */
		m->conflicts.len = before;
	return status;
}

/* New bytes never look older than those before. */
static int64_t later_mtime(const node *a, const node *b)
{
	return a->mtime_ns > b->mtime_ns ? a->mtime_ns : b->mtime_ns;
}

/* N's row, with its name, mode and attributes, for the version that THEIRS shows: what was changed
 * here is never without one. */
static emr_status put_row_for(emr_view *view, const node *n, const node *theirs,
	const emr_place *place, uint64_t *out_seq)
{
	node_row row = row_of_node(n);
	edit e = edit_begin(view);

	row.place = *place;
	row.size = theirs->size;
	row.mtime_ns = later_mtime(n, theirs);
	row.ino = theirs->ino;
	row.change++;
	if (!emr_id16_equal(n->id, place->object))
		edit_delete(&e, n->id);
	edit_put(&e, place->object, &row);
	return edit_commit(&e, out_seq);
}

/* Their bytes under our name: another node, or the kernel would show the old ones. */
static emr_status go_on_with(meeting *m, shared_share *s, node *n, uint32_t entry)
{
	const emr_place place = foreign_place_of(s, &s->tree->entries[entry]);
	emr_view *view = m->view;
	node *directory = n->parent, *theirs;
	char *name = NULL;
	uint64_t seq = 0;
	emr_status status;

	EMR_TRY(shared_tell_later(&m->tell, directory->number, n->name));
	EMR_TRY(shared_record_node(view, s, entry, &theirs));
	status = tree_need_pending(theirs);
	if (status == EMR_OK)
		status = tree_need_file(theirs);
	if (status == EMR_OK)
		status = tree_reserve_ids(view, 2);
	if (status == EMR_OK)
		status = tree_need_place(view, &place);
	if (status == EMR_OK)
		status = tree_prepare(view, directory, n->name, &name);
	if (status == EMR_OK)
		status = put_row_for(view, n, theirs, &place, &seq);
	if (status != EMR_OK) {
		free(name);
		shared_release_if_unused(view, theirs);
		return status;
	}
	theirs->mode = n->mode;
	theirs->mtime_ns = later_mtime(n, theirs);
	tree_swap_attributes(n, theirs);
	theirs->pending->change = node_change_count(n);
	directory->opens++; /* it is wanted again */
	give_up_name(view, n);
	foreign_become(view, theirs, &place, directory, name);
	theirs->meta_dirty = theirs->has_row = true;
	theirs->pending->row_seq = seq;
	mark_changed(view, theirs);
	directory->opens--;
	tree_release_if_unused(view, directory);
	return EMR_OK;
}

static emr_status note_ended(meeting *m, shared_share *s)
{
	return emr_buf_has(&m->ended, emr_bytes_of(&s, sizeof s))
		       ? EMR_OK
		       : emr_buf_append(&m->ended, &s, sizeof s);
}

static emr_status meet_end(meeting *m, node *n)
{
	const emr_place place = node_place(n);

	if (!is_over(m->view, &place))
		return EMR_OK; /* cannot be read yet, or is newer than what is shown */
	if (is_open(m->view, n))
		return EMR_OK; /* once it is closed */
	if (node_has_kids(n))
		return edit_stay(m->view, n);
	if (has_own_bytes(n) && shared_is_file(n))
		return note_ended(m, shared_share_of(n));
	if (has_own_bytes(n))
		return conflict_leave_record(m->view, n, n->name);
	return foreign_retire(m->view, n, &m->tell);
}

/* Nobody can look at what was sent: a handle or the kernel may still have it, and need not. */
static emr_status meet_nothing(meeting *m, shared_share *s, node *n)
{
	if (s->is_blind)
		return is_clean(n) && n->opens == 0 && !node_has_kids(n)
			       ? foreign_retire(m->view, n, &m->tell)
			       : EMR_OK;
	s->wants_tree = true;
	shared_stir(m->view, s);
	return EMR_OK;
}

static emr_status meet(meeting *m, shared_share *s, node *n)
{
	const shared_entry *e;
	emr_place place;
	uint32_t entry;

	if (foreign_collects(n) && foreign_is_left_alone(m->view, n))
		return foreign_retire(m->view, n, &m->tell);
	if (!n->is_published || n->in_run)
		return EMR_OK;
	if (s->tree == NULL)
		return meet_nothing(m, s, n);
	if (shared_is_file(n) && s->tree->entries[FLAT_TOP].type != n->type)
		return meet_end(m, n);
	entry = shared_tree_find(s->tree, node_object(n));
	if (entry == FLAT_NONE)
		return meet_end(m, n);
	e = &s->tree->entries[entry];
	place = node_place(n);
	if (e->version < place.version || e->type != n->type)
		return EMR_OK;
	if (!node_is_file(n) || is_same_content(&place, e)) {
		stand_on(&place, e);
		if (tree_need_place(m->view, &place) != EMR_OK)
			return EMR_NO_MEMORY;
		tree_set_place(m->view, n, &place);
		return is_clean(n) && n->opens == 0 ? give_back(m, s, n, entry) : EMR_OK;
	}
	if (is_open(m->view, n))
		return EMR_OK;
	if (has_own_bytes(n))
		return conflict(m, n, s, e);
	return n->meta_dirty && !shared_is_file(n) ? go_on_with(m, s, n, entry)
						   : foreign_retire(m->view, n, &m->tell);
}

/* ---- all of them ---- */

/* Nodes that were loaded before their share was known. */
static void know_anchors(emr_view *view)
{
	for (node *top = NULL; (top = tree_next_any(view, top)) != NULL;) {
		if (!shared_has(top) || top->shared->level != SHARED_RECORD ||
			top->shared->share != NULL)
			continue;
		top->shared->share = shared_of_domain(view, top->shared->domain);
		if (top->shared->share != NULL)
			top->shared->owner = top->shared->share->owner;
	}
}

static emr_status meet_all(meeting *m)
{
	emr_view *view = m->view;

	for (const node *n = NULL; (n = tree_next_any(view, n)) != NULL;)
		if (n->state == NODE_LIVE && kind_top(n) != NULL)
			EMR_TRY(emr_buf_append(&m->numbers, &n->number, sizeof n->number));
	view->shares->has_own = m->numbers.len > 0;
	EMR_EACH (const uint64_t, number, &m->numbers) {
		node *n = tree_by_number(view, *number);
		shared_share *s = n != NULL && n->state == NODE_LIVE ? shared_share_of(n) : NULL;

		if (s != NULL)
			EMR_TRY(shared_is_writable(view, s) ? meet(m, s, n) : note_ended(m, s));
	}
	return meet_vacated(view);
}

void foreign_turn(emr_view *view)
{
	meeting m = {.view = view};
	emr_status status = EMR_OK;
	bool has_any;

	pthread_mutex_lock(&view->lock);
	has_any = view->shares->has_own || view->shares->gone.len > 0 || view->vacated != NULL;
	if (has_any && !view->options.read_only) {
		know_anchors(view);
		status = meet_all(&m);
	}
	forget_gone(view);
	pthread_mutex_unlock(&view->lock);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "shares: what was written there was not compared: %s",
			emr_status_text(status));
	shared_tell(view, &m.tell);
	conflict_tell(view, &m.conflicts);
	EMR_EACH (shared_share *const, s, &m.ended)
		foreign_keep_unsent(view, *s);
	emr_buf_free(&m.tell);
	emr_buf_free(&m.conflicts);
	emr_buf_free(&m.numbers);
	emr_buf_free(&m.ended);
}
