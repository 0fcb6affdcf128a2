/* These tests are about the one reader of days and times: which seconds a text means, and what is
 * no day. */
#include <time.h>

#include "base/day.h"
#include "emr_test.h"

#define CET "CET-1CEST,M3.5.0,M10.5.0/3"
#define MIDNIGHT "XST3XDT,M10.3.0/0,M2.3.0/0" /* as in Brazil once: it jumps at midnight */

static void live_in(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

TEST(times_have_a_first_and_a_last_second)
{
	static const struct {
		const char *zone, *text;
		uint64_t from, until;
	} cases[] = {
		{"UTC0", "2026-11-20", 1795132800, 1795219199},
		{"UTC0", "2026-11-20T14:05", 1795183500, 1795183559},
		{"UTC0", "2026-11-20T14:05:31", 1795183531, 1795183531},
		{"XST-3", "2026-11-20", 1795132800 - 10800, 1795219199 - 10800},
		{"XST-3", "2026-11-20T14:05:31Z", 1795183531, 1795183531},
		{"XST-3", "2026-11-20Z", 1795132800, 1795219199},
		{"UTC0", "2024-02-29", 1709164800, 1709251199},
		{"XST-3", "2026-11-20T14:05:31+01:00", 1795179931, 1795179931},
		{"XST-3", "2026-11-20T14:05:31.25-01:30", 1795188931, 1795188931},
		{CET, "2026-03-29", 1774738800, 1774821599},	   /* 23 hours */
		{CET, "2026-10-25", 1792879200, 1792969199},	   /* 25 */
		{CET, "2026-10-25T02:30", 1792888200, 1792891859}, /* the clock shows it twice */
		{CET, "2026-10-25T02:30:07", 1792888207, 1792891807},
		{CET, "2026-10-25T01:59", 1792886340, 1792886399},
		{CET, "2026-10-25T03:00", 1792893600, 1792893659},
		{CET, "2026-03-29T01:59", 1774745940, 1774745999},
		{CET, "2026-03-29T03:00", 1774746000, 1774746059},
		{MIDNIGHT, "2026-10-18", 1792292400, 1792375199}, /* it begins at one o'clock */
		{"XST-3", "1970-01-01", 0, 75599},
	};
	emr_day_span span;
	char day[EMR_DAY_BYTES];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		live_in(cases[i].zone);
		assert_int_equal(emr_day_read(cases[i].text, &span), EMR_DAY_FINE);
		assert_int_equal(span.first_unix_s, cases[i].from);
		assert_int_equal(span.last_unix_s, cases[i].until);
	}
	live_in("XST-3");
	emr_day_of(1795132799, day);
	assert_string_equal(day, "2026-11-20");
	live_in("UTC0");
	emr_day_of(1795132799, day);
	assert_string_equal(day, "2026-11-19");
}

TEST(what_is_no_time_says_why)
{
	static const struct {
		const char *text;
		emr_day_fault fault;
	} cases[] = {{"", EMR_DAY_EMPTY}, {"2026", EMR_DAY_FORM}, {"2026-11", EMR_DAY_FORM},
		{"2026-1-1", EMR_DAY_FORM}, {"+026-01-01", EMR_DAY_FORM},
		{" 2026-01-01", EMR_DAY_FORM}, {"2026-01-01 ", EMR_DAY_FORM},
		{"01.02.2026", EMR_DAY_FORM}, {"2026-01-01T10", EMR_DAY_FORM},
		{"2026-01-01T10:00:00.", EMR_DAY_FORM}, {"2026-01-01+01:00", EMR_DAY_FORM},
		{"2026-01-01T10:00+15:00", EMR_DAY_FORM}, {"2026-01-01T10:00z", EMR_DAY_FORM},
		{"2026-02-29", EMR_DAY_NO_DAY}, {"2026-00-01", EMR_DAY_NO_DAY},
		{"2026-01-32", EMR_DAY_NO_DAY}, {"0999-01-01", EMR_DAY_NO_DAY},
		{"2026-01-01T24:00", EMR_DAY_NO_DAY}, {"2026-01-01T10:00:60", EMR_DAY_NO_DAY},
		{"1969-12-31", EMR_DAY_EARLY}, {"10:00", EMR_DAY_TIME_ALONE},
		{"T10:00", EMR_DAY_TIME_ALONE}};
	emr_day_span span = {.first_unix_s = 7};

	live_in("UTC0");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (emr_day_read(cases[i].text, &span) != cases[i].fault)
			fail_msg("%s", cases[i].text);
	live_in(CET);
	assert_int_equal(emr_day_read("2026-03-29T02:30", &span), EMR_DAY_NO_DAY);
	live_in(MIDNIGHT);
	assert_int_equal(emr_day_read("2026-10-18T00:00", &span), EMR_DAY_NO_DAY);
	live_in("UTC0");
	assert_int_equal(span.first_unix_s, 7);
}

TEST(a_birth_date_is_a_day_that_exists)
{
	assert_true(emr_day_is("1984-03-12"));
	assert_true(emr_day_is("2000-02-29"));
	assert_false(emr_day_is("1900-02-29"));
	assert_false(emr_day_is("1984-02-30"));
	assert_false(emr_day_is("1984-3-12"));
	assert_false(emr_day_is("1984-03-12x"));
	assert_false(emr_day_is(""));
}

/* A dataset's terms have a day, and the ledger a second. */
TEST(a_day_ends_with_one_of_26_hours_worth_of_seconds)
{
	static const char *const zones[] = {"UTC0", "XST-14", "XST12", "WET0WEST,M3.5.0/1,M10.5.0"};
	emr_day_span span;

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		live_in(zones[i]);
		assert_int_equal(emr_day_read("2030-06-30", &span), EMR_DAY_FINE);
		assert_true(emr_day_may_end("2030-06-30", span.last_unix_s));
		assert_false(emr_day_may_end("2030-07-02", span.last_unix_s));
	}
	assert_false(emr_day_may_end("2030-06-30", 0));
	assert_false(emr_day_may_end("2030-06-30", UINT64_MAX));
	assert_false(emr_day_may_end("2030-06-31", span.last_unix_s));
	live_in("UTC0");
}

TESTS(NULL, NULL)
