/* This file reads an exported file: it finds its records, their paths and their keys. It refuses
 * names that would lead elsewhere, and leaves out what others have put there to do harm. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "crypto/hashsig.h"

#include "parcel_private.h"

#define RECORDS_MAX 1000000
#define DEPTH_MAX 4096
#define OTHERS_PATH_MAX 65536 /* bytes of a path with names that others gave */
#define FOLD_EVERY 65536

void emr_parcel_close(emr_parcel *parcel)
{
	if (parcel == NULL)
		return;
	for (size_t i = 0; i < parcel->n_keys; i++)
		emr_list_key_free(parcel->keys[i].key);
	for (size_t i = 0; i < parcel->n; i++) {
		emr_buf_free(&parcel->records[i].plain);
		free(parcel->records[i].path);
	}
	free(parcel->keys);
	free(parcel->records);
	emr_record_ctx_free(parcel->records_ctx);
	car_blocks_close(parcel->blocks);
	free(parcel);
}

uint64_t emr_parcel_foreign(const emr_parcel *parcel)
{
	return parcel->foreign;
}

uint64_t emr_parcel_torn(const emr_parcel *parcel)
{
	return parcel->torn;
}

/* ---- the catalogue ---- */

static const emr_list_key *key_of(const emr_parcel *p, emr_id16 domain, emr_id32 id)
{
	for (size_t i = p->n_keys; i-- > 0;)
		if (emr_id32_equal(p->keys[i].id, id) && emr_id16_equal(p->keys[i].domain, domain))
			return p->keys[i].key;
	return NULL;
}

static emr_status take_list_key(emr_parcel *p, const emr_page_item *at, emr_id16 domain)
{
	emr_listkey_part part;
	emr_id32 writer;
	list_key *k;

	if (key_of(p, domain, at->item_id) != NULL)
		return EMR_OK; /* every part says it again */
	EMR_TRY(emr_listkey_part_decode(at->priv, &part));
	EMR_TRY(emr_array_room(&p->keys, p->n_keys, &p->keys_cap, sizeof *p->keys));
	memcpy(writer.b, at->item.signer_id, 32);
	k = &p->keys[p->n_keys];
	*k = (list_key){.domain = domain, .id = at->item_id};
	EMR_TRY(emr_list_key_open(
		p->keyring, domain, at->item.epoch, writer, part.capsule, part.kcheck, &k->key));
	p->n_keys++;
	return EMR_OK;
}

/* The record of that object: in a page the items of one come one after the other, and another page
 * may say them again. */
static emr_status record_for(emr_parcel *p, emr_id16 domain, emr_id16 object, record **out_record)
{
	record *last = p->n > p->page_from ? &p->records[p->n - 1] : NULL;

	if (last != NULL && emr_id16_equal(last->object, object) &&
		emr_id16_equal(last->domain, domain)) {
		*out_record = last;
		return EMR_OK;
	}
	EMR_TRY(emr_array_room(&p->records, p->n, &p->cap, sizeof *p->records));
	*out_record = &p->records[p->n++];
	**out_record = (record){.domain = domain, .object = object};
	return EMR_OK;
}

/* *PLAIN is written again, and META points into it. */
static emr_status open_meta(const emr_parcel *p, const emr_page_item *at, const record *r,
	emr_id32 listkey, const uint8_t nonce[24], emr_bytes sealed, emr_buf *plain, emr_meta *meta)
{
	const emr_list_key *key = key_of(p, r->domain, listkey);
	uint8_t aad[EMR_META_AAD_BYTES];

	if (key == NULL || sealed.len < 16)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append_zeros(plain, sealed.len - 16));
	emr_meta_aad(r->domain, r->object, at->item.version, at->item.epoch, listkey, aad);
	EMR_TRY(emr_list_key_open_meta(
		key, r->object, nonce, emr_bytes_of(aad, sizeof aad), sealed, plain->data));
	return emr_meta_decode(emr_buf_view(plain), meta);
}

/* The facts of one item. */
typedef struct saying {
	emr_put_part put; /* of PUT and REWRAP */
	emr_buf plain;
	emr_meta meta;
	bool has_content;
} saying;

