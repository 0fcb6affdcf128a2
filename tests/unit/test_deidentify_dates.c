/* These tests are about dates and times in copies: those of the patient move by one span, and no
 * other does, because one that is known would tell the span. */
#include "emr_test.h"

#include "copy.h"
#include "deidentify_kit.h"

TEST(all_times_of_a_participant_move_by_the_same_span)
{
	persona who = {.shift_us = -(30 * 365 * 86400LL + 3600) * 1000000};
	char out[32];

	value_date(&who, "20240119", "003000", out); /* an hour back is the day before */
	assert_string_equal(out, "19940125");
	value_time(&who, "003000.25", out);
	assert_string_equal(out, "233000.25");
	value_date_time(&who, "20240119003000.25+0100", "", out);
	assert_string_equal(out, "19940125233000.25");
	value_date_time(&who, "20240119", "", out); /* from noon, as a date alone */
	assert_string_equal(out, "19940126");
	value_date(&who, "20240119", "013000", out);
	assert_string_equal(out, "19940126");
	value_date_time(&who, "202401", "", out);
	assert_string_equal(out, "199401");
	value_date(&who, "20240119", "000000", out); /* nobody said a time */
	assert_string_equal(out, "19940126");
	value_date_time(&who, "20240119000000.000+0100", "", out);
	assert_string_equal(out, "19940126");
	who.shift_us += 1;
	value_time(&who, "003000.999999", out);
	assert_string_equal(out, "233001.000000");
	value_time(&who, "0030", out);
	assert_string_equal(out, "2330");
}

TEST(what_is_no_date_gives_nothing)
{
	static const char *const wrong[] = {"", "2024", "20240230", "2024-01-19", "Ana Silva",
		"20241301", "00000000", "2024011", "202401190", "18000101", "19000101", "19691231",
		"19700101", "19800101", "20000101"};
	static const char *const no_times[] = {"", "25", "1060", "12:30:00", "1", "123",
		"123059.1234567", "Ana", "1230.5", "12+0100", "00", "0000", "000000",
		"000000.000000"};
	persona who = {.shift_us = -(30 * 365 * 86400LL) * 1000000};
	char out[32];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		value_date(&who, wrong[i], "", out);
		assert_string_equal(out, "");
	}
	for (size_t i = 0; i < sizeof no_times / sizeof *no_times; i++) {
		value_time(&who, no_times[i], out);
		assert_string_equal(out, "");
	}
	value_date_time(&who, "19700101010000", "", out);
	assert_string_equal(out, "");
	value_date_time(&who, "20240119+01", "", out);
	assert_string_equal(out, "");
	value_date_time(&who, "2024011912Ana", "", out);
	assert_string_equal(out, "");
}

/* Days that others know without knowing the patient: of tables that are printed, of the scanner,
 * and of the programs that wrote the file. One of them, moved, would tell the span of all. */
static const struct {
	uint32_t tag;
	const char vr[3], *text, *left;
} known[] = {{0x00080012, "DA", "20240121", "18581117"}, {0x00080013, "TM", "101112", "000000"},
	{0x00080015, "DT", "20240121", "none"}, {0x00080105, "CS", "DCMR", "none"},
	{0x00080106, "DT", "20170914", "none"}, {0x00080107, "DT", "20170914", "none"},
	{0x0008010b, "CS", "N", "none"}, {0x0008010f, "CS", "4031", "none"},
	{0x00080117, "UI", "1.2.840.10008.6.1.308", "none"},
	{0x00080118, "UI", "1.2.840.10008.8.1.1", "none"}, {0x00181200, "DA", "20240105", "none"},
	{0x00181201, "TM", "101112", "none"}, {0x00181202, "DT", "20240105101112", "none"},
	{0x00181203, "DT", "20240105101112", ""}, {0x00181204, "DA", "20110307", "none"},
	{0x00181205, "DA", "20120307", "none"}, {0x0018700c, "DA", "20240105", "18581117"},
	{0x0018700e, "TM", "101112", "000000"}, {0x00189919, "DT", "20240105", "18581117000000"},
	{0x0018a002, "DT", "20240121", "none"}};

static void put_known_days(made *m)
{
	made_header(m, 0x00082218, "SQ", 0xffffffff);
	made_item(m);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		made_text(m, known[i].tag, known[i].vr, known[i].text);
	made_item_end(m);
	made_item(m);
	made_text(m, 0x00080100, "SH", "39607008");
	made_text(m, 0x00080102, "SH", "SCT");
	made_text(m, 0x00080106, "DT", "20170914");
	made_text(m, 0x00189074, "DT", "20240119101112");
	made_item_end(m);
	made_sequence_end(m);
}

TEST(no_day_is_moved_that_others_than_the_patient_know)
{
	EMR_AUTO_BUF out = made_copy_with(put_known_days, MADE_EXPLICIT, NULL);

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *left = made_value(emr_buf_view(&out), known[i].tag, known[i].vr);

		if (strcmp(left, known[i].left) != 0)
			fail_msg("%08x: %s", known[i].tag, left);
	}
	assert_int_equal(strlen(made_value(emr_buf_view(&out), 0x00189074, "DT")), 14);
	assert_memory_not_equal(made_value(emr_buf_view(&out), 0x00189074, "DT"), "18581117", 8);
}

