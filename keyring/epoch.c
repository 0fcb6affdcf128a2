/* This file makes and opens two letters that carry one key each: the key of a new epoch for an
 * owner's other computer (EPOCH), and a team's key for its member (DATASET_ADMIT). It refuses a
 * letter beside another item than its own. */
#include "keyring/letters.h"

#include <string.h>

#include "held_private.h"
#include "keyring_private.h"
#include "letters_private.h"

#define EPOCH_INFO "emrfs/v1/epoch-key"
#define ADMIT_INFO "emrfs/v1/dataset-key"
#define SEALED_KEY_BYTES (32 + EMR_LETTER_OVERHEAD)

/* ---- EPOCH ---- */

emr_status emr_epoch_part_seal(emr_bytes epoch_item, const uint8_t owner_box[32],
	const emr_epoch_key *key, emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	emr_part_item item;
	emr_status status = emr_part_item_read(epoch_item, EMR_PART_EPOCH, &item);

	if (status != EMR_OK)
		return EMR_INVALID;
	if (key != NULL &&
		(key->epoch != item.epoch || !emr_id16_equal(key->domain_id, item.domain_id) ||
			memcmp(key->A, item.pub.data, 32) != 0))
		return EMR_INVALID;
	emr_part_write_salt(&w);
	emr_write_u8(&w, key != NULL);
	if (key != NULL)
		w.status = emr_part_letter_seal(
			&item, EPOCH_INFO, (emr_bytes){0}, owner_box, emr_secret_view(&key->a), &w);
	return w.status == EMR_OK ? emr_buf_append(out_part, part.data, part.len) : w.status;
}

static emr_status epoch_letter_open(
	const emr_keyring *kr, const emr_part_item *item, emr_bytes letter, emr_epoch_key **out)
{
	EMR_AUTO_SECRET a = {0};
	emr_box_key *box = NULL;
	emr_status status;

	EMR_TRY(emr_box_key_domain(kr, item->domain_id, &box));
	status = emr_secret_new(32, &a);
	if (status == EMR_OK)
		status =
			emr_part_letter_open(item, EPOCH_INFO, (emr_bytes){0}, box, letter, a.data);
	emr_box_key_free(box);
	return status == EMR_OK ? emr_epoch_key_from(&a, item->domain_id, item->epoch, out)
				: status;
}

emr_status emr_epoch_part_open(
	const emr_keyring *kr, emr_bytes epoch_item, emr_bytes part, emr_epoch_key **out)
{
	emr_part_item item;
	emr_reader r;
	emr_bytes letter;
	unsigned flag;
	emr_epoch_key *key = NULL;

	EMR_TRY(emr_part_open(epoch_item, EMR_PART_EPOCH, part, &item, &r));
	flag = emr_read_u8(&r);
	letter = emr_read_bytes(&r, flag == 1 ? SEALED_KEY_BYTES : 0);
	if (!emr_reader_done(&r) || flag > 1 || item.epoch == 0)
		return EMR_DAMAGED;
	EMR_TRY(flag == 1 ? epoch_letter_open(kr, &item, letter, &key)
			  : emr_keyring_epoch_key(kr, item.domain_id, item.epoch, &key));
	if (memcmp(key->A, item.pub.data, 32) != 0) {
		emr_epoch_key_free(key);
		return EMR_DAMAGED;
	}
	*out = key;
	return EMR_OK;
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
