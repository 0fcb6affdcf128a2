/* These tests are about tables: only named columns stay, and of their cells numbers, dates and
 * codes; the checker finds what looks like an id, a date or a name in a copy. */
#include "emr_test.h"

#include "check.h"
#include "csv.h"
#include "deidentify_kit.h"
#include "scan.h"
#include "vectors.h"

static const emr_column columns[] = {{"glucose", EMR_COLUMN_NUMBER, NULL},
	{"taken", EMR_COLUMN_DATE, NULL}, {"icd", EMR_COLUMN_CODE, NULL},
	{"unit", EMR_COLUMN_CODE, "|mmol/L|mg/dL|mol|mg|ok|x|"},
	{"sex", EMR_COLUMN_CODE, "|F|M|n/a|"}};
#define COLUMNS (sizeof columns / sizeof *columns)

/* As a reader, to whom the bytes of FD are called a copy. */
static emr_withheld scan_fd(int fd, uint64_t size, bool without_dates)
{
	static flat_file file;
	protocol_look rules = {.year = 2026, .rules.without_dates = without_dates};

	assert_ok(csv_take_columns(columns, COLUMNS, &rules.columns));
	file = (flat_file){.fd = fd, .size = size};
	return scan_file(&file, &rules);
}

static emr_deidentified counted; /* of the last copy */

/* The copy of TEXT, or why there is none. */
static const char *copied_for(const char *text, size_t len, bool without_dates)
{
	static char out[4096];
	persona who = {.shift_us = -(30 * 365 * 86400LL + 3600) * 1000000};
	csv_columns taken = {0};
	emr_deidentified what;
	int in = made_memory(emr_bytes_of(text, len)), copy = made_memory(emr_bytes_of("", 0));
	ssize_t n;

	assert_ok(csv_take_columns(columns, COLUMNS, &taken));
	assert_ok(csv_copy(in, len, copy, &who,
		&(protocol_look){
			.columns = taken, .year = 2026, .rules.without_dates = without_dates},
		&what));
	n = pread(copy, out, sizeof out - 1, 0);
	assert_true(n >= 0);
	out[n] = '\0';
	if (what.withheld == EMR_WITHHELD_NOT) {
		assert_true(what.form == EMR_COPY_TABLE && what.size == (uint64_t)n);
		assert_string_equal(emr_withheld_text(check_table(in, len, copy, what.size)), "");
		assert_string_equal(emr_withheld_text(scan_fd(copy, what.size, without_dates)), "");
	}
	close(in);
	close(copy);
	counted = what;
	return what.withheld == EMR_WITHHELD_NOT ? out : emr_withheld_text(what.withheld);
}

static const char *copied(const char *text)
{
	return copied_for(text, strlen(text), false);
}

TEST(only_named_columns_stay)
{
	assert_string_equal(copied("name,Glucose,note,unit\n"
				   "Ana Silva,5.4,feels well,mmol/L\n"
				   "Rui Santos,<6,\"says: \"\"fine\"\", he\ncomes again\",mg/dL\n"),
		"glucose,unit\n5.4,mmol/L\n<6,mg/dL\n");
}

TEST(semicolons_tabs_marks_and_line_ends_of_other_systems_are_read)
{
	assert_string_equal(
		copied("\xef\xbb\xbfunit;glucose;name\r\nmmol/L;5,4;Ana\r\n\r\nmmol/L;6,1;Rui"),
		"unit;glucose\nmmol/L;5.4\nmmol/L;6.1\n");
	assert_string_equal(copied("glucose\tname\n5\tAna\n"), "glucose\n5\n");
	assert_string_equal(copied("\"glucose\",\"name\"\n\"5,4\",\"Ana\"\n"), "glucose\n5.4\n");
}

