/* This file visits every block below a root once, for cleaning up, export and verification, and
 * says which blocks are missing. The depth is bounded, so that a hostile tree cannot exhaust the
 * stack. */
#include "store_private.h"

#include "store/dag_pb.h"
#include "store/unixfs.h"

#define DEPTH_MAX 16

typedef struct step {
	emr_cid cid;
	unsigned depth;
} step;

/* Depth first without recursion: what is still to be visited, the next one last. */
typedef struct walk {
	emr_block_store *store;
	emr_pending *seen;
	emr_cid_visit visit;
	void *context;
	bool go_on;
	bool passes_unreadable; /* a node that cannot be read is like one that is not there */
	emr_walk_missing *missing;
	emr_buf stack; /* of step */
} walk;

static emr_status push(walk *w, const emr_cid *cid, unsigned depth)
{
	step next = {*cid, depth};

	if (depth > DEPTH_MAX)
		return EMR_DAMAGED;
	return emr_buf_append(&w->stack, &next, sizeof next);
}

/* Children are pushed in order and then turned round, so that the first is visited first. */
static emr_status push_children(walk *w, emr_bytes block, unsigned depth)
{
	emr_dag_pb_cursor cursor = emr_dag_pb_begin(block);
	size_t from = w->stack.len / sizeof(step);
	emr_dag_pb_link link;
	emr_bytes data;
	bool more = true;
	step *steps;

	for (;;) {
		EMR_TRY(emr_dag_pb_next(&cursor, &more, &link, &data));
		if (more)
			EMR_TRY(push(w, &link.cid, depth + 1));
		if (!more)
			break;
	}
	steps = (void *)w->stack.data;
	for (size_t i = from, j = w->stack.len / sizeof(step); i + 1 < j; i++) {
		step swap = steps[i];

		j--;
		steps[i] = steps[j];
		steps[j] = swap;
	}
	return EMR_OK;
}

static emr_status note_missing(walk *w, const emr_cid *cid)
{
	if (w->missing->count++ == 0)
		w->missing->first = *cid;
	return w->go_on ? EMR_OK : EMR_MISSING_DATA;
}

/* Nodes of nothing but holes follow from nothing, and every writer's are the same: when another
 * took his copy away with his segments, nobody lacks anything. */
static bool is_hole(const emr_cid *cid)
{
	bool is = false;

	for (unsigned level = 0; !is && level < EMR_UNIXFS_HOLE_LEVELS; level++)
		is = emr_unixfs_is_hole(cid, level);
	return is;
}

static emr_status visit_one(walk *w, const step *at)
{
	const emr_store_position member = {.segment = 1};
	EMR_AUTO_BUF block = {0};
	emr_status status;

	if (emr_pending_find(w->seen, emr_cid_digest(&at->cid)) != NULL)
		return EMR_OK;
	EMR_TRY(emr_pending_reserve(w->seen, 1));
	emr_pending_put(w->seen, emr_cid_digest(&at->cid), member);
	if (emr_cid_codec(&at->cid) == EMR_CODEC_DAG_PB) {
		status = emr_block_store_get_verified(w->store, &at->cid, &block);
		if (status == EMR_NOT_FOUND && is_hole(&at->cid))
			return EMR_OK;
		if (status == EMR_NOT_FOUND ||
			(w->passes_unreadable && (status == EMR_DAMAGED || status == EMR_IO)))
			return note_missing(w, &at->cid);
		if (status != EMR_OK)
			return status;
	}
	EMR_TRY(w->visit == NULL ? EMR_OK : w->visit(w->context, &at->cid));
	if (emr_cid_codec(&at->cid) == EMR_CODEC_DAG_PB)
		EMR_TRY(push_children(w, emr_buf_view(&block), at->depth));
	return EMR_OK;
}

static emr_status walk_from(walk *w, const emr_cid *root)
{
	emr_status status = push(w, root, 0);

	while (status == EMR_OK && w->stack.len > 0) {
		step next;

		w->stack.len -= sizeof next;
		memcpy(&next, w->stack.data + w->stack.len, sizeof next);
		status = visit_one(w, &next);
	}
	emr_buf_free(&w->stack);
	return status;
}

emr_status emr_store_walk_into(emr_block_store *store, const emr_cid *root, emr_pending *seen,
	emr_cid_visit visit, void *context, bool go_on, emr_walk_missing *missing)
{
	walk w = {.store = store,
		.seen = seen,
		.visit = visit,
		.context = context,
		.go_on = go_on,
		.missing = missing};

	return walk_from(&w, root);
}

emr_status emr_store_walk_here(
	emr_block_store *store, const emr_cid *root, emr_cid_visit visit, void *context)
{
	emr_pending seen = {0};
	emr_walk_missing missing = {0};
	walk w = {.store = store,
		.seen = &seen,
		.visit = visit,
		.context = context,
		.go_on = true,
		.passes_unreadable = true,
		.missing = &missing};
	emr_status status = walk_from(&w, root);

	emr_pending_free(&seen);
	return status;
}

emr_status emr_store_walk(emr_block_store *store, const emr_cid *root, emr_cid_visit visit,
	void *context, emr_cid *out_missing)
{
	emr_pending seen = {0};
	emr_walk_missing missing = {0};
	emr_status status =
		emr_store_walk_into(store, root, &seen, visit, context, false, &missing);

	emr_pending_free(&seen);
	if (missing.count > 0 && out_missing != NULL)
		*out_missing = missing.first;
	return status;
}
