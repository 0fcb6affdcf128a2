/* This file recognises in an exported file the contents that the local ledger names: versions of
 * records that live here, were deleted, or have been written over. Blocks of them that the local
 * store lacks are taken out of the file: their names are hashes that the ledger says, so nothing
 * else can come with them. */
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "settle/history.h"
#include "store/unixfs.h"

#include "parcel_private.h"

typedef struct version {
	emr_cid root;
	emr_id16 object;
} version;

struct emr_known {
	emr_parcel *parcel;
	emr_facts *facts;
	emr_buf all;	   /* version; of each object that has had it; sorted by root */
	emr_buf by_object; /* the same, and the links of the file */
};

static int by_root(const void *a, const void *b)
{
	return memcmp(((const version *)a)->root.b, ((const version *)b)->root.b, EMR_CID_BYTES);
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const version *)a)->object.b, ((const version *)b)->object.b, 16);
}

static const version *versions_in(const emr_buf *all, size_t *out_n)
{
	*out_n = all->len / sizeof(version);
	return (const version *)(const void *)all->data;
}

/* The first of those that COMPARE calls the same as KEY. */
static const version *first_of(
	const emr_buf *all, const version *key, int (*compare)(const void *, const void *))
{
	size_t n;
	const version *v = versions_in(all, &n),
		      *found = n == 0 ? NULL : bsearch(key, v, n, sizeof *v, compare);

	while (found != NULL && found > v && compare(found - 1, key) == 0)
		found--;
	return found;
}

/* ---- which ---- */

static emr_status note_version(void *arg, emr_id16 object, const emr_cid *root)
{
	emr_known *k = arg;
	const version v = {.root = *root, .object = object};

	if (!emr_block_store_has(car_blocks_face(k->parcel->blocks), root))
		return EMR_OK;
	return emr_buf_append(&k->all, &v, sizeof v);
}

static emr_status note_link(void *arg, const emr_parcel_record *r)
{
	emr_known *k = arg;
	const version v = {.object = r->object};

	return r->meta.type == EMR_META_SYMLINK ? emr_buf_append(&k->by_object, &v, sizeof v)
						: EMR_OK;
}

static void sort(emr_buf *all, int (*compare)(const void *, const void *))
{
	if (all->len > 0)
		qsort(all->data, all->len / sizeof(version), sizeof(version), compare);
}

void emr_known_free(emr_known *known)
{
	if (known == NULL)
		return;
	emr_buf_free(&known->all);
	emr_buf_free(&known->by_object);
	free(known);
}

emr_status emr_known_new(emr_parcel *parcel, emr_facts *facts, emr_known **out_known)
{
	emr_known *k = calloc(1, sizeof *k);
	emr_status status;

	if (k == NULL)
		return EMR_NO_MEMORY;
	k->parcel = parcel;
	k->facts = facts;
	status = emr_facts_each_bundle(facts, false, NULL, note_version, k);
	if (status == EMR_OK)
		status = emr_buf_append(&k->by_object, k->all.data, k->all.len);
	if (status == EMR_OK)
		status = emr_parcel_each(parcel, note_link, k);
	if (status != EMR_OK) {
		emr_known_free(k);
		return status;
	}
	sort(&k->all, by_root);
	sort(&k->by_object, by_object);
	*out_known = k;
	return EMR_OK;
}

size_t emr_known_count(const emr_known *known)
{
	return known->all.len / sizeof(version);
}

/* Files by their bytes, which no other record has; the others by their number.  A directory that
 * was deleted says nothing that a new one does not. */