TEST(cells_that_are_not_what_the_column_is_become_empty)
{
	static const char *const numbers[] = {"Ana", "1234567", "5 mmol", "5.4.1", "--5",
		"\"5,4,1\"", "12345678901234567890", "."};
	static const char *const codes[] = {"Ana Silva", "K7QF4711X", "47112", "a@b.pt", "Müller",
		"abcdefghijklmnopq", "912-345-678", "123-45-6789", "123.456.789-09", "12/34/567",
		"10.0.230.17"};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		assert_string_equal(copied(printed("glucose,unit\n%s,ok\n", numbers[i])),
			"glucose,unit\n,ok\n");
	}
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		assert_string_equal(copied(printed("glucose,icd\n5,%s\n", codes[i])),
			i == 1 ? "glucose,icd\n5,K7QF4711X\n" : "glucose,icd\n5,\n");
	}
}

/* A number of a person that somebody wrote with a point, and what a program wrote with all digits
 * that it had. */
TEST(a_number_has_seven_digits_and_further_decimals_are_cut)
{
	static const char *const numbers[][2] = {{"123456.789012", "123456.7"},
		{"123456,789012", "123456.7"}, {"912.345678", "912.3456"},
		{"1450.123456", "1450.123"}, {"1.2345678", "1.234567"},
		{"0.30000000000000004", "0.300000"}, {"-98.765432", "-98.76543"},
		{"<=0.0012345678", "<=0.001234"}, {"1234.567", "1234.567"},
		{"0.000012", "0.000012"}, {"123456", "123456"}, {"5.0000000", "5.000000"},
		/* of which too little would be left */
		{"0.00012345678", ""}, {"0.0000000", ""}, {"000.00000012", ""}};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		assert_string_equal(copied(printed("glucose;unit\n%s;ok\n", numbers[i][0])),
			printed("glucose;unit\n%s;ok\n", numbers[i][1]));
	}
}

TEST(a_list_of_codes_lets_no_other_word_through)
{
	assert_string_equal(copied("sex,unit\nF,x\nm,x\nN/A,x\n"), "sex,unit\nF,x\nM,x\nn/a,x\n");
	assert_string_equal(copied("sex,unit\nAna,x\n|,x\nF|M,x\n\"F \",x\n-,x\n"),
		"sex,unit\n,x\n,x\n,x\nF,x\n,x\n");
}

TEST(no_cell_is_a_formula)
{
	static const char *const formulas[] = {"=cmd", "=cmd|'/c calc'!A1", "+cmd", "-2+3", "@SUM",
		"=1", "+A1", "--1", "\t=1", "=HYPERLINK(0)"};

	for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
		assert_string_equal(copied(printed("icd,glucose,sex\n\"%s\",\"%s\",\"%s\"\n",
					    formulas[i], formulas[i], formulas[i])),
			"icd,glucose,sex\n,,\n");
	}
	assert_string_equal(
		copied("icd,glucose\n++,-2.5\n-,<=6\n"), "icd,glucose\n++,-2.5\n-,<=6\n");
}

/* 5 and 6 would be 56. */
TEST(a_line_end_of_another_age_joins_no_cells)
{
	assert_string_equal(copied("glucose,unit\n5\r6,mol\n"), "damaged");
	assert_string_equal(copied("glucose,unit\r5,mol\r"), "damaged");
	assert_string_equal(copied("glucose,unit\r\n5,mol\r\n"), "glucose,unit\n5,mol\n");
	assert_string_equal(copied("glucose,unit\n5,mol\r"), "damaged");
}

TEST(a_column_is_there_once)
{
	assert_string_equal(copied("unit,UNIT,glucose\nmol,Ana,5\n"), "unit,glucose\nmol,5\n");
}

