/* These tests show which parts of each element stay and which go: by the table of the standard, by
 * VR, by the words that an element may have; and what stands in the place of a removed part. */
#include "emr_test.h"

#include "copy.h"
#include "deidentify_kit.h"

/* ---- the file as a whole ---- */

TEST(a_ct_keeps_its_pixels_and_loses_its_names)
{
	static const char *const gone[] = {"Marked", "Ana", "K7QF", "4711", "19600229", "20240119",
		"PPPP", "MARKEDAET", "1.2.276.7"};

	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
		emr_buf out = {0};
		made m;

		made_ct(&m, (made_syntax)kind);
		assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &out)), "");
		for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
			assert_false(made_has(emr_buf_view(&out), gone[i]));
		assert_memory_equal(out.data + out.len - 8, "\1\2\3\4\5\6\7\10", 8);
		assert_true(made_has(emr_buf_view(&out), "CHEST"));
		assert_true(made_has(emr_buf_view(&out), "113100"));
		assert_true(made_has(emr_buf_view(&out), "113107"));
		assert_true(made_has(emr_buf_view(&out), "MODIFIED"));
		emr_buf_free(&out);
		emr_buf_free(&m.bytes);
	}
}

/* ---- Table E.1-1 ---- */

static void put_marked(made *m, const table_row *row)
{
	char vr[3] = {row->vrs[0], row->vrs[1], '\0'};

	if (strcmp(vr, "SQ") == 0) {
		made_header(m, row->tag, "SQ", 0xffffffff);
		made_item(m);
		made_text(m, 0x00080104, "LO", "MARKED");
		made_item_end(m);
		made_sequence_end(m);
	} else if (strcmp(vr, "DA") == 0) {
		made_text(m, row->tag, vr, "20110307");
	} else if (strcmp(vr, "DT") == 0) {
		made_text(m, row->tag, vr, "20110307101112.131415+0100");
	} else if (strcmp(vr, "TM") == 0) {
		made_text(m, row->tag, vr, "101112.131415");
	} else if (strcmp(vr, "AS") == 0) {
		made_text(m, row->tag, vr, "047Y");
	} else if (strcmp(vr, "UI") == 0) {
		made_text(m, row->tag, vr, "1.2.276.7.20110307");
	} else if (strcmp(vr, "FD") == 0 || strcmp(vr, "SV") == 0 || strcmp(vr, "UV") == 0) {
		made_bytes(m, row->tag, vr, "MARKED!!", 8);
	} else if (strcmp(vr, "FL") == 0 || strcmp(vr, "UL") == 0 || strcmp(vr, "SL") == 0) {
		made_bytes(m, row->tag, vr, "MARK", 4);
	} else if (strcmp(vr, "US") == 0 || strcmp(vr, "SS") == 0) {
		made_bytes(m, row->tag, vr, "MK", 2);
	} else {
		made_text(m, row->tag, vr, "MARKED");
	}
}

/* True for the elements that the CT itself needs. */
static bool is_needed(uint32_t tag)
{
	return tag == 0x00080018 || tag == 0x0020000d || tag == 0x0020000e || tag == 0x00180015;
}

/* Of a file that has it there is no copy. */
static bool withholds(uint32_t tag)
{
	const table_withheld *row;

	for (size_t i = 0; (row = dicom_withheld(i)) != NULL; i++)
		if (row->tag == tag && row->words[0] == '\0')
			return true;
	return false;
}

/* All rows with a code, and after each group what the CT needs of it. */
static void make_full(made *m, made_syntax kind)
{
	static const table_row rows[] = {
#include "table_rows.inc"
	};
	const uint32_t count = sizeof rows / sizeof *rows;
	uint32_t last = 0;

	made_begin(m, kind, NULL);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t tag = rows[i].tag;

		switch (tag) { /* as the kit has them, but each in its place */
		case 0x00080008:
			made_text(m, tag, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
			break;
		case 0x00080016:
			made_text(m, tag, "UI", "1.2.840.10008.5.1.4.1.1.2");
			break;
		case 0x00080060:
			made_text(m, tag, "CS", "CT");
			break;
		case 0x00180015:
			made_text(m, tag, "CS", "CHEST");
			break;
		case 0x00180050:
			made_text(m, tag, "DS", "5.0");
			break;
		case 0x7fe00010:
			made_ct_pixels(m);
			break;
		case 0x00280002:
			made_ct_28(m);
			break;
		default:
			if ((rows[i].code[0] != '-' && !withholds(tag)) || is_needed(tag)) {
				put_marked(m, &rows[i]);
				last++;
			}
		}
	}
	assert_true(last > 600);
}

