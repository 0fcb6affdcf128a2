/* The people somebody knows, with their cards, in the sealed file EMR_STATE_BOOK: kept here, told
 * to nobody. It refuses cards that were not signed by their keys, names that mislead or that
 * somebody else has here, and a file that was changed. */
#pragma once

#include "base/bytes.h"
#include "keyring/card.h"

#define EMR_WHO_MAX EMR_CARD_NAME_MAX /* bytes of what a person is called here */
#define EMR_BOOK_PEOPLE_MAX 1000
#define EMR_BOOK_CARD_MAX 2560
#define EMR_BOOK_FILE_MAX ((size_t)1 << 20)

typedef struct emr_contact {
	char who[EMR_WHO_MAX + 1];
	bool is_given; /* by the owner: WHO is not the word of the card it came with, nor a code */
	emr_card card; /* read and checked */
	emr_buf bytes; /* the card, and her Inbox's behind it; owned */
	uint64_t added_unix_s;
	uint64_t compared_unix_s; /* safety numbers; 0 = never */
} emr_contact;

typedef struct emr_book {
	emr_contact *people; /* in the order of their names */
	size_t n;
	emr_buf compared; /* emr_id32, ...: keys of members whose numbers were compared without a
			     card */
} emr_book;

/* Without a file: nobody.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_book_load(const emr_keyring *keyring, int state_fd, emr_book *out_book);
/* Replaces the file in one step.  EMR_LIMIT: over EMR_BOOK_FILE_MAX. */
emr_status emr_book_save(const emr_keyring *keyring, int state_fd, const emr_book *book);
void emr_book_free(emr_book *book);
#define EMR_AUTO_BOOK __attribute__((cleanup(emr_book_free))) emr_book

/* Whether the number of the key ID was compared without a card; and that it was, or was not. */
bool emr_book_has_compared(const emr_book *book, emr_id32 id);
emr_status emr_book_compared(emr_book *book, emr_id32 id, bool is_same);

/* A name may be 1 to EMR_WHO_MAX bytes that show as they are, without "/" and "@", not beginning
 * with a dot or a dash, and not `card`, `add`, `check`, `you`, `the owner`, `somebody` or a word
 * with the form of a key's code (emr_who_is_code). A book that has one of these words from before
 * is read. */
bool emr_who_is_ok(const char *who);
/* Whether WHO has the form of the code of a key, long enough to name somebody. */
bool emr_who_is_code(const char *who);

typedef enum emr_book_change {
	EMR_BOOK_ADDED,
	EMR_BOOK_SAME,	  /* a card as new as this one was there */
	EMR_BOOK_RENEWED, /* a newer card of a known key */
	EMR_BOOK_REKEYED, /* and with another key for letters: numbers must be compared again */
} emr_book_change;

/* Adds the person of a card, or puts a newer card of a known person in its place. WHO (NULL: as
 * before, or as the card says, or the code) is the person's name here. EMR_DAMAGED,
 * EMR_BAD_SIGNATURE, EMR_NEWER_FORMAT: the card; EMR_UNSUPPORTED: it is of a folder, not of a
 * person; EMR_INVALID: WHO; EMR_EXISTS: somebody else is called that (*out_index); EMR_LIMIT: too
 * many, or too many vouches. */
emr_status emr_book_put(emr_book *book, emr_bytes card, const char *who, uint64_t now_unix_s,
	size_t *out_index, emr_book_change *out_change);

/* The person who is meant: by the name in this book, or by EMR_KEY_CODE_NAMES letters or more of
 * the code, which are nobody else's name; never by a beginning, nor by the words of a card. Letters
 * a to z in either case. EMR_NOT_FOUND (OUT_NAMES: some that are near, also by their cards, as "ana
 * (I7Z4KQ2M) [Ana Silva 1984-03-12]"; may be empty). */
emr_status emr_book_find(const emr_book *book, const char *who, size_t *out_index, char *out_names,
	size_t names_size);
/* Appends NAME to the list OUT, behind BETWEEN unless it is the first; one that has no room is left
 * out. */
void emr_names_add(const char *name, const char *between, char *out, size_t size);
