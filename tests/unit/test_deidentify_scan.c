/* These tests are about the scan of files that others call copies: it lets through every copy of
 * our writer (each copy that the other tests make goes through it, too), and nothing else that a
 * lying client may put there. */
#include "emr_test.h"

#include "deidentify_kit.h"
#include "scan.h"

static const protocol_look usual = {.year = 2026};

static emr_withheld scan_bytes(emr_bytes bytes, const protocol_look *rules)
{
	static flat_file file;
	EMR_AUTO_FD fd = made_memory(bytes);
	emr_withheld why;

	file = (flat_file){.fd = fd, .size = bytes.len};
	why = scan_dicom(&file, rules);
	return why;
}

static void make_copy(made_syntax syntax, const emr_deidentify_rules *rules, emr_buf *out)
{
	made m;

	made_ct(&m, syntax);
	assert_int_equal(made_copy(&m, 'a', rules, out), EMR_WITHHELD_NOT);
	emr_buf_free(&m.bytes);
}

TEST(an_original_is_no_copy)
{
	made m;

	for (int syntax = MADE_EXPLICIT; syntax <= MADE_BIG; syntax++) {
		made_ct(&m, (made_syntax)syntax);
		assert_int_not_equal(scan_bytes(emr_buf_view(&m.bytes), &usual), EMR_WITHHELD_NOT);
		emr_buf_free(&m.bytes);
	}
	assert_int_equal(scan_bytes(emr_bytes_of("%PDF-1.4", 8), &usual), EMR_WITHHELD_NOT_DICOM);
}

/* Behind a copy's last element before its pixels. */
static void add(emr_buf *copy, const made *more)
{
	static const uint8_t pixels[] = {0xe0, 0x7f, 0x10, 0x00};
	uint8_t *at = memmem(copy->data, copy->len, pixels, sizeof pixels);
	emr_buf out = {0};

	assert_non_null(at);
	assert_ok(emr_buf_append(&out, copy->data, (size_t)(at - copy->data)));
	assert_ok(emr_buf_append(&out, more->bytes.data, more->bytes.len));
	assert_ok(emr_buf_append(&out, at, copy->len - (size_t)(at - copy->data)));
	emr_buf_free(copy);
	*copy = out;
}

static emr_withheld with(uint32_t tag, const char *vr, const char *text)
{
	EMR_AUTO_BUF copy = {0};
	made more = {.syntax = MADE_EXPLICIT};
	emr_withheld why;

	make_copy(MADE_EXPLICIT, NULL, &copy);
	made_text(&more, tag, vr, text);
	add(&copy, &more);
	why = scan_bytes(emr_buf_view(&copy), &usual);
	emr_buf_free(&more.bytes);
	return why;
}

TEST(what_was_added_to_a_copy_is_found)
{
	static const struct {
		uint32_t tag;
		const char *vr, *text;
	} bad[] = {
		{0x00291010, "LO", "Silva^Ana"},	 /* private */
		{0x00290010, "LO", "ACME"},		 /* its creator */
		{0x60003000, "OW", "Silva"},		 /* an overlay */
		{0x00089ffe, "UN", "Silva"},		 /* nobody knows it */
		{0x00204000, "LT", "Ana"},		 /* comments */
		{0x00400275, "LO", "Ana"},		 /* a sequence that is none */
		{0x00080090, "PN", "Reis^Dora"},	 /* X or Z in the table */
		{0x00080022, "DA", "20240119"},		 /* not moved */
		{0x0008002a, "DT", "20240119101010"},	 /* not moved */
		{0x00080106, "DT", "19650311"},		 /* of a printed table */
		{0x0008010f, "CS", "CID 4031"},		 /* which it is */
		{0x00080012, "DA", "19650311"},		 /* of a program */
		{0x00080013, "TM", "101112"},		 /* the same */
		{0x00181200, "DA", "19650311"},		 /* of the scanner */
		{0x00181203, "DT", "19650311101112"},	 /* the same */
		{0x0018700c, "DA", "19650311"},		 /* of its detector */
		{0x00101010, "AS", "047Y"},		 /* a characteristic */
		{0x00101020, "DS", "1.72"},		 /* another */
		{0x00189999, "SH", "Ana"},		 /* no such element */
		{0x00080070, "LO", "Silva"},		 /* no maker */
		{0x00181210, "SH", "Silva"},		 /* no kernel */
		{0x00200052, "UI", "1.2.276.7.1959.42"}, /* no new UID */
		{0x0018002a, "UN", "x"},		 /* not as the standard writes it */
		{0x00280301, "CS", "YES"},		 /* burned in */
		{0x0018030a, "CS", "19590708"},		 /* digits like a date in a code */
		{0xfffcfffc, "OB", "Silva"},		 /* padding */
		{0x00420011, "OB", "%PDF-1.4 Ana"},	 /* what a document may be, but empty */
		{0x0072006d, "UN", "Ana Silva"},	 /* the same of unknown bytes */
		{0x00080100, "SH", "Ana Silva"},	 /* a code of no scheme */
		{0x00283006, "US", "Ana Silva."},	 /* levels */
		{0x00281201, "OW", "Ana Silva."},
	};

	assert_int_equal(with(0x00281055, "LO", ""), EMR_WITHHELD_NOT);
	assert_int_equal(with(0x00189074, "DT", "19650311101112"), EMR_WITHHELD_NOT);
	assert_int_equal(with(0x0018700c, "DA", "18581117"), EMR_WITHHELD_NOT);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (with(bad[i].tag, bad[i].vr, bad[i].text) == EMR_WITHHELD_NOT)
			fail_msg("%08x %s %s was let through", bad[i].tag, bad[i].vr, bad[i].text);
}

