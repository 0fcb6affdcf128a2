/* This file makes and opens the letter by which a participant's computer tells the steward of a
 * dataset, in numbers, what the folder holds (DATASET_JOIN). It refuses counts that are out of
 * bounds. */
#include "keyring/counts.h"

#include <string.h>

#include "crypto/kdf.h"
#include "part_private.h"

#define COUNTS_INFO "emrfs/v1/counts"
#define MARK_BYTES 32
#define PART_BYTES (EMR_PART_SALT_BYTES + MARK_BYTES + EMR_LETTER_OVERHEAD + EMR_COUNTS_PLAIN_BYTES)

/* The part's own salt makes it another mark each time: who says the same again does not show it. */
static void mark_of(const uint8_t *salt, const uint8_t key[EMR_COUNTS_MARK_KEY_BYTES],
	const uint8_t plain[EMR_COUNTS_PLAIN_BYTES], uint8_t out[MARK_BYTES])
{
	uint8_t message[EMR_PART_SALT_BYTES + EMR_COUNTS_PLAIN_BYTES];

	memcpy(message, salt, EMR_PART_SALT_BYTES);
	memcpy(message + EMR_PART_SALT_BYTES, plain, EMR_COUNTS_PLAIN_BYTES);
	emr_hmac_sha256(emr_bytes_of(key, EMR_COUNTS_MARK_KEY_BYTES),
		emr_bytes_of(message, sizeof message), out);
	emr_wipe(message, sizeof message);
}

emr_status emr_counts_part_seal(emr_bytes join_item, const uint8_t steward_x25519[32],
	const uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES],
	const uint8_t plain[EMR_COUNTS_PLAIN_BYTES], emr_buf *out_part)
{
	EMR_AUTO_BUF part = {0};
	emr_writer w = emr_writer_of(&part);
	uint8_t mark[MARK_BYTES];
	emr_part_item item;
	emr_status status = emr_part_item_read(join_item, EMR_PART_DATASET_JOIN, &item);

	if (status != EMR_OK)
		return EMR_INVALID;
	emr_part_write_salt(&w);
	if (w.status != EMR_OK)
		return w.status;
	mark_of(part.data, mark_key, plain, mark);
	emr_write_bytes(&w, mark, sizeof mark);
	EMR_TRY(emr_part_letter_seal(&item, COUNTS_INFO, (emr_bytes){0}, steward_x25519,
		emr_bytes_of(plain, EMR_COUNTS_PLAIN_BYTES), &w));
	return emr_buf_append(out_part, part.data, part.len);
}

emr_status emr_counts_part_open(const emr_box_key *box, emr_bytes join_item, emr_bytes part,
	uint8_t out_plain[EMR_COUNTS_PLAIN_BYTES])
{
	emr_part_item item;
	emr_reader r;

	EMR_TRY(emr_part_open(join_item, EMR_PART_DATASET_JOIN, part, &item, &r));
	if (part.len != PART_BYTES)
		return EMR_DAMAGED;
	(void)emr_read_bytes(&r, MARK_BYTES);
	return emr_part_letter_open(
		&item, COUNTS_INFO, (emr_bytes){0}, box, emr_read_bytes(&r, r.left), out_plain);
}

bool emr_counts_part_says(emr_bytes part, const uint8_t mark_key[EMR_COUNTS_MARK_KEY_BYTES],
	const uint8_t plain[EMR_COUNTS_PLAIN_BYTES])
{
	uint8_t mark[MARK_BYTES];

	if (part.len != PART_BYTES)
		return false;
	mark_of(part.data, mark_key, plain, mark);
	return memcmp(part.data + EMR_PART_SALT_BYTES, mark, sizeof mark) == 0;
}
