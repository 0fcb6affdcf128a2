/* These tests read and write durations, dates, sizes and columns as people see them. */
#include "emr_test.h"

#include <time.h>

#include "kit/text.h"

TEST(durations_have_a_number_and_a_unit)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {{"90s", 90}, {"5min", 300}, {"12h", 43200}, {"30d", 2592000}, {"2w", 1209600}};
	static const char *const wrong[] = {"", "5", "s", "0s", "-1s", "5 s", "5m", "1h30min", "5y",
		"1.5h", "99999999999s", "4000000000w", "5S"};
	int64_t ns = 7;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_ok(emr_duration_parse(cases[i].text, &ns));
		assert_int_equal(ns / 1000000000, cases[i].seconds);
	}
	ns = 7;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_status(EMR_INVALID, emr_duration_parse(wrong[i], &ns));
	assert_int_equal(ns, 7);
}

TEST(an_end_is_a_time_to_come)
{
	struct tm midnight = {.tm_year = 2027 - 1900, .tm_mon = 0, .tm_mday = 1, .tm_isdst = -1};
	const char *why = NULL;
	uint64_t at;

	assert_ok(emr_until_read("2026-12-31", 0, &at, &why));
	assert_int_equal(at, (uint64_t)mktime(&midnight) - 1);
	assert_ok(emr_until_read("2026-12-31T18:30", 0, &at, &why));
	assert_int_equal(at, (uint64_t)mktime(&midnight) - 19800);
	assert_ok(emr_until_read("2h", 1000, &at, &why));
	assert_int_equal(at, 8200);
	assert_ok(emr_until_read("forever", 0, &at, &why));
	assert_true(at == EMR_FOREVER_UNIX_S);
	assert_null(why);
}

TEST(each_mistake_in_an_end_has_its_sentence)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {{"2020-01-01", "over already"}, {"1969-12-31", "over already"},
		{"0d", "over already"}, {"2027-02-31", "does not exist"},
		{"2027-13-01", "does not exist"}, {"2027-01-01T24:00", "does not exist"},
		{"31.12.2027", "written otherwise"}, {"2027-1-1", "written otherwise"},
		{"2027-12", "written otherwise"}, {"2027-12-31 18:30", "written otherwise"},
		{"tomorrow", "written otherwise"}, {"30", "written otherwise"},
		{"5m", "written otherwise"}, {"101w days", "written otherwise"},
		{"2200-01-01", "100 years"}, {"99999999999999999999d", "100 years"},
		{"5300w", "100 years"}, {"", "empty"}, {"18:00", "without its day"},
		{"T18:00:30", "without its day"}};
	uint64_t at = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *why = "";

		assert_status(EMR_INVALID, emr_until_read(wrong[i].text, 1795000000, &at, &why));
		if (strstr(why, wrong[i].why) == NULL)
			fail_msg("%s: %s", wrong[i].text, why);
	}
	assert_int_equal(at, 7);
}

TEST(numbers_are_grouped)
{
	char text[EMR_TEXT_BYTES];

	emr_number_text(0, text);
	assert_string_equal(text, "0");
	emr_number_text(999, text);
	assert_string_equal(text, "999");
	emr_number_text(63884, text);
	assert_string_equal(text, "63,884");
	emr_number_text(UINT64_MAX, text);
	assert_string_equal(text, "18,446,744,073,709,551,615");
}

TEST(sizes_have_a_unit)
{
	char text[EMR_TEXT_BYTES];

	emr_size_text(63884, text);
	assert_string_equal(text, "63,884 bytes");
	emr_size_text(1, text);
	assert_string_equal(text, "1 byte");
	emr_size_text(164000000, text);
	assert_string_equal(text, "164 MB");
	emr_size_text(4398046511104, text);
	assert_string_equal(text, "4 TB");
	emr_size_text(UINT64_MAX, text);
	assert_string_equal(text, "18447 PB");
}

TEST(json_has_utc)
{
	char text[EMR_TEXT_BYTES];

	emr_time_json(1763647500, text);
	assert_string_equal(text, "2025-11-20T14:05:00Z");
}

TEST(a_moment_is_shown_here_and_what_is_none_as_it_is)
{
	char text[EMR_TEXT_BYTES];

	assert_int_equal(setenv("TZ", "EAST-2", 1), 0);
	tzset();
	emr_moment_text("2026-11-20T23:05:07Z", text);
	assert_string_equal(text, "21 Nov 2026 01:05");
	emr_day_text("2026-11-20T23:05:07Z", text);
	assert_string_equal(text, "21 Nov 2026");
	emr_moment_text("never", text);
	assert_string_equal(text, "never");
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

TEST(of_one_there_is_one)
{
	char text[EMR_COUNT_BYTES];

	emr_count_text(1, "record", "records", text);
	assert_string_equal(text, "1 record");
	emr_count_text(0, "record", "records", text);
	assert_string_equal(text, "0 records");
	emr_count_text(10332, "record", "records", text);
	assert_string_equal(text, "10,332 records");
}

TEST(a_limit_is_exact)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} limits[] = {{UINT64_C(4) << 30, "4 GiB"}, {UINT64_C(1536) << 20, "1,536 MiB"},
		{(UINT64_C(1) << 30) + 1, "1,073,741,825 bytes"}, {1000, "1,000 bytes"},
		{1, "1 byte"}, {0, "0 bytes"}, {UINT64_MAX, "18,446,744,073,709,551,615 bytes"}};
	char text[EMR_TEXT_BYTES];

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		emr_limit_text(limits[i].bytes, text);
		assert_string_equal(text, limits[i].text);
	}
}

TEST(a_column_has_as_many_characters_with_accents_and_without)
{
	char text[60], small[5];

	emr_column_text("Joana", 8, text, sizeof text);
	assert_string_equal(text, "Joana   ");
	emr_column_text("Jo\xc3\xa3o", 8, text, sizeof text);
	assert_string_equal(text, "Jo\xc3\xa3o    ");
	emr_column_text("longer than it", 8, text, sizeof text);
	assert_string_equal(text, "longer than it");
	emr_column_text("Joana", 8, small, sizeof small);
	assert_string_equal(small, "Joan");
}

TESTS(NULL, NULL)