/* A code is believed by its scheme: whatever stands in the scheme's place, a text is none. */
TEST(a_text_is_no_code_whatever_its_scheme_is_called)
{
	static const struct {
		const char *code, *scheme;
		emr_withheld wanted;
	} rows[] = {{"39607008", "SCT", EMR_WITHHELD_NOT},
		{"Ana Silva", "SCT", EMR_WITHHELD_FOUND_AGAIN},
		{"Ana Silva", "", EMR_WITHHELD_FOUND_AGAIN},
		{"Ana Silva", "REMOVED", EMR_WITHHELD_FOUND_AGAIN},
		{"Ana Silva", "SILVA", EMR_WITHHELD_FOUND_AGAIN},
		{"Ana Silva\\39607008", "SCT", EMR_WITHHELD_FOUND_AGAIN}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		EMR_AUTO_BUF copy = {0};
		made more = {.syntax = MADE_EXPLICIT};

		make_copy(MADE_EXPLICIT, NULL, &copy);
		made_text(&more, 0x00080100, "SH", rows[i].code);
		made_text(&more, 0x00080102, "SH", rows[i].scheme);
		add(&copy, &more);
		assert_int_equal(scan_bytes(emr_buf_view(&copy), &usual), rows[i].wanted);
		emr_buf_free(&more.bytes);
	}
}

TEST(what_is_hidden_in_a_sequence_is_found)
{
	EMR_AUTO_BUF copy = {0};
	made more = {.syntax = MADE_EXPLICIT};

	make_copy(MADE_EXPLICIT, NULL, &copy);
	made_header(&more, 0x00540013, "SQ", 0xffffffff);
	made_item(&more);
	made_text(&more, 0x00100010, "PN", "Silva^Ana");
	made_item_end(&more);
	made_sequence_end(&more);
	add(&copy, &more);
	assert_int_equal(scan_bytes(emr_buf_view(&copy), &usual), EMR_WITHHELD_FOUND_AGAIN);
	emr_buf_free(&more.bytes);
}

TEST(bytes_around_a_copy_are_found)
{
	EMR_AUTO_BUF copy = {0};

	make_copy(MADE_EXPLICIT, NULL, &copy);
	memcpy(copy.data, "Silva", 5);
	assert_int_equal(scan_bytes(emr_buf_view(&copy), &usual), EMR_WITHHELD_FOUND_AGAIN);
	memset(copy.data, 0, 5);
	assert_int_equal(scan_bytes(emr_buf_view(&copy), &usual), EMR_WITHHELD_NOT);
	assert_ok(emr_buf_append(&copy, "Silva^Ana", 9));
	assert_int_not_equal(scan_bytes(emr_buf_view(&copy), &usual), EMR_WITHHELD_NOT);
}

TEST(the_terms_decide_what_may_be_there)
{
	const emr_deidentify_rules dated = {.with_characteristics = true};
	EMR_AUTO_BUF copy = {0};
	made m;

	made_begin(&m, MADE_EXPLICIT, NULL);
	made_ct_08(&m);
	made_text(&m, 0x00101010, "AS", "047Y");
	made_text(&m, 0x00180050, "DS", "5.0");
	made_ct_20(&m);
	made_ct_28(&m);
	made_ct_pixels(&m);
	assert_int_equal(made_copy(&m, 'a', &dated, &copy), EMR_WITHHELD_NOT);
	assert_int_equal(
		scan_bytes(emr_buf_view(&copy),
			&(protocol_look){.year = 2026, .rules.with_characteristics = true}),
		EMR_WITHHELD_NOT);
	assert_int_equal(scan_bytes(emr_buf_view(&copy), &usual), EMR_WITHHELD_FOUND_AGAIN);
	assert_int_equal(scan_bytes(emr_buf_view(&copy), &(protocol_look){.year = 2026,
								 .rules.with_characteristics = true,
								 .rules.without_dates = true}),
		EMR_WITHHELD_FOUND_AGAIN);
	emr_buf_free(&m.bytes);
}

TESTS(NULL, NULL)
