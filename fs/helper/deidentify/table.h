/* The facts of DICOM PS3.6 and of PS3.15 Table E.1-1 that rules stand on, as data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct table_row {
	uint32_t tag;
	char vrs[7];  /* "US", or what it may be: "USSSOW" */
	char code[6]; /* of the Basic profile: "X/Z/D"; "-": no row */
	uint8_t names;
} table_row;

/* NULL: DICOM knows no such element, or has given it up. */
const table_row *dicom_row(uint32_t tag);
bool dicom_row_has_vr(const table_row *row, const char vr[2]);
/* A UID that DICOM itself registered. */
bool dicom_uid_is_registered(const char *uid);
/* Of a text without a row in the table that pictures need: the words that it may be, in capitals,
 * each between two bars; NULL: it is none of these. */
const char *dicom_words(uint32_t tag);
/* For tests: all rows. */
const table_row *dicom_rows(uint32_t *out_count);