TEST(other_writings_of_tables_give_nothing_of_what_they_hide)
{
	static char text[200100];

	assert_string_equal(copied("glucose|unit\n5|mol\n"), "not-dicom");
	assert_string_equal(copied("glucose:unit\n5:mol\n"), "not-dicom");
	assert_string_equal(copied_for("\xff\xfeg\0l\0", 6, false), "not-dicom");
	/* a mark of the byte order that is not the first thing makes another name of it */
	assert_string_equal(
		copied("\xef\xbb\xbf\xef\xbb\xbfunit,glucose\nmol,5\n"), "glucose\n5\n");
	assert_string_equal(copied("unit,glucose\n\"a\nb\",5\n"), "unit,glucose\n,5\n");
	assert_string_equal(copied("\"unit\"\"\",glucose\nAna,5\n"), "glucose\n5\n");
	/* a cell of 200,000 letters */
	strcpy(text, "unit,glucose\n");
	memset(text + strlen(text), 'a', 200000);
	strcpy(text + 13 + 200000, ",5\n");
	assert_string_equal(copied(text), "unit,glucose\n,5\n");
}

TEST(dates_are_moved_as_those_of_pictures)
{
	static const char *const dates[][2] = {{"2024-01-19", "1994-01-26"},
		{"2024-01-19T00:30:15", "1994-01-25T23:30:15"},
		{"2024-01-19 00:30:15.25", "1994-01-25T23:30:15.25"},
		{"2024-01-19T00:30:15+01:00", "1994-01-25T22:30:15"},
		{"2024-01-19T13:30Z", "1994-01-26T12:30"},
		{"2024-01-19 13:30:15.5 -0330", "1994-01-26T16:00:15.5"},
		{"2024-01-19T13:30:15+05", "1994-01-26T07:30:15"},
		{"2024-01-19T13:30:15+25:00", ""}, {"2024-01-19T13:30:15+01:00 x", ""},
		{"2024-01-19T13:30:15+1:00", ""}, {"2024-01-19T13:30:15Ana", ""},
		{"2024-01-19T00:00:00Ana", ""}, {"2024-01-19T00:30", "1994-01-25T23:30"},
		{"19.01.2024", ""}, {"20240119", ""}, {"2024-02-30", ""}, {"2024-01-19 by Ana", ""},
		{"yesterday", ""}, {"2024-01-19T00:30:15.", ""}, {"9999-12-31", ""},
		{"4305-01-26T10:15:00.5", ""},
		/* where programs begin to count */
		{"1970-01-01T00:00:00", ""}, {"1970-01-01T01:00:00", ""}, {"1969-12-31T19:00", ""},
		{"1900-01-01", ""}, {"1899-12-30", ""}, {"0001-01-01", ""}, {"1904-01-01", ""},
		{"1960-01-01", ""}, {"1980-01-01", ""}, {"2000-01-01", ""}, {"2001-01-01", ""},
		/* what they write for a day without a time */
		{"2024-01-19T00:00:00", "1994-01-26"}, {"2024-01-19 00:00:00.000", "1994-01-26"},
		{"2024-01-19T00:00Z", "1994-01-26"}, {"2024-01-19T12:00:00+01:00", "1994-01-26"},
		{"2024-01-19T23:59", "1994-01-26"}, {"2024-01-19T23:59:59.999", "1994-01-26"},
		{"2024-01-19T12:00:01", "1994-01-26T11:00:01"},
		{"2024-01-19T23:59:58", "1994-01-26T22:59:58"}};
	char text[256];

	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		snprintf(text, sizeof text, "taken,glucose\n%s,5\n", dates[i][0]);
		assert_string_equal(copied(text), printed("taken,glucose\n%s,5\n", dates[i][1]));
		assert_string_equal(copied_for(text, strlen(text), true), "taken,glucose\n,5\n");
	}
}

/* 60 and 40 minutes apart, in the nights in which the clocks are put on and back. */
TEST(times_of_two_zones_are_as_far_apart_in_the_copy)
{
	assert_string_equal(copied("taken,glucose\n2024-03-31T00:30:00+00:00,1\n"
				   "2024-03-31T03:30:00+02:00,2\n2024-10-27T02:30:00+02:00,3\n"
				   "2024-10-27T02:10:00+01:00,4\n"),
		"taken,glucose\n1994-04-07T23:30:00,1\n1994-04-08T00:30:00,2\n"
		"1994-11-03T23:30:00,3\n1994-11-04T00:10:00,4\n");
}

