/* This file reads and writes durations, dates, sizes and numbers as people write them. It
 * refuses days that do not exist. */
#include "kit/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kit/language.h"

#define DURATION_MAX_S ((uint64_t)100 * 366 * 86400)

/* Digits at the start of *TEXT, at most MAX_DIGITS of them; moves *TEXT behind them. */
static bool take_number(const char **text, size_t max_digits, uint64_t *out_number)
{
	uint64_t number = 0;
	size_t n = 0;

	while (n <= max_digits && (*text)[n] >= '0' && (*text)[n] <= '9')
		number = number * 10 + (uint64_t)((*text)[n++] - '0');
	if (n == 0 || n > max_digits)
		return false;
	*text += n;
	*out_number = number;
	return true;
}

emr_status emr_duration_parse(const char *text, int64_t *out_ns)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
	uint64_t number;

	if (!take_number(&text, 10, &number) || number == 0)
		return EMR_INVALID;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(text, units[i].unit) != 0)
			continue;
		if (number > DURATION_MAX_S / units[i].seconds)
			return EMR_INVALID;
		*out_ns = (int64_t)(number * units[i].seconds * 1000000000u);
		return EMR_OK;
	}
	return EMR_INVALID;
}

static bool take_two(const char **text, char before, int *out)
{
	uint64_t number;
	const char *at = *text;

	if (before != '\0' && *at++ != before)
		return false;
	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return false;
	number = (uint64_t)(at[0] - '0') * 10 + (uint64_t)(at[1] - '0');
	*text = at + 2;
	*out = (int)number;
	return true;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* YYYY-MM-DD, a day that exists, from 1000 on. */
static bool take_date(const char **text, struct tm *out_day)
{
	uint64_t year;
	int month, day;
	const char *at = *text;

	if (!take_number(&at, 4, &year) || at - *text != 4 || year < 1000)
		return false;
	if (!take_two(&at, '-', &month) || !take_two(&at, '-', &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_of((int)year, month))
		return false;
	*out_day = (struct tm){
		.tm_year = (int)year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
	*text = at;
	return true;
}

bool emr_date_is_valid(const char *text)
{
	struct tm day;

	return take_date(&text, &day) && *text == '\0';
}

emr_status emr_time_parse(const char *text, uint64_t now_unix_s, uint64_t *out_unix_s)
{
	struct tm day;
	int64_t ns;
	time_t at;

	if (strcmp(text, "forever") == 0) {
		*out_unix_s = UINT64_MAX;
		return EMR_OK;
	}
	if (emr_duration_parse(text, &ns) == EMR_OK) {
		*out_unix_s = now_unix_s + (uint64_t)(ns / 1000000000);
		return EMR_OK;
	}
	if (!take_date(&text, &day))
		return EMR_INVALID;
	if (*text == '\0') {
		day.tm_hour = 23; /* its last second: shown again, it is still that day */
		day.tm_min = day.tm_sec = 59;
	} else if (!take_two(&text, 'T', &day.tm_hour) || !take_two(&text, ':', &day.tm_min) ||
		   *text != '\0' || day.tm_hour > 23 || day.tm_min > 59) {
		return EMR_INVALID;
	}
	at = mktime(&day);
	if (at < 0)
		return EMR_INVALID;
	*out_unix_s = (uint64_t)at;
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
	struct tm utc = {0};
	int year, month, day, hour, minute, second;

	if (sscanf(json_time, "%d-%d-%dT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second) !=
		6)
		return false;
	utc = (struct tm){.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second};
	emr_time_text((int64_t)timegm(&utc), out);
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
