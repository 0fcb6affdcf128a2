/* This header declares the facts of DICOM PS3.6 and of PS3.15 Table E.1-1 on which the rules stand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deidentify/deidentify.h"

#include "markers.h"

typedef struct table_row {
	uint32_t tag;
	char vrs[7];  /* "US", or what it may be: "USSSOW" */
	char code[6]; /* of the Basic profile: "X/Z/D"; "-": no row */
	uint8_t names;
} table_row;

/* NULL: DICOM knows no such element, or has given it up. */
const table_row *dicom_row(uint32_t tag);
bool dicom_row_has_vr(const table_row *row, const char vr[2]);
/* Whether VR is one of VRS, which stand without signs between them: "DATMDT". */
bool dicom_has_vr(const char *vrs, const char vr[2]);
/* A UID that DICOM itself registered. */
bool dicom_uid_is_registered(const char *uid);
/* Of a text without a row in the table that pictures need: the words that it may be, in capitals,
 * each between two bars; NULL: it is none of these. */
const char *dicom_words(uint32_t tag);
/* Whether TAG is one of N. */
bool dicom_is_among(const uint32_t *tags, size_t n, uint32_t tag);
#define DICOM_IS_AMONG(list, tag) dicom_is_among(list, sizeof(list) / sizeof *(list), tag)
/* Whether TAG says when something was done with the patient: the only dates and times that are
 * moved. One of a device, a program or a printed table is known to others, and would tell the span
 * of all. */
bool dicom_is_of_visit(uint32_t tag);
/* Whether no copy has TAG, although Table E.1-1 would leave something in its place. */
bool dicom_is_left_out(uint32_t tag);
/* How a file is written of which copies are made. */
typedef struct syntax {
	const char *uid;
	syntax_pixels pixels;
	bool is_implicit, is_big;
} syntax;

const syntax *dicom_syntax(const char *uid); /* NULL: of such files there are none */

/* A rule that withholds a whole file, whatever else it says (table_withheld.inc). */
typedef struct table_withheld {
	const char *modality, *model; /* "": of any */
	uint32_t tag;
	const char *words; /* of which one stands in its text, between bars; "": it is there */
	emr_withheld why;
} table_withheld;

/* TEXT without its blanks and signs, in capitals, cut at SIZE - 1. */
void dicom_squeeze(const char *text, char *out, size_t size);
/* Whether one of WORDS stands in SQUEEZED, which dicom_squeeze made. */
bool dicom_has_word(const char *words, const char *squeezed);
/* Row I of those rules; NULL: there is none. */
const table_withheld *dicom_withheld(size_t i);

/* A private element that a copy may have (table_private.inc). */
typedef struct table_private {
	const char *creator;
	uint32_t tag;	/* its block as 00 */
	char vr[3];	/* of numbers, or IS, DS, CS */
	uint8_t most;	/* values */
	uint8_t reason; /* an emr_private */
} table_private;

/* The creators of one odd group, as they were met: by the number of their blocks, 0x10 to 0xff, in
 * the table's own bytes; NULL: none that it has. Zero at first. */
typedef struct table_blocks {
	uint32_t group;
	const char *creators[256];
} table_blocks;

/* Notes that TAG, of an odd group, says TEXT.  False: nothing of that creator stays. */
bool dicom_note_creator(table_blocks *blocks, uint32_t tag, const char *text);
/* The row of TAG by its creator in BLOCKS; NULL: there is none, or WITH (of emr_private) does not
 * have it. */
const table_private *dicom_private(const table_blocks *blocks, uint32_t tag, unsigned with);
/* Whether LEN bytes can be values of ROW. */
bool dicom_private_fits(const table_private *row, uint32_t len);
bool dicom_private_is_text(const table_private *row);
