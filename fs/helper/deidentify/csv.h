/* These functions copy the columns of a CSV file that a dataset names, cell by cell. */
#pragma once

#include "columns.h"
#include "copy.h"

/* YEAR: the present one; a date beyond it was never a day of somebody's, and would not look moved.
 */
typedef struct csv_rules {
	const csv_columns *columns;
	uint32_t year;
	bool without_dates;
} csv_rules;

/* Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is no table, either. */
emr_status csv_copy(int in_fd, uint64_t size, int out_fd, const persona *who,
	const csv_rules *rules, emr_deidentified *out);

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* How TEXT writes its number, as bits that are joined for a column; 0: no number. */
unsigned csv_number_spelling(const char *text);
/* Changes TEXT to the number that it is in a column that is spelt as ALL says; false: none. */
bool csv_take_number(char *text, unsigned all, char separator);