TEST(no_value_of_any_row_of_the_table_is_left)
{
	static const char *const marks[] = {
		"MARK", "20110307", "101112", "131415", "047Y", "1.2.276.7", "+0100"};

	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
		for (int dated = 0; dated < 2; dated++) {
			const emr_deidentify_rules rules = {.without_dates = dated == 1};
			emr_buf out = {0};
			made m;

			make_full(&m, (made_syntax)kind);
			assert_string_equal(
				emr_withheld_text(made_copy(&m, 'a', &rules, &out)), "");
			for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
				if (made_has(emr_buf_view(&out), marks[i]))
					fail_msg("%s is still there", marks[i]);
			emr_buf_free(&out);
			emr_buf_free(&m.bytes);
		}
	}
}

TEST(of_a_choice_of_codes_the_most_readable_is_taken)
{
	element dated = {.tag = 0x00080080, .vr = "LO"}, agent = {.tag = 0x00180010, .vr = "LO"};
	element asked = {.tag = 0x00321060, .vr = "LO"}, name = {.tag = 0x00100030, .vr = "DA"};
	const emr_deidentify_rules rules = {.without_dates = true};

	assert_int_equal(rule_for(&dated, 0, &rules), DEED_DUMMY); /* X/Z/D */
	assert_int_equal(rule_for(&agent, 0, &rules), DEED_DUMMY); /* Z/D */
	assert_int_equal(rule_for(&asked, 0, &rules), DEED_EMPTY); /* X/Z */
	assert_int_equal(rule_for(&name, 0, &rules), DEED_EMPTY);  /* Z */
}

/* ---- what no rule names ---- */

static void put_strangers(made *m)
{
	made_text(m, 0x00089ffe, "UN", "MARKED unknown");
	made_text(m, 0x00090010, "LO", "MARKED CREATOR");
	made_text(m, 0x00091001, "LO", "MARKED private");
	made_header(m, 0x00091002, "SQ", 0xffffffff);
	made_item(m);
	made_text(m, 0x00100010, "PN", "MARKED^PRIVATE");
	made_item_end(m);
	made_sequence_end(m);
	made_header(m, 0x00091003, "UN", 0xffffffff); /* implicit little endian inside */
	if (m->syntax == MADE_EXPLICIT) {
		m->syntax = MADE_IMPLICIT;
		made_item(m);
		made_text(m, 0x00100010, "PN", "MARKED^UNKNOWN");
		made_header(m, 0x00111004, "SQ", 0xffffffff);
		made_sequence_end(m);
		made_item_end(m);
		made_sequence_end(m);
		m->syntax = MADE_EXPLICIT;
	}
}

TEST(private_and_unknown_elements_go_whatever_they_hold)
{
	EMR_AUTO_BUF out = made_copy_with(put_strangers, MADE_EXPLICIT, NULL);

	assert_false(made_has(emr_buf_view(&out), "MARKED"));
}

static void put_wrong_vrs(made *m)
{
	made_text(m, 0x00080070, "LT", "SIEMENS MARKED");
	made_text(m, 0x00082218, "LO", "MARKED");	/* a sequence */
	made_bytes(m, 0x00089205, "UL", "MARKED!!", 8); /* a code string */
	made_bytes(m, 0x00089206, "FD", "MARKED!!", 8);
}

TEST(an_element_with_another_vr_than_the_standards_goes)
{
	EMR_AUTO_BUF out = made_copy_with(put_wrong_vrs, MADE_EXPLICIT, NULL);

	assert_false(made_has(emr_buf_view(&out), "MARKED"));
}

static void put_words(made *m)
{
	made_text(m, 0x00080070, "LO", "MARKED of SIEMENS");
	made_text(m, 0x00081090, "LO", "MARKED model");
	made_text(m, 0x00089205, "CS", "Marked^A");
	made_text(m, 0x00089206, "CS", "ID 4711471");
	made_text(m, 0x00089207, "CS", "NONE");
}

