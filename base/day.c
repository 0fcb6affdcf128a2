/* This file reads days, minutes and seconds as text, and says which seconds they are. It works on
 * digits and not with strptime, which takes blanks, signs and days of other months. */
#include "base/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ZONES_S INT64_C(50400) /* no zone is further from UTC: 14 hours */
#define DAY_S INT64_C(86400)

/* N digits at *TEXT, behind the character BEFORE (0: none); moves *TEXT behind them. */
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

int emr_day_count(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static emr_day_fault take_day(const char **text, struct tm *out)
{
	int year, month;

	if (!take(text, 0, 4, &year) || !take(text, '-', 2, &month) ||
		!take(text, '-', 2, &out->tm_mday))
		return EMR_DAY_FORM;
	out->tm_year = year - 1900;
	out->tm_mon = month - 1;
	return year >= 1000 && month >= 1 && month <= 12 && out->tm_mday >= 1 &&
			       out->tm_mday <= emr_day_count(year, month)
		       ? EMR_DAY_FINE
		       : EMR_DAY_NO_DAY;
}

static emr_day_fault take_time(const char **text, struct tm *out, int64_t *out_step_s)
{
	if (!take(text, 'T', 2, &out->tm_hour) || !take(text, ':', 2, &out->tm_min))
		return EMR_DAY_FORM;
	*out_step_s = 60;
	if (**text == ':') {
		if (!take(text, ':', 2, &out->tm_sec))
			return EMR_DAY_FORM;
		*out_step_s = 1;
		if (**text == '.') {
			size_t digits = strspn(*text + 1, "0123456789");

			if (digits == 0)
				return EMR_DAY_FORM;
			*text += 1 + digits;
		}
	}
	return out->tm_hour < 24 && out->tm_min < 60 && out->tm_sec < 60 ? EMR_DAY_FINE
									 : EMR_DAY_NO_DAY;
}

/* "", "Z", and of a time "+01:00": seconds ahead of UTC. */
static bool take_zone(const char *text, bool has_time, bool *out_has, int64_t *out_ahead_s)
{
	int sign = *text == '-' ? -1 : 1, hours, minutes;

	*out_has = *text != '\0';
	*out_ahead_s = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (!has_time || (*text != '+' && *text != '-') || !take(&text, *text, 2, &hours) ||
		!take(&text, ':', 2, &minutes) || *text != '\0' || minutes > 59)
		return false;
	*out_ahead_s = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return *out_ahead_s >= -ZONES_S && *out_ahead_s <= ZONES_S;
}

/* Seconds ahead of UTC in this computer's zone. */
static int64_t ahead_at(int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	struct tm local;

	return localtime_r(&at, &local) != NULL ? local.tm_gmtoff : 0;
}

/* When a clock of this zone shows T for the first and for the last time. It shows some times twice,
 * and jumps over others: false, and both are the second to which it jumps.  (mktime picks one of
 * two without a rule, and moves the others.) */
static bool when_shown(struct tm t, int64_t *out_first, int64_t *out_last)
{
	const int64_t shown = (int64_t)timegm(&t);
	const int64_t before = ahead_at(shown - DAY_S), after = ahead_at(shown + DAY_S);
	int64_t early = shown - (before > after ? before : after);
	int64_t late = shown - (before > after ? after : before);
	const bool is_early = early + ahead_at(early) == shown,
		   is_late = late + ahead_at(late) == shown;

	while (!is_early && !is_late && late - early > 1) {
		int64_t middle = early + (late - early) / 2;

		early = ahead_at(middle) == after ? early : middle;
		late = ahead_at(middle) == after ? middle : late;
	}
	*out_first = is_early ? early : late;
	*out_last = is_late || !is_early ? late : early;
	return is_early || is_late;
}

/* As T is in this zone; of a day that begins with a jump: from there on.  False: no clock shows it.
 */
static bool span_here(struct tm t, bool has_time, int64_t step_s, int64_t *first, int64_t *last)
{
	const int mday = t.tm_mday;
	struct tm local;
	time_t at;

	if (has_time) {
		if (!when_shown(t, first, last))
			return false;
		*last += step_s - 1;
		return true;
	}
	(void)when_shown(t, first, last);
	at = (time_t)*first;
	t.tm_mday++;
	(void)when_shown(t, last, &(int64_t){0});
	--*last;
	return localtime_r(&at, &local) != NULL && local.tm_mday == mday;
}

static emr_day_fault fault_of_other(const char *text)
{
	int hour, minute;

	text += *text == 'T';
	return take(&text, 0, 2, &hour) && take(&text, ':', 2, &minute) ? EMR_DAY_TIME_ALONE
									: EMR_DAY_FORM;
}

emr_day_fault emr_day_read(const char *text, emr_day_span *out)
{
	struct tm t = {0};
	const char *at = text;
	emr_day_fault fault;
	int64_t step_s = DAY_S, ahead_s, first, last;
	emr_day_span span = {0};

	if (*text == '\0')
		return EMR_DAY_EMPTY;
	fault = take_day(&at, &t);
	if (fault == EMR_DAY_FORM)
		return fault_of_other(text);
	span.has_time = *at == 'T';
	if (fault == EMR_DAY_FINE && span.has_time)
		fault = take_time(&at, &t, &step_s);
	if (fault != EMR_DAY_FINE)
		return fault;
	if (!take_zone(at, span.has_time, &span.has_zone, &ahead_s))
		return EMR_DAY_FORM;
	first = (int64_t)timegm(&t) - ahead_s;
	last = first + step_s - 1;
	if (!span.has_zone && !span_here(t, span.has_time, step_s, &first, &last))
		return EMR_DAY_NO_DAY;
	if (last < 0)
		return EMR_DAY_EARLY;
	span.first_unix_s = first < 0 ? 0 : (uint64_t)first; /* of 1970-01-01 east of UTC */
	span.last_unix_s = (uint64_t)last;
	*out = span;
	return EMR_DAY_FINE;
}

bool emr_day_is(const char *text)
{
	struct tm day;

	return take_day(&text, &day) == EMR_DAY_FINE && *text == '\0';
}

bool emr_day_may_end(const char *text, uint64_t unix_s)
{
	struct tm day = {.tm_hour = 24};
	int64_t end;

	if (take_day(&text, &day) != EMR_DAY_FINE || *text != '\0')
		return false;
	end = (int64_t)timegm(&day) - 1;
	return unix_s <= INT64_MAX && (int64_t)unix_s >= end - ZONES_S &&
	       (int64_t)unix_s <= end + ZONES_S;
}

void emr_day_of(uint64_t unix_s, char out[EMR_DAY_BYTES])
{
	time_t at = (time_t)unix_s;
	struct tm local;

	if (localtime_r(&at, &local) == NULL ||
		strftime(out, EMR_DAY_BYTES, "%Y-%m-%d", &local) == 0)
		snprintf(out, EMR_DAY_BYTES, "1970-01-01");
}
