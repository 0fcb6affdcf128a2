/* This is what the questions to a copy (ask.c) and the types of their rows (ask_types.c) share; it
 * is for these two files only. */
#pragma once

#include "replica/ask.h"

#include "opened_private.h"

#define ROW_COLUMNS 12

/* Where a column of the statement goes, in the order of its SELECT. */
typedef struct row_column {
	uint16_t form;	   /* value_form of ask_types.c */
	uint16_t at, size; /* of the member; of the last one behind the columns 0 */
} row_column;

typedef struct row_type {
	size_t size;
	row_column columns[ROW_COLUMNS];
	/* The rest of the row, which stands in an entry; NULL: nothing. */
	emr_status (*complete)(emr_asking *asked, void *row);
} row_type;

typedef struct replica_question {
	const row_type *type;
	const char *text;
} replica_question;
extern const replica_question replica_questions[EMR_QUESTIONS];

/* The row of the statement that was read, as a struct of TYPE. */
emr_status replica_fill_row(emr_asking *asked, const row_type *type, void *out);