TEST(texts_stay_only_when_they_are_words_that_pictures_have)
{
	static const char *const kernels[] = {"B30f", "I31s\\3", "FC08", "STANDARD", "Br40d"};
	static const char *const others[] = {
		"Ana", "MARKED", "B3", "B300f", "Silva12", "B30f\\Ana"};
	emr_buf out = made_copy_with(put_words, MADE_EXPLICIT, NULL);

	assert_false(made_has(emr_buf_view(&out), "MARKED"));
	assert_false(made_has(emr_buf_view(&out), "Marked"));
	assert_false(made_has(emr_buf_view(&out), "4711"));
	assert_true(made_has(emr_buf_view(&out), "NONE"));
	emr_buf_free(&out);
	for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
		assert_true(rule_takes_text(0x00181210, "SH", kernels[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(rule_takes_text(0x00181210, "SH", others[i]));
	assert_true(rule_takes_text(0x00080070, "LO", "Siemens Healthineers"));
	assert_false(rule_takes_text(0x00080070, "LO", "Siemens|Philips"));
	assert_true(rule_takes_text(0x00180015, "CS", "HEAD"));
	assert_true(rule_takes_text(0x00180015, "CS", "CHEST"));
	assert_false(rule_takes_text(0x00180015, "CS", "ANA SILVA"));
	assert_false(rule_takes_text(0x00180015, "CS", "CHEST|HEAD"));
	assert_true(rule_takes_text(0x00180050, "DS", "-1.25e-3\\5"));
	assert_false(rule_takes_text(0x00180050, "DS", "5 mm Ana"));
}

/* ---- codes ---- */

static void put_code(made *m, const char *scheme, const char *value, const char *meaning)
{
	made_item(m);
	made_text(m, 0x00080100, "SH", value);
	made_text(m, 0x00080102, "SH", scheme);
	made_text(m, 0x00080104, "LO", meaning);
	made_item_end(m);
}

static void put_codes(made *m)
{
	made_header(m, 0x00082218, "SQ", 0xffffffff);
	put_code(m, "SCT", "39607008", "MARKED lung");
	put_code(m, "99MARKED", "39607009", "MARKED");
	put_code(m, "SCT", "MARKED", "MARKED");
	made_item(m);
	made_text(m, 0x00080104, "LO", "MARKED alone");
	made_item_end(m);
	made_sequence_end(m);
}

TEST(the_meaning_of_a_code_never_comes_from_the_file)
{
	emr_buf out = made_copy_with(put_codes, MADE_EXPLICIT, NULL);

	assert_false(made_has(emr_buf_view(&out), "MARKED"));
	assert_false(made_has(emr_buf_view(&out), "39607009"));
	assert_string_equal(made_value(emr_buf_view(&out), 0x00080104, "LO"), "39607008");
	emr_buf_free(&out);
	assert_true(rule_knows_code("UCUM", "mm2/s"));
	assert_false(rule_knows_code("UCUM", "{Ana Silva}"));
	assert_true(rule_knows_code("SRT", "T-A0100"));
	assert_true(rule_knows_code("LN", "59284-0"));
	assert_false(rule_knows_code("SRT", "Ana-Silva"));
	assert_false(rule_knows_code("LN", "-"));
}

/* A code is one of an item, where its scheme is looked at; beside the picture it is a text. */
static void put_loose_code(made *m)
{
	made_text(m, 0x00080100, "SH", "LEPRA 1961");
	made_text(m, 0x00080102, "SH", "MARKED");
	made_text(m, 0x00080104, "LO", "MARKED");
}

TEST(a_code_that_stands_in_no_item_goes)
{
	EMR_AUTO_BUF out = made_copy_with(put_loose_code, MADE_EXPLICIT, NULL);

	assert_false(made_has(emr_buf_view(&out), "LEPRA"));
	assert_false(made_has(emr_buf_view(&out), "MARKED"));
}

/* ---- dates ---- */

static persona person(char letter)
{
	uint8_t key[EMR_DEIDENTIFY_KEY_BYTES];
	persona who;

	memset(key, letter, sizeof key);
	persona_begin(&who, key, "pseudonym");
	return who;
}

TEST(dates_are_between_thirty_and_sixty_years_ago_and_each_persons_own)
{
	char first[32] = "", out[32];
	int different = 0;

	for (char letter = 'a'; letter <= 'z'; letter++) {
		persona who = person(letter);

		value_date(&who, "20240119", "", out);
		assert_true(strcmp(out, "19640101") > 0 && strcmp(out, "19940201") < 0);
		if (letter == 'a')
			strcpy(first, out);
		different += strcmp(first, out) != 0;
	}
	assert_true(different >= 24);
}

TEST(ages_end_at_ninety)
{
	char out[32];

	value_age("047Y", out);
	assert_string_equal(out, "047Y");
	value_age("090Y", out);
	assert_string_equal(out, "090Y");
	value_age("101Y", out);
	assert_string_equal(out, "090Y");
	value_age("011M", out);
	assert_string_equal(out, "011M");
	value_age("Ana", out);
	assert_string_equal(out, "");
}

static void put_several(made *m)
{
	made_text(m, 0x00081155, "UI", "1.2.276.7.7\\1.2.276.7.8");
	made_text(m, 0x00082112, "SQ", "");
}

TEST(each_of_several_values_is_changed)
{
	EMR_AUTO_BUF out = made_copy_with(put_several, MADE_EXPLICIT, NULL);
	const char *uids = made_value(emr_buf_view(&out), 0x00081155, "UI");

	assert_memory_equal(uids, "2.25.", 5);
	assert_non_null(strstr(uids, "\\2.25."));
}

static void put_person(made *m)
{
	made_text(m, 0x00100040, "CS", "F");
	made_text(m, 0x00101010, "AS", "093Y");
	made_text(m, 0x00101030, "DS", "61.5");
	made_text(m, 0x00102160, "SH", "MARKED");
}

TEST(characteristics_stay_only_when_the_dataset_asks_for_them)
{
	const emr_deidentify_rules asked = {.with_characteristics = true};

	for (int i = 0; i < 2; i++) {
		emr_buf out = {0};
		made m;

		made_begin(&m, MADE_EXPLICIT, NULL);
		made_ct_08(&m);
		put_person(&m);
		made_text(&m, 0x00180050, "DS", "5.0");
		made_ct_20(&m);
		made_ct_28(&m);
		made_ct_pixels(&m);
		assert_string_equal(
			emr_withheld_text(made_copy(&m, 'a', i == 0 ? &asked : NULL, &out)), "");
		assert_string_equal(
			made_value(emr_buf_view(&out), 0x00100040, "CS"), i == 0 ? "F" : "");
		assert_string_equal(
			made_value(emr_buf_view(&out), 0x00101010, "AS"), i == 0 ? "090Y" : "none");
		assert_string_equal(
			made_value(emr_buf_view(&out), 0x00101030, "DS"), i == 0 ? "61.5" : "none");
		assert_true(made_has(emr_buf_view(&out), "113108") == (i == 0));
		assert_false(made_has(emr_buf_view(&out), "MARKED"));
		emr_buf_free(&out);
		emr_buf_free(&m.bytes);
	}
}

/* ---- who it is ---- */

TEST(uids_are_the_same_in_all_files_of_one_participant_and_no_others)
{
	persona a = person('a'), b = person('b');
	char first[EMR_DICOM_UID_SIZE], again[EMR_DICOM_UID_SIZE], other[EMR_DICOM_UID_SIZE];

	value_uid(&a, "1.2.276.7.19600229.1", first);
	value_uid(&a, "1.2.276.7.19600229.1", again);
	value_uid(&b, "1.2.276.7.19600229.1", other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
	assert_memory_equal(first, "2.25.", 5);
	assert_true(strlen(first) <= 44 && first[5] != '0');
	value_uid(&a, "1.2.276.7.19600229.2", other);
	assert_string_not_equal(first, other);
	value_uid(&a, "1.2.840.10008.5.1.4.1.1.2", other);
	assert_string_equal(other, "1.2.840.10008.5.1.4.1.1.2");
	value_uid(&a, "1.2.840.10008.19600229", other); /* nobody registered it */
	assert_memory_equal(other, "2.25.", 5);
}

TEST(a_copy_is_called_by_the_pseudonym)
{
	emr_buf out = {0};
	made m;

	made_ct(&m, MADE_EXPLICIT);
	assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &out)), "");
	assert_string_equal(made_value(emr_buf_view(&out), 0x00100010, "PN"), "pseudonyma");
	assert_string_equal(made_value(emr_buf_view(&out), 0x00100020, "LO"), "pseudonyma");
	emr_buf_free(&out);
	emr_buf_free(&m.bytes);
}

static void put_own(made *m)
{
	(void)m;
}

TEST(a_copy_can_be_copied_again)
{
	EMR_AUTO_BUF out = made_copy_with(put_own, MADE_EXPLICIT, NULL), again = {0};
	made m = {.bytes = out};

	assert_string_equal(emr_withheld_text(made_copy(&m, 'b', NULL, &again)), "");
	assert_true(again.len == out.len);
}

TESTS(NULL, NULL)
