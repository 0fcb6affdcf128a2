/* A person who joins a network, or leaves one, takes the present records along. This file writes
 * them onto the other ledger, wrapped for the keys there; it can be interrupted and goes on without
 * doing anything twice. */
#include "settle/takeover.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "keyring/content.h"
#include "share/domain.h"

#include "facts_private.h"
#include "own_words.h"
#include "side_batch.h"

/* One domain on its way. */
typedef struct taking {
	const emr_takeover *t;
	emr_takeover_tally *tally;
	emr_id16 domain;
	uint16_t flags; /* of the domain: an inbox stays one */
	uint32_t epoch; /* there */
	uint8_t A[32];
	emr_id32 signer;
	emr_id32 listkey_id;
	const emr_list_key *list_key; /* there; NULL: not published yet */
	uint64_t done, total;
	size_t most_objects; /* in one batch: fewer where the ledger takes no large ones */
} taking;

/* ---- the domain and its listing key ---- */

static emr_status learn_domain(taking *k, bool *out_is_there)
{
	const emr_takeover *t = k->t;
	emr_domain_public public;
	emr_row_domain row;
	emr_status status = emr_domain_row(t->to.replica, k->domain, &row);

	*out_is_there = status == EMR_OK;
	if (status == EMR_NOT_FOUND)
		status = emr_domain_row(t->from.replica, k->domain, &row);
	if (status != EMR_OK)
		return status;
	k->epoch = row.head.epoch + (!*out_is_there && t->ends_rights);
	EMR_TRY(emr_keyring_domain_public(t->keyring, k->domain, 1, k->epoch, &public));
	/* Somebody else's domain under an id of ours: only who knows the id could have made it. */
	if (*out_is_there && memcmp(public.owner_pk, row.owner_pk, sizeof row.owner_pk) != 0)
		return EMR_DENIED;
	memcpy(k->A, *out_is_there ? row.A : public.A, sizeof k->A);
	k->signer = public.signer_id;
	return EMR_OK;
}

/* An epoch has the same keys on every ledger: those of which others have parts are passed over. */
static emr_status add_epochs(const taking *k, side_batch *batch, emr_id32 *id)
{
	uint8_t part[33] = {0}; /* salt, and that it brings no secret */
	emr_domain_public public;

	for (uint32_t epoch = 2; epoch <= k->epoch; epoch++) {
		emr_operation op = {.op = EMR_OP_EPOCH,
			.domain = k->domain,
			.object = k->domain,
			.version = epoch,
			.prev = *id,
			.epoch = epoch,
			.time = batch->now_unix_s,
			.pub = emr_bytes_of(public.A, sizeof public.A),
			.priv = emr_bytes_of(part, sizeof part)};

		EMR_TRY(emr_keyring_domain_public(k->t->keyring, k->domain, 1, epoch, &public));
		memcpy(part, emr_id32_random().b, 32);
		EMR_TRY(emr_batch_add(batch->batch, &op, id));
	}
	return EMR_OK;
}

static emr_status add_domain(taking *k, side_batch *batch)
{
	emr_operation op = {.op = EMR_OP_DOMAIN_NEW,
		.domain = k->domain,
		.object = k->domain,
		.version = 1,
		.epoch = 1,
		.time = batch->now_unix_s,
		.flags = k->flags & EMR_ITEM_INBOX};
	emr_pub_domain_new pub;
	emr_domain_public public;
	uint8_t bytes[64];
	emr_id32 id;

	EMR_TRY(emr_keyring_domain_public(k->t->keyring, k->domain, 1, 1, &public));
	memcpy(pub.box, public.box, sizeof pub.box);
	memcpy(pub.A, public.A, sizeof pub.A);
	emr_pub_domain_new_encode(&pub, bytes);
	op.pub = emr_bytes_of(bytes, sizeof bytes);
	EMR_TRY(emr_batch_add(batch->batch, &op, &id));
	return add_epochs(k, batch, &id);
}

