/* This file writes chosen records into one exported file (CAR): their blocks, their entries of
 * the ledger, and the keys of their names, all still encrypted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carry/carry.h"
#include "carry/catalogue.h"
#include "contract/codes.h"
#include "store/car.h"

#define RECORDS_MAX 1000000
#define PAGES_MAX 512 /* of the roots that a header has room for */
#define DEPTH_MAX 4096

typedef struct record {
	emr_place place;
	emr_id16 parent;
	emr_meta_type type;
	bool is_taken;
} record;

typedef struct writing {
	const emr_carry_sources *from;
	int fd;
	uint64_t ledger_size;
	record *records; /* sorted by object */
	size_t n, cap;
	emr_buf *pages; /* PAGES_MAX */
	size_t n_pages;
	emr_buf listkeys; /* emr_id32, those in the pages */
	emr_carry_tally tally;
} writing;

/* ---- which records ---- */

static emr_status keep(void *arg, const emr_place *place, const emr_meta *meta)
{
	writing *w = arg;

	if (w->n == RECORDS_MAX)
		return EMR_LIMIT;
	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 256 : w->cap * 2;
		record *more = reallocarray(w->records, cap, sizeof *more);

		if (more == NULL)
			return EMR_NO_MEMORY;
		w->records = more;
		w->cap = cap;
	}
	w->records[w->n++] = (record){.place = *place, .parent = meta->parent, .type = meta->type};
	return EMR_OK;
}

static int by_object(const void *a, const void *b)
{
	return memcmp(((const record *)a)->place.object.b, ((const record *)b)->place.object.b, 16);
}

static const record *find(const writing *w, emr_id16 object)
{
	const record key = {.place.object = object};

	return w->n == 0 ? NULL : bsearch(&key, w->records, w->n, sizeof key, by_object);
}

static bool is_below(const writing *w, const record *r, emr_id16 root)
{
	for (int depth = 0; r != NULL && depth < DEPTH_MAX; depth++) {
		if (emr_id16_equal(r->place.object, root))
			return true;
		r = find(w, r->parent);
	}
	return false;
}

static emr_status choose(writing *w, const emr_id16 *root)
{
	uint64_t damaged = 0;
	bool any = false;
	emr_status status = emr_facts_each(w->from->facts, keep, w, &damaged);

	if (status != EMR_OK)
		return status;
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

/* ---- pages ---- */

static emr_status add_to_page(writing *w, const emr_page_entry *entry)
{
	emr_status status = EMR_LIMIT;

	if (w->n_pages > 0)
		status = emr_page_add(&w->pages[w->n_pages - 1], entry);
	if (status != EMR_LIMIT)
		return status;
	if (w->n_pages == PAGES_MAX)
		return EMR_LIMIT;
	return emr_page_add(&w->pages[w->n_pages++], entry);
}

static emr_status add_item(writing *w, const emr_part_key *at, uint64_t seq, uint16_t index)
{
	emr_ledger_proof proof = {.seq = 0};
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
	status = add_to_page(w, &entry);
	emr_ledger_proof_free(&proof);
	return status;
}

static bool has_listkey(const writing *w, emr_id32 id)
{
	for (size_t at = 0; at < w->listkeys.len; at += sizeof id.b)
		if (memcmp(w->listkeys.data + at, id.b, sizeof id.b) == 0)
			return true;
	return false;
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

	if (has_listkey(w, id))
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
	status = add_item(w, &at, seq, index);
	return status == EMR_OK ? emr_buf_append(&w->listkeys, id.b, sizeof id.b) : status;
}

static emr_status listkey_of(emr_bytes part, uint8_t op, emr_id32 *out_id)
{
	emr_meta_part meta;
	emr_put_part put;
	emr_status status = op == EMR_OP_META ? emr_meta_part_decode(part, &meta)
					      : emr_put_part_decode(part, &put);

	if (status == EMR_OK)
		*out_id = op == EMR_OP_META ? meta.listkey_id : put.listkey_id;
	return status;
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

static emr_status make_pages(writing *w)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < w->n && status == EMR_OK; i++) {
		const record *r = &w->records[i];

		if (!r->is_taken)
			continue;
		if (r->place.pversion != 0 && r->place.pversion != r->place.version)
			status = add_version(w, r, r->place.pversion);
		if (status == EMR_OK)
			status = add_version(w, r, r->place.version);
	}
	return status;
}

/* ---- the CAR ---- */

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
	emr_status status = write_all(w, head, emr_car_section_head(head, cid, block.len));

	return status == EMR_OK ? write_all(w, block.data, block.len) : status;
}

static emr_status copy_block(void *context, const emr_cid *cid)
{
	writing *w = context;
	EMR_AUTO_BUF block = {0};
	emr_status status = emr_store_get_verified(w->from->store, cid, &block);

	return status == EMR_OK ? write_block(w, cid, emr_buf_view(&block)) : status;
}

static bool is_file(const record *r)
{
	return r->is_taken && r->place.pversion != 0;
}

/* Pages, then as many contents as a header names; the others are reached by the pages. */
static emr_status write_header(writing *w)
{
	emr_cid *roots = calloc(EMR_CAR_ROOTS_MAX, sizeof *roots);
	EMR_AUTO_BUF header = {0};
	size_t n = 0;
	emr_status status = roots != NULL ? EMR_OK : EMR_NO_MEMORY;

	for (size_t i = 0; status == EMR_OK && i < w->n_pages; i++)
		roots[n++] = emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(&w->pages[i]));
	for (size_t i = 0; status == EMR_OK && i < w->n && n < EMR_CAR_ROOTS_MAX; i++)
		if (is_file(&w->records[i]))
			roots[n++] = w->records[i].place.root;
	if (status == EMR_OK)
		status = emr_car_write_header(&header, roots, n);
	if (status == EMR_OK)
		status = write_all(w, header.data, header.len);
	free(roots);
	return status;
}

static emr_status write_car(writing *w)
{
	emr_cid missing;
	emr_status status = write_header(w);

	for (size_t i = 0; status == EMR_OK && i < w->n_pages; i++) {
		emr_bytes page = emr_buf_view(&w->pages[i]);
		emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, page);

		status = write_block(w, &cid, page);
	}
	for (size_t i = 0; status == EMR_OK && i < w->n; i++) {
		if (!is_file(&w->records[i]))
			continue;
		status = emr_store_walk(emr_store_blocks(w->from->store), &w->records[i].place.root,
			copy_block, w, &missing);
		w->tally.records++;
		if (status == EMR_OK && w->from->tell != NULL)
			status = w->from->tell(w->from->tell_arg, i + 1, w->n);
	}
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
}

emr_status emr_carry_write(
	const emr_carry_sources *from, const emr_id16 *root, int fd, emr_carry_tally *out_tally)
{
	writing w = {.from = from, .fd = fd, .pages = calloc(PAGES_MAX, sizeof *w.pages)};
	emr_replica_position at;
	emr_status status = w.pages != NULL ? emr_replica_at(from->replica, &at) : EMR_NO_MEMORY;

	if (status == EMR_OK) {
		w.ledger_size = at.size;
		status = choose(&w, root);
	}
	if (status == EMR_OK)
		status = make_pages(&w);
	if (status == EMR_OK)
		status = write_car(&w);
	for (size_t i = 0; w.pages != NULL && i < PAGES_MAX; i++)
		emr_buf_free(&w.pages[i]);
	free(w.pages);
	free(w.records);
	emr_buf_free(&w.listkeys);
	if (status == EMR_OK)
		*out_tally = w.tally;
	return status;
}
