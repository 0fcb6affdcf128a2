/* Much of what is shared travels in the private part of a ledger operation. This file checks
 * that such a part belongs to its operation, and seals and opens the letters in it, so that
 * nobody can move a letter to another operation. */
#include "part_private.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "crypto/hpke.h"
#include "held_private.h"

static size_t pub_len(emr_part_op op)
{
	switch (op) {
	case EMR_PART_EPOCH:
	case EMR_PART_REQUEST:
	case EMR_PART_DENY:
	case EMR_PART_READ_REPORT:
		return 32;
	case EMR_PART_TRUSTEE_SET:
		return 8;
	case EMR_PART_WRITER_ADD:
		return 48;
	case EMR_PART_EMERGENCY:
		return 49;
	case EMR_PART_ACCESS_REQ:
		return 40;
	case EMR_PART_ACCESS_SERVED:
		return 56;
	case EMR_PART_GRANT:
	case EMR_PART_DATASET_ADMIT:
		return 64;
	case EMR_PART_KFRAGS:
		return 0;
	}
	return SIZE_MAX;
}

emr_status emr_part_item_read(emr_bytes item, emr_part_op op, emr_part_item *out)
{
	emr_part_item made = {.head = item.data};

	if (item.len < EMR_PART_ITEM_BYTES || item.len - EMR_PART_ITEM_BYTES != pub_len(op) ||
		memcmp(item.data, "EMTX\1", 5) != 0 || item.data[5] != (uint8_t)op)
		return EMR_DAMAGED;
	made.pub = emr_bytes_of(item.data + EMR_PART_ITEM_BYTES, item.len - EMR_PART_ITEM_BYTES);
	memcpy(made.domain_id.b, item.data + 8, 16);
	memcpy(made.object_id.b, item.data + 24, 16);
	memcpy(made.signer_id.b, item.data + 80, 32);
	made.time_unix_s = emr_get_u64(item.data + 112);
	made.epoch = emr_get_u32(item.data + 120);
	*out = made;
	return EMR_OK;
}

emr_status emr_part_open(
	emr_bytes item, emr_part_op op, emr_bytes part, emr_part_item *out, emr_reader *out_reader)
{
	static const char label[] = "emrfs/v1/priv"; /* hashed without its NUL */
	emr_sha256_ctx hash;
	uint8_t digest[32];
	emr_part_item made;

	EMR_TRY(emr_part_item_read(item, op, &made));
	if (part.len < EMR_PART_SALT_BYTES || part.len != emr_get_u32(item.data + 124))
		return EMR_DAMAGED;
	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label - 1);
	emr_sha256_update(&hash, part.data, part.len);
	emr_sha256_final(&hash, digest);
	if (memcmp(digest, item.data + 128, sizeof digest) != 0)
		return EMR_DAMAGED;
	*out = made;
	*out_reader = emr_reader_of(
		emr_bytes_of(part.data + EMR_PART_SALT_BYTES, part.len - EMR_PART_SALT_BYTES));
	return EMR_OK;
}

void emr_part_write_salt(emr_writer *w)
{
	uint8_t salt[EMR_PART_SALT_BYTES];

	randombytes_buf(salt, sizeof salt);
	emr_write_bytes(w, salt, sizeof salt);
}

void emr_part_write_padding(emr_writer *w, size_t start)
{
	size_t len = w->buf->len - start;
	size_t over = len % EMR_LETTER_UNIT;

	if (len == 0 || over != 0)
		emr_write_zeros(w, EMR_LETTER_UNIT - over);
}

void emr_part_read_padding(emr_reader *r, size_t total)
{
	if (total % EMR_LETTER_UNIT != 0 || r->left >= EMR_LETTER_UNIT)
		r->bad = true;
	emr_read_zeros(r, r->left);
}

/* head124 || pub || suffix. */
typedef struct letter_aad {
	uint8_t bytes[EMR_PART_HEAD_BYTES + EMR_PART_PUB_MAX + 32];
	size_t len;
} letter_aad;

static emr_bytes aad_of(const emr_part_item *item, emr_bytes suffix, letter_aad *aad)
{
	memcpy(aad->bytes, item->head, EMR_PART_HEAD_BYTES);
	aad->len = EMR_PART_HEAD_BYTES;
	if (item->pub.len > 0)
		memcpy(aad->bytes + aad->len, item->pub.data, item->pub.len);
	aad->len += item->pub.len;
	if (suffix.len > 0)
		memcpy(aad->bytes + aad->len, suffix.data, suffix.len);
	aad->len += suffix.len;
	return emr_bytes_of(aad->bytes, aad->len);
}

emr_status emr_part_letter_seal(const emr_part_item *item, const char *info, emr_bytes suffix,
	const uint8_t pk[32], emr_bytes plain, emr_writer *w)
{
	letter_aad aad;
	size_t start = w->buf->len;
	emr_status status;

	if (suffix.len > 32)
		return EMR_INVALID;
	emr_write_zeros(w, plain.len + EMR_LETTER_OVERHEAD);
	if (w->status != EMR_OK)
		return w->status;
	status = emr_hpke_seal(pk, emr_bytes_of(info, strlen(info)), aad_of(item, suffix, &aad),
		plain, w->buf->data + start);
	w->status = status;
	return status;
}

emr_status emr_part_letter_open(const emr_part_item *item, const char *info, emr_bytes suffix,
	const emr_box_key *key, emr_bytes letter, uint8_t *out)
{
	letter_aad aad;

	if (suffix.len > 32)
		return EMR_INVALID;
	return emr_box_key_hpke_open(
		key, emr_bytes_of(info, strlen(info)), aad_of(item, suffix, &aad), letter, out);
}

emr_status emr_vault_new(size_t len, emr_vault *out)
{
	uint8_t *data = sodium_malloc(len);

	if (data == NULL)
		return EMR_NO_MEMORY;
	*out = (emr_vault){.data = data, .len = len};
	return EMR_OK;
}

void emr_vault_free(emr_vault *vault)
{
	sodium_free(vault->data);
	*vault = (emr_vault){0};
}