static emr_status read_saying(
	const emr_parcel *p, const emr_page_item *at, const record *r, saying *out)
{
	emr_meta_part meta;
	emr_status status;

	out->has_content = at->item.op != EMR_OP_META;
	if (!out->has_content) {
		EMR_TRY(emr_meta_part_decode(at->priv, &meta));
		return open_meta(p, at, r, meta.listkey_id, meta.nonce, meta.meta_ct, &out->plain,
			&out->meta);
	}
	status = emr_put_part_decode(at->priv, &out->put);
	if (status == EMR_OK)
		status = open_meta(p, at, r, out->put.listkey_id, out->put.nonce, out->put.meta_ct,
			&out->plain, &out->meta);
	out->put.meta_ct = (emr_bytes){0};
	return status;
}

/* Takes PLAIN. */
static void note_saying(record *r, const emr_page_item *at, saying *said, bool mine)
{
	emr_buf_free(&r->plain);
	r->plain = said->plain;
	r->meta = said->meta;
	r->version = at->item.version;
	r->is_others_words = !mine;
	r->is_left_out = false;
	if (!said->has_content)
		return;
	r->put = said->put;
	r->pversion = at->item.version;
	r->put_item = at->item_id;
	r->epoch = at->item.epoch;
	memcpy(r->r_pid, said->meta.r_pid, sizeof r->r_pid);
}

/* Others' nonsense harms nobody's records: it is left out. */
static emr_status take_record(emr_parcel *p, const emr_page_item *at, emr_id16 domain, bool mine)
{
	saying said = {.has_content = false};
	emr_id16 object;
	record *r;
	emr_status status;

	memcpy(object.b, at->item.object_id, 16);
	EMR_TRY(record_for(p, domain, object, &r));
	status = at->item.version > r->version ? read_saying(p, at, r, &said) : EMR_DAMAGED;
	if (status == EMR_OK && !mine && !others_may_say(r, &said.meta))
		status = EMR_DENIED;
	if (status == EMR_OK) {
		note_saying(r, at, &said, mine);
		p->taken++;
		return EMR_OK;
	}
	emr_buf_free(&said.plain);
	r->is_left_out = r->version == 0;
	if (mine || status == EMR_NO_MEMORY)
		return status;
	p->foreign++;
	return EMR_OK;
}

/* Signed with this person's own key of that domain? */
static bool is_mine(const emr_parcel *p, const emr_page_item *at, emr_id16 domain)
{
	emr_domain_public public;

	return emr_keyring_domain_public(p->keyring, domain, 1, 1, &public) == EMR_OK &&
	       memcmp(public.owner_pk, at->signer_pk, 32) == 0;
}

/* True for faults that concern a page alone. A writer can make a leaf that looks like one: it takes
 * nobody's records away. */
static bool is_of_page(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_NEWER_FORMAT || status == EMR_UNSUPPORTED;
}

static emr_status take_op(emr_parcel *p, const emr_page_item *at, emr_id16 domain, bool mine)
{
	emr_status status;

	switch (at->item.op) {
	case EMR_OP_LISTKEY:
		status = take_list_key(p, at, domain);
		return mine || status == EMR_NO_MEMORY ? status
						       : EMR_OK; /* names under it will not open */
	case EMR_OP_PUT:
	case EMR_OP_REWRAP:
	case EMR_OP_META:
		return take_record(p, at, domain, mine);
	}
	return EMR_DAMAGED;
}

static emr_status take_item(void *arg, const emr_page_item *at)
{
	emr_parcel *p = arg;
	emr_id16 domain;
	emr_status status;
	bool mine;

	memcpy(domain.b, at->item.domain_id, 16);
	mine = is_mine(p, at, domain);
	if (!mine && !others_is_on_ledger(p->ledger, at, domain)) {
		p->foreign++;
		return EMR_OK;
	}
	status = mine ? EMR_OK : others_is_owner(p, at, domain, &mine);
	if (status == EMR_OK)
		status = take_op(p, at, domain, mine);
	p->torn += mine && is_of_page(status);
	return status;
}

