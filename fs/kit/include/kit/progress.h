/* The one line on a terminal that says how far long work is: its words, its pace, and how it is
 * cut to the terminal. It is never wider than the terminal: a line that wraps cannot be erased. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* How quickly something grows, over the last few seconds; zeros before the first look. */
typedef struct emr_pace {
	int64_t old_ns, mid_ns;
	uint64_t old, mid;
} emr_pace;

/* DONE at NOW (boot clock, ns).  A second after the first look, how much is done in a second; 0
 * before, and when nothing moves. */
uint64_t emr_pace_note(emr_pace *pace, int64_t now_ns, uint64_t done);

typedef enum emr_progress_unit {
	EMR_PROGRESS_BYTES,
	EMR_PROGRESS_RECORDS,
	EMR_PROGRESS_CHANGES, /* that the ledger gets: also says how many are left */
} emr_progress_unit;

typedef struct emr_progress_at {
	const char *doing; /* "Copied" */
	emr_progress_unit unit;
	uint64_t done, total; /* total 0: not known */
	uint64_t per_second;  /* 0: not known */
} emr_progress_at;

/* "Copied 1.2 GB of 5.0 GB (24%), 85.3 MB a second ..." */
void emr_progress_text(const emr_progress_at *at, char *out, size_t size);

/* TEXT in OUT, at most COLUMNS wide, on one line: wide letters count as two, marks that stand on
 * others as none, control characters and broken UTF-8 become "?"; what is longer ends in "...".
 * Returns its width. */
size_t emr_progress_fit(const char *text, size_t columns, char *out, size_t size);
