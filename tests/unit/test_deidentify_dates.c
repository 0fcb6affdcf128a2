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
	value_date_time(&who, "20240119003000.25+0100", out);
	assert_string_equal(out, "19940125233000.25");
	value_date_time(&who, "20240119", out); /* from noon, as a date alone */
	assert_string_equal(out, "19940126");
	value_date(&who, "20240119", "013000", out);
	assert_string_equal(out, "19940126");
	value_date_time(&who, "202401", out);
	assert_string_equal(out, "199401");
	value_date(&who, "20240119", "000000", out); /* nobody said a time */
	assert_string_equal(out, "19940126");
	value_date_time(&who, "20240119000000.000+0100", out);
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
	value_date_time(&who, "19700101010000", out);
	assert_string_equal(out, "");
	value_date_time(&who, "20240119+01", out);
	assert_string_equal(out, "");
	value_date_time(&who, "2024011912Ana", out);
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