static emr_status add_list_key(taking *k, side_batch *batch, emr_id16 object)
{
	emr_operation op = {.op = EMR_OP_LISTKEY,
		.domain = k->domain,
		.object = object,
		.version = 1,
		.epoch = k->epoch,
		.time = batch->now_unix_s};
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];
	emr_list_key *key = NULL;
	emr_listkey_part part;
	emr_id32 id;

	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	EMR_TRY(emr_list_key_publish(k->t->keyring, k->domain, k->epoch, k->A, k->signer,
		part.capsule, part.kcheck, &key));
	emr_list_key_free(key);
	emr_listkey_part_encode(&part, bytes);
	op.priv = emr_bytes_of(bytes, sizeof bytes);
	return emr_batch_add(batch->batch, &op, &id);
}

static emr_status find_list_key(taking *k, emr_id16 *out_object, bool *out_is_there)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_listkey row;
	emr_key_text key;
	emr_status status;

	emr_object_listkey(k->signer.b, k->epoch, out_object->b);
	emr_key_listkey(k->domain.b, out_object->b, &key);
	status = emr_replica_state_get(k->t->to.replica, key.text, &bytes);
	*out_is_there = status == EMR_OK;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_row_listkey_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(k->listkey_id.b, row.head.item, sizeof k->listkey_id.b);
	return emr_facts_list_key(k->t->to.facts, k->domain, k->listkey_id, &k->list_key);
}

/* On the ledger before anything is sealed with it. */
static emr_status make_ready(taking *k)
{
	AUTO_SIDE_BATCH batch = {0};
	bool has_domain = false, has_key = false;
	emr_id16 object;

	EMR_TRY(learn_domain(k, &has_domain));
	EMR_TRY(find_list_key(k, &object, &has_key));
	if (has_key)
		return EMR_OK;
	EMR_TRY(side_batch_begin(&k->t->to, k->t->keyring, k->t->clock, k->domain, &batch));
	if (!has_domain)
		EMR_TRY(add_domain(k, &batch));
	EMR_TRY(add_list_key(k, &batch, object));
	EMR_TRY(side_batch_send(&batch));
	EMR_TRY(find_list_key(k, &object, &has_key));
	return !has_key ? EMR_MISSING_DATA : EMR_OK;
}

/* ---- records ---- */

typedef struct record {
	emr_place place;
	emr_buf plain;	 /* metadata */
	emr_meta meta;	 /* points into it, and into what follows */
	emr_id32 signer; /* of the words as they are here */
	emr_buf attributes;
	char name[EMR_WORDS_NAME_BYTES];
} record;

static void record_end(record *r)
{
	emr_buf_free(&r->plain);
	emr_buf_free(&r->attributes);
}

#define AUTO_RECORD __attribute__((cleanup(record_end))) record

static emr_status read_record(emr_facts *facts, const emr_replica_head *head, record *out)
{
	emr_replica_item item;

	EMR_TRY(facts_read(facts, head, &out->place, &out->plain, &out->meta, &item));
	out->signer = item.signer_id;
	return EMR_OK;
}

/* The item there says the same as the one here. */
static emr_status is_same_record(
	const taking *k, const record *here, const emr_replica_head *there, bool *out_is)
{
	AUTO_RECORD r = {.plain = {0}};
	emr_status status = read_record(k->t->to.facts, there, &r);

	*out_is = false;
	if (status != EMR_OK)
		return facts_is_damage(status) ? EMR_OK : status;
	*out_is = emr_bytes_equal(emr_buf_view(&r.plain), emr_buf_view(&here->plain)) &&
		  (r.place.pversion != 0) == (here->place.pversion != 0) &&
		  (r.place.pversion == 0 ||
			  (r.place.cver == here->place.cver &&
				  emr_id16_equal(r.place.record_id, here->place.record_id) &&
				  memcmp(r.place.root.b, here->place.root.b,
					  sizeof r.place.root.b) == 0));
	return EMR_OK;
}

