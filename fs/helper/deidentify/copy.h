/* These functions make the copy of one file for research, from one descriptor to another: the
 * helper's work without its process. */
#pragma once

#include "base/bytes.h"
#include "deidentify/deidentify.h"

#include "dicom.h"

/* ---- what becomes of an element ---- */

typedef enum deed {
	DEED_REMOVE,
	DEED_COPY,  /* its bytes, unseen: numbers */
	DEED_CHECK, /* its text, if it is what its VR says: codes and numbers in digits */
	DEED_EMPTY,
	DEED_DUMMY,
	DEED_UID,
	DEED_DATE,
	DEED_AGE,
	DEED_WORD,    /* one of a list, or empty */
	DEED_MEANING, /* of a code: its value again */
	DEED_SEQUENCE,
	DEED_PIXELS,
} deed;

/* DEPTH: 0 = at the top of the data set. */
deed rule_for(const element *e, int depth, const emr_deidentify_rules *rules);
/* The same of element INDEX, of an odd group and at the top of D: DEED_COPY (numbers, and the
 * creator of a block of which something stays), DEED_CHECK or DEED_REMOVE.  Called for one after
 * the other; BLOCKS keeps what it must know of those before.  In a file without VRs the element
 * gets that of the table.  WITH: of emr_private. */
deed rule_for_private(dicom *d, uint32_t index, table_blocks *blocks, unsigned with);
/* Is TEXT, without padding, what stays of TAG as DEED_CHECK or DEED_WORD says? */
bool rule_takes_text(uint32_t tag, const char vr[2], const char *text);
/* Whether TEXT, of LEN characters, stands between two bars of LIST, without regard to case. */
bool rule_is_word(const char *list, const char *text, size_t len);
/* Whether the code (designator of its scheme, value) is one of a scheme that is open to all. */
bool rule_knows_code(const char *scheme, const char *value);

/* ---- values ---- */

/* The facts of one participant. */
typedef struct persona {
	uint8_t key[EMR_DEIDENTIFY_KEY_BYTES];
	char pseudonym[EMR_DEIDENTIFY_NAME_MAX + 1];
	int64_t shift_us; /* added to every time; negative */
} persona;

void persona_begin(persona *p, const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES], const char *pseudonym);

/* The new UID for one UID; registered ones stay. */
void value_uid(const persona *p, const char *uid, char out[EMR_DICOM_UID_SIZE]);
/* Moves one value; OUT holds 32 bytes, "" when TEXT is no such value.  TIME: of the same moment, or
 * "". */
void value_date(const persona *p, const char *text, const char *time, char out[32]);
void value_time(const persona *p, const char *text, char out[32]);
/* ZONE: of the times in the copy ("+0100"), in which one with a zone of its own is said there; "":
 * unknown, and the zone goes; NULL: unknown, and a time with a zone is none. */
void value_date_time(const persona *p, const char *text, const char *zone, char out[32]);
/* "091Y" is "090Y". */
void value_age(const char *text, char out[32]);
/* Changes OLD, a value of E in D, by the deed (a UID, a date or an age); TIME as above. */
void value_change(const persona *p, dicom *d, const element *e, deed how, const char *old,
	const char *time, char *out);
/* The replacement for a value that must not be empty; NULL: zeros. */
const char *value_dummy(const char vr[2]);

/* ---- all of it ---- */

/* Bytes on their way to FD, in pieces. */
typedef struct pen {
	int fd;
	uint64_t at; /* what was written before the buffer */
	emr_status status;
	size_t filled;
	uint8_t buffer[(size_t)256 << 10];
} pen;

void pen_put(pen *to, const void *data, size_t len);

/* Anything but EMR_OK is about OUT_FD. */
emr_status copy_file(int in_fd, uint64_t size, int out_fd, const persona *who,
	const emr_deidentify_rules *rules, emr_deidentified *out);