static void put_dates(made *m)
{
	made_text(m, 0x00080201, "SH", "+0500");
}

static const char *file_zone, *start_zone, *start;

static void put_injection(made *m)
{
	char moment[40];

	if (file_zone != NULL)
		made_text(m, 0x00080201, "SH", file_zone);
	made_header(m, 0x00082218, "SQ", 0xffffffff);
	made_item(m);
	made_text(m, 0x00181072, "TM", start);
	snprintf(moment, sizeof moment, "20240119%s%s", start, start_zone);
	made_text(m, 0x00181078, "DT", moment);
	made_text(m, 0x00189074, "DT", "20240119110000");
	made_item_end(m);
	made_sequence_end(m);
}

static int seconds_of(const char *clock)
{
	return ((clock[0] * 10 + clock[1] - 11 * '0') * 60 + clock[2] * 10 + clock[3] - 11 * '0') *
		       60 +
	       clock[4] * 10 + clock[5] - 11 * '0';
}

/* The rest of (0018,1078) is WANTED seconds before (0018,9074), at eleven, or empty. */
static void check_uptake(const char *file, const char *zone, const char *clock, int wanted)
{
	EMR_AUTO_BUF out = {0};
	char left[40];

	file_zone = file;
	start_zone = zone;
	start = clock;
	out = made_copy_with(put_injection, MADE_EXPLICIT, NULL);
	snprintf(left, sizeof left, "%s", made_value(emr_buf_view(&out), 0x00181078, "DT"));
	assert_int_equal(
		left[0] == '\0' ? -1
				: seconds_of(made_value(emr_buf_view(&out), 0x00189074, "DT") + 8) -
					  seconds_of(left + 8),
		wanted);
	assert_null(strpbrk(left, "+-"));
}

/* Pictures are taken by the clock of the file, and the injection is told by another one. */
TEST(the_zone_of_an_injection_is_applied)
{
	check_uptake("+0200", "+0000", "080000", 3600);
	check_uptake("-0330", "+0000", "133000", 3600);
	check_uptake("+0200", "", "100000", 3600);
	check_uptake("+0200", "+0200", "100000", 3600);
	/* nobody can tell how far apart they are */
	check_uptake(NULL, "+0000", "080000", -1);
	check_uptake("Ana", "+0000", "080000", -1);
	check_uptake(NULL, "", "100000", 3600);
}

TEST(no_midnight_comes_between_an_injection_and_its_picture)
{
	char scan[32], injection[32], late[32], early[32];

	for (unsigned person = 0; person < 500; person++) {
		uint8_t key[EMR_DEIDENTIFY_KEY_BYTES] = {(uint8_t)person, (uint8_t)(person >> 8)};
		persona who;

		persona_begin(&who, key, "P");
		value_time(&who, "090000", injection);
		value_time(&who, "100000", scan);
		value_time(&who, "050000", early);
		value_time(&who, "235959", late);
		assert_int_equal(seconds_of(scan) - seconds_of(injection), 3600);
		assert_int_equal(seconds_of(late) - seconds_of(early), 19 * 3600 - 1);
		assert_true(-who.shift_us >= 946728000LL * 1000000 &&
			    -who.shift_us < 1893542400LL * 1000000);
	}
}

static void put_night(made *m)
{
	made_header(m, 0x00082218, "SQ", 0xffffffff);
	made_item(m);
	made_text(m, 0x00181072, "TM", start);
	made_item_end(m);
	made_sequence_end(m);
}

/* The made picture is of one minute before midnight. */
TEST(a_time_of_injection_that_would_come_after_its_picture_is_empty)
{
	static const char *const clocks[] = {"000100", "045900", "050100", "235800"};

	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		EMR_AUTO_BUF out = {0};
		char left[40];

		start = clocks[i];
		out = made_copy_with(put_night, MADE_EXPLICIT, NULL);
		snprintf(left, sizeof left, "%s", made_value(emr_buf_view(&out), 0x00181072, "TM"));
		if (i != 1) /* as the person's span is */
			assert_int_equal(left[0] == '\0', i == 0);
		assert_true(strcmp(left, made_value(emr_buf_view(&out), 0x00080030, "TM")) <= 0);
	}
}

TEST(without_dates_none_is_left)
{
	const emr_deidentify_rules rules = {.without_dates = true};
	EMR_AUTO_BUF out = made_copy_with(put_dates, MADE_EXPLICIT, &rules);

	assert_string_equal(made_value(emr_buf_view(&out), 0x00080020, "DA"), "");
	assert_string_equal(made_value(emr_buf_view(&out), 0x00280303, "CS"), "REMOVED");
	assert_false(made_has(emr_buf_view(&out), "113107"));
	assert_false(made_has(emr_buf_view(&out), "+0500"));
}

TESTS(NULL, NULL)
