/* This file makes the answers to a reader's question (ACCESS_SERVED): keys from the owner's
 * computer, or an agent's part of one, sealed to the reader. */
#include "keyring/access.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/r255.h"
#include "held_private.h"
#include "letters_private.h"

#define OWNER_INFO "emrfs/v1/owner"
#define SERVED_INFO "emrfs/v1/served"
#define OWNER_WRAP_BYTES (32 + EMR_LETTER_OVERHEAD)
#define GROUP_HEAD_BYTES (4 + 32 + 32 + 64 + 2)
#define CFRAG_ENTRY_BYTES (2 + 1 + 1 + EMR_PRE_CFRAG_BYTES)
#define KEY_ENTRY_BYTES (2 + 1 + 1 + 32)

static size_t padded(size_t len)
{
	return (len + EMR_LETTER_UNIT - 1) / EMR_LETTER_UNIT * EMR_LETTER_UNIT;
}

/* ---- In the clear ---- */

static size_t answer_cfrags_bytes(const emr_answer_group *groups, size_t n)
{
	size_t len = 2;

	for (size_t i = 0; i < n; i++)
		len += GROUP_HEAD_BYTES + (size_t)groups[i].count * CFRAG_ENTRY_BYTES;
	return padded(len);
}

static size_t answer_keys_bytes(size_t n)
{
	return padded(2 + n * KEY_ENTRY_BYTES);
}

static uint8_t *put_group(const emr_answer_group *group, uint8_t *at)
{
	emr_put_u32(at, group->epoch);
	if (group->fragment != NULL) {
		memcpy(at + 4, group->fragment->bond.X, 32);
		memcpy(at + 36, group->fragment->frag.U, 32);
		memcpy(at + 68, group->fragment->frag.sig, 64);
	}
	emr_put_u16(at + 132, group->count);
	at += GROUP_HEAD_BYTES;
	for (size_t i = 0; i < group->count; i++, at += CFRAG_ENTRY_BYTES) {
		emr_put_u16(at, group->answers[i].slot);
		at[2] = group->answers[i].status;
		if (at[2] == EMR_ANSWER_GIVEN)
			memcpy(at + 4, group->answers[i].cfrag, EMR_PRE_CFRAG_BYTES);
	}
	return at;
}

/* OUT has answer_cfrags_bytes and is zeros. */
static void answer_cfrags_encode(const emr_answer_group *groups, size_t n, uint8_t *out)
{
	emr_put_u16(out, (uint16_t)n);
	out += 2;
	for (size_t i = 0; i < n; i++)
		out = put_group(&groups[i], out);
}

static void answer_keys_encode(const emr_answer_key *answers, size_t n, uint8_t *out)
{
	emr_put_u16(out, (uint16_t)n);
	out += 2;
	for (size_t i = 0; i < n; i++, out += KEY_ENTRY_BYTES) {
		emr_put_u16(out, answers[i].slot);
		out[2] = answers[i].status;
		if (out[2] == EMR_ANSWER_GIVEN)
			memcpy(out + 4, answers[i].key->k.data, 32);
	}
}

/* ---- Rules ---- */

typedef struct slot_set {
	uint8_t bits[EMR_ACCESS_SLOTS_MAX / 8];
} slot_set;

static bool take_slot(slot_set *set, unsigned slot)
{
	uint8_t bit = (uint8_t)(1u << slot % 8);

	if (slot >= EMR_ACCESS_SLOTS_MAX || (set->bits[slot / 8] & bit) != 0)
		return false;
	set->bits[slot / 8] |= bit;
	return true;
}

/* Ascending epochs, each slot once, nothing given without a fragment; *out_given of them given. */
static bool groups_ok(const emr_answer_group *groups, size_t n, size_t *out_given)
{
	slot_set seen = {{0}};
	size_t given = 0;

	for (size_t i = 0; i < n; i++) {
		const emr_answer_group *group = &groups[i];

		if (group->count == 0 || group->epoch <= (i == 0 ? 0 : groups[i - 1].epoch) ||
			(group->fragment != NULL && group->fragment->epoch != group->epoch))
			return false;
		for (size_t j = 0; j < group->count; j++) {
			bool is_given = group->answers[j].status == EMR_ANSWER_GIVEN;

			if (!take_slot(&seen, group->answers[j].slot) ||
				(is_given && group->fragment == NULL))
				return false;
			given += is_given;
		}
	}
	*out_given = given;
	return n >= 1;
}

static bool keys_ok(const emr_answer_key *answers, size_t n, size_t *out_given)
{
	slot_set seen = {{0}};
	size_t given = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_given = answers[i].status == EMR_ANSWER_GIVEN;

		if (!take_slot(&seen, answers[i].slot) || is_given != (answers[i].key != NULL))
			return false;
		given += is_given;
	}
	*out_given = given;
	return n >= 1;
}

/* ---- The part ---- */

/* pub: req[32] | req_obj[16] | mode | reason | count u16 | 0[4]. */
static bool public_fits(const emr_part_item *item, emr_answer_kind mode, size_t given)
{
	return item->pub.data[48] == (uint8_t)mode && emr_get_u16(item->pub.data + 50) == given;
}

