/* A grant must not open earlier versions. Before one that shows something is made, this file
 * looks whether the present keys also open something that is past; then it wraps the keys
 * of the present records again for a new epoch. No content is encrypted again. Others may have
 * described a record last, under any listing key that they ever published: one that does not open
 * is counted and left out, and stops nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "share/give.h"
#include "share_private.h"

/* One that was published in the domain; opened when a record names it, once, whatever comes of it.
 */
typedef struct known_key {
	published_key is;
	emr_list_key *key; /* NULL: not tried yet, or it does not open */
	emr_status status; /* of trying, once that was done */
	bool is_tried;
} known_key;

#define LACKING                                                                                    \
	64 /* that are asked for at once: anybody may leave thousands whose data is nowhere */

/* A grantee who can open one thing of an epoch can open everything of it, if agents help: what must
 * stay hidden may not be there. */
typedef struct share_reader {
	emr_share *share;
	emr_id16 domain;
	uint32_t epoch;
	uint64_t live;
	bool is_stained; /* the epoch holds something that is past */
	emr_buf stale;	 /* emr_replica_head, ... */
	emr_buf keys;	 /* known_key, ...: every one of the domain, once it is asked for one */
	bool has_keys;
	uint64_t wrapped, left_out; /* of what is stale */
	uint64_t unjudged;	    /* of what was left out: its data is elsewhere */
	emr_cid lacking[LACKING];   /* roots of some of that, each as likely as any other */
} hiding;

static void forget_keys(hiding *h)
{
	EMR_EACH (const known_key, k, &h->keys)
		emr_list_key_free(k->key);
	emr_buf_clear(&h->keys);
	h->has_keys = false;
}

static void hiding_end(hiding *h)
{
	forget_keys(h);
	emr_buf_free(&h->keys);
	emr_buf_free(&h->stale);
}
#define AUTO_HIDING __attribute__((cleanup(hiding_end))) hiding

/* Whether the epoch holds something of HEAD's object that describes it no more. */
static emr_status look_at_items(hiding *h, const emr_replica_head *head)
{
	uint64_t last = head->state == EMR_OBJECT_LIVE ? head->version : 0;
	emr_replica_item item;
	EMR_ASK(items, h->share->o.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = h->domain, .object = head->object);

	while (!h->is_stained && emr_next(&items, &item)) {
		EMR_AUTO_BUF part = {0};
		emr_status status;

		if (item.epoch != h->epoch || item.priv_len == 0 || item.version == last)
			continue;
		status = share_part(
			h->share, EMR_FAMILY_OBJECT, h->domain, head->object, item.version, &part);
		h->is_stained = status != EMR_NOT_FOUND; /* erased: nobody can open it */
		EMR_TRY(h->is_stained ? status : EMR_OK);
	}
	return items.status;
}

static emr_status look_at_domain(hiding *h)
{
	emr_replica_head head;
	emr_row_domain row;
	EMR_ASK(heads, h->share->o.replica, HEADS, .domain = h->domain);

	EMR_TRY(share_domain(h->share, h->domain, &row));
	h->epoch = row.head.epoch;
	h->is_stained = false;
	h->live = 0;
	emr_buf_clear(&h->stale);
	forget_keys(h); /* there may be more by now */
	while (emr_next(&heads, &head)) {
		bool is_live = head.state == EMR_OBJECT_LIVE;

		h->live += is_live;
		/* The first version that is still the present one has no past. */
		if (!h->is_stained && !(is_live && head.version == 1))
			EMR_TRY(look_at_items(h, &head));
		if (is_live && head.epoch != h->epoch)
			EMR_TRY(emr_buf_append(&h->stale, &head, sizeof head));
	}
	return heads.status;
}

/* ---- listing keys ---- */

static emr_status open_list_key(
	emr_share *share, emr_id16 domain, const published_key *key, emr_list_key **out)
{
	emr_access_slot slot = {
		.object_id = key->object, .version = key->version, .kind = EMR_CAPSULE_LISTING};
	capsule_facts facts;

	EMR_TRY(share_capsule(share, domain, &slot, &facts));
	return emr_list_key_open(share->o.keyring, domain, key->epoch, key->writer, facts.capsule,
		facts.kcheck, out);
}

