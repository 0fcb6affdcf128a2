/* This file makes and opens the letter to a person who may write in a folder (WRITER_ADD); for an
 * owner's other computer it also carries the keys of the folder's epochs. It refuses a letter
 * beside another item than its own. */
#include "keyring/letters.h"

#include <stdlib.h>
#include <string.h>

#include "held_private.h"
#include "letters_private.h"

#define INFO "emrfs/v1/writer"
#define KEY_BYTES (4 + 32)
#define LETTER_MAX (32 * EMR_LETTER_UNIT)

/* ---- In the clear ---- */

size_t emr_writer_letter_bytes(const emr_writer_letter *letter, size_t n)
{
	size_t len = 2 + letter->card_len + 16 + 32 + 1 + n * KEY_BYTES + 1 +
		     strnlen(letter->label, sizeof letter->label);

	return (len + EMR_LETTER_UNIT - 1) / EMR_LETTER_UNIT * EMR_LETTER_UNIT;
}

/* Ascending epochs of one domain. */
static bool keys_ok(const emr_epoch_key *const *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (keys[i]->epoch <= keys[i - 1]->epoch ||
			!emr_id16_equal(keys[i]->domain_id, keys[0]->domain_id))
			return false;
	}
	return n <= EMR_WRITER_KEYS_MAX;
}

emr_status emr_writer_letter_encode(
	const emr_writer_letter *letter, const emr_epoch_key *const *keys, size_t n, uint8_t *out)
{
	size_t label_len = strnlen(letter->label, sizeof letter->label);

	if (letter->card_len > EMR_CARD_MAX || label_len > EMR_SHARE_LABEL_MAX ||
		!emr_text_ok(letter->label, label_len) || !keys_ok(keys, n))
		return EMR_INVALID;
	emr_put_u16(out, (uint16_t)letter->card_len);
	memcpy(out + 2, letter->card, letter->card_len);
	out += 2 + letter->card_len;
	memcpy(out, letter->inbox_dir_id.b, 16);
	out += 16 + 32; /* K_pq: none in format 1 */
	*out++ = (uint8_t)n;
	for (size_t i = 0; i < n; i++, out += KEY_BYTES) {
		emr_put_u32(out, keys[i]->epoch);
		memcpy(out + 4, keys[i]->a.data, 32);
	}
	*out++ = (uint8_t)label_len;
	memcpy(out, letter->label, label_len);
	return EMR_OK;
}

static void free_keys(emr_epoch_key **keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	free(keys);
}

/* One key of the letter. */
static emr_status read_key(emr_reader *r, emr_id16 domain_id, uint32_t *last, emr_epoch_key **out)
{
	EMR_AUTO_SECRET a = {0};
	uint32_t epoch = emr_read_u32(r);

	EMR_TRY(emr_secret_new(32, &a));
	emr_read_copy(r, a.data, 32);
	if (r->bad || epoch <= *last)
		return EMR_DAMAGED;
	*last = epoch;
	return emr_epoch_key_from(&a, domain_id, epoch, out);
}

static emr_status read_keys(emr_reader *r, emr_id16 domain_id, size_t n, emr_epoch_key ***out)
{
	emr_epoch_key **keys;
	uint32_t last = 0;

	if (n == 0) {
		*out = NULL;
		return EMR_OK;
	}
	keys = calloc(n, sizeof *keys);
	if (keys == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		emr_status status = read_key(r, domain_id, &last, &keys[i]);

		if (status != EMR_OK) {
			free_keys(keys, i);
			return status;
		}
	}
	*out = keys;
	return EMR_OK;
}

emr_status emr_writer_letter_decode(emr_bytes plain, emr_id16 domain_id,
	emr_writer_letter *out_letter, emr_epoch_key ***out_keys, size_t *out_n)
{
	static const uint8_t no_pq[32];
	emr_reader r = emr_reader_of(plain);
	emr_writer_letter letter = {0};
	emr_epoch_key **keys = NULL;
	uint8_t k_pq[32];
	size_t label_len;
	size_t n;
	emr_status status = EMR_OK;

	letter.card_len = emr_read_u16(&r);
	if (letter.card_len > EMR_CARD_MAX)
		return EMR_DAMAGED;
	emr_read_copy(&r, letter.card, letter.card_len);
	emr_read_copy(&r, letter.inbox_dir_id.b, 16);
	emr_read_copy(&r, k_pq, 32);
	n = emr_read_u8(&r);
	if (r.bad)
		return EMR_DAMAGED;
	EMR_TRY(read_keys(&r, domain_id, n, &keys));
	label_len = emr_read_u8(&r);
	emr_read_copy(&r, letter.label, label_len);
	emr_part_read_padding(&r, plain.len);
	if (!emr_reader_done(&r) || !emr_text_ok(letter.label, label_len))
		status = EMR_DAMAGED;
	else if (memcmp(k_pq, no_pq, sizeof k_pq) != 0)
		status = EMR_UNSUPPORTED;
	if (status != EMR_OK) {
		free_keys(keys, n);
		return status;
	}
	*out_letter = letter;
	*out_keys = keys;
	*out_n = n;
	return EMR_OK;
}

/* ---- The part ---- */

emr_status emr_writer_part_seal(emr_bytes writer_item, const uint8_t writer_x25519[32],
	const emr_writer_letter *letter, const emr_epoch_key *const *keys, size_t n,
	emr_buf *out_part)
{
	EMR_AUTO_VAULT plain = {0};
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;
	emr_status status = emr_part_item_read(writer_item, EMR_PART_WRITER_ADD, &item);

	if (status != EMR_OK || n > EMR_WRITER_KEYS_MAX || letter->card_len > EMR_CARD_MAX ||
		(n > 0 && !emr_id16_equal(keys[0]->domain_id, item.domain_id)))
		return EMR_INVALID;
	EMR_TRY(emr_vault_new(emr_writer_letter_bytes(letter, n), &plain));
	memset(plain.data, 0, plain.len);
	EMR_TRY(emr_writer_letter_encode(letter, keys, n, plain.data));
	emr_part_write_salt(&w);
	EMR_TRY(emr_part_letter_seal(&item, INFO, (emr_bytes){0}, writer_x25519,
		emr_bytes_of(plain.data, plain.len), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

emr_status emr_writer_part_open(const emr_box_key *box, emr_bytes writer_item, emr_bytes part,
	emr_writer_letter *out_letter, emr_epoch_key ***out_keys, size_t *out_n)
{
	EMR_AUTO_VAULT plain = {0};
	emr_part_item item;
	emr_reader r;
	emr_bytes letter;

	EMR_TRY(emr_part_open(writer_item, EMR_PART_WRITER_ADD, part, &item, &r));
	letter = emr_read_bytes(&r, r.left);
	if (letter.len < EMR_LETTER_UNIT + EMR_LETTER_OVERHEAD ||
		letter.len > LETTER_MAX + EMR_LETTER_OVERHEAD)
		return EMR_DAMAGED;
	EMR_TRY(emr_vault_new(letter.len - EMR_LETTER_OVERHEAD, &plain));
	EMR_TRY(emr_part_letter_open(&item, INFO, (emr_bytes){0}, box, letter, plain.data));
	return emr_writer_letter_decode(
		emr_bytes_of(plain.data, plain.len), item.domain_id, out_letter, out_keys, out_n);
}