emr_status emr_known_has(emr_known *known, const emr_parcel_record *r, bool *out_has)
{
	emr_replica_head head;
	emr_status status;

	if (r->root != NULL) {
		const version key = {.root = *r->root};

		*out_has = first_of(&known->all, &key, by_root) != NULL;
		return EMR_OK;
	}
	status = emr_facts_head(known->facts, r->domain, r->object, &head);
	*out_has = status == EMR_OK &&
		   (head.state == EMR_OBJECT_LIVE ||
			   (head.state != EMR_OBJECT_ERASED && r->meta.type == EMR_META_SYMLINK));
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- the version of a deleted record ---- */

typedef struct looking {
	const emr_known *known;
	uint64_t cver;
} looking;

/* Of several that are in the file the last. */
static emr_status note_cver(void *arg, const emr_version *v)
{
	looking *l = arg;
	const version key = {.root = v->place.root};

	if (v->place.pversion != 0 && v->place.cver > l->cver &&
		first_of(&l->known->all, &key, by_root) != NULL)
		l->cver = v->place.cver;
	return EMR_OK;
}

emr_status emr_known_wants(
	emr_known *known, emr_id16 domain, emr_id16 object, bool *out_wants, uint64_t *out_cver)
{
	const version key = {.object = object}, *found;
	looking l = {.known = known};
	emr_status status = EMR_OK;

	found = first_of(&known->by_object, &key, by_object);
	if (found != NULL)
		status = emr_facts_history(known->facts, domain, object, note_cver, &l, NULL);
	*out_wants = found != NULL;
	*out_cver = l.cver;
	return status;
}

/* ---- blocks ---- */

/* The local store, with the file behind it: what comes from there goes into the store at once. */
typedef struct union_store {
	emr_block_store face;
	emr_store *store;
	emr_block_store *car;
	uint64_t brought;
	bool lacks;
} union_store;

static emr_status get_either(emr_block_store *face, const emr_cid *cid, emr_buf *out)
{
	union_store *u = (union_store *)face;
	emr_status status = emr_store_get_verified(u->store, cid, out);
	size_t before = out->len;
	emr_block block = {.cid = *cid};

	if (status != EMR_NOT_FOUND && status != EMR_DAMAGED)
		return status;
	if (emr_block_store_get_verified(u->car, cid, out) != EMR_OK)
		return status;
	block.data = emr_bytes_of(out->data + before, out->len - before);
	u->brought++;
	return emr_block_store_put(emr_store_blocks(u->store), &block, 1);
}

static emr_status refuse_write(emr_block_store *face, const emr_block *blocks, size_t count)
{
	(void)face, (void)blocks, (void)count;
	return EMR_READ_ONLY;
}

static const emr_block_store_ops either = {.get_verified = get_either, .put = refuse_write};

/* Nodes came when they were walked; a leaf comes here. */
static emr_status bring_leaf(void *context, const emr_cid *cid)
{
	union_store *u = context;
	EMR_AUTO_BUF block = {0};
	emr_status status;

	if (emr_cid_codec(cid) != EMR_CODEC_RAW)
		return EMR_OK;
	status = get_either(&u->face, cid, &block);
	if (status != EMR_NOT_FOUND && status != EMR_DAMAGED)
		return status;
	u->lacks = u->lacks || !emr_unixfs_is_hole(cid, 0);
	return EMR_OK;
}

static emr_status bring_one(union_store *u, const version *v)
{
	const emr_pin_change pin = {
		.pin = {.root = v->root, .owner = v->object, .state = EMR_PIN_REGISTERED}};
	uint64_t before = u->brought;
	emr_cid missing;
	emr_status status = emr_store_walk(&u->face, &v->root, bring_leaf, u, &missing);

	if (status == EMR_MISSING_DATA || status == EMR_DAMAGED) {
		u->lacks = true;
		status = EMR_OK;
	}
	/* Where the blocks were lost, their pin may be, too. */
	return status == EMR_OK && u->brought > before ? emr_store_pin(u->store, &pin, 1) : status;
}

emr_status emr_known_bring(emr_known *known, emr_store *store, emr_known_brought *out)
{
	union_store u = {.face = {.ops = &either},
		.store = store,
		.car = car_blocks_face(known->parcel->blocks)};
	emr_known_brought brought = {0};
	emr_status status = EMR_OK;
	size_t n;
	const version *v = versions_in(&known->all, &n);

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		bool is_first = i == 0 || by_root(&v[i - 1], &v[i]) != 0;
		uint64_t before = u.brought;

		u.lacks = false;
		status = bring_one(&u, &v[i]);
		brought.known += is_first;
		brought.mended += is_first && u.brought > before && !u.lacks;
		brought.lacking += is_first && u.lacks;
	}
	if (status == EMR_OK && u.brought > 0)
		status = emr_store_flush(store);
	brought.blocks = u.brought;
	if (status == EMR_OK)
		*out = brought;
	return status;
}