static emr_status find_keys(hiding *h)
{
	EMR_AUTO_BUF published = {0};

	EMR_TRY(share_every_list_key(h->share, h->domain, &published));
	forget_keys(h);
	EMR_EACH (const published_key, key, &published) {
		const known_key known = {.is = *key};

		EMR_TRY(emr_buf_append(&h->keys, &known, sizeof known));
	}
	h->has_keys = true;
	return EMR_OK;
}

static emr_status list_key_of(name_keys keys, emr_id32 id, const emr_list_key **out)
{
	hiding *h = keys.own;

	EMR_TRY(h->has_keys ? EMR_OK : find_keys(h));
	EMR_EACH (known_key, k, &h->keys) {
		if (!emr_id32_equal(k->is.listkey_id, id))
			continue;
		if (!k->is_tried)
			k->status = open_list_key(h->share, h->domain, &k->is, &k->key);
		k->is_tried = !emr_status_may_pass(k->status);
		if (k->status == EMR_OK)
			*out = k->key;
		return k->status;
	}
	return EMR_MISSING_DATA;
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
	bool is_unjudged; /* the record in hand, whose data is elsewhere */
} wrapping;

static emr_status seal_meta(const wrapping *w, const record_facts *record, uint64_t version,
	const uint8_t nonce[24], emr_buf *out)
{
	uint8_t aad[EMR_META_AAD_BYTES];

	EMR_TRY(emr_buf_append_zeros(out, record->plain.len + 16));
	emr_meta_aad(w->domain, record->head.object, version, w->epoch, w->listkey_id, aad);
	return emr_list_key_seal(w->to, record->head.object, nonce, emr_bytes_of(aad, sizeof aad),
		emr_buf_view(&record->plain), out->data);
}

static emr_status wrap_content(wrapping *w, const record_facts *record, emr_put_part *part)
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
		status = share_vouch(w->share, &w->row, record, key);
	w->is_unjudged = key != NULL && status == EMR_MISSING_DATA;
	if (status == EMR_OK)
		status = emr_content_key_wrap_own(
			keyring, w->domain, w->epoch, w->A, to, key, part->capsule, part->wdek);
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

static emr_act act_of(const wrapping *w, const record_facts *record)
{
	bool has_content = record->head.pversion != 0;

	return (emr_act){.op = has_content ? EMR_OP_REWRAP : EMR_OP_META,
		.flags = has_content ? record->put_flags & EMR_ITEM_REENC : EMR_ITEM_NOCONTENT,
		.domain = w->domain,
		.object = record->head.object,
		.version = record->head.version + 1,
		.prev = record->head.item_id,
		.epoch = w->epoch};
}

/* RECORD's private part as ACT has it becomes that of W's operation in hand. */
static emr_status seal_record(wrapping *w, const record_facts *record, emr_act *act)
{
	bool has_content = record->head.pversion != 0;
	emr_put_part put = record->put;
	emr_meta_part meta = {.listkey_id = w->listkey_id};
	EMR_AUTO_BUF sealed = {0};

	fresh(has_content ? put.salt : meta.salt, has_content ? put.nonce : meta.nonce);
	put.listkey_id = w->listkey_id;
	EMR_TRY(seal_meta(w, record, act->version, has_content ? put.nonce : meta.nonce, &sealed));
	if (has_content)
		EMR_TRY(wrap_content(w, record, &put));
	EMR_TRY(parcel_item(&w->p, act));
	put.meta_ct = meta.meta_ct = emr_buf_view(&sealed);
	return has_content ? emr_put_part_encode(&put, &w->p.part)
			   : emr_meta_part_encode(&meta, &w->p.part);
}

/* True for a fault of one record, and not of this moment or of these keys. */
static bool is_the_records(emr_status status)
{
	return status == EMR_DAMAGED || status == EMR_MISSING_DATA || status == EMR_NEWER_FORMAT ||
	       status == EMR_BAD_SIGNATURE || status == EMR_NOT_FOUND || status == EMR_LIMIT ||
	       status == EMR_INVALID || status == EMR_UNSUPPORTED;
}

