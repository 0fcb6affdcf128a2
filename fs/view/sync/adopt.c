/* When another computer moved a record to another domain, the node that has it here goes on
 * under the record's new id, with its number, its open files and whatever was changed here. This
 * file recognises the record by its own sealed number (r_pid), and by the new id, which grows
 * from the old one, or because the old one is over. */
#include "follow.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#include "times.h"
#include "would_share.h"

/* ---- lineage ---- */

/* OBJECT of DOMAIN is what the object FROM became when its record was moved there. */
static bool is_next(const emr_view *view, emr_id16 from, emr_id16 domain, emr_id16 object)
{
	emr_id16 id, target = emr_id16_equal(domain, object) ? (emr_id16){{0}} : domain;

	return emr_keyring_object_id(view->options.keyring, from, target, &id) == EMR_OK &&
	       emr_id16_equal(id, object);
}

node *adopt_directory(const emr_view *view, emr_id16 id)
{
	for (node *n = NULL; (n = tree_next_any(view, n)) != NULL;)
		if (n->type == EMR_META_DIR && n->state == NODE_LIVE && n->is_published &&
			is_next(view, id, node_domain(n), node_object(n)))
			return n;
	return NULL;
}

/* ---- which arrival is which node's record ---- */

static int by_r_pid(const void *a, const void *b)
{
	const arrival *const *x = a, *const *y = b;

	return memcmp((*x)->place.r_pid, (*y)->place.r_pid, sizeof(*x)->place.r_pid);
}

