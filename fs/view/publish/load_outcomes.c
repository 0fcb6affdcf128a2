/* Batches that were sent in an earlier run of the program may be answered only now. This file
 * applies such answers to the rows of the journal, before there is a tree. */
#include "publish.h"
#include "times.h"

static emr_status read_row(emr_view *view, emr_id16 id, emr_buf *bytes, node_row *out_row)
{
	EMR_TRY(emr_journal_get(view->options.journal, EMR_ROW_NODE, id, bytes));
	return row_decode(emr_buf_view(bytes), out_row);
}

static void vacate_place(edit *e, const emr_place *place, uint8_t type)
{
	vacated v = {.place = *place, .type = type};

	edit_vacate(e, &v);
}

static bool same_object(const emr_place *a, const emr_place *b)
{
	return emr_id16_equal(a->object, b->object) && emr_id16_equal(a->domain, b->domain);
}

/* The kept times of ROW are known as O says from here on. */
static void follow_times(emr_view *view, edit *e, const emr_change_outcome *o, const node_row *row)
{
	const node like = {.type = row->type};
	EMR_AUTO_BUF buf = {0};
	directory_times times;

	if (row->flags & ROW_IS_FOREIGN)
		return;
	if (row->type != EMR_META_DIR) {
		edit_file_time(e, o->place.object, o->place.version, row->ctime_ns);
	} else if (times_find_directory(view, o->node, &buf, &times) == EMR_OK) {
		if (!emr_id16_equal(o->node, o->place.object))
			edit_forget_times(e, &like, o->node);
		times.version = o->place.version;
		edit_directory_times(e, o->place.object, &times);
	}
}

/* A version that another computer has erased since it was sent is not pinned again: its bytes are
 * let go. */
static bool is_erased(const emr_view *view, const emr_place *place)
{
	const emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.version = place->pversion,
		.domain = place->domain,
		.object = place->object};
	EMR_AUTO_BUF part = {0};
	emr_replica_head head;

	return emr_replica_head_get(view->options.replica, place->domain, place->object, &head) ==
		       EMR_OK &&
	       head.version >= place->version &&
	       emr_replica_part(view->options.replica, &key, &part) == EMR_NOT_FOUND;
}

static void pin_place(edit *e, const emr_place *place)
{
	if (!is_erased(e->view, place))
		edit_pin_place(e, place);
}

static void apply_to_row(emr_view *view, edit *e, const emr_change_outcome *o)
{
	EMR_AUTO_BUF bytes = {0};
	node_row row;
	emr_status status = read_row(view, o->node, &bytes, &row);

	if (status == EMR_NOT_FOUND) { /* removed since: what was just published must go, too */
		pin_place(e, &o->place);
		vacate_place(e, &o->place, EMR_META_FILE);
		return;
	}
	if (status != EMR_OK) {
		e->status = e->status == EMR_OK ? status : e->status;
		return;
	}
	if ((row.flags & ROW_HAS_PLACE) && !same_object(&row.place, &o->place))
		vacate_place(e, &row.place, row.type);
	if (!emr_id16_equal(o->node, o->place.object)) {
		edit_delete(e, o->node);
		if (row.type == EMR_META_DIR)
			edit_moved(e, o->node, o->place.object);
	}
	if ((row.flags & ROW_IS_FOREIGN) == 0)
		edit_ino(e, o->place.object, row.ino);
	pin_place(e, &o->place);
	row.place = o->place;
	row.flags |= ROW_HAS_PLACE;
	row.next_id = (emr_id16){{0}};
	follow_times(view, e, o, &row);
	if (row.change == o->change && (row.flags & ROW_HAS_STAGING) == 0) {
		if (row.flags & ROW_HAS_CONTENT)
			edit_unpin(e, &row.content.c, o->node);
		edit_delete(e, o->place.object);
		return;
	}
	edit_put(e, o->place.object, &row);
}

emr_status load_outcomes(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	emr_view *view = arg;
	edit e = edit_with(view, txn);

	for (size_t i = 0; i < n; i++) {
		const emr_change_outcome *o = &outcomes[i];

		if (o->error != EMR_OK || o->result > 1 || o->kind == EMR_CHANGE_ERASE)
			continue;
		if (o->kind == EMR_CHANGE_UNLINK)
			edit_unvacate(&e, o->place.object);
		else
			apply_to_row(view, &e, o);
	}
	return edit_commit(&e, NULL);
}
