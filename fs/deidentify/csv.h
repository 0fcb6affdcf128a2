/* Tables: of a CSV file the columns that a dataset names, cell by cell. */
#pragma once

#include "columns.h"
#include "copy.h"

/* Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is no table, either. */
emr_status csv_copy(int in_fd, uint64_t size, int out_fd, const persona *who, bool without_dates,
	const csv_columns *columns, emr_deidentified *out);