/* The request's key for the owner: AAD = req || signer of this answer. */
static emr_status write_owner_wrap(const emr_part_item *item, const emr_asked *asked, emr_writer *w)
{
	uint8_t aad[64];
	uint8_t wrap[OWNER_WRAP_BYTES];

	memcpy(aad, item->pub.data, 32);
	memcpy(aad + 32, item->signer_id.b, 32);
	EMR_TRY(emr_hpke_seal(asked->owner_box, emr_bytes_of(OWNER_INFO, sizeof OWNER_INFO - 1),
		emr_bytes_of(aad, sizeof aad), emr_secret_view(&asked->key->k), wrap));
	emr_write_bytes(w, wrap, sizeof wrap);
	return EMR_OK;
}

static emr_status write_part(const emr_part_item *item, const emr_asked *asked,
	emr_answer_kind mode, const emr_vault *plain, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);

	if (mode != EMR_ANSWER_KEYS && asked->key == NULL)
		return EMR_INVALID;
	emr_part_write_salt(&w);
	if (mode == EMR_ANSWER_KEYS)
		emr_write_zeros(&w, OWNER_WRAP_BYTES);
	else
		EMR_TRY(write_owner_wrap(item, asked, &w));
	EMR_TRY(emr_part_letter_seal(item, SERVED_INFO, (emr_bytes){0}, asked->epk,
		emr_bytes_of(plain->data, plain->len), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

static emr_status zeroed_vault(size_t len, emr_vault *out)
{
	EMR_TRY(emr_vault_new(len, out));
	memset(out->data, 0, len);
	return EMR_OK;
}

emr_status emr_served_part_seal_cfrags(emr_bytes served_item, const emr_asked *asked,
	const emr_answer_group *groups, size_t n, emr_buf *out_part)
{
	EMR_AUTO_VAULT plain = {0};
	emr_part_item item;
	size_t given;
	emr_status status = emr_part_item_read(served_item, EMR_PART_ACCESS_SERVED, &item);

	if (status != EMR_OK || n > EMR_ACCESS_SLOTS_MAX || !groups_ok(groups, n, &given) ||
		!public_fits(&item, EMR_ANSWER_CFRAGS, given))
		return EMR_INVALID;
	EMR_TRY(zeroed_vault(answer_cfrags_bytes(groups, n), &plain));
	answer_cfrags_encode(groups, n, plain.data);
	return write_part(&item, asked, EMR_ANSWER_CFRAGS, &plain, out_part);
}

emr_status emr_served_part_seal_keys(emr_bytes served_item, const emr_asked *asked,
	const emr_answer_key *answers, size_t n, emr_buf *out_part)
{
	EMR_AUTO_VAULT plain = {0};
	emr_part_item item;
	size_t given;
	emr_status status = emr_part_item_read(served_item, EMR_PART_ACCESS_SERVED, &item);

	if (status != EMR_OK || n > EMR_ACCESS_SLOTS_MAX || !keys_ok(answers, n, &given) ||
		!public_fits(&item, EMR_ANSWER_KEYS, given))
		return EMR_INVALID;
	EMR_TRY(zeroed_vault(answer_keys_bytes(n), &plain));
	answer_keys_encode(answers, n, plain.data);
	return write_part(&item, asked, EMR_ANSWER_KEYS, &plain, out_part);
}

emr_status emr_served_part_seal_refusal(
	emr_bytes served_item, const emr_asked *asked, emr_buf *out_part)
{
	EMR_AUTO_VAULT plain = {0};
	emr_part_item item;
	emr_status status = emr_part_item_read(served_item, EMR_PART_ACCESS_SERVED, &item);

	if (status != EMR_OK || !public_fits(&item, EMR_ANSWER_REFUSED, 0))
		return EMR_INVALID;
	EMR_TRY(zeroed_vault(EMR_LETTER_UNIT, &plain));
	return write_part(&item, asked, EMR_ANSWER_REFUSED, &plain, out_part);
}

/* ---- The owner, later ---- */

emr_status emr_request_key_of_served(const emr_box_key *domain_box, emr_bytes served_item,
	emr_bytes part, const emr_access_part *access, emr_request_key **out)
{
	EMR_AUTO_SECRET k = {0};
	uint8_t aad[64];
	emr_part_item item;
	emr_reader r;
	emr_bytes wrap;

	EMR_TRY(emr_part_open(served_item, EMR_PART_ACCESS_SERVED, part, &item, &r));
	if (item.pub.data[48] == EMR_ANSWER_KEYS)
		return EMR_NOT_FOUND;
	wrap = emr_read_bytes(&r, OWNER_WRAP_BYTES);
	if (r.bad)
		return EMR_DAMAGED;
	memcpy(aad, item.pub.data, 32);
	memcpy(aad + 32, item.signer_id.b, 32);
	EMR_TRY(emr_secret_new(32, &k));
	EMR_TRY(emr_box_key_hpke_open(domain_box, emr_bytes_of(OWNER_INFO, sizeof OWNER_INFO - 1),
		emr_bytes_of(aad, sizeof aad), wrap, k.data));
	return emr_request_key_from(&k, access->kcom, out);
}
