/* This file makes the new values that a copy for research has instead of the original ones: UIDs,
 * and times that are moved by the same span. All follow from the participant's key, so nothing is
 * stored. A value that is not what its VR says gives nothing. */
#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "crypto/kdf.h"

#include "copy.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_US (86400 * SECOND_US)
#define THIRTY_YEARS_DAYS 10958
#define NIGHT_US (5 * 3600 * SECOND_US)

/* ---- participants ---- */

static void keyed_hash(const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES], const char *label,
	const char *text, uint8_t out[32])
{
	char message[128];
	int len = snprintf(message, sizeof message, "%s%c%.*s", label, 0, 96, text);

	emr_hmac_sha256(emr_bytes_of(key, EMR_DEIDENTIFY_KEY_BYTES),
		emr_bytes_of(message, (size_t)len), out);
}

void persona_begin(persona *p, const uint8_t key[EMR_DEIDENTIFY_KEY_BYTES], const char *pseudonym)
{
	uint8_t hash[32];
	uint64_t days = 0, night = 0;

	memcpy(p->key, key, sizeof p->key);
	snprintf(p->pseudonym, sizeof p->pseudonym, "%s", pseudonym);
	keyed_hash(key, "shift", "", hash);
	for (int i = 0; i < 8; i++) {
		days = days << 8 | hash[i];
		night = night << 8 | hash[8 + i];
	}
	/* All that stood on one day from five in the morning on stands on one day of the copy: of a
	 * time without a date, as that of an injection, nobody can see that midnight went between.
	 */
	p->shift_us = -((int64_t)(THIRTY_YEARS_DAYS + days % THIRTY_YEARS_DAYS) * DAY_US +
			(int64_t)(night % (uint64_t)NIGHT_US));
}

/* ---- UIDs ---- */

/* 2.25 and a UUID as one number, PS3.5 B.2; version 8 of RFC 9562, whose bits are anybody's. */
void value_uid(const persona *p, const char *uid, char out[EMR_DICOM_UID_SIZE])
{
	uint8_t hash[32];
	char digits[40];
	int at = sizeof digits - 1;

	if (uid[0] == '\0' || dicom_uid_is_registered(uid)) {
		snprintf(out, EMR_DICOM_UID_SIZE, "%s", uid);
		return;
	}
	keyed_hash(p->key, "uid", uid, hash);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	digits[at] = '\0';
	for (unsigned left = 1; left != 0;) { /* base 256 to base 10 */
		unsigned rest = 0;

		left = 0;
		for (int i = 0; i < 16; i++) {
			rest = rest << 8 | hash[i];
			hash[i] = (uint8_t)(rest / 10);
			left |= hash[i];
			rest %= 10;
		}
		digits[--at] = (char)('0' + rest);
	}
	snprintf(out, EMR_DICOM_UID_SIZE, "2.25.%s", digits + at);
}

/* ---- dates ---- */

