/* These functions copy the columns of a CSV file that a dataset names, cell by cell. */
#pragma once

#include "copy.h"
#include "protocol.h"

/* A date beyond the year of RULES was never a day of somebody's, and would not look moved.
 * Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is no table, either. */
emr_status csv_copy(int in_fd, uint64_t size, int out_fd, const persona *who,
	const protocol_look *rules, emr_deidentified *out);

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* How TEXT writes its number, as bits that are joined for a column; 0: no number. */
unsigned csv_number_spelling(const char *text);
/* Changes TEXT to the number that it is in a column that is spelt as ALL says; false: none. */
bool csv_take_number(char *text, unsigned all, char separator);
