/* A network has rules: limits that its members have agreed on (ORG_PROPOSE of kind 3), as text and
 * as numbers. This module refuses text that two programs could read differently; it enforces
 * nothing: the code that answers, keeps or shows does.
 *
 * The text is UTF-8 without control characters and without what turns or hides the text around it
 * (marks of direction, what has no width), at most 65,536 bytes: lines `name = value`, each
 * name once, blanks around name and value free, empty lines and lines that begin with # mean
 * nothing.  Names are lower-case letters, digits and hyphens. A value of a name that is known here
 * is a number in decimal digits.  Names that are not known here are those of another version, and
 * are ignored; nobody should agree to them, because nothing enforces them. */
#pragma once

#include "replica/replica.h"

#define EMR_RULES_TEXT_MAX 65536u

typedef struct emr_rules {
	uint32_t copies;		 /* copies: how many of each block are wanted (1) */
	uint32_t copies_before_register; /* copies-before-register (1) */
	uint32_t slots_a_day;		 /* slots-a-day: keys released a grant and day (20000) */
	uint64_t deposit_bytes;		 /* deposit-bytes: plaintext of one deposit (4 GiB) */
	uint64_t deposits_a_day;	 /* deposits-a-day: of one depositor in one Inbox (200) */
	unsigned unknown_line;		 /* the first whose name is not known here; 0: none */
} emr_rules;

/* The rules where nobody has agreed on anything. */
#define EMR_RULES_DEFAULT                                                                          \
	((emr_rules){.copies = 1,                                                                  \
		.copies_before_register = 1,                                                       \
		.slots_a_day = 20000,                                                              \
		.deposit_bytes = UINT64_C(4) << 30,                                                \
		.deposits_a_day = 200})

/* *OUT: the defaults, with what TEXT says.  EMR_INVALID: *OUT_LINE (from 1; may be NULL) is wrong.
 */
emr_status emr_rules_parse(emr_bytes text, emr_rules *out, unsigned *out_line);

/* TEXT, which was read without a mistake, with VALUE for NAME and all else as it is, into *OUT
 * (empty before).  It may be longer than rules may be: OUT is to be read before anybody proposes
 * it. */
emr_status emr_rules_set(emr_bytes text, const char *name, uint64_t value, emr_buf *out);

/* The settings that are known here, one by one: WHICH is below EMR_RULES_KNOWN. */
#define EMR_RULES_KNOWN 5u
const char *emr_rules_name(size_t which);
uint64_t emr_rules_value(const emr_rules *rules, size_t which);

/* The rules that REPLICA's network has agreed on, for any thread; a read of one row, and of the
 * text when there is one. OUT_TEXT (may be NULL, else empty before) gets the text, and stays empty
 * when there is none. A text that this copy has not got, or that cannot be read, leaves the
 * defaults: EMR_OK, and *OUT_IS_READ (may be NULL) is false. */
emr_status emr_rules_in_force(
	emr_replica *replica, emr_rules *out, emr_buf *out_text, bool *out_is_read);
