/* A reader's question for keys (ACCESS_REQ) is sealed here, so that all who may answer or watch
 * it can read it and nobody else. This file makes such a question and opens it again. */
#include "keyring/access.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/hashsig.h"
#include "letters_private.h"

#define INFO "emrfs/v1/mbox"
#define SEALED_KEY_BYTES (32 + EMR_LETTER_OVERHEAD)
#define RECIPIENT_BYTES (32 + SEALED_KEY_BYTES)
#define BODY_HEAD_BYTES 8
#define SLOT_BYTES 32
#define BODY_MAX (BODY_HEAD_BYTES + EMR_ACCESS_SLOTS_MAX * SLOT_BYTES)
#define PURPOSES 9
#define KIND_MAX 3

emr_id32 emr_owner_rid(emr_id16 domain_id)
{
	emr_id32 rid = {{0}};

	memcpy(rid.b, domain_id.b, 16);
	return rid;
}

/* ---- The request's key ---- */

void emr_request_commit(const emr_secret *k, uint8_t out_kcom[32])
{
	static const char label[] = "emrfs/v1/mbox"; /* hashed with its NUL */
	emr_sha256_ctx hash;

	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label);
	emr_sha256_update(&hash, k->data, k->len);
	emr_sha256_final(&hash, out_kcom);
	emr_wipe(&hash, sizeof hash);
}

emr_status emr_request_key_from(emr_secret *take_k, const uint8_t kcom[32], emr_request_key **out)
{
	EMR_AUTO_SECRET k = *take_k;
	uint8_t commitment[32];
	emr_request_key *key;

	*take_k = (emr_secret){0};
	emr_request_commit(&k, commitment);
	if (sodium_memcmp(commitment, kcom, sizeof commitment) != 0)
		return EMR_DAMAGED;
	key = calloc(1, sizeof *key);
	if (key == NULL)
		return EMR_NO_MEMORY;
	key->k = k;
	k = (emr_secret){0};
	*out = key;
	return EMR_OK;
}

void emr_request_key_free(emr_request_key *key)
{
	if (key == NULL)
		return;
	emr_secret_free(&key->k);
	free(key);
}

/* ---- The body in the clear ---- */

void emr_access_body_free(emr_access_body *body)
{
	free(body->slots);
	*body = (emr_access_body){0};
}

static size_t padded_slots(size_t count)
{
	size_t n = 1;

	while (n < count)
		n *= 2;
	return n;
}

static bool slot_ok(const emr_access_slot *slot)
{
	return slot->version > 0 && slot->kind >= 1 && slot->kind <= KIND_MAX;
}

static bool head_ok(unsigned purpose, unsigned reader, size_t count)
{
	return purpose < PURPOSES && reader >= EMR_READER_PERSON && reader <= EMR_READER_SOFTWARE &&
	       count >= 1 && count <= EMR_ACCESS_SLOTS_MAX;
}

emr_status emr_access_body_encode(const emr_access_body *body, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (!head_ok(body->purpose, (unsigned)body->reader, body->count))
		return EMR_INVALID;
	emr_write_u8(&w, body->purpose);
	emr_write_u8(&w, (uint8_t)body->reader);
	emr_write_u16(&w, body->count);
	emr_write_u32(&w, 0);
	for (size_t i = 0; i < body->count; i++) {
		if (!slot_ok(&body->slots[i]))
			return EMR_INVALID;
		emr_write_bytes(&w, body->slots[i].object_id.b, 16);
		emr_write_u64(&w, body->slots[i].version);
		emr_write_u8(&w, body->slots[i].kind);
		emr_write_zeros(&w, 7);
	}
	emr_write_zeros(&w, (padded_slots(body->count) - body->count) * SLOT_BYTES);
	return w.status;
}

static bool read_slots(emr_reader *r, emr_access_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		emr_read_copy(r, slots[i].object_id.b, 16);
		slots[i].version = emr_read_u64(r);
		slots[i].kind = emr_read_u8(r);
		emr_read_zeros(r, 7);
		if (r->bad || !slot_ok(&slots[i]))
			return false;
	}
	emr_read_zeros(r, r->left);
	return emr_reader_done(r);
}

