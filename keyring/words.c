/* This file turns the 24 words into a seed and back: 256 bits and the first byte of their
 * SHA-256, in groups of 11 bits (BIP-39). For a misspelt word it names its neighbours. */
#include "keyring/words.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hashsig.h"
#include "keyring_private.h"

#define TEXT_MAX 4096
#define TYPED_MAX 31

static void words_pack(const uint8_t seed[EMR_SEED_BYTES], uint16_t out_indexes[EMR_WORDS])
{
	uint8_t bits[EMR_SEED_BYTES + 1];
	uint8_t hash[32];

	emr_sha256(seed, EMR_SEED_BYTES, hash);
	memcpy(bits, seed, EMR_SEED_BYTES);
	bits[EMR_SEED_BYTES] = hash[0];
	for (unsigned word = 0; word < EMR_WORDS; word++) {
		unsigned value = 0;

		for (unsigned bit = word * 11; bit < word * 11 + 11; bit++)
			value = value << 1 | (bits[bit / 8] >> (7 - bit % 8) & 1);
		out_indexes[word] = (uint16_t)value;
	}
	emr_wipe(bits, sizeof bits);
	emr_wipe(hash, sizeof hash);
}

void emr_words_unpack(
	const uint16_t indexes[EMR_WORDS], uint8_t out_seed[EMR_SEED_BYTES], uint8_t *out_check)
{
	uint32_t window = 0;
	unsigned held = 0;
	unsigned at = 0;

	for (unsigned word = 0; word < EMR_WORDS; word++) {
		window = window << 11 | indexes[word];
		for (held += 11; held >= 8; held -= 8) {
			uint8_t byte = (uint8_t)(window >> (held - 8));

			if (at < EMR_SEED_BYTES)
				out_seed[at++] = byte;
			else
				*out_check = byte;
		}
	}
}

/* ---- Reading ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next run of non-blanks, NULL at the end; moves *AT behind it. */
static const uint8_t *next_token(emr_bytes text, size_t *at, size_t *out_len)
{
	size_t start = *at;
	size_t end;

	while (start < text.len && is_blank(text.data[start]))
		start++;
	end = start;
	while (end < text.len && !is_blank(text.data[end]))
		end++;
	*at = end;
	*out_len = end - start;
	return start == end ? NULL : text.data + start;
}

/* The token in lower case, cut to 31 bytes. */
static void fold(const uint8_t *token, size_t len, char out[TYPED_MAX + 1])
{
	size_t n = len < TYPED_MAX ? len : TYPED_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(token[i] >= 'A' && token[i] <= 'Z' ? token[i] + 32 : token[i]);
	out[n] = '\0';
}

