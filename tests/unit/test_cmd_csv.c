/* These tests are about fields of index.csv, and what kind of file a name suggests. */
#include "emr_test.h"

#include "special_private.h"

static const char *field(const char *text)
{
	static char out[200];
	EMR_AUTO_BUF buf = {0};

	assert_ok(emr_csv_text(&buf, text));
	snprintf(out, sizeof out, "%.*s", (int)buf.len, (const char *)buf.data);
	return out;
}

TEST(a_field_is_quoted_and_stays_on_its_line)
{
	assert_string_equal(field("a,b"), "\"a,b\"");
	assert_string_equal(field("say \"ah\""), "\"say \"\"ah\"\"\"");
	assert_string_equal(field("two\r\nlines\t\x1b\xff"), "\"two??lines???\"");
	assert_string_equal(field("Größe"), "\"Größe\"");
}

TEST(no_field_is_a_formula)
{
	static const char *const texts[] = {
		"=1+1", "+1", "-1", "@SUM(A1)", "  =1", "'=1", "＝1", "＋1", "－1", "＠x"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_memory_equal(field(texts[i]), "\"'", 2);
		assert_int_equal(strlen(field(texts[i])), strlen(texts[i]) + 3);
	}
	assert_string_equal(field("a=1"), "\"a=1\"");
}

TEST(nor_is_what_follows_a_separator_in_it)
{
	static const char *const texts[][2] = {{"a;=1", "\"a;'=1\""},
		{"a; =1;+2", "\"a;' =1;'+2\""}, {"a,@x", "\"a,'@x\""}, {"a|-1", "\"a|'-1\""},
		{"a;\"=1", "\"a;'\"\"=1\""}, {";＝1", "\";'＝1\""}, {"a;b - c", "\"a;b - c\""},
		{"a\t=1", "\"a?=1\""}, {"\"=1", "\"'\"\"=1\""}};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_string_equal(field(texts[i][0]), texts[i][1]);
}

TEST(a_kind_comes_from_the_header_and_else_from_the_name)
{
	const emr_headers none = {0}, dicom = {.kind = EMR_HEADER_DICOM};

	assert_string_equal(emr_kind_of(&dicom, "x.pdf"), "dicom");
	assert_string_equal(emr_kind_of(&none, "a.b/x.PDF"), "pdf");
	assert_string_equal(emr_kind_of(&none, "a.pdf/x"), "other");
	assert_string_equal(emr_kind_of(&none, ".pdf"), "other");
	assert_string_equal(emr_kind_of(&none, "s.vcf.gz"), "genome");
	assert_string_equal(emr_kind_of(&none, "s.gz"), "archive");
	assert_string_equal(emr_kind_of(&none, "a.b.gz"), "archive");
	assert_string_equal(emr_kind_title("genome"), "Genomic data");
}

TESTS(NULL, NULL)