emr_status emr_access_body_decode(emr_bytes plain, emr_access_body *out)
{
	emr_reader r = emr_reader_of(plain);
	emr_access_body body = {0};

	body.purpose = emr_read_u8(&r);
	body.reader = emr_read_u8(&r);
	body.count = emr_read_u16(&r);
	emr_read_zeros(&r, 4);
	if (r.bad || !head_ok(body.purpose, (unsigned)body.reader, body.count) ||
		r.left != padded_slots(body.count) * SLOT_BYTES)
		return EMR_DAMAGED;
	body.slots = calloc(body.count, sizeof *body.slots);
	if (body.slots == NULL)
		return EMR_NO_MEMORY;
	if (!read_slots(&r, body.slots, body.count)) {
		emr_access_body_free(&body);
		return EMR_DAMAGED;
	}
	*out = body;
	return EMR_OK;
}

/* ---- The part ---- */

/* The public count of the item: grant_id | via | count u16 | 0[6]. */
static size_t public_count(const emr_part_item *item)
{
	return emr_get_u16(item->pub.data + 32);
}

static bool recipients_differ(const emr_recipient *recipients, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (emr_id32_equal(recipients[i].rid, recipients[j].rid))
				return false;
		}
	}
	return true;
}

/* The body under K, AAD = head124 || pub. */
static emr_status write_body(const emr_part_item *item, const emr_secret *k,
	const uint8_t nonce[24], const emr_access_body *body, emr_writer *w)
{
	EMR_AUTO_BUF plain = {0};
	uint8_t aad[EMR_PART_HEAD_BYTES + EMR_PART_PUB_MAX];
	size_t start = w->buf->len;

	EMR_TRY(emr_access_body_encode(body, &plain));
	memcpy(aad, item->head, EMR_PART_HEAD_BYTES);
	memcpy(aad + EMR_PART_HEAD_BYTES, item->pub.data, item->pub.len);
	emr_write_zeros(w, plain.len + EMR_AEAD_TAG_BYTES);
	if (w->status != EMR_OK)
		return w->status;
	return emr_aead_seal(k, nonce, emr_bytes_of(aad, EMR_PART_HEAD_BYTES + item->pub.len),
		emr_buf_view(&plain), w->buf->data + start);
}

static emr_status write_part(const emr_part_item *item, const uint8_t epk[32],
	const emr_recipient *recipients, size_t n, const emr_access_body *body, emr_buf *out)
{
	EMR_AUTO_SECRET k = {0};
	emr_writer w = emr_writer_of(out);
	uint8_t kcom[32];
	uint8_t nonce[EMR_AEAD_NONCE_BYTES];

	EMR_TRY(emr_secret_random(32, &k));
	emr_request_commit(&k, kcom);
	randombytes_buf(nonce, sizeof nonce);
	emr_part_write_salt(&w);
	emr_write_bytes(&w, epk, 32);
	emr_write_u8(&w, (uint8_t)n);
	emr_write_zeros(&w, 7);
	emr_write_bytes(&w, kcom, sizeof kcom);
	emr_write_bytes(&w, nonce, sizeof nonce);
	for (size_t i = 0; i < n; i++) {
		emr_write_bytes(&w, recipients[i].rid.b, 32);
		EMR_TRY(emr_part_letter_seal(item, INFO, emr_bytes_of(recipients[i].rid.b, 32),
			recipients[i].x25519, emr_secret_view(&k), &w));
	}
	return write_body(item, &k, nonce, body, &w);
}

emr_status emr_access_part_seal(emr_bytes access_item, const uint8_t epk[32],
	const emr_recipient *recipients, size_t n, const emr_access_body *body, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_part_item item;
	emr_status status = emr_part_item_read(access_item, EMR_PART_ACCESS_REQ, &item);

	if (status != EMR_OK || n < 1 || n > EMR_ACCESS_RECIPIENTS_MAX ||
		!recipients_differ(recipients, n) || public_count(&item) != body->count)
		return EMR_INVALID;
	EMR_TRY(write_part(&item, epk, recipients, n, body, &part));
	return emr_buf_append(out_part, part.data, part.len);
}

