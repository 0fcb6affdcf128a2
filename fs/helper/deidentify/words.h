/* These functions keep what the checkers look for, words of an original, and say whether bytes of
 * a copy have one of them. They refuse to hold more than 500,000, and forgets none silently. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD_MIN 4  /* characters; a shorter one stands everywhere by chance */
#define WORD_MAX 96 /* a longer one is known by its first bytes */

typedef struct words words;

words *words_new(void); /* NULL: no memory */
void words_free(words *all);

/* Without blanks and zeros around it, without regard to case. A word that is too short, or says
 * nothing ("----"), is not added. A short one (below six characters, a number below eight) counts
 * only where it stands alone. */
void words_add(words *all, const uint8_t *p, size_t len);
/* The pieces of P between the signs of SEPARATORS, by CALL. */
void words_add_pieces(words *all, const uint8_t *p, size_t len, const char *separators,
	void (*call)(words *all, const uint8_t *p, size_t len));
/* The date that P begins with (20040119, 2004.01.19, 2004-01-19), in five spellings. */
void words_add_date(words *all, const uint8_t *p, size_t len);
/* Were there more than it can hold? */
bool words_are_full(const words *all);

/* Whether P has any of at least LEAST characters. */
bool words_found(const words *all, size_t least, const uint8_t *p, size_t len);

/* A byte that is part of a word; those above 0x7f are. */
bool words_is_letter_or_digit(uint8_t c);
