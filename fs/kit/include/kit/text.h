/* This reads and writes times, sizes and numbers as people write them. It refuses spellings that
 * it is not sure of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/day.h"
#include "base/status.h"

/* "90s", "5min", "12h", "30d", "2w" in nanoseconds; EMR_INVALID for 0, other units, or more than
 * 100 years. */
emr_status emr_duration_parse(const char *text, int64_t *out_ns);
/* A time of the past: what base/day.h reads, or a duration, which is that long ago.  EMR_INVALID.
 */
emr_status emr_past_read(const char *text, uint64_t now_unix_s, emr_day_span *out);
/* The end of something that begins NOW, in Unix seconds: a duration, a day (its last second) or a
 * time, as base/day.h reads them, or "forever" (EMR_FOREVER_UNIX_S).  EMR_INVALID: *OUT_WHY is why,
 * a static clause in English without a full stop, marked for translation; it is empty, written
 * otherwise, no day, a time without its day, over, or more than 100 years away. */
emr_status emr_until_read(
	const char *text, uint64_t now_unix_s, uint64_t *out_unix_s, const char **out_why);
#define EMR_FOREVER_UNIX_S                                                                         \
	UINT64_C(253402300799) /* the end of the year 9999: later ends are shown and sent as this  \
				  one */

/* A number of points, from 1; EMR_INVALID. */
emr_status emr_points_parse(const char *text, uint64_t *out_points);

#define EMR_TEXT_BYTES 40
/* "63,884" */
void emr_number_text(uint64_t number, char out[EMR_TEXT_BYTES]);
/* "1 record", "2,000 records": NUMBER with one of the words */
#define EMR_COUNT_BYTES 80
void emr_count_text(uint64_t number, const char *one, const char *many, char out[EMR_COUNT_BYTES]);
/* "22 files and 1 folder", or "22 files, 1 folder and 2 links" */
void emr_entries_text(
	uint64_t files, uint64_t folders, uint64_t links, char out[3 * EMR_COUNT_BYTES]);
/* "4 GiB", "1,536 MiB", "1,000 bytes": exact, for limits */
void emr_limit_text(uint64_t bytes, char out[EMR_TEXT_BYTES]);
/* TEXT and blanks behind it up to COLUMNS characters of UTF-8, in which accents of their own and
 * wide characters count as any. */
void emr_column_text(const char *text, unsigned columns, char *out, size_t size);
/* "63,884 bytes", "164 MB" (powers of ten) */
void emr_size_text(uint64_t bytes, char out[EMR_TEXT_BYTES]);
/* "812 bytes", "63.9 kB", "1.2 GB", "164 MB": for what changes while one looks */
void emr_size_fine_text(uint64_t bytes, char out[EMR_TEXT_BYTES]);
/* "20 Nov 2026 14:05", local */
void emr_time_text(int64_t unix_s, char out[EMR_TEXT_BYTES]);
/* "20 Nov 2026", local, of a time in RFC 3339 and UTC, or of its date where it has no more */
void emr_day_text(const char *json_time, char out[EMR_TEXT_BYTES]);
/* "20 Nov 2026 14:05", local, of the same; a text that is no such time as it is */
void emr_moment_text(const char *json_time, char out[EMR_TEXT_BYTES]);
/* "21 Nov 2026 01:00", local: when the day of UTC ends that UNIX_S lies in */
void emr_day_end_text(uint64_t unix_s, char out[EMR_TEXT_BYTES]);
/* RFC 3339 in UTC */
void emr_time_json(int64_t unix_s, char out[EMR_TEXT_BYTES]);