static void note_unjudged(hiding *h, const emr_cid *root)
{
	uint64_t at = h->unjudged++;

	if (at >= LACKING) {
		const emr_id32 random = emr_id32_random();

		memcpy(&at, random.b, sizeof at);
		at %= h->unjudged;
	}
	if (at < LACKING)
		h->lacking[at] = *root;
}

/* A record that does not open, or is forged, or cannot be said again, stays in its epoch, where the
 * owner's readers see nothing of it. EMR_LIMIT: the batch is full. */
static emr_status add_record(hiding *h, wrapping *w, const emr_replica_head *head)
{
	AUTO_RECORD record = {0};
	emr_act act;
	emr_status status =
		share_record(h->share, head, (name_keys){.find = list_key_of, .own = h}, &record);

	w->is_unjudged = false;
	if (status == EMR_OK)
		status = share_believe(
			h->share, &w->row, (name_keys){.find = list_key_of, .own = h}, &record);
	if (status == EMR_OK) {
		act = act_of(w, &record);
		status = seal_record(w, &record, &act);
	}
	if (is_the_records(status)) {
		h->left_out++;
		if (w->is_unjudged)
			note_unjudged(h, &record.put.root);
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = parcel_add(&w->p, &act, NULL);
	h->wrapped += status == EMR_OK;
	return status;
}

static emr_status find_own_key(wrapping *w)
{
	EMR_AUTO_BUF keys = {0};

	EMR_TRY(share_list_keys(w->share, w->domain, &keys));
	EMR_EACH (const published_key, key, &keys) {
		if (key->epoch != w->epoch || !emr_id32_equal(key->writer, w->p.signer))
			continue;
		w->listkey_id = key->listkey_id;
		if (w->to == NULL)
			EMR_TRY(open_list_key(w->share, w->domain, key, &w->to));
	}
	return EMR_OK;
}

/* The owner's own listing key of this epoch, on the ledger before anything is sealed with it. */
static emr_status own_list_key(wrapping *w)
{
	emr_status status;

	EMR_TRY(find_own_key(w));
	if (w->to != NULL)
		return EMR_OK;
	status = share_add_list_key(&w->p, w->domain, w->epoch);
	if (status == EMR_OK)
		status = parcel_send(&w->p);
	parcel_end(&w->p);
	if (status == EMR_OK)
		status = parcel_begin(w->share, emr_signer_domain(w->domain, SHARE_GEN), &w->p);
	if (status == EMR_OK)
		status = find_own_key(w);
	return status == EMR_OK && w->to == NULL ? EMR_MISSING_DATA : status;
}

static bool is_full(const wrapping *w)
{
	size_t most = w->share->most_records;

	return most > 0 && emr_batch_count(w->p.batch) >= most;
}

/* The size that the ledger takes in one piece depends on its channel, which does not tell: halving
 * finds it (fs/settle/send.c does the same). EMR_OK: the same records come in a smaller batch. */
static emr_status send_wrapped(hiding *h, wrapping *w, uint64_t wrapped_before, size_t *done)
{
	size_t count = emr_batch_count(w->p.batch);
	emr_status status = count > 0 ? parcel_send(&w->p) : EMR_OK;

	if (status != EMR_LIMIT || count <= 1)
		return status;
	h->share->most_records = count / 2;
	h->wrapped = wrapped_before;
	*done = 0;
	emr_log(EMR_LOG_WARN, "the ledger takes no batch of %zu records: the next have %zu", count,
		count / 2);
	return EMR_OK;
}

/* As many of HEADS as one batch takes; none: the next one is smaller. */
static emr_status wrap_some(hiding *h, const emr_replica_head *heads, size_t n, size_t *out_done)
{
	wrapping w = {.share = h->share, .domain = h->domain, .epoch = h->epoch};
	const uint64_t wrapped = h->wrapped, left_out = h->left_out, unjudged = h->unjudged;
	size_t done = 0;
	emr_status status = parcel_begin(h->share, emr_signer_domain(h->domain, SHARE_GEN), &w.p);

	if (status == EMR_OK)
		status = share_epoch(h->share, h->domain, h->epoch, w.A);
	if (status == EMR_OK)
		status = share_domain(h->share, h->domain, &w.row);
	if (status == EMR_OK)
		status = own_list_key(&w);
	while (status == EMR_OK && done < n && !is_full(&w)) {
		status = add_record(h, &w, &heads[done]);
		done += status == EMR_OK;
	}
	if (status == EMR_LIMIT && done > 0)
		status = EMR_OK;
	if (status == EMR_OK)
		status = send_wrapped(h, &w, wrapped, &done);
	if (done == 0) { /* they are met again */
		h->left_out = left_out;
		h->unjudged = unjudged;
	}
	emr_list_key_free(w.to);
	parcel_end(&w.p);
	if (status == EMR_OK)
		*out_done = done;
	return status;
}

static emr_status wrap_all(hiding *h)
{
	const emr_replica_head *stale = (const emr_replica_head *)(void *)h->stale.data;
	const emr_share_options *o = &h->share->o;
	size_t n = h->stale.len / sizeof *stale;
	emr_status status = EMR_OK;

	h->wrapped = h->left_out = h->unjudged = 0;
	for (size_t at = 0, done = 0; at < n && status == EMR_OK; at += done)
		status = wrap_some(h, stale + at, n - at, &done);
	for (size_t i = 0; o->lacks != NULL && i < h->unjudged && i < LACKING; i++)
		o->lacks(o->lacks_arg, &h->lacking[i]);
	return status;
}

#define ROUNDS 4 /* of being overtaken by somebody who writes there meanwhile */

emr_status share_hide_past(
	emr_share *share, emr_id16 domain, uint64_t *out_n, uint64_t *out_left_out)
{
	AUTO_HIDING h = {.share = share, .domain = domain};
	emr_status status = EMR_OK;
	bool is_done = false;
	uint64_t n = 0;

	for (int round = 0; round < ROUNDS && !is_done; round++) {
		status = share_let_go(share, domain); /* also what went while others were wrapped */
		if (status == EMR_OK)
			status = look_at_domain(&h);
		if (status == EMR_OK && h.is_stained) {
			status = emr_share_begin_epoch(share, domain);
			if (status == EMR_OK)
				status = look_at_domain(&h);
		}
		if (status == EMR_OK)
			status = wrap_all(&h);
		if (status == EMR_CONFLICT || status == EMR_EPOCH)
			continue;
		if (status != EMR_OK)
			return status;
		n += h.wrapped;
		is_done = h.wrapped == 0 && !h.is_stained;
	}
	if (status == EMR_OK && !is_done)
		status = EMR_BUSY;
	if (status != EMR_OK)
		return status;
	if (h.left_out > 0)
		emr_log(EMR_LOG_WARN,
			"what somebody else wrote does not open, or its signature does not fit, or "
			"its data is elsewhere: it is not shared");
	*out_n = n;
	*out_left_out = h.left_out;
	return EMR_OK;
}

emr_status share_wrap_late(emr_share *share, emr_id16 domain, bool *out_is_late)
{
	AUTO_HIDING h = {.share = share, .domain = domain};

	EMR_TRY(look_at_domain(&h));
	EMR_TRY(wrap_all(&h));
	*out_is_late = h.unjudged > 0;
	return EMR_OK;
}

emr_status emr_share_count_past(emr_share *share, emr_id16 domain, uint64_t *out_n)
{
	AUTO_HIDING h = {.share = share, .domain = domain};
	bool is_due = false;

	EMR_TRY(emr_share_epoch_is_due(share, domain, &is_due));
	EMR_TRY(look_at_domain(&h));
	*out_n = h.is_stained || is_due ? h.live : h.stale.len / sizeof(emr_replica_head);
	return EMR_OK;
}

emr_status share_reader_new(emr_share *share, emr_id16 domain, share_reader **out)
{
	share_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return EMR_NO_MEMORY;
	*reader = (share_reader){.share = share, .domain = domain};
	*out = reader;
	return EMR_OK;
}

void share_reader_free(share_reader *reader)
{
	if (reader != NULL)
		hiding_end(reader);
	free(reader);
}

emr_status share_as_said(
	share_reader *reader, emr_id16 object, uint64_t version, bool is_content, record_facts *out)
{
	emr_replica_head head;

	EMR_TRY(emr_replica_head_get(reader->share->o.replica, reader->domain, object, &head));
	head.version = version;
	head.pversion = is_content ? version : 0;
	return share_record(
		reader->share, &head, (name_keys){.find = list_key_of, .own = reader}, out);
}
