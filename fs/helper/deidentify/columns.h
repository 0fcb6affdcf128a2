/* This header declares the columns of tables that a dataset names, in the form in which the
 * helper's processes get them. */
#pragma once

#include "base/bytes.h"
#include "deidentify/deidentify.h"

typedef struct csv_columns {
	uint32_t count;
	struct {
		uint32_t kind; /* emr_column_kind */
		char name[EMR_COLUMN_NAME_MAX + 1];
		char words[EMR_COLUMN_WORDS_MAX + 1]; /* "": any */
	} list[EMR_COLUMNS_MAX];
} csv_columns;

emr_status csv_take_columns(const emr_column *columns, size_t count, csv_columns *out);