static emr_status seal_meta(
	const taking *k, const record *r, uint64_t version, const uint8_t nonce[24], emr_buf *out)
{
	uint8_t aad[EMR_META_AAD_BYTES];
	EMR_AUTO_BUF plain = {0};

	EMR_TRY(own_words_encode(k->t->keyring, false, &r->meta, &plain));
	EMR_TRY(emr_buf_append_zeros(out, plain.len + 16));
	emr_meta_aad(k->domain, r->place.object, version, k->epoch, k->listkey_id, aad);
	return emr_list_key_seal(k->list_key, r->place.object, nonce, emr_bytes_of(aad, sizeof aad),
		emr_buf_view(&plain), out->data);
}

/* The content key under a capsule of the domain's epoch there. */
static emr_status wrap_content(const taking *k, uint32_t from_epoch, emr_put_part *put)
{
	emr_content_key *key = NULL;
	uint8_t from[32], to[32];
	emr_id32 digest;
	emr_status status;

	memcpy(digest.b, put->root.b + 4, sizeof digest.b);
	emr_capsule_ctx(k->domain, from_epoch, put->record_id, put->cver, EMR_CAPSULE_CONTENT,
		digest, from);
	emr_capsule_ctx(
		k->domain, k->epoch, put->record_id, put->cver, EMR_CAPSULE_CONTENT, digest, to);
	status = emr_content_key_unwrap(
		k->t->keyring, k->domain, from_epoch, from, put->capsule, put->wdek, &key);
	if (status == EMR_OK)
		status =
			emr_content_key_wrap(k->t->keyring, k->A, to, key, put->capsule, put->wdek);
	emr_content_key_free(key);
	return status;
}

static emr_status make_put(const taking *k, const record *r, emr_operation *op, emr_buf *out_priv)
{
	const emr_replica_head head = {
		.domain = k->domain, .object = r->place.object, .pversion = r->place.pversion};
	const emr_part_key at = emr_part_of_object(k->domain, r->place.object, r->place.pversion);
	EMR_AUTO_BUF put_bytes = {0};
	EMR_AUTO_BUF item_bytes = {0};
	EMR_AUTO_BUF sealed = {0};
	emr_replica_item item;
	emr_put_part put;
	emr_status status;

	EMR_TRY(emr_replica_item_get(k->t->from.replica, &at, &item_bytes, &item));
	EMR_TRY(facts_read_put(k->t->from.facts, &head, &put_bytes, &put));
	EMR_TRY(wrap_content(k, item.epoch, &put));
	op->op = EMR_OP_PUT;
	op->flags = item.flags & (EMR_ITEM_REENC | EMR_ITEM_CONFLICT);
	memcpy(put.salt, emr_id32_random().b, sizeof put.salt);
	memcpy(put.nonce, emr_id32_random().b, sizeof put.nonce);
	put.listkey_id = k->listkey_id;
	status = seal_meta(k, r, op->version, put.nonce, &sealed);
	put.meta_ct = emr_buf_view(&sealed);
	return status == EMR_OK ? emr_put_part_encode(&put, out_priv) : status;
}

static emr_status make_meta(const taking *k, const record *r, emr_operation *op, emr_buf *out_priv)
{
	emr_meta_part part = {.listkey_id = k->listkey_id};
	EMR_AUTO_BUF sealed = {0};
	emr_status status;

	op->op = EMR_OP_META;
	op->flags = EMR_ITEM_NOCONTENT;
	memcpy(part.salt, emr_id32_random().b, sizeof part.salt);
	memcpy(part.nonce, emr_id32_random().b, sizeof part.nonce);
	status = seal_meta(k, r, op->version, part.nonce, &sealed);
	part.meta_ct = emr_buf_view(&sealed);
	return status == EMR_OK ? emr_meta_part_encode(&part, out_priv) : status;
}

/* ---- one object ---- */

