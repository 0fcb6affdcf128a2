/* Names in the report are text, whatever they try to be. */
#include "emr_test.h"

#include "report/html.h"

static char made[600];

static const char *written(void (*put)(FILE *to, const char *text), const char *text)
{
	FILE *to = fmemopen(made, sizeof made, "w");

	assert_non_null(to);
	put(to, text);
	assert_int_equal(fclose(to), 0);
	return made;
}

TEST(markup_in_a_name_is_text)
{
	assert_string_equal(
		written(emr_html_text, "<b>&\"'</b>"), "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;");
	assert_string_equal(written(emr_html_name, "Größe <"), "<bdi dir=\"ltr\">Größe &lt;</bdi>");
}

TEST(what_cannot_be_seen_is_spelled_out)
{
	assert_string_equal(written(emr_html_text, "a\xe2\x80\xaegpj.exe"), "a[U+202E]gpj.exe");
	assert_string_equal(written(emr_html_text, "\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c"),
		"[U+2066]x[U+2069][U+061C]");
	assert_string_equal(written(emr_html_text, "a\xc2\xad\xe3\x85\xa4\xf3\xa0\x81\x81z"),
		"a[U+00AD][U+3164][U+E0041]z");
	assert_string_equal(written(emr_html_text, "\x1b[31m\n\x7f"),
		"\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(written(emr_html_text, "\xc2\x9b\xff\xc0\x80\xed\xa0\x80"),
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(an_address_has_no_scheme_query_or_quote)
{
	assert_string_equal(
		written(emr_html_href, "a b/ä?#:\"<%.pdf"), "a%20b/%C3%A4%3F%23%3A%22%3C%25.pdf");
}

TEST(dates_are_as_people_write_them)
{
	static const char *const dates[][2] = {{"2026-11-20", "20 Nov 2026"},
		{"2026-02", "Feb 2026"}, {"2026", "2026"}, {"2026-13", "2026-13"}, {"?", "?"}};

	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
		assert_string_equal(written(emr_html_date, dates[i][0]), dates[i][1]);
}

static const char *size_of(uint64_t bytes)
{
	FILE *to = fmemopen(made, sizeof made, "w");

	assert_non_null(to);
	emr_html_size(to, bytes);
	assert_int_equal(fclose(to), 0);
	return made;
}

TEST(sizes_are_short)
{
	assert_string_equal(size_of(0), "0 bytes");
	assert_string_equal(size_of(1), "1 byte");
	assert_string_equal(size_of(999), "999 bytes");
	assert_string_equal(size_of(1000), "1.0 kB");
	assert_string_equal(size_of(999499), "999 kB");
	assert_string_equal(size_of(999999), "1.0 MB");
	assert_string_equal(size_of(UINT64_MAX), "18447 PB");
}

TESTS(NULL, NULL)