static bool is_over(const following *f, const emr_place *place)
{
	size_t low = 0, high = f->n;

	while (low < high) { /* they are in order of domain and object */
		size_t mid = low + (high - low) / 2;
		const arrival *a = &f->all[mid];
		int order = memcmp(a->domain.b, place->domain.b, sizeof a->domain.b);

		if (order == 0)
			order = memcmp(a->object.b, place->object.b, sizeof a->object.b);
		if (order == 0)
			return !a->is_live;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

typedef struct newcomers {
	following *f;
	arrival **all;
	size_t n;
} newcomers;

static void match(const newcomers *c, const emr_place *place)
{
	arrival key = {.place = *place}, *wanted = &key;
	arrival **found = c->n > 0 ? bsearch(&wanted, c->all, c->n, sizeof wanted, by_r_pid) : NULL;
	arrival *a = found != NULL ? *found : NULL;

	if (a != NULL && !emr_id16_equal(a->object, place->object) &&
		(is_next(c->f->view, place->object, a->domain, a->object) || is_over(c->f, place)))
		a->was = place->object;
}

static emr_status find_newcomers(following *f, newcomers *c)
{
	c->all = calloc(f->n, sizeof(arrival *));
	EMR_TRY_MEMORY(c->all);
	for (size_t i = 0; i < f->n; i++) {
		arrival *a = &f->all[i];

		/* r_pid is anybody's to say: a writer moves nothing of hers to where he writes. */
		if (a->is_live && !a->is_done && !a->is_others &&
			tree_by_id(f->view, a->object) == NULL &&
			!emr_id32_is_zero(EMR_ID32_AT(a->place.r_pid))) {
			(void)rest_wake_id(f->view, a->place.record_id);
			c->all[c->n++] = a;
		}
	}
	EMR_SORT(c->all, c->n, by_r_pid);
	return EMR_OK;
}

emr_status adopt_find(following *f)
{
	emr_view *view = f->view;
	newcomers c = {.f = f};
	emr_status status;

	pthread_mutex_lock(&view->lock);
	status = find_newcomers(f, &c);
	for (const node *n = NULL; c.n > 0 && (n = tree_next_any(view, n)) != NULL;) {
		if (n->state == NODE_LIVE && n->is_published) {
			const emr_place place = node_place(n);

			match(&c, &place);
		}
	}
	for (const vacated *v = view->vacated; v != NULL && c.n > 0; v = v->next)
		match(&c, &v->place);
	pthread_mutex_unlock(&view->lock);
	free(c.all);
	return status;
}

/* ---- the node goes on under its new id ---- */

static emr_status commit(emr_view *view, node *n, const emr_place *place)
{
	node_row row = row_of_node(n);
	edit e = edit_begin(view);

	row.place = *place;
	row.next_id = (emr_id16){{0}};
	row.flags &= (uint16_t)~ROW_IS_DOMAIN;
	row.flags |= emr_id16_equal(place->object, place->domain) ? ROW_IS_DOMAIN : 0;
	edit_delete(&e, n->id);
	edit_forget_times(&e, n, n->id);
	edit_times(&e, n, place->object, place->version);
	if (e.status == EMR_OK)
		e.status = emr_journal_delete(e.txn, EMR_ROW_INO, n->id);
	if (n->has_row)
		edit_put(&e, place->object, &row);
	edit_ino(&e, place->object, n->ino);
	if (node_file(n) != NULL && node_file(n)->has_content) {
		edit_unpin(&e, &node_file(n)->content->c, n->id);
		edit_pin(&e, &node_file(n)->content->c, place->object, EMR_PIN_WRITTEN);
	}
	edit_pin_place(&e, place);
	if (n->type == EMR_META_DIR)
		edit_moved(&e, n->id, place->object);
	return n->has_row ? edit_commit_node(&e, n) : edit_commit(&e, NULL);
}

static emr_status take_id(emr_view *view, node *n, const arrival *a)
{
	const emr_id16 before = n->id;
	emr_status status;

	EMR_TRY(tree_reserve_ids(view, 1));
	EMR_TRY(tree_need_place(view, &a->place));
	EMR_TRY(commit(view, n, &a->place));
	status = tree_change_id(view, n, a->object); /* reserved: cannot fail */
	tree_set_place(view, n, &a->place);
	tree_set_next_id(n, (emr_id16){{0}});
	n->is_domain = tree_is_root_object(n);
	if (n->type == EMR_META_DIR)
		tree_follow_directory(view, n, before);
	return status;
}

/* With a directory goes all that is in it, and this computer would wrap it for who sees it there:
 * nobody's word but her own is enough for that. Records that another computer has wrapped itself
 * come one by one. */
static emr_status may_take_along(emr_view *view, const arrival *a, bool *out_may)
{
	bool is_seen = false;
	emr_status status = move_is_seen(view, a->domain, &is_seen);

	*out_may = !is_seen;
	return status == EMR_OK && is_seen
		       ? writers_is_by_own_hand(view, a->domain, a->object, out_may)
		       : status;
}

static emr_status adopt_node(following *f, const arrival *a, node *n)
{
	const emr_place place = node_place(n);
	bool may = true;

	if (n->type == EMR_META_DIR) {
		EMR_TRY(rest_wake_below(n)); /* as long as it rests where the ledger says */
		EMR_TRY(may_take_along(f->view, a, &may));
	}
	if (n->type != (uint8_t)a->meta.type || !may)
		return arrive_new(f, a);
	if (node_is_file(n) && !arrive_is_same_content(&a->place, &place))
		return node_writers(n) != 0 ? EMR_BUSY : arrive_new_bytes(f, a, n);
	EMR_TRY(arrive_has_room(f, a, n));
	EMR_TRY(adopt_note_leaving(f, n, false));
	EMR_TRY(take_id(f->view, n, a));
	return arrive_meta(f, a, n);
}

/* Removed here and moved there: it stays removed, wherever it is now. */
static emr_status adopt_vacated(following *f, const arrival *a, vacated *v)
{
	vacated now = *v;
	edit e;

	if (v->type == EMR_META_FILE && !arrive_is_same_content(&a->place, &v->place))
		return arrive_new(f, a);
	now.place = a->place;
	e = edit_begin(f->view);
	edit_unvacate(&e, v->place.object);
	edit_vacate(&e, &now);
	EMR_TRY(edit_commit(&e, NULL));
	vacated_move(f->view, v, &a->place);
	return EMR_OK;
}

emr_status adopt(following *f, const arrival *a)
{
	node *n = tree_by_id(f->view, a->was);
	vacated *v;

	if (n != NULL && n->state == NODE_LIVE && n->is_published)
		return adopt_node(f, a, n);
	v = vacated_find(f->view, a->was);
	return v != NULL && !v->is_over ? adopt_vacated(f, a, v) : arrive_new(f, a);
}

/* ---- the versions that are none any more ---- */

emr_status adopt_note_leaving(following *f, const node *n, bool is_moving)
{
	const emr_leaving one = {
		.object = node_object(n), .cver = node_place(n).cver, .is_moving = is_moving};

	return n->is_published ? emr_buf_append(&f->leaving, &one, sizeof one) : EMR_OK;
}

void adopt_ask_leaving(following *f)
{
	bool has_removed = false;
	emr_status status = EMR_OK;

	if (f->view->leaving.fn != NULL && f->leaving.len > 0)
		status = f->view->leaving.fn(f->view->leaving.arg,
			(const emr_leaving *)(const void *)f->leaving.data,
			f->leaving.len / sizeof(emr_leaving), &has_removed);
	if (status != EMR_OK)
		emr_log(EMR_LOG_WARN, "something stays until the next opening: %s",
			emr_status_text(status));
	emr_buf_free(&f->leaving);
}
