/* This file finds the words of an original in a copy. It keeps the hash of each word and, for
 * each way that a word can begin, how long such words are: most places of a copy cost one look,
 * and ten thousand ids that begin alike cost no more than one. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 500000
#define ROOT_BITS 13
#define ROOTS (1 << ROOT_BITS)
#define HASH_START 0xcbf29ce484222325u /* FNV-1a */
#define HASH_PRIME 0x100000001b3u

typedef struct word {
	uint64_t hash;
	uint8_t len;
	bool is_whole; /* counts only where no letter or digit stands beside it */
	char text[WORD_MAX];
} word;

/* Which lengths words have that begin so: bit LEN - 1. */
typedef struct lengths {
	uint32_t bits[WORD_MAX / 32];
} lengths;

struct words {
	lengths roots[ROOTS]; /* by the first four bytes */
	word *list;
	uint32_t count, room;
	uint32_t *table; /* index in the list + 1; 0: free; twice as large as the list at least */
	uint32_t table_size;
	bool is_full;
};

words *words_new(void)
{
	return calloc(1, sizeof(words));
}

void words_free(words *all)
{
	if (all == NULL)
		return;
	free(all->list);
	free(all->table);
	free(all);
}

bool words_are_full(const words *all)
{
	return all->is_full;
}

/* ---- letters ---- */

static uint8_t fold_letter(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool words_is_letter_or_digit(uint8_t c)
{
	return is_digit(c) || (fold_letter(c) >= 'a' && fold_letter(c) <= 'z') || c >= 0x80;
}

static uint32_t root_of(const uint8_t *p)
{
	uint32_t first = (uint32_t)fold_letter(p[0]) << 24 | (uint32_t)fold_letter(p[1]) << 16 |
			 (uint32_t)fold_letter(p[2]) << 8 | fold_letter(p[3]);

	return first * 2654435761u >> (32 - ROOT_BITS); /* Knuth's multiplicative hash */
}

/* ---- the table ---- */

/* Where the word P is in the table, or would be. */
static uint32_t place_of(const words *all, uint64_t hash, const uint8_t *p, size_t len)
{
	uint32_t mask = all->table_size - 1, at = (uint32_t)(hash ^ hash >> 32) & mask;

	for (; all->table[at] != 0; at = (at + 1) & mask) {
		const word *w = &all->list[all->table[at] - 1];
		size_t i = w->hash == hash && w->len == len ? 0 : len + 1;

		while (i < len && (uint8_t)w->text[i] == fold_letter(p[i]))
			i++;
		if (i == len)
			break;
	}
	return at;
}

static bool grow_table(words *all)
{
	uint32_t room = all->room == 0 ? 128 : all->room * 2;
	word *list;
	uint32_t *table;

	if (room > 2 * WORDS_MAX)
		return false;
	list = realloc(all->list, room * sizeof *list);
	if (list == NULL)
		return false;
	all->list = list;
	table = calloc((size_t)room * 2, sizeof *table);
	if (table == NULL)
		return false;
	free(all->table);
	all->table = table;
	all->table_size = room * 2;
	all->room = room;
	for (uint32_t i = 0; i < all->count; i++)
		table[place_of(all, list[i].hash, (const uint8_t *)list[i].text, list[i].len)] =
			i + 1;
	return true;
}

/* ---- words of the original ---- */

/* Zeros and a repeated sign ("00000000", "----") name nobody, and neither does what a copy says
 * instead of a value: a copy may be copied again. */
static bool says_nothing(const uint8_t *p, size_t len)
{
	if ((len == 7 && memcmp(p, "REMOVED", 7) == 0) ||
		(len == 8 && memcmp(p, "18581117", 8) == 0))
		return true;
	for (size_t i = 1; i < len; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

static void add_word(words *all, const uint8_t *p, size_t len)
{
	uint64_t hash = HASH_START;
	bool is_number = true;
	uint32_t at;
	word *w;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ fold_letter(p[i])) * HASH_PRIME;
	if (all->count == all->room && !grow_table(all)) {
		all->is_full = true;
		return;
	}
	at = place_of(all, hash, p, len);
	if (all->table[at] != 0)
		return;
	w = &all->list[all->count++];
	*w = (word){.hash = hash, .len = (uint8_t)len};
	for (size_t i = 0; i < len; i++) {
		w->text[i] = (char)fold_letter(p[i]);
		is_number = is_number && is_digit(p[i]);
	}
	w->is_whole = len < (is_number ? 8 : 6);
	all->table[at] = all->count;
	all->roots[root_of(p)].bits[(len - 1) / 32] |= 1u << ((len - 1) % 32);
}

void words_add(words *all, const uint8_t *p, size_t len)
{
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0'))
		len--;
	while (len > 0 && *p == ' ') {
		p++;
		len--;
	}
	if (len > WORD_MAX)
		len = WORD_MAX;
	if (len >= WORD_MIN && !says_nothing(p, len))
		add_word(all, p, len);
}

void words_add_pieces(words *all, const uint8_t *p, size_t len, const char *separators,
	void (*call)(words *all, const uint8_t *p, size_t len))
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && (p[i] == '\0' || strchr(separators, p[i]) == NULL))
			continue;
		call(all, p + start, i - start);
		start = i + 1;
	}
}

