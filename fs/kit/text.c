/* This file reads and writes durations, ends, sizes and numbers as people write them, and says
 * what is wrong with an end. */
#include "kit/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/language.h"

#define DURATION_MAX_S ((uint64_t)100 * 366 * 86400)

/* "90s", "5min": a number and a unit; more than the most is one more than it. */
static bool take_duration(const char *text, uint64_t *out_s)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
	size_t digits = strspn(text, "0123456789");
	uint64_t number = strtoull(text, NULL, 10); /* of too many digits the largest */

	for (size_t i = 0; i < sizeof units / sizeof *units && digits > 0; i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		*out_s = number <= DURATION_MAX_S / units[i].seconds ? number * units[i].seconds
								     : DURATION_MAX_S + 1;
		return true;
	}
	return false;
}

emr_status emr_duration_parse(const char *text, int64_t *out_ns)
{
	uint64_t seconds;

	if (!take_duration(text, &seconds) || seconds == 0 || seconds > DURATION_MAX_S)
		return EMR_INVALID;
	*out_ns = (int64_t)(seconds * 1000000000u);
	return EMR_OK;
}

emr_status emr_past_read(const char *text, uint64_t now_unix_s, emr_day_span *out)
{
	int64_t ns;
	uint64_t ago;

	if (emr_duration_parse(text, &ns) != EMR_OK)
		return emr_day_read(text, out) == EMR_DAY_FINE ? EMR_OK : EMR_INVALID;
	ago = (uint64_t)(ns / 1000000000);
	*out = (emr_day_span){
		.has_time = true, .first_unix_s = ago < now_unix_s ? now_unix_s - ago : 1};
	out->last_unix_s = out->first_unix_s;
	return EMR_OK;
}

/* NULL: *OUT_UNIX_S is the end that TEXT names. */
static const char *fault_of_end(const char *text, uint64_t now_unix_s, uint64_t *out_unix_s)
{
	static const char *const faults[] = {[EMR_DAY_EMPTY] = N_("the end is empty; it is written "
								  "12h, 30d, 2026-12-31, "
								  "2026-12-31T18:00 or forever"),
		[EMR_DAY_FORM] = N_("the end is written otherwise than 12h, 30d, 2026-12-31, "
				    "2026-12-31T18:00 or forever"),
		[EMR_DAY_NO_DAY] = N_("the end is a day or a time of day that does not exist"),
		[EMR_DAY_EARLY] = N_("the end is over already"),
		[EMR_DAY_TIME_ALONE] = N_("the end is a time without its day; together they are "
					  "written 2026-12-31T18:00")};
	uint64_t seconds;
	emr_day_span span;
	emr_day_fault fault;

	if (take_duration(text, &seconds)) {
		*out_unix_s = now_unix_s + seconds;
	} else {
		fault = emr_day_read(text, &span);
		if (fault != EMR_DAY_FINE)
			return faults[fault];
		/* A day ends with its last second: shown again, it is still that day. */
		*out_unix_s = span.has_time ? span.first_unix_s : span.last_unix_s;
	}
	if (*out_unix_s <= now_unix_s)
		return faults[EMR_DAY_EARLY];
	return *out_unix_s - now_unix_s <= DURATION_MAX_S
		       ? NULL
		       : N_("the end is more than 100 years away; without an end it is written "
			    "forever");
}

emr_status emr_until_read(
	const char *text, uint64_t now_unix_s, uint64_t *out_unix_s, const char **out_why)
{
	uint64_t end = EMR_FOREVER_UNIX_S;
	const char *why =
		strcmp(text, "forever") != 0 ? fault_of_end(text, now_unix_s, &end) : NULL;

	if (why != NULL) {
		*out_why = why;
		return EMR_INVALID;
	}
	*out_unix_s = end;
	return EMR_OK;
}

emr_status emr_points_parse(const char *text, uint64_t *out_points)
{
	uint64_t points = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (points > ((uint64_t)INT64_MAX - digit) / 10)
			return EMR_INVALID;
		points = points * 10 + digit;
	}
	if (*text != '\0' || points == 0)
		return EMR_INVALID;
	*out_points = points;
	return EMR_OK;
}

void emr_number_text(uint64_t number, char out[EMR_TEXT_BYTES])
{
	char digits[EMR_TEXT_BYTES];
	/* TRANSLATORS: three bytes at most; a blank that does not break is one. */
	const char *between = emr_text_as("between thousands", ",");
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
	size_t at = 0, len = strlen(between) <= 3 ? strlen(between) : 0;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0) {
			memcpy(out + at, between, len);
			at += len;
		}
		out[at++] = digits[i];
	}
	out[at] = '\0';
}

