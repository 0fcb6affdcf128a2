/* The 24 recovery words (BIP-39 English list, 256 bits and an 8-bit checksum): writing the seed
 * down and reading it back. It refuses a list that is not exactly 24 known words with a fitting
 * checksum, and says which word is not known. */
#pragma once

#include "keyring/keyring.h"

#define EMR_WORDS 24
#define EMR_WORD_CHARS 9 /* the longest word has 8 letters */
#define EMR_WORDS_NEAR 4

typedef enum emr_words_fault {
	EMR_WORDS_FINE,
	EMR_WORDS_COUNT_WRONG, /* not 24 words; count says how many */
	EMR_WORDS_UNKNOWN,     /* position and word say which; near are the nearest of the list */
	EMR_WORDS_CHECKSUM,    /* all known, but they do not fit together */
} emr_words_fault;

typedef struct emr_words_problem {
	emr_words_fault fault;
	size_t count;
	size_t position; /* 0..23 */
	char word[32];	 /* as it was typed, cut to 31 bytes; wipe when shown */
	char near[EMR_WORDS_NEAR][EMR_WORD_CHARS]; /* nearest first; "" when there are fewer */
} emr_words_problem;

/* The keyring's seed in words.  The caller shows them and wipes them (emr_wipe). */
emr_status emr_keyring_words(const emr_keyring *kr, char out_words[EMR_WORDS][EMR_WORD_CHARS]);
/* Reads TEXT: words between blanks, any case, at most 4096 bytes.  EMR_WRONG_WORDS and *out_problem
 * (may be NULL).  A keyring with that seed and a new device id (local keys start again).  1 of 256
 * wrong phrases has a fitting checksum: before trusting it compare emr_keyring_public with what is
 * known. */
emr_status emr_keyring_from_words(emr_bytes text, emr_keyring_kind kind, uint64_t created_unix_s,
	emr_words_problem *out_problem, emr_keyring **out);
/* TEXT fits together or not, but is not the identity KNOWN_PK: finds the one word which, replaced,
 * gives it (24 * 2047 tries).  EMR_NOT_FOUND when more than one word is wrong; 24 known words are
 * needed (EMR_WRONG_WORDS). */
emr_status emr_words_find_wrong(emr_bytes text, const uint8_t known_pk[32], size_t *out_position,
	char out_word[EMR_WORD_CHARS]);
/* True when WORD (any case) is the INDEX-th word of the keyring: for asking a few back. */
bool emr_keyring_word_is(const emr_keyring *kr, size_t index, const char *word);
