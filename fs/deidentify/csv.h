/* Tables: of a CSV file the columns that a dataset names, cell by cell. */
#pragma once

#include "base/bytes.h"
#include "deidentify/deidentify.h"

#include "copy.h"

typedef struct csv_columns {
	uint32_t count;
	struct {
		uint32_t kind; /* emr_column_kind */
		char name[EMR_COLUMN_NAME_MAX + 1];
	} list[EMR_COLUMNS_MAX];
} csv_columns;

emr_status csv_take_columns(const emr_column *columns, size_t count, csv_columns *out);

/* Anything but EMR_OK is about OUT_FD.  EMR_WITHHELD_NOT_DICOM: it is no table, either. */
emr_status csv_copy(int in_fd, uint64_t size, int out_fd, const persona *who, bool without_dates,
	const csv_columns *columns, emr_deidentified *out);
