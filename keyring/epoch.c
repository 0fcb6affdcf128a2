/* This file makes the private part of a new epoch (EPOCH), and makes and opens the letter with a
 * team's key for its member (DATASET_ADMIT). It refuses a letter beside another item than its own.
 */
#include "keyring/letters.h"

#include <string.h>

#include "held_private.h"
#include "keyring_private.h"
#include "letters_private.h"

#define ADMIT_INFO "emrfs/v1/dataset-key"
#define SEALED_KEY_BYTES (32 + EMR_LETTER_OVERHEAD)

/* ---- EPOCH ---- */

emr_status emr_epoch_part_seal(emr_bytes epoch_item, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;

	if (emr_part_item_read(epoch_item, EMR_PART_EPOCH, &item) != EMR_OK)
		return EMR_INVALID;
	emr_part_write_salt(&w);
	emr_write_u8(&w, 0);
	return w.status == EMR_OK ? emr_buf_append(out_part, part.data, part.len) : w.status;
}

/* ---- DATASET_ADMIT ---- */

emr_status emr_admit_part_seal(emr_bytes admit_item, const uint8_t member_x25519[32],
	const emr_grantee_key *key, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;
	emr_status status = emr_part_item_read(admit_item, EMR_PART_DATASET_ADMIT, &item);

	if (status != EMR_OK)
		return EMR_INVALID;
	emr_part_write_salt(&w);
	EMR_TRY(emr_part_letter_seal(
		&item, ADMIT_INFO, (emr_bytes){0}, member_x25519, emr_secret_view(&key->b), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

emr_status emr_admit_part_open(const emr_box_key *box, emr_bytes admit_item, emr_bytes part,
	const uint8_t B[32], emr_grantee_key **out)
{
	EMR_AUTO_SECRET b = {0};
	emr_part_item item;
	emr_reader r;
	emr_bytes letter;
	emr_grantee_key *key = NULL;
	uint8_t public[32];

	EMR_TRY(emr_part_open(admit_item, EMR_PART_DATASET_ADMIT, part, &item, &r));
	letter = emr_read_bytes(&r, SEALED_KEY_BYTES);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	EMR_TRY(emr_secret_new(32, &b));
	EMR_TRY(emr_part_letter_open(&item, ADMIT_INFO, (emr_bytes){0}, box, letter, b.data));
	EMR_TRY(emr_grantee_key_from(&b, &key));
	emr_grantee_key_public(key, public);
	if (memcmp(public, B, 32) != 0) {
		emr_grantee_key_free(key);
		return EMR_DAMAGED;
	}
	*out = key;
	return EMR_OK;
}
