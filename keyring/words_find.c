/* This file finds the one wrong word of 24: it tries every single substitution against a known
 * identity. 255 of 256 fall at the checksum, so about 192 keys are derived for 49,128 tries. */
#include "keyring/words.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "keyring_private.h"

/* True when the 24 indexes have a fitting checksum and give KNOWN_PK at generation 1. */
static emr_status gives_identity(const uint16_t indexes[EMR_WORDS], const uint8_t known_pk[32],
	emr_secret *scratch, bool *out_match)
{
	EMR_AUTO_SECRET sk = {0};
	uint8_t hash[32];
	uint8_t check = 0;

	*out_match = false;
	emr_words_unpack(indexes, scratch->data, &check);
	emr_sha256(scratch->data, EMR_SEED_BYTES, hash);
	if (hash[0] != check)
		return EMR_OK;
	EMR_TRY(emr_derive_identity(scratch, 1, &sk));
	*out_match = memcmp(sk.data + 32, known_pk, 32) == 0;
	return EMR_OK;
}

/* Tries the other 2,047 words at POSITION and leaves the fitting one there. */
static emr_status try_position(uint16_t indexes[EMR_WORDS], size_t position,
	const uint8_t known_pk[32], emr_secret *scratch, bool *out_match)
{
	uint16_t typed = indexes[position];

	for (uint16_t word = 0; word < EMR_WORD_LIST; word++) {
		emr_status status;

		if (word == typed)
			continue;
		indexes[position] = word;
		status = gives_identity(indexes, known_pk, scratch, out_match);
		if (status != EMR_OK || *out_match)
			return status;
	}
	indexes[position] = typed;
	return EMR_OK;
}

static emr_status search(uint16_t indexes[EMR_WORDS], const uint8_t known_pk[32],
	size_t *out_position, char out_word[EMR_WORD_CHARS])
{
	EMR_AUTO_SECRET scratch = {0};
	emr_status status = emr_secret_new(EMR_SEED_BYTES, &scratch);
	bool match = false;

	for (size_t position = 0; status == EMR_OK && position < EMR_WORDS; position++) {
		status = try_position(indexes, position, known_pk, &scratch, &match);
		if (match) {
			*out_position = position;
			memcpy(out_word, emr_word_list[indexes[position]], EMR_WORD_CHARS);
			return EMR_OK;
		}
	}
	return status == EMR_OK ? EMR_NOT_FOUND : status;
}

emr_status emr_words_find_wrong(emr_bytes text, const uint8_t known_pk[32], size_t *out_position,
	char out_word[EMR_WORD_CHARS])
{
	emr_words_problem problem;
	uint16_t indexes[EMR_WORDS];
	emr_status status = emr_words_read(text, indexes, &problem);

	if (status == EMR_OK)
		status = search(indexes, known_pk, out_position, out_word);
	emr_wipe(indexes, sizeof indexes);
	return status;
}