/* Says nothing (op 0) of what is there already. */
static emr_status make_live(const taking *k, const emr_replica_head *here,
	const emr_replica_head *there, emr_operation *op, emr_buf *out_priv)
{
	AUTO_RECORD r = {.plain = {0}};
	emr_status status = read_record(k->t->from.facts, here, &r);
	bool same = false, is_junk = false;
	char id[33];

	if (status == EMR_OK)
		status = facts_harmless(
			k->t->from.facts, &r.place, r.signer, &r.meta, r.name, &r.attributes);
	if (status == EMR_DENIED)
		return EMR_OK;
	if (status == EMR_OK && there->state == EMR_OBJECT_LIVE)
		status = is_same_record(k, &r, there, &same);
	if (status == EMR_OK && !same)
		status = r.place.pversion != 0 ? make_put(k, &r, op, out_priv)
					       : make_meta(k, &r, op, out_priv);
	if (!facts_is_damage(status))
		return status;
	EMR_TRY(facts_note_reading(k->t->from.facts, here, status, &is_junk));
	if (is_junk) { /* of somebody else, and stays with the ledger that was left */
		op->op = 0;
		return EMR_OK;
	}
	emr_hex(here->object.b, sizeof here->object.b, id);
	emr_log(EMR_LOG_ERROR, "record %s cannot be taken along: %s", id, emr_status_text(status));
	return EMR_DAMAGED;
}

static emr_status head_there(const taking *k, emr_id16 object, emr_replica_head *out)
{
	emr_status status = emr_replica_head_get(k->t->to.replica, k->domain, object, out);

	if (status == EMR_NOT_FOUND) {
		*out = (emr_replica_head){.domain = k->domain, .object = object};
		status = EMR_OK;
	}
	return status;
}

/* EMR_LIMIT: it belongs to the next batch. */
static emr_status add_object(taking *k, side_batch *batch, const emr_replica_head *here)
{
	EMR_AUTO_BUF priv = {0};
	emr_operation op = {.domain = k->domain,
		.object = here->object,
		.time = batch->now_unix_s,
		.epoch = k->epoch};
	emr_replica_head there;
	emr_id32 id;

	if (emr_batch_count(batch->batch) >= k->most_objects ||
		emr_batch_size(batch->batch) > EMR_BATCH_SEND_BYTES - EMR_META_BYTES_MAX - 1024)
		return EMR_LIMIT;
	EMR_TRY(head_there(k, here->object, &there));
	op.version = there.version + 1;
	op.prev = there.item_id;
	if (here->state == EMR_OBJECT_LIVE)
		EMR_TRY(make_live(k, here, &there, &op, &priv));
	else if (there.state == EMR_OBJECT_LIVE)
		op.op = EMR_OP_UNLINK;
	if (op.op == 0)
		return EMR_OK;
	op.priv = emr_buf_view(&priv);
	k->tally->sent++;
	return emr_batch_add(batch->batch, &op, &id);
}

/* ---- one domain ---- */

/* The size that the ledger takes in one piece depends on its channel, which does not tell: halving
 * finds it (send.c does the same). EMR_OK: the same objects come in a smaller batch. */
static emr_status send_batch(taking *k, side_batch *batch, uint64_t sent_before, size_t *done)
{
	size_t count = emr_batch_count(batch->batch);
	emr_status status = side_batch_send(batch);

	if (status != EMR_LIMIT || count <= 1)
		return status;
	k->most_objects = count / 2;
	k->tally->sent = sent_before;
	*done = 0;
	emr_log(EMR_LOG_WARN, "the ledger takes no batch of %zu records: the next have %zu", count,
		count / 2);
	return EMR_OK;
}

