/* This file writes chosen records into one exported file (CAR): their blocks, their entries of
 * the ledger, and the keys of their names, all still encrypted, below one root. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carry/carry.h"
#include "carry/catalogue.h"
#include "base/array.h"
#include "base/file.h"
#include "contract/codes.h"
#include "store/car.h"

#include "tree.h"

#define RECORDS_MAX 1000000
#define DEPTH_MAX 4096
#define ABOVE_MAX 16 /* directories above a record that its part says, too */

typedef struct record {
	emr_place place;
	emr_id16 parent;
	uint32_t part; /* the last part that names it, from 1 */
	bool is_taken;
} record;

/* A directory of the tree, while it is being filled: a page, and the contents that it names. */
typedef struct filling {
	emr_buf page;
	emr_buf folders;  /* emr_page_folder, those of its items, to whose keys it is sealed */
	emr_buf listkeys; /* emr_id32, those in the page */
	emr_buf bundles;  /* emr_unixfs_link */
	uint32_t number;  /* from 1 */
} filling;

/* Where an addition to a part begins, for taking it back. */
typedef struct mark {
	size_t page, folders, listkeys;
	uint32_t entries;
} mark;

typedef struct writing {
	const emr_carry_sources *from;
	int fd;
	uint64_t ledger_size;
	record *records; /* sorted by object */
	size_t n, cap;
	filling part;
	emr_buf parts; /* emr_unixfs_link, those that are written */
	bool has_hole[EMR_UNIXFS_HOLE_LEVELS];
	emr_carry_tally tally;
} writing;

static void writing_end(writing *w)
{
	free(w->records);
	emr_buf_free(&w->part.page);
	emr_buf_free(&w->part.folders);
	emr_buf_free(&w->part.listkeys);
	emr_buf_free(&w->part.bundles);
	emr_buf_free(&w->parts);
}

/* ---- which records ---- */

static emr_status parcel_keep_record(void *arg, const emr_place *place, const emr_meta *meta)
{
	writing *w = arg;

	if (w->n == RECORDS_MAX)
		return EMR_LIMIT;
	if (emr_array_room(&w->records, w->n, &w->cap, sizeof *w->records) != EMR_OK)
		return EMR_NO_MEMORY;
	w->records[w->n++] = (record){.place = *place, .parent = meta->parent};
	return EMR_OK;
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const record *)a)->place.object.b, ((const record *)b)->place.object.b, 16);
}

static record *parcel_record_of(const writing *w, emr_id16 object)
{
	const record key = {.place.object = object};

	return w->n == 0 ? NULL : bsearch(&key, w->records, w->n, sizeof key, by_object);
}

static bool is_below(const writing *w, const record *r, emr_id16 root)
{
	for (int depth = 0; r != NULL && depth < DEPTH_MAX; depth++) {
		if (emr_id16_equal(r->place.object, root))
			return true;
		r = parcel_record_of(w, r->parent);
	}
	return false;
}

static emr_status choose(writing *w, const emr_id16 *root)
{
	uint64_t damaged = 0;
	bool any = false;

	EMR_TRY(emr_facts_each(w->from->facts, parcel_keep_record, w, &damaged));
	if (w->n > 0)
		qsort(w->records, w->n, sizeof *w->records, by_object);
	for (size_t i = 0; i < w->n; i++) {
		w->records[i].is_taken = root == NULL || is_below(w, &w->records[i], *root);
		any = any || w->records[i].is_taken;
	}
	/* With a name that cannot be read nobody knows whether it belongs here. */
	if (damaged > 0)
		return EMR_DAMAGED;
	return any ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- the blocks ---- */

static emr_status write_all(writing *w, const void *data, size_t len)
{
	const uint8_t *at = data;

	w->tally.bytes += len;
	while (len > 0) {
		ssize_t n = write(w->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return emr_status_from_errno(errno);
		at += n;
		len -= (size_t)n;
	}
	return EMR_OK;
}

static emr_status write_block(writing *w, const emr_cid *cid, emr_bytes block)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];

	EMR_TRY(write_all(w, head, emr_car_section_head(head, cid, block.len)));
	return write_all(w, block.data, block.len);
}