/* N digits; -1: others. */
static int digits_value(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

typedef struct moment {
	int year, month, day, hour, minute, second;
	int micro, digits; /* of a second, as far as it was said */
	int parts;	   /* how many of them were said */
	const char *zone;  /* "+0100" */
} moment;

/* Where programs and their clocks begin to count, here or a few hours west of Greenwich: they write
 * it for what they do not know, and who sees it moved knows the span. */
static bool is_beginning(const moment *m)
{
	static const int first[] = {1900, 1901, 1904, 1960, 1970, 1980, 2000, 2001};

	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		if ((m->year == first[i] && m->month == 1 && m->day == 1) ||
			(m->year == first[i] - 1 && m->month == 12 && m->day == 31))
			return true;
	return false;
}

static bool is_date(const moment *m)
{
	return m->year >= 1900 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
	       m->day <= emr_day_count(m->year, m->month);
}

/* Minutes of "+0100"; false: no zone of this world. */
static bool read_zone(const char *text, int *out)
{
	int value = *text == '+' || *text == '-' ? digits_value(text + 1, 4) : -1;

	if (value < 0 || value > 1400 || value % 100 > 59 || text[5] != '\0')
		return false;
	*out = (value / 100 * 60 + value % 100) * (*text == '-' ? -1 : 1);
	return true;
}

/* HH, HHMM, HHMMSS, HHMMSS.F to the end of TEXT or, where a zone may follow, to its sign. */
static bool read_clock(const char *text, moment *m)
{
	int *const parts[] = {&m->hour, &m->minute, &m->second};
	static const int most[] = {23, 59, 60};

	for (int i = 0; i < 3 && *text != '\0' && *text != '+' && *text != '-'; i++, text += 2) {
		*parts[i] = digits_value(text, 2);
		if (*parts[i] < 0 || *parts[i] > most[i])
			return false;
		m->parts++;
	}
	if (m->second == 60)
		m->second = 59;
	if (*text == '.' && m->parts == 3) {
		m->digits = (int)strspn(text + 1, "0123456789");
		if (m->digits < 1 || m->digits > 6)
			return false;
		m->micro = digits_value(text + 1, m->digits);
		for (int i = m->digits; i < 6; i++)
			m->micro *= 10;
		text += 1 + m->digits;
	}
	m->zone = text;
	return *text == '\0' || read_zone(text, &(int){0});
}

static void move_moment(const persona *p, moment *m)
{
	int64_t us =
		(m->hour * 3600 + m->minute * 60 + m->second) * SECOND_US + m->micro + p->shift_us;
	int64_t days = us / DAY_US - (us % DAY_US < 0 ? 1 : 0), s;

	us -= days * DAY_US;
	m->day += (int)days;
	while (m->day < 1) { /* the span goes back, and never on */
		m->year -= m->month == 1;
		m->month = m->month == 1 ? 12 : m->month - 1;
		m->day += emr_day_count(m->year, m->month);
	}
	s = us / SECOND_US;
	m->micro = (int)(us % SECOND_US);
	m->hour = (int)(s / 3600);
	m->minute = (int)(s / 60 % 60);
	m->second = (int)(s % 60);
}

/* As many digits of a fraction as there were. */
static void put_fraction(const moment *m, char *out, size_t size)
{
	char digits[8];

	snprintf(digits, sizeof digits, "%06d", m->micro % 1000000);
	if (m->digits > 0)
		snprintf(out, size, ".%.*s", m->digits, digits);
}

/* Midnight is what programs write for a day without a time. */
static bool is_midnight(const moment *m)
{
	return m->hour == 0 && m->minute == 0 && m->second == 0 && m->micro == 0;
}

static bool read_time(const char *text, moment *m)
{
	*m = (moment){.year = 2000, .month = 1, .day = 1};
	return read_clock(text, m) && m->parts > 0 && strpbrk(text, "+-") == NULL &&
	       !is_midnight(m);
}

void value_time(const persona *p, const char *text, char out[32])
{
	moment m;
	int len;

	out[0] = '\0';
	if (!read_time(text, &m))
		return;
	move_moment(p, &m);
	len = snprintf(out, 32, "%02d%02d%02d", m.hour, m.minute, m.second);
	if (m.parts < 3)
		out[m.parts * 2] = '\0';
	else
		put_fraction(&m, out + len, 32 - (size_t)len);
}

void value_date(const persona *p, const char *text, const char *time, char out[32])
{
	moment m, clock;

	out[0] = '\0';
	if (strlen(text) != 8 || digits_value(text, 8) < 0)
		return;
	m = (moment){.year = digits_value(text, 4),
		.month = digits_value(text + 4, 2),
		.day = digits_value(text + 6, 2),
		.hour = 12};
	if (!is_date(&m) || is_beginning(&m))
		return;
	if (read_time(time, &clock)) {
		m.hour = clock.hour;
		m.minute = clock.minute;
		m.second = clock.second;
		m.micro = clock.micro;
	}
	move_moment(p, &m);
	snprintf(out, 32, "%04d%02d%02d", m.year % 10000, m.month, m.day);
}

void value_date_time(const persona *p, const char *text, const char *zone, char out[32])
{
	int own = 0, files = 0;
	moment m = {.year = digits_value(text, strlen(text) >= 4 ? 4 : 0), .month = 1, .day = 1};
	size_t said = strspn(text, "0123456789"), date = said < 8 ? said : 8;
	int len;

	out[0] = '\0';
	if (date < 4 || date == 5 || date == 7)
		return;
	if (date >= 6)
		m.month = digits_value(text + 4, 2);
	if (date == 8)
		m.day = digits_value(text + 6, 2);
	if (!is_date(&m) || !read_clock(text + date, &m) || (date < 8 && m.parts > 0) ||
		(date == 8 && is_beginning(&m)))
		return;
	if (zone == NULL && m.zone[0] != '\0')
		return;
	if (is_midnight(&m)) {
		m.parts = 0;
		m.hour = 12;
	} else if (zone != NULL && read_zone(m.zone, &own) && read_zone(zone, &files)) {
		m.minute += files - own;
	}
	move_moment(p, &m);
	len = snprintf(out, 32, "%04d%02d%02d%02d%02d%02d", m.year % 10000, m.month, m.day, m.hour,
		m.minute, m.second);
	if (date < 8 || m.parts < 3)
		out[date + 2 * (size_t)m.parts] = '\0';
	else
		put_fraction(&m, out + len, 32 - (size_t)len);
}

void value_age(const char *text, char out[32])
{
	int age = strlen(text) == 4 ? digits_value(text, 3) : -1;

	out[0] = '\0';
	if (age < 0 || strchr("DWMY", text[3]) == NULL)
		return;
	if ((text[3] == 'Y' && age >= 90))
		age = 90;
	snprintf(out, 32, "%03d%c", age % 1000, text[3]);
}

/* Whether the time alone OLD, moved to CHANGED, has changed sides with a time of the file itself:
 * in a night it can be after the picture now, and who subtracts them gets another decay. */
static bool has_turned(const persona *p, dicom *d, const char *old, const char *changed)
{
	char time[64], moved[32];

	for (uint32_t tag = 0x00080030; tag <= 0x00080033; tag++) {
		dicom_text_of(d, tag, time, sizeof time);
		value_time(p, time, moved);
		if (moved[0] != '\0' && strcmp(old, time) <= 0 && strcmp(changed, moved) > 0)
			return true;
	}
	return false;
}

void value_change(const persona *p, dicom *d, const element *e, deed how, const char *old,
	const char *time, char *out)
{
	static const uint32_t of_injection[] = {0x00181072, 0x00181073, 0x00181078, 0x00181079};
	bool is_of_injection = DICOM_IS_AMONG(of_injection, e->tag);
	char zone[8];

	dicom_text_of(d, 0x00080201, zone, sizeof zone);
	if (how == DEED_UID)
		value_uid(p, old, out);
	else if (how == DEED_AGE)
		value_age(old, out);
	else if (memcmp(e->vr, "DA", 2) == 0)
		value_date(p, old, time, out);
	else if (memcmp(e->vr, "TM", 2) == 0)
		value_time(p, old, out);
	else
		value_date_time(
			p, old, !is_of_injection || read_zone(zone, &(int){0}) ? zone : NULL, out);
	if (memcmp(e->vr, "TM", 2) == 0 && is_of_injection && has_turned(p, d, old, out))
		out[0] = '\0';
}

const char *value_dummy(const char vr[2])
{
	static const char *const dummies[][2] = {{"DA", "18581117"}, {"TM", "000000"},
		{"DT", "18581117000000"}, {"AS", "000Y"}, {"IS", "0"}, {"DS", "0"}};

	for (size_t i = 0; i < sizeof dummies / sizeof *dummies; i++)
		if (memcmp(dummies[i][0], vr, 2) == 0)
			return dummies[i][1];
	for (const char *texts = "AECSLOLTPNSHSTUCURUT"; *texts != '\0'; texts += 2)
		if (memcmp(texts, vr, 2) == 0)
			return "REMOVED";
	return NULL;
}
