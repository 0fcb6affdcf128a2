/* This file reads a time as people write it, a day, a minute or a second ("2026-11-20T14:05"),
 * and refuses days that do not exist. It is how a directory below `.emrfs/at` knows which moment
 * it shows. */
#include "view/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* N digits at *TEXT, after the character BEFORE (0: none); moves *TEXT behind them. */
static bool take(const char **text, char before, int n, int *out)
{
	const char *at = *text;
	int number = 0;

	if (before != 0 && *at++ != before)
		return false;
	for (int i = 0; i < n; i++, at++) {
		if (*at < '0' || *at > '9')
			return false;
		number = number * 10 + (*at - '0');
	}
	*text = at;
	*out = number;
	return true;
}

static bool exists(const struct tm *t, int year)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1970 && t->tm_mon >= 0 && t->tm_mon < 12 && t->tm_mday >= 1 &&
	       t->tm_mday <= days[t->tm_mon] + (t->tm_mon == 1 && is_leap) && t->tm_hour < 24 &&
	       t->tm_min < 60 && t->tm_sec < 60;
}

static time_t seconds_of(struct tm t, bool is_utc)
{
	t.tm_isdst = -1;
	return is_utc ? timegm(&t) : mktime(&t);
}

emr_status emr_when_parse(const char *text, uint64_t *out_from_unix_s, uint64_t *out_until_unix_s)
{
	struct tm t = {0}, next;
	int year, month, *step = &next.tm_mday;
	bool is_utc;
	time_t from, until;

	if (!take(&text, 0, 4, &year) || !take(&text, '-', 2, &month) ||
		!take(&text, '-', 2, &t.tm_mday))
		return EMR_INVALID;
	if (*text == 'T') {
		if (!take(&text, 'T', 2, &t.tm_hour) || !take(&text, ':', 2, &t.tm_min))
			return EMR_INVALID;
		step = &next.tm_min;
		if (*text == ':') {
			if (!take(&text, ':', 2, &t.tm_sec))
				return EMR_INVALID;
			step = &next.tm_sec;
		}
	}
	is_utc = *text == 'Z';
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	if (text[is_utc] != 0 || !exists(&t, year))
		return EMR_INVALID;
	next = t;
	++*step;
	from = seconds_of(t, is_utc);
	until = seconds_of(next, is_utc);
	if (from < 0 || until <= from)
		return EMR_INVALID;
	*out_from_unix_s = (uint64_t)from;
	*out_until_unix_s = (uint64_t)until - 1;
	return EMR_OK;
}

void emr_when_day(uint64_t unix_s, char out[EMR_WHEN_BYTES])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(out, EMR_WHEN_BYTES, "%Y-%m-%d", &tm) == 0)
		snprintf(out, EMR_WHEN_BYTES, "1970-01-01");
}
