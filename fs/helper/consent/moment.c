/* This file reads the times in a Consent: a day, or a day with a time and its zone. It refuses
 * every other form. */
#include "moment.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

/* N digits at *AT, which goes on behind them; -1: something else stands there. */
static int digits_value(const char **at, int n)
{
	int number = 0;

	for (int i = 0; i < n; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		number = number * 10 + (**at - '0');
	}
	return number;
}

static bool letter_is(const char **at, char wanted)
{
	return *(*at)++ == wanted;
}

static bool read_day(const char **at, struct tm *out)
{
	out->tm_year = digits_value(at, 4);
	if (out->tm_year < 1970 || !letter_is(at, '-'))
		return false;
	out->tm_mon = digits_value(at, 2);
	if (out->tm_mon < 1 || out->tm_mon > 12 || !letter_is(at, '-'))
		return false;
	out->tm_mday = digits_value(at, 2);
	out->tm_year -= 1900;
	out->tm_mon--;
	return out->tm_mday >= 1;
}

static bool read_time(const char **at, struct tm *out)
{
	out->tm_hour = digits_value(at, 2);
	if (out->tm_hour < 0 || out->tm_hour > 23 || !letter_is(at, ':'))
		return false;
	out->tm_min = digits_value(at, 2);
	if (out->tm_min < 0 || out->tm_min > 59 || !letter_is(at, ':'))
		return false;
	out->tm_sec = digits_value(at, 2);
	if (out->tm_sec < 0 || out->tm_sec > 59)
		return false;
	if (**at != '.')
		return true;
	(*at)++;
	if (digits_value(at, 1) < 0)
		return false;
	*at += strspn(*at, "0123456789");
	return true;
}

/* "Z", "+01:00": seconds ahead of UTC. */
static bool read_zone(const char *at, int64_t *out_s)
{
	int sign = *at == '-' ? -1 : 1, hours, minutes;

	*out_s = 0;
	if (strcmp(at, "Z") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	at++;
	hours = digits_value(&at, 2);
	if (hours < 0 || hours > 14 || !letter_is(&at, ':'))
		return false;
	minutes = digits_value(&at, 2);
	if (minutes < 0 || minutes > 59 || *at != '\0')
		return false;
	*out_s = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return true;
}

bool moment_read(const char *text, bool is_end, uint64_t *out_unix_s)
{
	struct tm tm = {0}, again;
	int64_t zone_s = 0, seconds;
	const char *at = text;
	int day;

	if (!read_day(&at, &tm))
		return false;
	if (*at == '\0' && is_end) {
		tm.tm_hour = 23;
		tm.tm_min = tm.tm_sec = 59;
	} else if (*at != '\0' &&
		   (!letter_is(&at, 'T') || !read_time(&at, &tm) || !read_zone(at, &zone_s))) {
		return false;
	}
	day = tm.tm_mday;
	again = tm;
	seconds = timegm(&again);
	if (again.tm_mday != day || seconds - zone_s < 0) /* the 31st of February is no day */
		return false;
	*out_unix_s = (uint64_t)(seconds - zone_s);
	return true;
}