/* The numbers of one column, separated by blanks, and what becomes of them. */
static void check_numbers(const char *numbers, const char *wanted)
{
	char text[512] = "glucose;unit\n", all[512] = "glucose;unit\n";
	char *at, *one, *words[] = {strdup(numbers), strdup(wanted)};
	const char *of = strpbrk(numbers, ",") != NULL ? ";" : ",";

	for (int i = 0; i < 2; i++) {
		char *out = i == 0 ? text : all;

		sprintf(out, "glucose%sunit\n", of);
		for (one = strtok_r(words[i], " ", &at); one != NULL;
			one = strtok_r(NULL, " ", &at))
			sprintf(out + strlen(out), "%s%sx\n", strcmp(one, "-") == 0 ? "" : one, of);
		free(words[i]);
	}
	assert_string_equal(copied(text), all);
}

TEST(a_comma_is_what_all_numbers_of_its_column_say_and_else_the_cell_is_empty)
{
	static const char *const columns_of[][2] = {
		{"1,234 150,000 12,345,6 1,234,567 5", "1234 150000 - - 5"},
		{"150,000 98.6 <1,234.5", "150000 98.6 <1234.5"},
		{"150,000 5,4 1.234,5", "150.000 5.4 1234.5"}, {"1,234 0,125", "1.234 0.125"},
		{"1,234 1234,567", "1.234 1234.567"}, {"1,234 150,000", "- -"},
		{"1,234 5,4 98.6", "- 5.4 98.6"}, {"1.234 5,4", "1234 5.4"},
		{"1.234.567 150.000 2,500", "- 150000 2.500"}, {"5,4 98.6 1.234", "5.4 98.6 -"},
		{"1.234 5.678", "1.234 5.678"},
		{"5,4,1 1,23,456 ,5 5, 1,,2 0,123,456,789", "- - - - - -"}};

	for (size_t i = 0; i < sizeof columns_of / sizeof *columns_of; i++)
		check_numbers(columns_of[i][0], columns_of[i][1]);
	assert_string_equal(copied("glucose;unit\n150.000;x\n"), "glucose;unit\n;x\n");
	assert_string_equal(
		copied("name,glucose\n\"5,4\",\"1,234\"\n"), "glucose\n\n"); /* another column */
}

TEST(blanks_around_names_and_cells_are_none)
{
	static const char text[] = "taken, glucose , \"unit\" \n 2024-01-19, 5.4 , \"mg\" \n"
				   "\t2024-01-19 ,\" 5.4\",\tmg\n";

	assert_string_equal(
		copied(text), "taken,glucose,unit\n1994-01-26,5.4,mg\n1994-01-26,5.4,mg\n");
	assert_string_equal(copied("unit\tglucose\n mg\t \n"), "unit\tglucose\nmg\t\n");
	assert_string_equal(copied("unit,glucose\nmg, 5\"\n"), "damaged");
	assert_string_equal(copied("unit,glucose\n\"mg\" x,5\n"), "damaged");
}

TEST(all_that_is_emptied_is_counted)
{
	copied("name,taken,glucose,unit\nAna,2024-01-19,5.4,mg\nAna,19.1.2024,\"1,234\",Ana Silva\n"
	       "Ana,,  ,\nAna,,0.30000000000000004,"
	       "01234567890123456789012345678901234567890123456789012345678901234567890\n");
	assert_int_equal(counted.elements_removed, 3);
	assert_int_equal(counted.elements_changed, 3);
	assert_int_equal(counted.elements_kept, 2);
}

