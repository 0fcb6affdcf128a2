/* These tests show that DICOM files say what they are, as far as they say it plainly; no false
 * claim in them misleads the reader. */
#include "emr_test.h"

#include "headers_kit.h"
#include "parts.h"
#include "record/format.h"
#include "vectors.h"

/* "dicom|CT|2004-01-19|Head|Hospital" */
static const char *said(const void *data, size_t len)
{
	static char text[1000];
	emr_headers h;

	assert_ok(emr_headers_read_bytes(emr_bytes_of(data, len), &h));
	snprintf(text, sizeof text, "%s|%s|%s|%s|%s", emr_header_kind_text(h.kind), h.modality,
		h.study_date, h.description, h.organisation);
	return text;
}

/* ---- DICOM ---- */

static void fill(dicom *d, const char *charset)
{
	dicom_text(d, 0x00080005, "CS", charset);
	dicom_text(d, 0x00080020, "DA", "20040119");
	dicom_text(d, 0x00080060, "CS", "CT");
	dicom_text(d, 0x00080080, "LO", "Klinik M\xfcller");
	dicom_sequence(d, 0x00081032, true);
	dicom_sequence(d, 0x00081033, false);
	dicom_text(d, 0x0008103e, "LO", "axial");
	dicom_text(d, 0x00100010, "PN", "Doe^Jane");
}

TEST(a_dicom_file_tells_modality_date_and_place)
{
	static const char *const syntaxes[] = {
		"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50"};

	for (int i = 0; i < 3; i++) {
		dicom d = {.is_implicit = i == 1};

		dicom_begin(&d, syntaxes[i]);
		fill(&d, "ISO_IR 100");
		assert_string_equal(
			said(d.bytes.data, d.bytes.len), "dicom|CT|2004-01-19|axial|Klinik Müller");
		for (size_t len = 0; len < d.bytes.len; len++)
			(void)said(d.bytes.data, len); /* cut anywhere */
		emr_buf_free(&d.bytes);
	}
}

TEST(a_dicom_file_tells_whose_it_is_and_which)
{
	static const char wanted[] = "kind=dicom\npatient_name=Müller^Zoë\npatient_id=K7QF\n"
				     "study_uid=1.2\nseries_uid=1.2.3\ninstance_uid=1.2.3.4\n"
				     "class_uid=1.2.840\n";
	EMR_AUTO_BUF lines = {0};
	dicom d = {0};
	emr_headers h;

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080005, "CS", "ISO_IR 100");
	dicom_text(&d, 0x00080016, "UI", "1.2.840");
	dicom_text(&d, 0x00080018, "UI", "1.2.3.4");
	dicom_text(&d, 0x00100010, "PN", "M\xfcller^Zo\xeb");
	dicom_text(&d, 0x00100020, "LO", "K7QF");
	dicom_sequence(&d, 0x00101002, false);
	dicom_text(&d, 0x0020000d, "UI", "1.2");
	dicom_text(&d, 0x0020000e, "UI", "1.2.3");
	dicom_text(&d, 0x00200010, "SH", "not read");
	assert_ok(emr_headers_read_bytes(emr_bytes_of(d.bytes.data, d.bytes.len), &h));
	assert_ok(emr_headers_lines(&h, &lines));
	assert_int_equal(lines.len, strlen(wanted));
	assert_memory_equal(lines.data, wanted, lines.len);
	emr_buf_free(&d.bytes);
}

TEST(text_of_an_unknown_character_set_is_left_out)
{
	static const char *const sets[] = {"ISO_IR 192", "", "ISO 2022 IR 87", "ISO_IR 6"};

	for (size_t i = 0; i < 4; i++) {
		dicom d = {0};

		dicom_begin(&d, "1.2.840.10008.1.2.1");
		fill(&d, sets[i]);
		assert_string_equal(said(d.bytes.data, d.bytes.len), "dicom|CT|2004-01-19|axial|");
		emr_buf_free(&d.bytes);
	}
}

TEST(utf8_in_a_dicom_file_is_taken)
{
	dicom d = {0};

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080005, "CS", "ISO_IR 192");
	dicom_text(&d, 0x00080080, "LO", "São Lucas\\Zweiter");
	dicom_text(&d, 0x00081030, "LO", "Crânio");
	dicom_text(&d, 0x0008103e, "LO", "T1");
	assert_string_equal(said(d.bytes.data, d.bytes.len), "dicom|||Crânio, T1|São Lucas");
	emr_buf_free(&d.bytes);
}

TEST(deflated_and_big_endian_data_sets_are_not_read)
{
	static const char *const syntaxes[] = {
		"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.3", ""};

	for (size_t i = 0; i < 4; i++) {
		dicom d = {0};

		dicom_begin(&d, syntaxes[i]);
		fill(&d, "ISO_IR 100");
		assert_string_equal(said(d.bytes.data, d.bytes.len), "dicom||||");
		emr_buf_free(&d.bytes);
	}
}

TEST(lengths_that_lead_out_of_the_file_end_the_reading)
{
	dicom d = {0};

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080060, "CS", "MR");
	dicom_text(&d, 0x00081030, "LO", "never seen");
	d.bytes.data[d.bytes.len - 11] = 0xff; /* the length's high byte */
	assert_string_equal(said(d.bytes.data, d.bytes.len), "dicom|MR|||");
	emr_buf_free(&d.bytes);
}

