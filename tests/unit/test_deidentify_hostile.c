/* These tests are about files that are made to break their reader: no copy comes of them, and no
 * program crashes. */
#include "emr_test.h"

#include "copy.h"
#include "deidentify_kit.h"

static const char *why(const made *m)
{
	emr_buf out = {0};
	emr_withheld reason = made_copy(m, 'a', NULL, &out);

	emr_buf_free(&out);
	return emr_withheld_text(reason);
}

/* N sequences inside one another, without their ends. */
static made nested(uint32_t tag, int n, made_syntax kind)
{
	made m;

	made_begin(&m, kind, NULL);
	made_ct_08(&m);
	for (int i = 0; i < n; i++) {
		made_header(&m, tag, "SQ", 0xffffffff);
		made_item(&m);
	}
	return m;
}

TEST(sequences_inside_sequences_have_an_end)
{
	static const uint32_t tags[] = {0x00082218, 0x00091001};

	for (size_t i = 0; i < 2; i++) {
		for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
			made m = nested(tags[i], 20000, (made_syntax)kind);

			assert_string_equal(why(&m), "too-complex");
			emr_buf_free(&m.bytes);
		}
	}
}

TEST(thirty_two_sequences_inside_one_another_are_read)
{
	for (int n = 32; n <= 34; n++) {
		made m = nested(0x00082218, n, MADE_EXPLICIT);

		for (int i = 0; i < n; i++) {
			made_item_end(&m);
			made_sequence_end(&m);
		}
		made_ct_18(&m);
		made_ct_20(&m);
		made_ct_28(&m);
		made_ct_pixels(&m);
		assert_string_equal(why(&m), n == 32 ? "" : "too-complex");
		emr_buf_free(&m.bytes);
	}
}

TEST(a_million_empty_items_have_an_end)
{
	made m;

	made_begin(&m, MADE_EXPLICIT, NULL);
	made_ct_08(&m);
	made_header(&m, 0x00082218, "SQ", 0xffffffff);
	for (int i = 0; i < 500000; i++)
		made_header(&m, 0xfffee000, "", 0);
	made_sequence_end(&m);
	assert_string_equal(why(&m), "too-complex");
	emr_buf_free(&m.bytes);
}

/* A file with everything that has an end of its own. */
static made rich(made_syntax kind)
{
	made m;

	made_begin(&m, kind, NULL);
	made_ct_08(&m);
	made_header(&m, 0x00082218, "SQ", 0xffffffff);
	made_item(&m);
	made_text(&m, 0x00080100, "SH", "39607008");
	made_text(&m, 0x00080102, "SH", "SCT");
	made_item_end(&m);
	made_sequence_end(&m);
	made_text(&m, 0x00091001, "UN", "something");
	made_ct_18(&m);
	made_ct_20(&m);
	made_ct_28(&m);
	made_ct_pixels(&m);
	return m;
}

TEST(a_file_cut_off_anywhere_gives_nothing)
{
	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
		made m = rich((made_syntax)kind);
		size_t whole = m.bytes.len;

		assert_string_equal(why(&m), "");
		for (m.bytes.len = 0; m.bytes.len < whole; m.bytes.len++)
			assert_string_not_equal(why(&m), "");
		emr_buf_free(&m.bytes);
	}
}

TEST(bytes_behind_the_end_are_refused)
{
	for (size_t n = 1; n <= 11; n++) {
		made m = rich(MADE_EXPLICIT);

		assert_ok(emr_buf_append(&m.bytes, "Ana Silva 4", n));
		assert_string_equal(why(&m), "damaged");
		emr_buf_free(&m.bytes);
	}
}

/* A CT with one wrong header behind group 0008. */
static const char *why_with(uint32_t tag, const char *vr, uint32_t len, made_syntax kind)
{
	made m;
	const char *reason;

	made_begin(&m, kind, NULL);
	made_ct_08(&m);
	made_header(&m, tag, vr, len);
	made_ct_18(&m);
	made_ct_20(&m);
	made_ct_28(&m);
	made_ct_pixels(&m);
	reason = why(&m);
	emr_buf_free(&m.bytes);
	return reason;
}