TEST(what_is_no_table_or_breaks_off_is_withheld)
{
	assert_string_equal(copied(""), "not-dicom");
	assert_string_equal(copied("\n\n"), "not-dicom");
	assert_string_equal(copied("%PDF-1.4\n"), "not-dicom");
	assert_string_equal(copied("{\"value\": 5.4, \"unit\": \"mmol\"}"), "not-dicom");
	assert_string_equal(copied("name,note\nAna,well\n"), "no-column");
	assert_string_equal(copied_for("glucose\0\n5\n", 11, false), "not-dicom");
	assert_string_equal(copied("glucose,unit\n5\n"), "damaged");
	assert_string_equal(copied("glucose,unit\n5,mmol,Ana\n"), "damaged");
	assert_string_equal(copied("glucose\n\"5\n"), "damaged");
	assert_string_equal(copied("glucose\n\"5\"Ana\n"), "damaged");
	assert_string_equal(copied("glucose\n5\"Ana\"\n"), "damaged");
}

TEST(columns_have_names_and_kinds)
{
	static const emr_column wrong[] = {{"", EMR_COLUMN_CODE, NULL}, {NULL, EMR_COLUMN_CODE, ""},
		{"a,b", EMR_COLUMN_CODE, NULL}, {"a", 0, NULL}, {"a", (emr_column_kind)9, NULL},
		{"a\nb", EMR_COLUMN_DATE, NULL}, {"a", EMR_COLUMN_CODE, "|"},
		{"a", EMR_COLUMN_CODE, "F|M"}, {"a", EMR_COLUMN_NUMBER, "|F|"}};
	csv_columns taken;
	char name[70];
	const emr_column longer = {name, EMR_COLUMN_CODE, NULL};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_status(EMR_INVALID, csv_take_columns(&wrong[i], 1, &taken));
	memset(name, 'n', sizeof name);
	name[64] = '\0';
	assert_status(EMR_LIMIT, csv_take_columns(&longer, 1, &taken));
	assert_status(EMR_LIMIT, csv_take_columns(columns, EMR_COLUMNS_MAX + 1, &taken));
}

static const char *found(const char *copy)
{
	static const char original[] = "name,id,mail,born,seen\n"
				       "Silva^Ana,12345678,ana@silva.pt,1960-02-29,19.01.2024\n";
	int in = made_memory(emr_bytes_of(original, sizeof original - 1)),
	    out = made_memory(emr_bytes_of(copy, strlen(copy)));
	emr_withheld why = check_table(in, sizeof original - 1, out, strlen(copy));

	close(in);
	close(out);
	return emr_withheld_text(why);
}