/* The block that stands for a hole is in many contents, and once in the file. */
static bool is_written_hole(writing *w, const emr_cid *cid)
{
	for (unsigned level = 0; level < EMR_UNIXFS_HOLE_LEVELS; level++)
		if (emr_unixfs_is_hole(cid, level)) {
			bool was = w->has_hole[level];

			w->has_hole[level] = true;
			return was;
		}
	return false;
}

static emr_status copy_block(void *context, const emr_cid *cid)
{
	writing *w = context;
	EMR_AUTO_BUF block = {0};

	if (is_written_hole(w, cid))
		return EMR_OK;
	EMR_TRY(emr_block_store_get_verified(w->from->store, cid, &block));
	return write_block(w, cid, emr_buf_view(&block));
}

/* The content of R, and its link in the part. */
static emr_status add_bundle(writing *w, const record *r)
{
	emr_unixfs_link link = {.cid = r->place.root};
	EMR_AUTO_BUF block = {0};
	emr_unixfs_bundle bundle;
	emr_cid missing;
	emr_status status = emr_block_store_get_verified(w->from->store, &r->place.root, &block);

	if (status == EMR_OK && emr_unixfs_bundle_decode(emr_buf_view(&block), &bundle) != EMR_OK)
		return EMR_OK; /* its name fits: somebody wrote nonsense, which opens nowhere */
	if (status == EMR_OK)
		status = emr_store_walk(w->from->store, &r->place.root, copy_block, w, &missing);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	link.tsize = block.len + bundle.content_tsize + bundle.manifest_bytes;
	w->tally.records++;
	return emr_buf_append(&w->part.bundles, &link, sizeof link);
}

/* ---- the tree above them ---- */

/* The part as it is goes into the file, and an empty one takes its place. */
static emr_status finish_part(writing *w)
{
	filling *p = &w->part;
	EMR_AUTO_BUF block = {0}, page = {0};
	emr_unixfs_link dir, link;
	emr_status status;

	EMR_TRY(emr_page_seal(w->from->keyring,
		(const emr_page_folder *)(const void *)p->folders.data,
		p->folders.len / sizeof(emr_page_folder), emr_buf_view(&p->page), &page));
	link = (emr_unixfs_link){
		.cid = emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(&page)), .tsize = page.len};
	status = write_block(w, &link.cid, emr_buf_view(&page));
	if (status == EMR_OK)
		status = carry_dir_encode((const emr_unixfs_link *)(const void *)p->bundles.data,
			p->bundles.len / sizeof link, &link, &block, &dir);
	if (status == EMR_OK)
		status = write_block(w, &dir.cid, emr_buf_view(&block));
	if (status == EMR_OK)
		status = emr_buf_append(&w->parts, &dir, sizeof dir);
	emr_buf_clear(&p->page);
	emr_buf_clear(&p->folders);
	emr_buf_clear(&p->listkeys);
	emr_buf_clear(&p->bundles);
	p->number++;
	return status;
}

static emr_status write_node(void *arg, const emr_cid *cid, emr_bytes block)
{
	return write_block(arg, cid, block);
}

/* ---- pages ---- */