TEST(lengths_that_lie_are_refused)
{
	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
		made_syntax as = (made_syntax)kind;

		assert_string_equal(why_with(0x00091001, "OB", 0x7ffffffe, as), "damaged");
		assert_string_equal(why_with(0x00091001, "OB", 0xfffffffe, as), "damaged");
		assert_string_equal(why_with(0x00081030, "LO", 0xfffe, as), "damaged");
		assert_string_equal(why_with(0x00081030, "LO", 3, as), "damaged");
		assert_string_equal(why_with(0x00082218, "SQ", 7, as), "damaged");
		assert_string_equal(why_with(0x00080001, "UL", 0, as), "damaged"); /* not rising */
		assert_string_equal(why_with(0xfffee000, "", 0, as), "damaged");
		assert_string_equal(why_with(0xfffee0dd, "", 0, as), "damaged");
	}
	assert_string_equal(why_with(0x00091001, "OB", 0xffffffff, MADE_EXPLICIT), "damaged");
	assert_string_equal(why_with(0x00091001, "UT", 0xffffffff, MADE_EXPLICIT), "damaged");
	assert_string_equal(why_with(0x00091001, "??", 0, MADE_EXPLICIT), "damaged");
}

TEST(pixels_of_another_length_than_the_image_are_refused)
{
	static const struct {
		size_t len;
		const char *why;
	} cases[] = {{6, "damaged"}, {8, ""}, {10, "hidden-graphics"}, {0, "damaged"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		made m;

		made_begin(&m, MADE_EXPLICIT, NULL);
		made_ct_08(&m);
		made_ct_18(&m);
		made_ct_20(&m);
		made_ct_28(&m);
		made_bytes(&m, 0x7fe00010, "OW", "Ana Silva.", cases[i].len);
		assert_string_equal(why(&m), cases[i].why);
		emr_buf_free(&m.bytes);
	}
}

TEST(pixels_of_a_strange_kind_are_refused)
{
	made m;

	made_begin(&m, MADE_EXPLICIT, NULL);
	made_ct_08(&m);
	made_ct_18(&m);
	made_ct_20(&m);
	made_ct_28(&m);
	made_bytes(&m, 0x7fe00010, "OV", "12345678", 8);
	assert_string_equal(why(&m), "damaged");
	emr_buf_free(&m.bytes);
}

TEST(a_study_without_a_uid_is_refused)
{
	static const char *const vrs[] = {"UI", "LO", "UN"};

	for (size_t i = 0; i < 3; i++) {
		made m;

		made_begin(&m, MADE_EXPLICIT, NULL);
		made_ct_08(&m);
		made_ct_18(&m);
		made_text(&m, 0x0020000d, vrs[i], "1.2.276.7.2");
		made_text(&m, 0x0020000e, "UI", "1.2.276.7.3");
		made_ct_28(&m);
		made_ct_pixels(&m);
		assert_string_equal(why(&m), i == 0 ? "" : "damaged");
		emr_buf_free(&m.bytes);
	}
}

TEST(frames_without_number_do_not_overflow)
{
	static const char *const frames[] = {"99999999999999", "2147483648", "-1", "0", "many"};

	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		made m;

		made_begin(&m, MADE_EXPLICIT, NULL);
		made_ct_08(&m);
		made_ct_18(&m);
		made_ct_20(&m);
		made_u16(&m, 0x00280002, 1);
		made_text(&m, 0x00280008, "IS", frames[i]);
		made_u16(&m, 0x00280010, 65535);
		made_u16(&m, 0x00280011, 65535);
		made_u16(&m, 0x00280100, 64);
		made_ct_pixels(&m);
		assert_string_equal(why(&m), "damaged");
		emr_buf_free(&m.bytes);
	}
}

TEST(what_is_no_dicom_is_said_to_be_none)
{
	made m = {0};

	assert_string_equal(why(&m), "not-dicom");
	assert_ok(emr_buf_append(&m.bytes, "%PDF-1.4", 8));
	assert_string_equal(why(&m), "not-dicom");
	assert_ok(emr_buf_append_zeros(&m.bytes, 65536));
	assert_string_equal(why(&m), "not-dicom");
	emr_buf_free(&m.bytes);
}

TESTS(NULL, NULL)