/* As many of HEADS as one batch takes; none: the next one is smaller. */
static emr_status send_some(taking *k, const emr_replica_head *heads, size_t n, size_t *out_done)
{
	AUTO_SIDE_BATCH batch = {0};
	const uint64_t sent = k->tally->sent;
	size_t done = 0;
	emr_status status =
		side_batch_begin(&k->t->to, k->t->keyring, k->t->clock, k->domain, &batch);

	while (status == EMR_OK && done < n) {
		status = add_object(k, &batch, &heads[done]);
		done += status == EMR_OK;
	}
	if (status == EMR_LIMIT && done > 0)
		status = EMR_OK;
	if (status == EMR_OK)
		status = send_batch(k, &batch, sent, &done);
	if (status == EMR_OK)
		*out_done = done;
	return status;
}

/* A record that was erased here must be erased there, too, if an earlier run had put it there. */
static emr_status erase_gone(const taking *k, const emr_replica_head *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (heads[i].state == EMR_OBJECT_ERASED)
			EMR_TRY(emr_side_erase(
				&k->t->to, k->t->keyring, k->t->clock, k->domain, heads[i].object));
	return EMR_OK;
}

static bool has_live(const emr_replica_head *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (heads[i].state == EMR_OBJECT_LIVE)
			return true;
	return false;
}

static emr_status take_heads(taking *k, const emr_replica_head *heads, size_t n)
{
	bool is_there = false;
	emr_status status;

	EMR_TRY(learn_domain(k, &is_there));
	/* A domain in which nothing lives is part of the past alone, unless it was put there
	 * before. */
	if (!is_there && !has_live(heads, n))
		return EMR_OK;
	status = make_ready(k);
	if (status == EMR_OK)
		status = erase_gone(k, heads, n);
	for (size_t at = 0, done = 0; at < n && status == EMR_OK; at += done) {
		status = send_some(k, heads + at, n - at, &done);
		k->done += status == EMR_OK ? done : 0;
		if (status == EMR_OK && k->t->progress != NULL)
			k->t->progress(k->t->arg, k->done, k->total);
	}
	return status;
}

/* ---- all of them ---- */

static emr_status take_domain(taking *k)
{
	EMR_AUTO_BUF heads = {0};
	emr_replica_head head;

	EMR_ASK(asked, k->t->from.replica, HEADS, .domain = k->domain);
	while (emr_next(&asked, &head))
		EMR_TRY(emr_buf_append(&heads, &head, sizeof head));
	EMR_TRY(asked.status);
	return take_heads(k, (const emr_replica_head *)(const void *)heads.data,
		heads.len / sizeof(emr_replica_head));
}

/* DOMAINS: emr_known_domain, ... */
static emr_status take_all(
	const emr_takeover *takeover, const emr_buf *domains, emr_takeover_tally *tally)
{
	uint64_t done = 0;
	size_t most_objects = EMR_BATCH_SEND_ITEMS;

	EMR_EACH (const emr_known_domain, domain, domains) {
		taking k = {.t = takeover,
			.tally = tally,
			.domain = domain->domain,
			.flags = domain->row.head.flags,
			.done = done,
			.most_objects = most_objects,
			.total = tally->files + tally->directories + tally->links};

		EMR_TRY(take_domain(&k));
		done = k.done;
		most_objects = k.most_objects;
	}
	return EMR_OK;
}

static emr_status find_domains(const emr_takeover *takeover, emr_buf *out)
{
	emr_known_domain domain;

	EMR_ASK(asked, takeover->from.replica, DOMAINS);
	while (emr_next(&asked, &domain))
		if (domain.is_mine)
			EMR_TRY(emr_buf_append(out, &domain, sizeof domain));
	return asked.status;
}

emr_status emr_takeover_run(const emr_takeover *takeover, emr_takeover_tally *out_tally)
{
	EMR_AUTO_BUF domains = {0};
	emr_takeover_tally tally = {0};
	emr_status status = emr_takeover_look(takeover->from.facts, &tally);

	if (status == EMR_OK && tally.unreadable > 0)
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = find_domains(takeover, &domains);
	if (status == EMR_OK)
		status = take_all(takeover, &domains, &tally);
	*out_tally = tally;
	return status;
}
