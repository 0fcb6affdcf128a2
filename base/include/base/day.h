/* This is the one reader of days and times, as people type them and as other programs write them
 * into files: a day is the same span wherever it is read. It refuses days that no calendar has,
 * months and years alone, and every other order of day, month and year. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* The faults of a text that is no time. */
typedef enum emr_day_fault {
	EMR_DAY_FINE = 0,
	EMR_DAY_EMPTY,
	EMR_DAY_FORM,	   /* it is written otherwise */
	EMR_DAY_NO_DAY,	   /* no calendar has that day, or no day that hour */
	EMR_DAY_EARLY,	   /* it is before 1970 */
	EMR_DAY_TIME_ALONE /* a time without its day: "18:00" */
} emr_day_fault;

/* Both seconds belong to it; in Unix seconds. */
typedef struct emr_day_span {
	uint64_t first_unix_s, last_unix_s;
	bool has_time; /* it is a minute or a second, and no day */
	bool has_zone; /* it says which zone it is in */
} emr_day_span;

/* "2026-11-20", "2026-11-20T14:05", "2026-11-20T14:05:31" or with a fraction of a second behind it
 * (which is left out), from 1970 on; in this computer's time zone, or with "Z" behind it in UTC,
 * and behind a time also with another zone ("+01:00").  A day has 24 hours, or 23 or 25 where the
 * clock is changed. A time that the clock then shows twice is from the first one's beginning to the
 * second one's end, and one that it jumps over is none (EMR_DAY_NO_DAY). OUT stays untouched at a
 * fault. */
emr_day_fault emr_day_read(const char *text, emr_day_span *out) __attribute__((warn_unused_result));

/* True for YYYY-MM-DD and nothing more, a day of the calendar from the year 1000 on. */
bool emr_day_is(const char *text);
/* 28 to 31; MONTH is 1 to 12. */
int emr_day_count(int year, int month);
/* Whether the day TEXT ends with UNIX_S in some time zone. */
bool emr_day_may_end(const char *text, uint64_t unix_s);

#define EMR_DAY_BYTES 11
/* "2026-11-20": the day of UNIX_S in this computer's time zone; "1970-01-01" where it has none. */
void emr_day_of(uint64_t unix_s, char out[EMR_DAY_BYTES]);
