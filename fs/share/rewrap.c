/* A grant without the past must not open earlier versions. Before such a grant is made, this
 * file looks whether the present keys also open something that is past; then it wraps the keys
 * of the present records again for a new epoch. No content is encrypted again. */
#include <stdlib.h>
#include <string.h>

#include "share/give.h"
#include "share_private.h"

/* A grantee who can open one thing of an epoch can open everything of it, if agents help: what must
 * stay hidden may not be there. */
typedef struct hiding {
	emr_share *share;
	emr_id16 domain;
	uint32_t epoch;
	uint64_t last; /* version that describes the object now; 0: it is not live */
	const emr_replica_head *head;
	uint64_t live;
	bool is_stained; /* the epoch holds something that is past */
	emr_replica_head *stale;
	size_t n, cap;
} hiding;

static emr_status look_at_item(void *arg, const emr_replica_item *item)
{
	hiding *h = arg;
	EMR_AUTO_BUF part = {0};
	emr_status status;

	if (item->epoch != h->epoch || item->priv_len == 0 || item->version == h->last)
		return EMR_OK;
	status = share_part(
		h->share, EMR_FAMILY_OBJECT, h->domain, h->head->object, item->version, &part);
	if (status == EMR_NOT_FOUND)
		return EMR_OK; /* erased: nobody can open it */
	h->is_stained = true;
	return status;
}

static emr_status note_stale(hiding *h, const emr_replica_head *head)
{
	if (h->n == h->cap) {
		size_t cap = h->cap == 0 ? 64 : h->cap * 2;
		emr_replica_head *grown = realloc(h->stale, cap * sizeof *grown);

		if (grown == NULL)
			return EMR_NO_MEMORY;
		h->stale = grown;
		h->cap = cap;
	}
	h->stale[h->n++] = *head;
	return EMR_OK;
}

static emr_status look_at_head(void *arg, const emr_replica_head *head)
{
	hiding *h = arg;
	bool is_live = head->state == EMR_OBJECT_LIVE;
	emr_status status = EMR_OK;

	h->head = head;
	h->last = is_live ? head->version : 0;
	h->live += is_live;
	/* The first version that is still the present one has no past. */
	if (!h->is_stained && !(is_live && head->version == 1))
		status = emr_replica_history(h->share->o.replica, EMR_FAMILY_OBJECT, h->domain,
			head->object, look_at_item, h);
	if (status == EMR_OK && is_live && head->epoch != h->epoch)
		status = note_stale(h, head);
	return status;
}

static emr_status look(hiding *h)
{
	emr_row_domain row;
	emr_status status = share_domain(h->share, h->domain, &row);

	if (status != EMR_OK)
		return status;
	h->epoch = row.head.epoch;
	h->is_stained = false;
	h->live = h->n = 0;
	return emr_replica_each_head(h->share->o.replica, &h->domain, look_at_head, h);
}

/* ---- wrapping again ---- */

typedef struct wrapping {
	emr_share *share;
	parcel p;
	emr_id16 domain;
	uint32_t epoch;
	uint8_t A[32];
	emr_row_domain row;
	emr_id32 listkey_id;
	emr_list_key *to;
	struct opened {
		emr_id32 id;
		emr_list_key *key; /* NULL: it does not open */
	} * from;		   /* of earlier epochs, opened as they are met, each once */
	size_t n;
} wrapping;

typedef struct sought {
	wrapping *w;
	emr_id32 id;
	bool is_found;
	published_key key;
} sought;

static emr_status compare_key(void *arg, const published_key *key)
{
	sought *s = arg;

	if (emr_id32_equal(key->listkey_id, s->id)) {
		s->key = *key;
		s->is_found = true;
	}
	return EMR_OK;
}

static emr_status open_list_key(wrapping *w, const published_key *key, emr_list_key **out)
{
	emr_access_slot slot = {
		.object_id = key->object, .version = key->version, .kind = EMR_CAPSULE_LISTING};
	capsule_facts facts;
	emr_status status = share_capsule(w->share, w->domain, &slot, &facts);

	if (status != EMR_OK)
		return status;
	return emr_list_key_open(w->share->o.keyring, w->domain, key->epoch, key->writer,
		facts.capsule, facts.kcheck, out);
}