TEST(elements_out_of_order_end_the_reading)
{
	dicom d = {0};

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080060, "CS", "MR");
	dicom_text(&d, 0x00080020, "DA", "20040119");
	assert_string_equal(said(d.bytes.data, d.bytes.len), "dicom|MR|||");
	emr_buf_free(&d.bytes);
}

TEST(what_is_no_date_is_left_out)
{
	static const char *const dates[][2] = {{"20040230", "2004-02"}, {"20240229", "2024-02-29"},
		{"2004", "2004"}, {"00000101", ""}, {"2004.01.19", "2004-01-19"}, {"soon", ""},
		{"20041301", "2004"}};

	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		dicom d = {0};

		dicom_begin(&d, "1.2.840.10008.1.2.1");
		dicom_text(&d, 0x00080020, "DA", dates[i][0]);
		assert_string_equal(
			said(d.bytes.data, d.bytes.len), printed("dicom||%s||", dates[i][1]));
		emr_buf_free(&d.bytes);
	}
}

TEST(other_files_are_nothing)
{
	static const char *const others[] = {"{\"resourceType\":\"List\"}", "%PDF-1.4", "text", ""};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_string_equal(said(others[i], strlen(others[i])), "||||");
}

/* The words that come of a file with this description. */
static const char *described(const char *description)
{
	static char text[1000];
	dicom d = {0};

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080005, "CS", "ISO_IR 192");
	dicom_text(&d, 0x00081030, "LO", description);
	snprintf(text, sizeof text, "%s", said(d.bytes.data, d.bytes.len));
	emr_buf_free(&d.bytes);
	return text;
}

TEST(control_characters_never_come_out)
{
	assert_string_equal(described("a\7\nb\xc2\x85 [31mc\xc2\xa0 d"), "dicom|||a b [31mc d|");
}

TEST(a_long_text_is_cut_at_a_character)
{
	char text[700] = "", wanted[300] = "dicom|||";

	for (int i = 0; i < 300; i++)
		strcat(text, "ä");
	for (int i = 0; i < 100; i++)
		strcat(wanted, "ä");
	assert_string_equal(described(text), strcat(wanted, "|"));
}

/* ---- as kept ---- */

static void copy_field(const json_t *one, const char *name, char out[EMR_HEADER_TEXT_MAX + 1])
{
	const char *text = json_string_value(json_object_get(one, name));

	snprintf(out, EMR_HEADER_TEXT_MAX + 1, "%s", text != NULL ? text : "");
}

TEST(the_kept_form_is_that_of_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("headers.json");
	const json_t *one;
	size_t i;

	assert_string_equal(vectors_text(root, "key"), EMR_HEADERS_KEY);
	json_array_foreach((json_t *)(uintptr_t)vectors_get(root, "cases"), i, one)
	{
		EMR_AUTO_BUF wanted = {0}, made = {0}, bytes = {0}, sent = {0}, came = {0};
		emr_headers h = {0}, again;
		emr_bytes value;
		emr_meta meta;

		for (int kind = 1; kind <= 3; kind++)
			if (strcmp(emr_header_kind_text((emr_header_kind)kind),
				    vectors_text(one, "kind")) == 0)
				h.kind = (emr_header_kind)kind;
		copy_field(one, "modality", h.modality);
		copy_field(one, "study_date", h.study_date);
		copy_field(one, "description", h.description);
		copy_field(one, "organisation", h.organisation);
		copy_field(one, "patient_name", h.patient_name);
		copy_field(one, "patient_id", h.patient_id);
		copy_field(one, "study_uid", h.study_uid);
		copy_field(one, "series_uid", h.series_uid);
		copy_field(one, "instance_uid", h.instance_uid);
		copy_field(one, "class_uid", h.class_uid);
		(void)vectors_unhex(vectors_text(one, "value"), &wanted);
		assert_ok(emr_headers_encode(&h, &made));
		assert_int_equal(made.len, wanted.len);
		assert_memory_equal(made.data, wanted.data, made.len);
		assert_ok(emr_meta_decode(vectors_unhex(vectors_text(one, "meta"), &bytes), &meta));
		assert_ok(emr_xattr_find(meta.xattrs,
			emr_bytes_of(EMR_HEADERS_KEY, strlen(EMR_HEADERS_KEY)), &value));
		assert_ok(emr_headers_decode(value, &again));
		assert_ok(emr_headers_lines(&h, &sent));
		assert_ok(emr_headers_lines(&again, &came));
		assert_int_equal(came.len, sent.len);
		assert_memory_equal(came.data, sent.data, sent.len);
	}
}

TEST(a_kept_form_that_nobody_wrote_is_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {{"", 0}, {"\1", 1}, {"\1\0", 2}, {"\1\4", 2}, {"\0\1", 2}, {"\1\1\1\0", 4},
		{"\1\1\1\2C", 5}, {"\1\1\2\2CT", 6}, {"\1\1\3\1a\1\1b", 8}, {"\1\1\13\1a", 5},
		{"\1\1\1\1\7", 5}, {"\1\1\1\1\xff", 5}, {"\1\1\1\2a ", 6}};
	emr_headers h;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_status(EMR_DAMAGED,
			emr_headers_decode(emr_bytes_of(bad[i].bytes, bad[i].len), &h));
	assert_status(EMR_NEWER_FORMAT, emr_headers_decode(emr_bytes_of("\2\1", 2), &h));
	h = (emr_headers){0};
	{
		EMR_AUTO_BUF none = {0};

		assert_status(EMR_INVALID, emr_headers_encode(&h, &none));
	}
}

TESTS(NULL, NULL)