/* Binary search; -1 when it is not in the list. */
static int word_index(const char *word)
{
	int low = 0;
	int high = EMR_WORD_LIST - 1;

	while (low <= high) {
		int middle = (low + high) / 2;
		int order = strcmp(word, emr_word_list[middle]);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/* ---- Neighbours of a word that is not in the list ---- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits between A (at most 31 bytes) and B (at most 8): insert, delete, replace, swap of two
 * neighbours. */
static unsigned distance(const char *a, const char *b)
{
	unsigned cost[TYPED_MAX + 1][EMR_WORD_CHARS];
	size_t alen = strlen(a);
	size_t blen = strlen(b);

	for (size_t i = 0; i <= alen; i++) {
		for (size_t j = 0; j <= blen; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			cost[i][j] = min3(cost[i - 1][j] + 1, cost[i][j - 1] + 1,
				cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				cost[i - 2][j - 2] + 1 < cost[i][j])
				cost[i][j] = cost[i - 2][j - 2] + 1;
		}
	}
	return cost[alen][blen];
}

/* Each edit changes the length by one at most. */
static bool may_be_near(const char *a, const char *b, size_t limit)
{
	size_t alen = strlen(a);
	size_t blen = strlen(b);

	return alen <= blen + limit && blen <= alen + limit;
}

/* Up to four words of the list within three edits and less than the word's length, nearest first,
 * then by alphabet. */
static void find_near(const char *word, char near[EMR_WORDS_NEAR][EMR_WORD_CHARS])
{
	size_t n = 0;

	for (unsigned limit = 1; limit <= 3 && limit < strlen(word); limit++) {
		for (size_t i = 0; i < EMR_WORD_LIST && n < EMR_WORDS_NEAR; i++) {
			if (may_be_near(word, emr_word_list[i], limit) &&
				distance(word, emr_word_list[i]) == limit)
				memcpy(near[n++], emr_word_list[i], EMR_WORD_CHARS);
		}
	}
}

static emr_status read_one(const uint8_t *token, size_t len, size_t position, uint16_t *out_index,
	emr_words_problem *problem)
{
	char typed[TYPED_MAX + 1];
	int index;

	fold(token, len, typed);
	index = len > TYPED_MAX ? -1 : word_index(typed);
	if (index < 0) {
		problem->fault = EMR_WORDS_UNKNOWN;
		problem->position = position;
		memcpy(problem->word, typed, sizeof typed);
		find_near(typed, problem->near);
	} else {
		*out_index = (uint16_t)index;
	}
	emr_wipe(typed, sizeof typed);
	return index < 0 ? EMR_WRONG_WORDS : EMR_OK;
}

emr_status emr_words_read(
	emr_bytes text, uint16_t out_indexes[EMR_WORDS], emr_words_problem *out_problem)
{
	const uint8_t *token;
	size_t at = 0;
	size_t len;

	*out_problem = (emr_words_problem){.fault = EMR_WORDS_FINE};
	if (text.len > TEXT_MAX)
		return EMR_LIMIT;
	while (next_token(text, &at, &len) != NULL)
		out_problem->count++;
	at = 0;
	/* An unknown word says more than a wrong count. */
	for (size_t i = 0; i < EMR_WORDS && (token = next_token(text, &at, &len)) != NULL; i++) {
		EMR_TRY(read_one(token, len, i, &out_indexes[i], out_problem));
	}
	if (out_problem->count == EMR_WORDS)
		return EMR_OK;
	out_problem->fault = EMR_WORDS_COUNT_WRONG;
	return EMR_WRONG_WORDS;
}

/* The seed of TEXT, its checksum verified. */
static emr_status read_seed(emr_bytes text, emr_words_problem *problem, emr_secret *out_seed)
{
	EMR_AUTO_SECRET seed = {0};
	uint16_t indexes[EMR_WORDS];
	uint8_t hash[32];
	uint8_t check = 0;
	emr_status status;

	EMR_TRY(emr_secret_new(EMR_SEED_BYTES, &seed));
	status = emr_words_read(text, indexes, problem);
	if (status == EMR_OK) {
		emr_words_unpack(indexes, seed.data, &check);
		emr_sha256(seed.data, EMR_SEED_BYTES, hash);
		if (hash[0] != check) {
			problem->fault = EMR_WORDS_CHECKSUM;
			status = EMR_WRONG_WORDS;
		}
		emr_wipe(hash, sizeof hash);
	}
	emr_wipe(indexes, sizeof indexes);
	if (status != EMR_OK)
		return status;
	*out_seed = seed;
	seed = (emr_secret){0};
	return EMR_OK;
}

emr_status emr_keyring_from_words(emr_bytes text, emr_keyring_kind kind, uint64_t created_unix_s,
	emr_words_problem *out_problem, emr_keyring **out)
{
	EMR_AUTO_SECRET seed = {0};
	emr_words_problem unseen;

	EMR_TRY(read_seed(text, out_problem != NULL ? out_problem : &unseen, &seed));
	return emr_keyring_from_seed(kind, created_unix_s, emr_id16_random(), &seed, out);
}

emr_status emr_keyring_words(const emr_keyring *kr, char out_words[EMR_WORDS][EMR_WORD_CHARS])
{
	uint16_t indexes[EMR_WORDS];

	words_pack(kr->seed.data, indexes);
	for (size_t i = 0; i < EMR_WORDS; i++)
		memcpy(out_words[i], emr_word_list[indexes[i]], EMR_WORD_CHARS);
	emr_wipe(indexes, sizeof indexes);
	return EMR_OK;
}

bool emr_keyring_word_is(const emr_keyring *kr, size_t index, const char *word)
{
	uint16_t indexes[EMR_WORDS];
	char typed[TYPED_MAX + 1];
	bool same;

	if (index >= EMR_WORDS || strlen(word) > TYPED_MAX)
		return false;
	fold((const uint8_t *)word, strlen(word), typed);
	words_pack(kr->seed.data, indexes);
	same = strcmp(typed, emr_word_list[indexes[index]]) == 0;
	emr_wipe(indexes, sizeof indexes);
	emr_wipe(typed, sizeof typed);
	return same;
}