void emr_size_text(uint64_t bytes, char out[EMR_TEXT_BYTES])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
	char number[EMR_TEXT_BYTES];
	size_t unit = 0;
	uint64_t scale = 1000;

	if (bytes < 1000000) {
		emr_number_text(bytes, number);
		snprintf(out, EMR_TEXT_BYTES, emr_text_of(bytes, "%.28s byte", "%.28s bytes"),
			number);
		return;
	}
	while (unit + 1 < sizeof units / sizeof *units && bytes / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	snprintf(out, EMR_TEXT_BYTES, "%llu %s",
		(unsigned long long)(bytes / scale + (bytes % scale >= scale / 2)), units[unit]);
}

void emr_size_fine_text(uint64_t bytes, char out[EMR_TEXT_BYTES])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t scale = 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		emr_size_text(bytes, out);
		return;
	}
	while (unit + 1 < sizeof units / sizeof *units && bytes / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	/* Cut, not rounded: nothing is there before it is there. */
	if (bytes / scale >= 100)
		snprintf(out, EMR_TEXT_BYTES, "%llu %s", (unsigned long long)(bytes / scale),
			units[unit]);
	else
		snprintf(out, EMR_TEXT_BYTES, "%llu%.3s%llu %s",
			(unsigned long long)(bytes / scale), emr_text_as("before decimals", "."),
			(unsigned long long)(bytes % scale / (scale / 10)), units[unit]);
}

void emr_time_text(int64_t unix_s, char out[EMR_TEXT_BYTES])
{
	time_t at = (time_t)unix_s;
	struct tm local;

	if (localtime_r(&at, &local) == NULL ||
		strftime(out, EMR_TEXT_BYTES, emr_text_as("strftime", "%d %b %Y %H:%M"), &local) ==
			0)
		snprintf(out, EMR_TEXT_BYTES, "?");
}

static bool read_json_time(const char *json_time, char out[EMR_TEXT_BYTES])
{
	emr_day_span at;

	if (emr_day_read(json_time, &at) != EMR_DAY_FINE || !at.has_time || !at.has_zone)
		return false;
	emr_time_text((int64_t)at.first_unix_s, out);
	return true;
}

void emr_moment_text(const char *json_time, char out[EMR_TEXT_BYTES])
{
	if (!read_json_time(json_time, out))
		snprintf(out, EMR_TEXT_BYTES, "%.30s", json_time);
}

void emr_day_text(const char *json_time, char out[EMR_TEXT_BYTES])
{
	if (!read_json_time(json_time, out)) {
		snprintf(out, EMR_TEXT_BYTES, "%.10s", json_time);
		return;
	}
	out[strcspn(out, ":") > 3 ? strcspn(out, ":") - 3 : 0] = '\0'; /* without " 14:05" */
}

void emr_day_end_text(uint64_t unix_s, char out[EMR_TEXT_BYTES])
{
	emr_time_text((int64_t)((unix_s / 86400 + 1) * 86400), out);
}

void emr_time_json(int64_t unix_s, char out[EMR_TEXT_BYTES])
{
	time_t at = (time_t)unix_s;
	struct tm utc;

	if (gmtime_r(&at, &utc) == NULL ||
		strftime(out, EMR_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		out[0] = '\0';
}

void emr_count_text(uint64_t number, const char *one, const char *many, char out[EMR_COUNT_BYTES])
{
	char digits[EMR_TEXT_BYTES];

	emr_number_text(number, digits);
	snprintf(out, EMR_COUNT_BYTES, "%s %s", digits, emr_text_of(number, one, many));
}

void emr_entries_text(
	uint64_t files, uint64_t folders, uint64_t links, char out[3 * EMR_COUNT_BYTES])
{
	char one[EMR_COUNT_BYTES], two[EMR_COUNT_BYTES], three[EMR_COUNT_BYTES];

	emr_count_text(files, "file", "files", one);
	emr_count_text(folders, "folder", "folders", two);
	emr_count_text(links, "link", "links", three);
	snprintf(out, (size_t)3 * EMR_COUNT_BYTES,
		links > 0     ? _("%s, %s and %s")
		: folders > 0 ? _("%s and %s")
			      : "%s",
		one, two, three);
}

void emr_limit_text(uint64_t bytes, char out[EMR_TEXT_BYTES])
{
	static const struct {
		uint64_t bytes;
		const char *name;
	} units[] = {{UINT64_C(1) << 30, "GiB"}, {UINT64_C(1) << 20, "MiB"}, {1, "bytes"}};
	char digits[EMR_TEXT_BYTES];
	size_t i = 0;

	while (bytes < units[i].bytes * (units[i].bytes > 1) || bytes % units[i].bytes != 0)
		i++;
	emr_number_text(bytes / units[i].bytes, digits);
	snprintf(out, EMR_TEXT_BYTES, "%.30s %s", digits,
		bytes == 1 ? emr_text_of(1, "byte", "bytes") : emr_text(units[i].name));
}

void emr_column_text(const char *text, unsigned columns, char *out, size_t size)
{
	size_t shown = 0;

	for (const char *c = text; *c != '\0'; c++)
		shown += ((unsigned char)*c & 0xC0) != 0x80;
	snprintf(out, size, "%s%*s", text, shown < columns ? (int)(columns - shown) : 0, "");
}
