/* The terms of a dataset: what its records are for, who may see them, until when, on what
 * conditions.  They are one small JSON file, which whoever calls for records writes; its bytes are
 * signed and stay as they are.  It refuses members that it does not know, and terms that leave
 * something out: who joins must not have to guess. */
#pragma once

#include "base/bytes.h"

#define EMR_TERMS_FILE_MAX 4096 /* bytes of the file */
#define EMR_TERMS_TEXT_MAX 600	/* bytes of each sentence */
#define EMR_TERMS_DAILY_MAX 1000000
#define EMR_DATASET_NAME_MAX 40
#define EMR_DATASET_PURPOSE 3 /* the bit of every dataset's grants: research */

typedef struct emr_terms {
	char purpose[EMR_TERMS_TEXT_MAX + 1]; /* what the records are for, a sentence */
	char who[EMR_TERMS_TEXT_MAX + 1];     /* who may be admitted, a sentence */
	char until[11];			      /* YYYY-MM-DD: the last day */
	uint64_t until_unix_s;		      /* its end, UTC */
	uint64_t price;			      /* points for each who joins; 0: none */
	uint32_t daily_limit;		      /* files that one reader opens for the first time
						 in a day; 0: as many as he wants */
	bool is_deidentified;
	/* Of de-identified ones; the other way is what is said of none of them. */
	bool without_dates;	   /* none stays; else they are moved */
	bool with_characteristics; /* sex, age, size and weight stay */
	bool with_faces; /* heads in thin slices, from which a face can be drawn, are given */
} emr_terms;

/* The object of JSON: "purpose", "who", "until", "data" ("identified" or "de-identified"), and, if
 * there are any, "price" and "daily-limit"; where it is de-identified also "dates" ("moved" or
 * "removed"), "characteristics" (true or false) and "faces" ("withheld" or "kept").  EMR_INVALID,
 * EMR_LIMIT: *OUT_WHAT is the member that is wrong, a literal; "" when it is no such object. */
emr_status emr_terms_parse(emr_bytes json, emr_terms *out, const char **out_what);
/* Letters, digits, '-', '_' and '.', not the last first, at most EMR_DATASET_NAME_MAX. */
bool emr_dataset_name_ok(const char *name);