TEST(the_checker_finds_ids_dates_and_names_in_a_copy)
{
	static const char *const bad[] = {"a\n12345678\n", "a\nana@silva.pt\n", "a\n1960-02-29\n",
		"a\n29021960\n", "a\n2024-01-19\n", "a\nSilva^Ana\n", "a\n\"x\"\n",
		"a\nAna Silva\n", "a\n1234567\n", "12345678\n5\n", "a\n5", "",
		"a\nabcdefghijklmnopqrstuvwxyzabcdefgh\n"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_string_equal(found(bad[i]), "found-again");
	assert_string_equal(found("a,b\n5.4,mmol/L\n1994-01-26T10:15:00,<6\n"), "");
}

static const char *scanned(const char *text, bool without_dates)
{
	int fd = made_memory(emr_bytes_of(text, strlen(text)));
	emr_withheld why = scan_fd(fd, strlen(text), without_dates);

	close(fd);
	return emr_withheld_text(why);
}

TEST(a_reader_finds_in_a_table_what_no_copy_has)
{
	static const char *const bad[] = {"", "\n", "glucose", "glucose\n5", "glucose\r\n5\r\n",
		"\xef\xbb\xbfglucose\n5\n", "Glucose\n5\n", "name\nAna\n", "glucose,name\n5,Ana\n",
		"glucose,glucose\n5,5\n", "glucose\n5,6\n", "glucose,unit\n5\n",
		"glucose,unit\n5;mol\n", "glucose,unit;sex\n5,mol;F\n", "glucose\nAna\n",
		"glucose\n1234567\n", "glucose\n123456.78\n", "glucose\n1.2345678\n",
		"glucose\n5,4\n", "glucose\n=5\n", "glucose\n 5\n", "glucose\n5.\n",
		"glucose\n<>5\n", "icd\nAna Silva\n", "icd\nabcdefghijklmnopq\n", "icd\n47112\n",
		"icd\n912-345-678\n", "icd\n12.34.567\n", "icd\nAna\n", "icd\nsilva\n", "icd\nAS\n",
		"icd\nA.S.\n", "icd\nmmol/L\n", "icd\nSilva1\n", "icd\n=cmd\n", "icd\n+cmd\n",
		"icd\n\"mol\"\n", "icd\nM\xc3\xbcller\n", "sex\nf\n", "sex\nAna\n", "sex\nF|M\n",
		"sex\n|\n", "taken\n2024-01-19\n", "taken\n1998-01-19\n", "taken\n1994-13-01\n",
		"taken\n1994-00-10\n", "taken\n1994-01-32\n", "taken\n19940119\n",
		"taken\n1994-01-19 10:15\n", "taken\n1994-01-19T10\n",
		"taken\n1994-01-19T10:15:00.\n", "taken\n1994-01-19T10:15:00.1234567\n",
		"taken\n1994-01-19T10:15:00Z\n", "taken\n1994-01-19T10:15:00.5Ana\n", "%PDF-1.4\n"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (strcmp(scanned(bad[i], false), "found-again") != 0)
			fail_msg("let through: %s", bad[i]);
	assert_string_equal(
		scanned("taken;glucose;icd;sex\n1994-01-26T10:15:00.5;<=5.4;C34.1;F\n;;;\n"
			"1994-01-26;-5;+;n/a\n",
			false),
		"");
	assert_string_equal(scanned("taken,unit\n1994-01-26,mol\n", true), "found-again");
	assert_string_equal(scanned("taken,unit\n,mol\n", true), "");
	assert_string_equal(scanned("glucose\n\n5\n", false), "");
}

TEST(the_second_model_calls_the_same_tables_copies)
{
	static flat_file file;
	AUTO(auto_json_decref) json_t *all = vectors_open("tables.json");
	const json_t *named = vectors_get(all, "columns"), *tables = vectors_get(all, "tables");
	emr_column list[EMR_COLUMNS_MAX];
	csv_columns taken = {0};

	for (size_t i = 0; i < json_array_size(named); i++) {
		const json_t *one = json_array_get(named, i);

		list[i] = (emr_column){vectors_text(one, "name"),
			(emr_column_kind)json_integer_value(vectors_get(one, "kind")),
			vectors_text(one, "words")};
	}
	assert_ok(csv_take_columns(list, json_array_size(named), &taken));
	assert_true(json_array_size(tables) > 40);
	for (size_t i = 0; i < 2 * json_array_size(tables); i++) {
		const json_t *one = json_array_get(tables, i / 2);
		const char *text = vectors_text(one, "text");
		bool wanted = json_is_true(
			vectors_get(one, i % 2 == 0 ? "is_copy" : "is_copy_without_dates"));
		const protocol_look rules = {
			.year = 2026, .rules.without_dates = i % 2 == 1, .columns = taken};
		int fd = made_memory(emr_bytes_of(text, strlen(text)));

		file = (flat_file){.fd = fd, .size = strlen(text)};
		if ((scan_table(&file, &rules) == EMR_WITHHELD_NOT) != wanted)
			fail_msg("the models differ: %s", text);
		close(fd);
	}
}

TEST(a_nul_in_a_cell_hides_nothing_from_a_reader)
{
	static const char text[] = "unit\nmol\0Ana\n";
	EMR_AUTO_FD fd = made_memory(emr_bytes_of(text, sizeof text - 1));

	assert_int_equal(scan_fd(fd, sizeof text - 1, false), EMR_WITHHELD_FOUND_AGAIN);
}

TEST(without_columns_no_table_is_a_copy)
{
	static flat_file file;
	const protocol_look rules = {.year = 2026};
	EMR_AUTO_FD fd = made_memory(emr_bytes_of("glucose\n5\n", 10));

	file = (flat_file){.fd = fd, .size = 10};
	assert_int_equal(scan_file(&file, &rules), EMR_WITHHELD_NOT_DICOM);
	file = (flat_file){.fd = fd, .size = 10};
	assert_int_equal(scan_table(&file, &rules), EMR_WITHHELD_NOT_DICOM);
}

TEST(a_table_beyond_the_limit_is_withheld_by_both)
{
	csv_columns taken = {0};
	persona who = {0};
	emr_deidentified what;
	EMR_AUTO_FD fd = made_memory(emr_bytes_of("", 0)), copy = made_memory(emr_bytes_of("", 0));

	assert_ok(csv_take_columns(columns, COLUMNS, &taken));
	assert_ok(csv_copy(fd, EMR_TABLE_MAX_BYTES + 1, copy, &who,
		&(protocol_look){.columns = taken, .year = 2026}, &what));
	assert_string_equal(emr_withheld_text(what.withheld), "large-table");
	assert_int_equal(scan_fd(fd, EMR_TABLE_MAX_BYTES + 1, false), EMR_WITHHELD_LARGE_TABLE);
}

/* The copy gets an end of its last line, and would be a byte too long for readers. */
TEST(a_table_whose_copy_would_be_beyond_the_limit_is_withheld)
{
	static const char row[] = "C3/C3/C3/C3/C3.\n", head[] = "icd\n";
	emr_buf text = {0};
	persona who = {0};
	csv_columns taken = {0};
	emr_deidentified what;
	EMR_AUTO_FD in, copy = made_memory(emr_bytes_of("", 0));

	assert_ok(emr_buf_append(&text, head, sizeof head - 1));
	while (text.len < EMR_TABLE_MAX_BYTES)
		assert_ok(emr_buf_append(&text, row, sizeof row - 1));
	in = made_memory(emr_bytes_of(text.data, EMR_TABLE_MAX_BYTES));
	emr_buf_free(&text);
	assert_ok(csv_take_columns(columns, COLUMNS, &taken));
	assert_ok(csv_copy(in, EMR_TABLE_MAX_BYTES, copy, &who,
		&(protocol_look){.columns = taken, .year = 2026}, &what));
	assert_string_equal(emr_withheld_text(what.withheld), "large-table");
}

TEST(a_table_of_many_blocks_is_copied_and_checked)
{
	EMR_AUTO_BUF text = {0};
	persona who = {.shift_us = -(30 * 365 * 86400LL) * 1000000};
	csv_columns taken = {0};
	emr_deidentified what;
	char row[128];
	EMR_AUTO_FD in, copy;

	assert_ok(emr_buf_append(&text, "id,glucose,taken\n", 17));
	for (int i = 0; i < 30000; i++) {
		snprintf(row, sizeof row, "\"1000%05d, \"\"x\"\"\",%d.%d,2024-01-%02d\n", i, i % 30,
			i % 10, 1 + i % 28);
		assert_ok(emr_buf_append(&text, row, strlen(row)));
	}
	in = made_memory(emr_buf_view(&text));
	copy = made_memory(emr_bytes_of("", 0));
	assert_ok(csv_take_columns(columns, 3, &taken));
	assert_ok(csv_copy(
		in, text.len, copy, &who, &(protocol_look){.columns = taken, .year = 2026}, &what));
	assert_string_equal(emr_withheld_text(what.withheld), "");
	assert_true(what.size > 300000);
	assert_string_equal(emr_withheld_text(check_table(in, text.len, copy, what.size)), "");
	assert_int_equal(scan_fd(copy, what.size, false), EMR_WITHHELD_NOT);
	assert_int_equal(pwrite(copy, "100012345", 9, 250000), 9);
	assert_int_equal(scan_fd(copy, what.size, false), EMR_WITHHELD_FOUND_AGAIN);
	assert_string_equal(
		emr_withheld_text(check_table(in, text.len, copy, what.size)), "found-again");
}

TESTS(NULL, NULL)
