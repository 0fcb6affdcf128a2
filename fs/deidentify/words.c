/* Words in chains by their first four bytes, so that most places of a copy cost one look. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 500000
#define ROOTS_BITS 14
#define ROOTS (1 << ROOTS_BITS)

typedef struct word {
	uint32_t next; /* with the same root; 0: none */
	uint8_t len;
	bool is_whole; /* counts only where no letter or digit stands beside it */
	char text[WORD_MAX];
} word;

struct words {
	uint32_t roots[ROOTS]; /* of the first four bytes; 0: none */
	word *list;	       /* from 1 */
	uint32_t count, room;
	bool is_full;
};

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static uint32_t root_of(const uint8_t *p)
{
	uint32_t first = (uint32_t)fold(p[0]) << 24 | (uint32_t)fold(p[1]) << 16 |
			 (uint32_t)fold(p[2]) << 8 | fold(p[3]);

	return first * 2654435761u >> (32 - ROOTS_BITS); /* Knuth's multiplicative hash */
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

bool words_is_letter_or_digit(uint8_t c)
{
	return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'z') || c >= 0x80;
}

static bool is_same(const word *w, const uint8_t *p)
{
	for (size_t i = 0; i < w->len; i++)
		if ((uint8_t)w->text[i] != fold(p[i]))
			return false;
	return true;
}

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

void words_add(words *all, const uint8_t *p, size_t len)
{
	word *w;
	uint32_t root;
	bool is_number = true;

	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0'))
		len--;
	while (len > 0 && *p == ' ') {
		p++;
		len--;
	}
	if (len > WORD_MAX)
		len = WORD_MAX;
	if (len < WORD_MIN || says_nothing(p, len))
		return;
	root = root_of(p);
	for (uint32_t i = all->roots[root]; i != 0; i = all->list[i].next)
		if (all->list[i].len == len && is_same(&all->list[i], p))
			return;
	if (all->count + 1 >= all->room) {
		uint32_t room = all->room == 0 ? 256 : all->room * 2;
		word *more = room > 2 * WORDS_MAX ? NULL : realloc(all->list, room * sizeof *more);

		if (more == NULL) {
			all->is_full = true;
			return;
		}
		all->list = more;
		all->room = room;
	}
	w = &all->list[++all->count];
	*w = (word){.next = all->roots[root], .len = (uint8_t)len};
	for (size_t i = 0; i < len; i++) {
		w->text[i] = (char)fold(p[i]);
		is_number = is_number && is_digit(p[i]);
	}
	w->is_whole = len < (is_number ? 8 : 6);
	all->roots[root] = all->count;
}

words *words_new(void)
{
	return calloc(1, sizeof(words));
}

void words_free(words *all)
{
	if (all != NULL)
		free(all->list);
	free(all);
}

bool words_are_full(const words *all)
{
	return all->is_full;
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

static bool stands_alone(const word *w, const uint8_t *p, const uint8_t *start, const uint8_t *end)
{
	uint8_t before = p > start ? p[-1] : 0, after = p + w->len < end ? p[w->len] : 0;
	bool is_number = is_digit((uint8_t)w->text[0]) && is_digit((uint8_t)w->text[w->len - 1]);

	if (words_is_letter_or_digit(before) || words_is_letter_or_digit(after))
		return false;
	return !is_number || (before != '.' && before != '-' && before != '+' && after != '.');
}

/* Of at least LEAST characters. */
static bool has_word(
	const words *all, size_t least, const uint8_t *p, const uint8_t *start, const uint8_t *end)
{
	for (uint32_t i = all->roots[root_of(p)]; i != 0; i = all->list[i].next) {
		const word *w = &all->list[i];

		if (w->len >= least && w->len <= end - p && is_same(w, p) &&
			(!w->is_whole || stands_alone(w, p, start, end)))
			return true;
	}
	return false;
}

bool words_found(const words *all, size_t least, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + WORD_MIN <= len; i++)
		if (all->roots[root_of(p + i)] != 0 && has_word(all, least, p + i, p, p + len))
			return true;
	return false;
}