static bool rids_differ(emr_bytes recipients, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (memcmp(recipients.data + i * RECIPIENT_BYTES,
				    recipients.data + j * RECIPIENT_BYTES, 32) == 0)
				return false;
		}
	}
	return true;
}

emr_status emr_access_part_read(emr_bytes access_item, emr_bytes part, emr_access_part *out)
{
	emr_access_part made = {0};
	emr_part_item item;
	emr_reader r;

	EMR_TRY(emr_part_open(access_item, EMR_PART_ACCESS_REQ, part, &item, &r));
	emr_read_copy(&r, made.epk, 32);
	made.n = emr_read_u8(&r);
	emr_read_zeros(&r, 7);
	emr_read_copy(&r, made.kcom, 32);
	made.nonce = emr_read_bytes(&r, EMR_AEAD_NONCE_BYTES).data;
	if (made.n < 1 || made.n > EMR_ACCESS_RECIPIENTS_MAX)
		return EMR_DAMAGED;
	made.recipients = emr_read_bytes(&r, made.n * RECIPIENT_BYTES);
	made.body = emr_read_bytes(&r, r.left);
	if (!emr_reader_done(&r) ||
		made.body.len < BODY_HEAD_BYTES + SLOT_BYTES + EMR_AEAD_TAG_BYTES ||
		made.body.len > BODY_MAX + EMR_AEAD_TAG_BYTES ||
		!rids_differ(made.recipients, made.n))
		return EMR_DAMAGED;
	*out = made;
	return EMR_OK;
}

/* NULL: RID is none of them. */
static const uint8_t *recipient_of(const emr_access_part *part, emr_id32 rid)
{
	for (size_t i = 0; i < part->n; i++) {
		const uint8_t *at = part->recipients.data + i * RECIPIENT_BYTES;

		if (memcmp(at, rid.b, sizeof rid.b) == 0)
			return at;
	}
	return NULL;
}

bool emr_access_part_is_to(const emr_access_part *part, emr_id32 rid)
{
	return recipient_of(part, rid) != NULL;
}

emr_status emr_request_key_open(const emr_box_key *box, emr_id32 rid, emr_bytes access_item,
	const emr_access_part *part, emr_request_key **out)
{
	EMR_AUTO_SECRET k = {0};
	emr_part_item item;
	const uint8_t *mine = recipient_of(part, rid);

	EMR_TRY(emr_part_item_read(access_item, EMR_PART_ACCESS_REQ, &item));
	if (mine == NULL)
		return EMR_NOT_FOUND;
	EMR_TRY(emr_secret_new(32, &k));
	EMR_TRY(emr_part_letter_open(&item, INFO, emr_bytes_of(rid.b, 32), box,
		emr_bytes_of(mine + 32, SEALED_KEY_BYTES), k.data));
	return emr_request_key_from(&k, part->kcom, out);
}

emr_status emr_access_body_open(const emr_request_key *key, emr_bytes access_item,
	const emr_access_part *part, emr_access_body *out)
{
	EMR_AUTO_BUF plain = {0};
	uint8_t aad[EMR_PART_HEAD_BYTES + EMR_PART_PUB_MAX];
	emr_access_body body = {0};
	emr_part_item item;

	EMR_TRY(emr_part_item_read(access_item, EMR_PART_ACCESS_REQ, &item));
	memcpy(aad, item.head, EMR_PART_HEAD_BYTES);
	memcpy(aad + EMR_PART_HEAD_BYTES, item.pub.data, item.pub.len);
	EMR_TRY(emr_buf_append_zeros(&plain, part->body.len - EMR_AEAD_TAG_BYTES));
	EMR_TRY(emr_aead_open(&key->k, part->nonce,
		emr_bytes_of(aad, EMR_PART_HEAD_BYTES + item.pub.len), part->body, plain.data));
	EMR_TRY(emr_access_body_decode(emr_buf_view(&plain), &body));
	if (body.count != public_count(&item)) {
		emr_access_body_free(&body);
		return EMR_DAMAGED;
	}
	*out = body;
	return EMR_OK;
}