/* ---- pages ---- */

static int by_object(const void *a, const void *b)
{
	return memcmp(((const record *)a)->object.b, ((const record *)b)->object.b, 16);
}

/* The same record side by side, what is known of it latest first; of one object in two domains the
 * owner's. */
static int by_worth(const void *a, const void *b)
{
	const record *x = a, *y = b;
	int order = by_object(x, y);

	if (order == 0)
		order = (x->version == 0) - (y->version == 0);
	if (order == 0)
		order = x->is_others_words - y->is_others_words;
	if (order == 0)
		order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);
	return order != 0 ? order : (x->version < y->version) - (x->version > y->version);
}

/* The owner says what a file is, and a page can be made that has a later name and no content. */
static bool may_follow(const record *r, const record *kept)
{
	return r->version > kept->version &&
	       (!r->is_others_words || r->meta.type == kept->meta.type);
}

static void take_content(record *kept, const record *r)
{
	kept->put = r->put;
	kept->pversion = r->pversion;
	kept->put_item = r->put_item;
	kept->epoch = r->epoch;
	memcpy(kept->r_pid, r->r_pid, sizeof kept->r_pid);
}

/* R goes: what is later in it goes over to KEPT, unless it is another with its number. */
static void fold(emr_parcel *p, record *kept, record *r)
{
	if (!emr_id16_equal(kept->domain, r->domain))
		p->foreign += !r->is_left_out;
	else if (may_follow(r, kept)) {
		const record swap = *kept;

		*kept = *r; /* somebody else's words, but later ones */
		*r = swap;
	}
	if (emr_id16_equal(kept->domain, r->domain) && r->pversion > kept->pversion)
		take_content(kept, r);
	emr_buf_free(&r->plain);
}

/* Parts that hang together say some records again, and so do CARs of two days in one: of each the
 * latest word counts. */
static emr_status fold_repeated(emr_parcel *p)
{
	size_t n = 0;

	if (p->n > 0)
		qsort(p->records, p->n, sizeof *p->records, by_worth);
	for (size_t i = 0; i < p->n; i++)
		if (n > 0 && by_object(&p->records[n - 1], &p->records[i]) == 0)
			fold(p, &p->records[n - 1], &p->records[i]);
		else
			p->records[n++] = p->records[i];
	p->n = p->distinct = n;
	return n > RECORDS_MAX ? EMR_LIMIT : EMR_OK;
}