void words_add_date(words *all, const uint8_t *p, size_t len)
{
	static const char *const spellings[] = {
		"yyyymmdd", "yyyy-mm-dd", "yyyy.mm.dd", "dd.mm.yyyy", "ddmmyyyy"};
	uint8_t plain[8], out[10];
	size_t n = 0;

	for (size_t i = 0; i < len && n < 8; i++) {
		if (is_digit(p[i]))
			plain[n++] = p[i];
		else if (p[i] != '.' && p[i] != '-')
			break;
	}
	if (n < 8)
		return;
	for (size_t s = 0; s < sizeof spellings / sizeof *spellings; s++) {
		size_t year = 0, month = 4, day = 6, at = 0;

		for (const char *c = spellings[s]; *c != '\0'; c++)
			out[at++] = *c == 'y'	? plain[year++]
				    : *c == 'm' ? plain[month++]
				    : *c == 'd' ? plain[day++]
						: (uint8_t)*c;
		words_add(all, out, at);
	}
}

/* ---- bytes of the copy ---- */

static bool stands_alone(const word *w, const uint8_t *p, const uint8_t *start, const uint8_t *end)
{
	uint8_t before = p > start ? p[-1] : 0, after = p + w->len < end ? p[w->len] : 0;
	bool is_number = is_digit((uint8_t)w->text[0]) && is_digit((uint8_t)w->text[w->len - 1]);

	if (words_is_letter_or_digit(before) || words_is_letter_or_digit(after))
		return false;
	return !is_number || (before != '.' && before != '-' && before != '+' && after != '.');
}

/* A word at P, of one of LENS. */
static bool has_word(const words *all, const lengths *lens, size_t least, const uint8_t *p,
	const uint8_t *start, const uint8_t *end)
{
	size_t left = (size_t)(end - p), most = left < WORD_MAX ? left : WORD_MAX;
	uint64_t hash = HASH_START;

	for (size_t len = 1; len <= most; len++) {
		uint32_t at;

		hash = (hash ^ fold_letter(p[len - 1])) * HASH_PRIME;
		if (len < least || (lens->bits[(len - 1) / 32] >> ((len - 1) % 32) & 1) == 0)
			continue;
		at = all->table[place_of(all, hash, p, len)];
		if (at != 0 && (!all->list[at - 1].is_whole ||
				       stands_alone(&all->list[at - 1], p, start, end)))
			return true;
	}
	return false;
}

bool words_found(const words *all, size_t least, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + WORD_MIN <= len; i++) {
		const lengths *lens = &all->roots[root_of(p + i)];

		if ((lens->bits[0] | lens->bits[1] | lens->bits[2]) != 0 &&
			has_word(all, lens, least, p + i, p, p + len))
			return true;
	}
	return false;
}