/* EMR_LIMIT: the page is of as many folders as may be. */
static emr_status add_folder(writing *w, emr_id16 domain, emr_bytes bytes)
{
	emr_page_folder folder;
	emr_item item;

	EMR_EACH (const emr_page_folder, known, &w->part.folders)
		if (emr_id16_equal(known->domain, domain))
			return EMR_OK;
	if (emr_item_parse((emr_span){bytes.data, bytes.len}, &item) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (w->part.folders.len / sizeof folder == EMR_PAGE_FOLDERS_MAX)
		return EMR_LIMIT;
	folder = (emr_page_folder){.domain = domain, .epoch = item.epoch};
	return emr_buf_append(&w->part.folders, &folder, sizeof folder);
}

static emr_status add_item(writing *w, const emr_part_key *at, uint64_t seq, uint16_t index)
{
	__attribute__((cleanup(emr_ledger_proof_free))) emr_ledger_proof proof = {.seq = 0};
	emr_page_entry entry;
	EMR_AUTO_BUF priv = {0};
	emr_status status = emr_replica_part(w->from->replica, at, &priv);

	if (status == EMR_OK)
		status = emr_ledger_prove(w->from->ledger, seq, index, w->ledger_size, &proof);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	entry = (emr_page_entry){.item = emr_buf_view(&proof.item),
		.header = emr_bytes_of(proof.entry.data + 104, EMR_HEADER_BYTES),
		.index = proof.index,
		.path = proof.item_path,
		.priv = emr_buf_view(&priv)};
	EMR_TRY(add_folder(w, at->domain, entry.item));
	return emr_page_add(&w->part.page, &entry);
}

/* The listing key under which a name is sealed comes before the name. */
static emr_status add_listkey(writing *w, emr_id16 domain, emr_id32 id)
{
	emr_part_key at = {.domain = domain, .family = EMR_FAMILY_LISTKEY};
	emr_ledger_proof proof = {.seq = 0};
	emr_item item;
	uint64_t seq;
	uint16_t index;
	emr_status status = EMR_OK;

	if (emr_buf_has(&w->part.listkeys, &id, sizeof id))
		return EMR_OK;
	status = emr_ledger_find_item(w->from->ledger, id, &seq, &index);
	if (status == EMR_OK)
		status = emr_ledger_prove(w->from->ledger, seq, index, w->ledger_size, &proof);
	if (status == EMR_OK && emr_item_parse((emr_span){proof.item.data, proof.item.len},
					&item) != EMR_CONTRACT_OK)
		status = EMR_DAMAGED;
	emr_ledger_proof_free(&proof);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	memcpy(at.object.b, item.object_id, 16);
	at.version = item.version;
	EMR_TRY(add_item(w, &at, seq, index));
	return emr_buf_append(&w->part.listkeys, id.b, sizeof id.b);
}

static emr_status listkey_of(emr_bytes part, uint8_t op, emr_id32 *out_id)
{
	emr_meta_part meta;
	emr_put_part put;

	EMR_TRY(op == EMR_OP_META ? emr_meta_part_decode(part, &meta)
				  : emr_put_part_decode(part, &put));
	*out_id = op == EMR_OP_META ? meta.listkey_id : put.listkey_id;
	return EMR_OK;
}

/* The item at VERSION of the record's row, and its listing key before it. */
static emr_status add_version(writing *w, const record *r, uint64_t version)
{
	const emr_part_key at = {.domain = r->place.domain,
		.object = r->place.object,
		.version = version,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF priv = {0};
	emr_replica_item item;
	emr_id32 listkey;
	emr_status status = emr_replica_item_get(w->from->replica, &at, &bytes, &item);

	if (status == EMR_OK)
		status = emr_replica_part(w->from->replica, &at, &priv);
	if (status == EMR_OK)
		status = listkey_of(emr_buf_view(&priv), item.op, &listkey);
	if (status == EMR_OK)
		status = add_listkey(w, r->place.domain, listkey);
	if (status == EMR_OK)
		status = add_item(w, &at, item.seq, item.index);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

static emr_status add_record(writing *w, record *r)
{
	if (r->place.pversion != 0 && r->place.pversion != r->place.version)
		EMR_TRY(add_version(w, r, r->place.pversion));
	EMR_TRY(add_version(w, r, r->place.version));
	r->part = w->part.number;
	return EMR_OK;
}

/* All of the record's entries, or EMR_LIMIT and the part as it was. */
static emr_status try_record(writing *w, record *r)
{
	filling *p = &w->part;
	const mark before = {.page = p->page.len,
		.folders = p->folders.len,
		.listkeys = p->listkeys.len,
		.entries = emr_page_count(emr_buf_view(&p->page))};
	emr_status status = add_record(w, r);

	if (status != EMR_LIMIT)
		return status;
	p->page.len = before.page;
	p->folders.len = before.folders;
	p->listkeys.len = before.listkeys;
	emr_page_set_count(&p->page, before.entries);
	return EMR_LIMIT;
}

/* A part that is taken out of the file by itself should know where its records lie, as far as there
 * is room.  A file is no place to lie in, whatever a writer says, and comes with its content. */
static emr_status add_above(writing *w, const record *r)
{
	record *up = parcel_record_of(w, r->parent);
	emr_status status = EMR_OK;

	for (int i = 0; status == EMR_OK && i < ABOVE_MAX && up != NULL && up->is_taken &&
			up->place.pversion == 0 && up->part != w->part.number;
		i++) {
		status = try_record(w, up);
		up = parcel_record_of(w, up->parent);
	}
	return status == EMR_LIMIT ? EMR_OK : status;
}

static emr_status parcel_add(writing *w, record *r)
{
	emr_status status;

	if (r->part != 0)
		return EMR_OK; /* a directory that was said with what is in it */
	status = try_record(w, r);
	if (status == EMR_LIMIT && w->part.page.len > 0) {
		status = finish_part(w);
		if (status == EMR_OK)
			status = try_record(w, r);
	}
	if (status == EMR_OK)
		status = add_above(w, r);
	return status == EMR_OK && r->place.pversion != 0 ? add_bundle(w, r) : status;
}

/* ---- the CAR ---- */

/* The records of one directory stand side by side. */
static int by_parent(const void *a, const void *b, void *arg)
{
	const writing *w = arg;
	const record *x = &w->records[*(const uint32_t *)a], *y = &w->records[*(const uint32_t *)b];
	int order = memcmp(x->parent.b, y->parent.b, 16);

	return order != 0 ? order : by_object(x, y);
}

static emr_status write_records(writing *w)
{
	EMR_AUTO_FREE uint32_t *order = calloc(w->n, sizeof *order);

	if (order == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < w->n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, w->n, sizeof *order, by_parent, w);
	for (size_t i = 0; i < w->n; i++) {
		record *r = &w->records[order[i]];

		if (r->is_taken)
			EMR_TRY(parcel_add(w, r));
		if (w->from->tell != NULL)
			EMR_TRY(w->from->tell(w->from->tell_arg, i + 1, w->n));
	}
	return EMR_OK;
}

/* The root is known last and stands first.  Until then there are zeros in its place, which nobody
 * takes for a CAR. */
static emr_status write_car(writing *w)
{
	uint8_t zeros[EMR_CARRY_HEADER_BYTES] = {0};
	EMR_AUTO_BUF header = {0};

	EMR_TRY(write_all(w, zeros, sizeof zeros));
	w->part.number = 1;
	EMR_TRY(write_records(w));
	EMR_TRY(finish_part(w));
	EMR_TRY(carry_tree_finish(&w->parts, write_node, w, &w->tally.root));
	EMR_TRY(emr_car_write_header(&header, &w->tally.root, 1));
	return header.len == sizeof zeros ? emr_pwrite_all(w->fd, header.data, header.len, 0)
					  : EMR_INVALID;
}

emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally)
{
	__attribute__((cleanup(writing_end))) writing w = {.from = from, .fd = fd};
	emr_replica_position at;

	EMR_TRY(emr_replica_at(from->replica, &at));
	w.ledger_size = at.size;
	EMR_TRY(choose(&w, root));
	EMR_TRY(write_car(&w));
	*out_tally = w.tally;
	return EMR_OK;
}