static emr_status take_page(void *arg, const emr_cid *cid)
{
	emr_parcel *p = arg;
	EMR_AUTO_BUF sealed = {0}, page = {0};
	emr_status status;

	EMR_TRY(emr_block_store_get_verified(car_blocks_face(p->blocks), cid, &sealed));
	p->page_from = p->n;
	status = emr_page_open(p->keyring, emr_buf_view(&sealed), &page);
	if (status == EMR_DENIED) { /* sealed to somebody else */
		p->foreign++;
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_page_each(emr_buf_view(&page), take_item, p);
	if (is_of_page(status)) {
		p->bad_pages++;
		p->bad_page = p->bad_page == EMR_DAMAGED ? EMR_DAMAGED : status;
		status = EMR_OK;
	}
	if (status == EMR_OK && p->n >= 2 * p->distinct + FOLD_EVERY)
		status = fold_repeated(p);
	return status;
}

static emr_status count_bundle(void *arg, const emr_cid *cid)
{
	(void)cid;
	(*(size_t *)arg)++;
	return EMR_OK;
}

static emr_status read_pages(emr_parcel *p)
{
	size_t bundles = 0;

	EMR_TRY(car_blocks_each(p->blocks, CAR_PAGE, take_page, p));
	EMR_TRY(fold_repeated(p));
	EMR_TRY(car_blocks_each(p->blocks, CAR_BUNDLE, count_bundle, &bundles));
	if (p->taken > 0) {
		p->foreign += p->bad_pages - p->torn;
		return EMR_OK;
	}
	if (p->bad_pages > 0)
		return p->bad_page;
	if (p->foreign > 0)
		return EMR_DENIED;
	return bundles > 0 ? EMR_OK : EMR_NOT_FOUND;
}

/* ---- paths ---- */

static int by_depth(const void *a, const void *b)
{
	const record *x = a, *y = b;

	return x->depth != y->depth ? (x->depth < y->depth ? -1 : 1) : strcmp(x->path, y->path);
}

static const record *parent_of(const emr_parcel *p, const record *r)
{
	const record key = {.object = r->meta.parent};
	const record *up = bsearch(&key, p->records, p->n, sizeof key, by_object);

	if (up == NULL || up == r || up->is_left_out || up->meta.type != EMR_META_DIR)
		return NULL;
	/* Where somebody else may write is where he may say that it lies. */
	return r->is_others_words && !emr_id16_equal(up->domain, r->domain) ? NULL : up;
}

/* Below END, which may be NULL. */
static emr_status set_path(const emr_parcel *p, record *r, const record *end)
{
	char room[EMR_WORDS_NAME_BYTES], *at_name;
	size_t size = 0;

	for (const record *at = r; at != end; at = parent_of(p, at)) {
		const size_t len = others_name(at, room).len;

		r->depth++;
		size += len + (len > 0);
	}
	size = size > 0 ? size : 1;
	r->path = malloc(size);
	if (r->path == NULL)
		return EMR_NO_MEMORY;
	at_name = r->path + size - 1;
	*at_name = '\0';
	for (const record *at = r; at != end; at = parent_of(p, at)) {
		const emr_bytes name = others_name(at, room);

		if (name.len == 0)
			continue;
		if (at_name[0] != '\0')
			*--at_name = '/';
		at_name -= name.len;
		memcpy(at_name, name.data, name.len);
	}
	return EMR_OK;
}

/* From the record up to where the parcel knows no more.  Around in a circle, or deeper than anybody
 * goes, is damage, unless others had a hand in it: then what the owner said lies at the top, as far
 * up as she said it, and what they said is left without a path. */
static emr_status find_path(const emr_parcel *p, record *r)
{
	const record *others = NULL;
	size_t depth = 0, len = 0;

	for (const record *at = r; at != NULL; at = parent_of(p, at)) {
		if (others == NULL && at->is_others_words)
			others = at;
		len += at->meta.name.len + 1;
		if (depth++ <= DEPTH_MAX && (others == NULL || len <= OTHERS_PATH_MAX))
			continue;
		if (others == NULL)
			return EMR_DAMAGED;
		return others == r ? EMR_OK : set_path(p, r, others);
	}
	return set_path(p, r, NULL);
}

/* A record that is left without a path is left out by the next step: until all have theirs,
 * nobody's way up changes. */
static emr_status place(emr_parcel *p, record *r)
{
	return r->is_left_out || others_is_unplaced(p->ledger, r) ? EMR_OK : find_path(p, r);
}

static emr_status leave_out_the_placeless(emr_parcel *p)
{
	for (size_t i = 0; i < p->n; i++) {
		record *r = &p->records[i];

		if (r->path != NULL)
			continue;
		p->foreign += !r->is_left_out; /* else counted with its item */
		r->is_left_out = true;
		r->depth = 0;
		r->path = strdup("");
		if (r->path == NULL)
			return EMR_NO_MEMORY;
	}
	return EMR_OK;
}

static emr_status find_paths(emr_parcel *p)
{
	if (p->n == 0)
		return EMR_OK;
	for (size_t i = 0; i < p->n; i++)
		EMR_TRY(place(p, &p->records[i]));
	EMR_TRY(leave_out_the_placeless(p));
	qsort(p->records, p->n, sizeof *p->records, by_depth);
	return EMR_OK;
}

/* ---- the whole ---- */

static emr_status open_all(emr_parcel *p, int fd)
{
	emr_record_options options = {
		.keyring = p->keyring, .spill_dirfd = -1, .workers = EMR_RECORD_NO_WORKERS};

	EMR_TRY(car_blocks_open(fd, &p->blocks));
	EMR_TRY(emr_keyring_public(p->keyring, &p->self));
	options.store = car_blocks_face(p->blocks);
	EMR_TRY(emr_record_ctx_new(&options, &p->records_ctx));
	EMR_TRY(read_pages(p));
	return find_paths(p);
}

emr_status emr_parcel_open(
	int fd, emr_keyring *keyring, const emr_parcel_ledger *ledger, emr_parcel **out_parcel)
{
	emr_parcel *p = calloc(1, sizeof *p);
	emr_status status;

	if (p == NULL)
		return EMR_NO_MEMORY;
	p->keyring = keyring;
	p->ledger = ledger;
	status = open_all(p, fd);
	if (status != EMR_OK) {
		emr_parcel_close(p);
		return status;
	}
	*out_parcel = p;
	return EMR_OK;
}

emr_status emr_parcel_each(emr_parcel *parcel, emr_parcel_fn fn, void *arg)
{
	for (size_t i = 0; i < parcel->n; i++) {
		const record *r = &parcel->records[i];
		const emr_parcel_record one = {.meta = r->meta,
			.path = r->path,
			.root = r->pversion != 0 ? &r->put.root : NULL,
			.is_others_words = r->is_others_words,
			.number = i,
			.domain = r->domain,
			.object = r->object};

		if (!r->is_left_out)
			EMR_TRY(fn(arg, &one));
	}
	return EMR_OK;
}

/* ---- contents ---- */

static emr_status open_key(const emr_parcel *p, const record *r, emr_content_key **out_key)
{
	emr_id32 digest;
	uint8_t ctx[32];

	memcpy(digest.b, emr_cid_digest(&r->put.root), sizeof digest.b);
	emr_capsule_ctx(r->domain, r->epoch, r->put.record_id, r->put.cver, EMR_CAPSULE_CONTENT,
		digest, ctx);
	return emr_content_key_unwrap(
		p->keyring, r->domain, r->epoch, ctx, r->put.capsule, r->put.wdek, out_key);
}

/* By the key of DOMAIN? */
static bool is_issued_by(
	const emr_parcel *p, const record *r, const emr_bundle *bundle, emr_id16 domain)
{
	emr_domain_public public;
	emr_statement_expect expect = {.patient_pk = p->self.pk,
		.r_pid = r->r_pid,
		.record_id = r->put.record_id,
		.cver = r->put.cver};

	if (emr_keyring_domain_public(p->keyring, domain, 1, 1, &public) != EMR_OK)
		return false;
	expect.issuer_key = emr_bytes_of(public.owner_pk, 32);
	return emr_statement_check(bundle, &expect) == EMR_STATEMENT_VALID;
}

static emr_status check_statement(const emr_parcel *p, const record *r, const emr_bundle *bundle,
	const emr_id16 *issuers, size_t n_issuers)
{
	if (is_issued_by(p, r, bundle, r->domain))
		return EMR_OK;
	for (size_t i = 0; i < n_issuers; i++)
		if (is_issued_by(p, r, bundle, issuers[i]))
			return EMR_OK;
	return others_check(p, r, bundle);
}

emr_status emr_parcel_content(emr_parcel *parcel, size_t number, const emr_id16 *issuers,
	size_t n_issuers, emr_content_reader **out_reader)
{
	const record *r = &parcel->records[number];
	emr_bundle *bundle = calloc(1, sizeof *bundle);
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	emr_status status = bundle == NULL     ? EMR_NO_MEMORY
			    : r->pversion == 0 ? EMR_DAMAGED
					       : open_key(parcel, r, &key);

	if (status == EMR_OK)
		status = emr_bundle_open(parcel->records_ctx, &r->put.root, key, r->put.record_id,
			r->put.cver, bundle);
	if (status == EMR_OK)
		status = check_statement(parcel, r, bundle, issuers, n_issuers);
	if (status == EMR_OK)
		status = emr_content_reader_open(
			parcel->records_ctx, &bundle->content, key, &reader);
	if (status == EMR_OK)
		status = emr_content_reader_verify(reader);
	emr_content_key_free(key);
	free(bundle);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	}
	*out_reader = reader;
	return EMR_OK;
}