static emr_status list_key_of(void *arg, emr_id32 id, const emr_list_key **out)
{
	wrapping *w = arg;
	sought s = {.w = w, .id = id};
	struct opened *grown;
	emr_list_key *key = NULL;
	emr_status status;

	for (size_t i = 0; i < w->n; i++)
		if (emr_id32_equal(w->from[i].id, id)) {
			*out = w->from[i].key;
			return *out != NULL ? EMR_OK : EMR_DAMAGED;
		}
	status = share_list_keys(w->share, w->domain, compare_key, &s);
	if (status == EMR_OK && !s.is_found)
		status = EMR_MISSING_DATA;
	if (status != EMR_OK)
		return status;
	grown = realloc(w->from, (w->n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	w->from = grown;
	status = open_list_key(w, &s.key, &key);
	if (status != EMR_OK && status != EMR_DAMAGED)
		return status;
	w->from[w->n++] = (struct opened){id, key};
	*out = key;
	return status;
}

static emr_status seal_meta(const wrapping *w, const record_facts *record, uint64_t version,
	const uint8_t nonce[24], emr_buf *out)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	emr_status status = emr_buf_append_zeros(out, record->plain.len + 16);

	if (status != EMR_OK)
		return status;
	emr_meta_aad(w->domain, record->head.object, version, w->epoch, w->listkey_id, aad);
	return emr_list_key_seal(w->to, record->head.object, nonce, emr_bytes_of(aad, sizeof aad),
		emr_buf_view(&record->plain), out->data);
}

static emr_status wrap_content(const wrapping *w, const record_facts *record, emr_put_part *part)
{
	emr_keyring *keyring = w->share->o.keyring;
	emr_content_key *key = NULL;
	uint8_t from[32], to[32];
	emr_id32 digest;
	emr_status status;

	memcpy(digest.b, part->root.b + 4, sizeof digest.b);
	emr_capsule_ctx(w->domain, record->put_epoch, part->record_id, part->cver,
		EMR_CAPSULE_CONTENT, digest, from);
	emr_capsule_ctx(
		w->domain, w->epoch, part->record_id, part->cver, EMR_CAPSULE_CONTENT, digest, to);
	status = emr_content_key_unwrap(
		keyring, w->domain, record->put_epoch, from, part->capsule, part->wdek, &key);
	if (status == EMR_OK)
		status = emr_content_key_wrap(keyring, w->A, to, key, part->capsule, part->wdek);
	emr_content_key_free(key);
	return status;
}

static void fresh(uint8_t salt[32], uint8_t nonce[24])
{
	emr_id32 random = emr_id32_random();

	memcpy(nonce, random.b, 24);
	random = emr_id32_random();
	memcpy(salt, random.b, 32);
}

static emr_status add_record(wrapping *w, const record_facts *record)
{
	bool has_content = record->head.pversion != 0;
	emr_act act = {.op = has_content ? EMR_OP_REWRAP : EMR_OP_META,
		.flags = has_content ? record->put_flags & EMR_ITEM_REENC : EMR_ITEM_NOCONTENT,
		.domain = w->domain,
		.object = record->head.object,
		.version = record->head.version + 1,
		.prev = record->head.item_id,
		.epoch = w->epoch};
	emr_put_part put = record->put;
	emr_meta_part meta = {.listkey_id = w->listkey_id};
	EMR_AUTO_BUF sealed = {0};
	emr_status status;

	fresh(has_content ? put.salt : meta.salt, has_content ? put.nonce : meta.nonce);
	put.listkey_id = w->listkey_id;
	status = seal_meta(w, record, act.version, has_content ? put.nonce : meta.nonce, &sealed);
	if (status == EMR_OK && has_content)
		status = wrap_content(w, record, &put);
	if (status == EMR_OK)
		status = parcel_item(&w->p, &act);
	if (status != EMR_OK)
		return status;
	put.meta_ct = meta.meta_ct = emr_buf_view(&sealed);
	status = has_content ? emr_put_part_encode(&put, &w->p.part)
			     : emr_meta_part_encode(&meta, &w->p.part);
	return status == EMR_OK ? parcel_add(&w->p, &act, NULL) : status;
}

static emr_status find_own_key(void *arg, const published_key *key)
{
	wrapping *w = arg;

	if (key->epoch != w->epoch || !emr_id32_equal(key->writer, w->p.signer))
		return EMR_OK;
	w->listkey_id = key->listkey_id;
	return w->to == NULL ? open_list_key(w, key, &w->to) : EMR_OK;
}

/* The owner's own listing key of this epoch, on the ledger before anything is sealed with it. */
static emr_status own_list_key(wrapping *w)
{
	emr_status status = share_list_keys(w->share, w->domain, find_own_key, w);

	if (status != EMR_OK || w->to != NULL)
		return status;
	status = share_add_list_key(&w->p, w->domain, w->epoch);
	if (status == EMR_OK)
		status = parcel_send(&w->p);
	parcel_end(&w->p);
	if (status == EMR_OK)
		status = parcel_begin(w->share, emr_signer_domain(w->domain, SHARE_GEN), &w->p);
	if (status == EMR_OK)
		status = share_list_keys(w->share, w->domain, find_own_key, w);
	return status == EMR_OK && w->to == NULL ? EMR_MISSING_DATA : status;
}

static void wrapping_end(wrapping *w)
{
	for (size_t i = 0; i < w->n; i++)
		emr_list_key_free(w->from[i].key);
	free(w->from);
	emr_list_key_free(w->to);
	parcel_end(&w->p);
}

/* As many of HEADS as one batch takes. */
static emr_status wrap_some(hiding *h, const emr_replica_head *heads, size_t n, size_t *out_done)
{
	wrapping w = {.share = h->share, .domain = h->domain, .epoch = h->epoch};
	size_t done = 0;
	emr_status status = parcel_begin(h->share, emr_signer_domain(h->domain, SHARE_GEN), &w.p);

	if (status == EMR_OK)
		status = share_epoch(h->share, h->domain, h->epoch, w.A);
	if (status == EMR_OK)
		status = share_domain(h->share, h->domain, &w.row);
	if (status == EMR_OK)
		status = own_list_key(&w);
	while (status == EMR_OK && done < n) {
		AUTO_RECORD record = {0};

		status = share_record(h->share, &heads[done], list_key_of, &w, &record);
		if (status == EMR_OK)
			status = share_believe(h->share, &w.row, list_key_of, &w, &record);
		if (status == EMR_OK)
			status = add_record(&w, &record);
		done += status == EMR_OK;
	}
	if (status == EMR_LIMIT && done > 0)
		status = EMR_OK;
	if (status == EMR_OK && done > 0)
		status = parcel_send(&w.p);
	wrapping_end(&w);
	if (status == EMR_OK)
		*out_done = done;
	return status;
}

static emr_status wrap_all(hiding *h)
{
	emr_status status = EMR_OK;

	for (size_t at = 0, done = 0; at < h->n && status == EMR_OK; at += done)
		status = wrap_some(h, h->stale + at, h->n - at, &done);
	return status;
}

#define ROUNDS 4 /* of being overtaken by somebody who writes there meanwhile */

emr_status share_hide_past(emr_share *share, emr_id16 domain, uint64_t *out_n)
{
	hiding h = {.share = share, .domain = domain};
	emr_status status = EMR_OK;
	uint64_t n = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		status = look(&h);
		if (status == EMR_OK && h.is_stained) {
			status = emr_share_begin_epoch(share, domain);
			if (status == EMR_OK)
				status = look(&h);
		}
		if (status != EMR_OK || (h.n == 0 && !h.is_stained))
			break;
		status = wrap_all(&h);
		if (status == EMR_OK)
			n += h.n;
		else if (status != EMR_CONFLICT && status != EMR_EPOCH)
			break;
	}
	free(h.stale);
	if (status == EMR_OK && round == ROUNDS)
		status = EMR_BUSY;
	if (status == EMR_OK)
		*out_n = n;
	return status;
}

emr_status share_count_past(emr_share *share, emr_id16 domain, uint64_t *out_n)
{
	hiding h = {.share = share, .domain = domain};
	bool is_due = false;
	emr_status status = emr_share_epoch_is_due(share, domain, &is_due);

	if (status == EMR_OK)
		status = look(&h);
	if (status == EMR_OK)
		*out_n = h.is_stained || is_due ? h.live : h.n;
	free(h.stale);
	return status;
}
