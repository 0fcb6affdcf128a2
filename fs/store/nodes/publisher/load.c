/* This file collects what is sent to a node in one import: whole trees of blocks, or, of a record
 * that is too large for one, a piece of it.  No block is sent whose bytes are not what its name
 * says. */
#include "load.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "store/car.h"
#include "store/dag_pb.h"

/* A block, and when it was met. */
typedef struct met {
	emr_cid cid;
	size_t at;
} met;

static int compare_cids(const void *a, const void *b)
{
	const met *x = a, *y = b;
	int order = memcmp(&x->cid, &y->cid, EMR_CID_BYTES);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static int compare_at(const void *a, const void *b)
{
	const met *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static size_t count_of(const emr_buf *cids)
{
	return cids->len / sizeof(emr_cid);
}

static const emr_cid *cid_at(const emr_buf *cids, size_t index)
{
	return (const emr_cid *)(const void *)cids->data + index;
}

void load_free(load *l)
{
	emr_buf_free(&l->roots);
	emr_buf_free(&l->cids);
	emr_buf_free(&l->made);
	emr_buf_free(&l->block);
}

static void load_clear(load *l)
{
	emr_buf_clear(&l->roots);
	emr_buf_clear(&l->cids);
	emr_buf_clear(&l->made);
	l->bytes = 0;
	l->at = 0;
}

typedef struct gathering {
	emr_store *store;
	emr_buf *cids;
	uint64_t bytes;
} gathering;

static emr_status gather_block(void *arg, const emr_cid *cid)
{
	gathering *g = arg;
	uint64_t bytes = 0;
	emr_status status = emr_store_size_known(g->store, cid, &bytes);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	g->bytes += bytes + EMR_CAR_SECTION_HEAD_MAX;
	return emr_buf_append(g->cids, cid, sizeof *cid);
}

emr_status load_add(load *l, const emr_cid *root, bool *out_fits, uint64_t *out_bytes)
{
	const size_t before = l->cids.len;
	gathering g = {.store = l->store, .cids = &l->cids};
	emr_status status =
		emr_store_walk(emr_store_blocks(l->store), root, gather_block, &g, NULL);

	*out_bytes = g.bytes;
	*out_fits = status == EMR_OK && l->bytes + g.bytes <= l->room &&
		    count_of(&l->roots) < EMR_IPFS_ROOTS_MAX;
	if (*out_fits)
		status = emr_buf_append(&l->roots, root, sizeof *root);
	if (*out_fits && status == EMR_OK)
		l->bytes += g.bytes;
	else
		l->cids.len = before;
	return status;
}

/* Records share blocks: what nobody wrote is the same in all.  The others keep their order, which
 * is that in which they lie on the disk: sorted by name each would be looked for elsewhere. */
static emr_status make_distinct(emr_buf *cids)
{
	size_t n = count_of(cids), kept = 0;
	EMR_AUTO_FREE met *all = calloc(n + 1, sizeof *all);

	if (all == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		all[i] = (met){.cid = *cid_at(cids, i), .at = i};
	qsort(all, n, sizeof *all, compare_cids);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !emr_cid_equal(&all[i].cid, &all[kept - 1].cid))
			all[kept++] = all[i];
	}
	qsort(all, kept, sizeof *all, compare_at);
	emr_buf_clear(cids);
	for (size_t i = 0; i < kept; i++) {
		EMR_TRY(emr_buf_append(cids, &all[i].cid, sizeof all[i].cid));
	}
	return EMR_OK;
}

void load_gives(load *l, uint64_t bytes)
{
	l->gave += bytes;
	if (l->given != NULL)
		atomic_fetch_add(l->given, bytes);
}

/* By this computer's own tags where the block is a leaf that has them, which costs less than its
 * hash. The receiver hashes it anyway. */
static emr_status read_block(load *l, const emr_cid *cid)
{
	static const emr_units all = {0, EMR_UNITS_PER_LEAF};

	emr_buf_clear(&l->block);
	if (emr_cid_codec(cid) == EMR_CODEC_RAW &&
		emr_buf_reserve(&l->block, EMR_UNIT_LEAF_BYTES) == EMR_OK &&
		emr_store_get_units(l->store, cid, all, l->block.data) == EMR_OK) {
		l->block.len = EMR_UNIT_LEAF_BYTES;
		return EMR_OK;
	}
	return emr_store_get_verified(l->store, cid, &l->block);
}

static emr_status next_block(void *arg, bool *out_more, emr_block *out_block)
{
	load *l = arg;
	size_t made = l->made.len > 0, index = l->at - made;
	emr_status status;

	*out_more = l->at < count_of(&l->cids) + made;
	if (!*out_more)
		return EMR_OK;
	if (l->at++ < made) {
		*out_block = (emr_block){.cid = l->made_cid, .data = emr_buf_view(&l->made)};
		return EMR_OK;
	}
	if (l->await != NULL)
		l->await(l->await_arg);
	status = read_block(l, cid_at(&l->cids, index));
	*out_block = (emr_block){.cid = *cid_at(&l->cids, index), .data = emr_buf_view(&l->block)};
	load_gives(l, l->block.len);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

emr_status load_seal(load *l, emr_ipfs_parcel *out_parcel)
{
	EMR_TRY(make_distinct(&l->cids));
	l->at = 0;
	*out_parcel = (emr_ipfs_parcel){.roots = cid_at(&l->roots, 0),
		.root_count = count_of(&l->roots),
		.next = next_block,
		.arg = l,
		.lent = &l->block,
		.bytes = l->bytes};
	return EMR_OK;
}

/* ---- Pieces ---- */

void pieces_free(pieces *p)
{
	emr_buf_free(&p->leaves);
	emr_buf_free(&p->nodes);
}

typedef struct sorting {
	emr_store *store;
	pieces *to;
} sorting;

static emr_status sort_block(void *arg, const emr_cid *cid)
{
	const sorting *s = arg;
	gathering g = {.store = s->store,
		.cids = emr_cid_codec(cid) == EMR_CODEC_RAW ? &s->to->leaves : &s->to->nodes};
	emr_status status = gather_block(&g, cid);

	s->to->left += g.bytes;
	return status;
}

emr_status pieces_of(emr_store *store, const emr_cid *root, pieces *out)
{
	sorting s = {.store = store, .to = out};

	*out = (pieces){.root = *root};
	return emr_store_walk(emr_store_blocks(store), root, sort_block, &s, NULL);
}

static emr_status link_leaf(load *l, const emr_cid *leaf, bool *out_fits)
{
	uint64_t bytes = 0;
	emr_status status = emr_store_size_known(l->store, leaf, &bytes);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	*out_fits = l->bytes + bytes + EMR_CAR_SECTION_HEAD_MAX <= LOAD_BYTES &&
		    count_of(&l->cids) < EMR_DAG_PB_LINKS_MAX;
	if (!*out_fits)
		return EMR_OK;
	l->bytes += bytes + EMR_CAR_SECTION_HEAD_MAX;
	EMR_TRY(emr_dag_pb_write_link(&l->made, leaf, (emr_bytes){0}, bytes));
	return emr_buf_append(&l->cids, leaf, sizeof *leaf);
}

/* All that is left, and the record's own root. */
static emr_status take_rest(pieces *p, load *l)
{
	const size_t left = count_of(&p->leaves) - p->at;
	emr_status status = emr_buf_append(&l->cids, p->nodes.data, p->nodes.len);

	if (status == EMR_OK && left > 0)
		status =
			emr_buf_append(&l->cids, cid_at(&p->leaves, p->at), left * sizeof(emr_cid));
	if (status == EMR_OK)
		status = emr_buf_append(&l->roots, &p->root, sizeof p->root);
	l->bytes = p->left;
	p->at = count_of(&p->leaves);
	return status;
}

emr_status pieces_next(pieces *p, load *l, bool *out_more)
{
	static const uint8_t directory[] = {0x08, 0x01};
	emr_status status = EMR_OK;
	bool fits = true;

	load_clear(l);
	*out_more = p->at < count_of(&p->leaves) && p->left > l->room;
	if (!*out_more)
		return take_rest(p, l);
	while (status == EMR_OK && fits && p->at < count_of(&p->leaves)) {
		status = link_leaf(l, cid_at(&p->leaves, p->at), &fits);
		p->at += status == EMR_OK && fits;
	}
	p->left -= l->bytes;
	if (status == EMR_OK)
		status = emr_dag_pb_write_data(&l->made, emr_bytes_of(directory, sizeof directory));
	if (status != EMR_OK)
		return status;
	l->made_cid = emr_cid_of_block(EMR_CODEC_DAG_PB, emr_buf_view(&l->made));
	return emr_buf_append(&l->roots, &l->made_cid, sizeof l->made_cid);
}
