/* The checker finds in a copy what the original says about somebody, however it stands there, and
 * does not mistake other things for it. */
#include "emr_test.h"

#include "check.h"
#include "deidentify_kit.h"

/* The original has PUT's elements; the copy is an empty CT with COMMENT in it. */
static const char *found(void (*put)(made *m), made_syntax kind, const void *comment, size_t len)
{
	made original, copy;
	emr_withheld why;
	int in, out;

	made_begin(&original, kind, NULL);
	made_text(&original, 0x00080020, "DA", "20240119");
	put(&original);
	made_text(&original, 0x0020000d, "UI", "1.2.276.7.1959.42");
	made_ct_28(&original);
	made_ct_pixels(&original);
	made_begin(&copy, MADE_EXPLICIT, NULL);
	made_text(&copy, 0x00080060, "CS", "CT");
	made_bytes(&copy, 0x00204000, "LT", comment, len);
	made_ct_28(&copy);
	made_ct_pixels(&copy);
	in = made_memory(emr_buf_view(&original.bytes));
	out = made_memory(emr_buf_view(&copy.bytes));
	why = check_dicom(in, original.bytes.len, out, copy.bytes.len, 0);
	close(in);
	close(out);
	emr_buf_free(&original.bytes);
	emr_buf_free(&copy.bytes);
	return emr_withheld_text(why);
}

static void put_names(made *m)
{
	made_text(m, 0x00080050, "SH", "4711");
	made_text(m, 0x00080080, "LO", "Klinik am Ring");
	made_text(m, 0x00100010, "PN", "Silva^Ana Maria=Yamada^Tarou");
	made_text(m, 0x00100020, "LO", "K7QF-0815");
}

static const char *found_text(const char *comment)
{
	return found(put_names, MADE_EXPLICIT, comment, strlen(comment));
}

TEST(names_ids_dates_and_uids_are_found)
{
	static const char *const there[] = {"Silva^Ana Maria", "of Silva.", "SILVA", "tarou",
		"Maria", "klinik am ring", "K7QF-0815", "on 20240119.", "2024-01-19", "2024.01.19",
		"19.01.2024", "19012024", "1.2.276.7.1959.42", "no 4711 ", "x1.2.276.7.1959.42.3"};
	static const char *const absent[] = {"", "Ana", "Klinik", "K7QF", "20240118",
		"1.2.276.7.1959", "147119", "-4711", "4711.5", "Silvas", "Mariana", "HEAD"};

	for (size_t i = 0; i < sizeof there / sizeof *there; i++)
		assert_string_equal(found_text(there[i]), "found-again");
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
		assert_string_equal(found_text(absent[i]), "");
}

TEST(they_are_found_as_utf16_too)
{
	static const char little[] = "S\0i\0l\0v\0a\0", big[] = "\0S\0i\0l\0v\0a";

	assert_string_equal(found(put_names, MADE_EXPLICIT, little, 10), "found-again");
	assert_string_equal(found(put_names, MADE_EXPLICIT, big, 10), "found-again");
}

TEST(they_are_found_in_every_way_of_writing_an_original)
{
	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
		assert_string_equal(
			found(put_names, (made_syntax)kind, "K7QF-0815", 9), "found-again");
		assert_string_equal(found(put_names, (made_syntax)kind, "K7QF-0816", 9), "");
	}
}

static void put_hidden(made *m)
{
	made_text(m, 0x00091001, "UN", "x: Silva^Ana, 19590708, 1.2.276.0.7230010.3.1.4.42;");
	made_header(m, 0x00111001, "SQ", 0xffffffff);
	made_item(m);
	made_text(m, 0x00100010, "PN", "Santos^Rita");
	made_item_end(m);
	made_sequence_end(m);
	made_header(m, 0x00131001, "UN", 0xffffffff);
	m->syntax = MADE_IMPLICIT;
	made_item(m);
	made_text(m, 0x00100010, "PN", "Pereira^Joana");
	made_item_end(m);
	made_sequence_end(m);
	m->syntax = MADE_EXPLICIT;
	made_text(m, 0x00151001, "PN", "Behind^It");
}

TEST(what_stands_in_private_and_unknown_bytes_is_found)
{
	static const char *const there[] = {
		"Silva", "19590708", "1.2.276.0.7230010.3.1.4.42", "Santos", "Joana", "Behind"};

	for (size_t i = 0; i < sizeof there / sizeof *there; i++)
		assert_string_equal(found(put_hidden, MADE_EXPLICIT, there[i], strlen(there[i])),
			"found-again");
}

/* A file with compressed pixels: N fragments, and a table of offsets with COUNT entries. */
static void put_fragments(
	made *m, const emr_bytes *parts, size_t n, const uint8_t *offsets, size_t count)
{
	made_header(m, 0x7fe00010, "OB", 0xffffffff);
	made_header(m, 0xfffee000, "", (uint32_t)count * 4);
	for (size_t i = 0; i < count; i++)
		assert_ok(emr_buf_append(&m->bytes, (const uint8_t[]){offsets[i], 0, 0, 0}, 4));
	for (size_t i = 0; i < n; i++)
		made_bytes(m, 0xfffee000, "", parts[i].data, parts[i].len);
	made_sequence_end(m);
}

static const char *checked(made *original, made *copy)
{
	int in = made_memory(emr_buf_view(&original->bytes));
	int out = made_memory(emr_buf_view(&copy->bytes));
	emr_withheld why = check_dicom(in, original->bytes.len, out, copy->bytes.len, 0);

	close(in);
	close(out);
	emr_buf_free(&original->bytes);
	emr_buf_free(&copy->bytes);
	return emr_withheld_text(why);
}

#define JPEG "1.2.840.10008.1.2.4.50"
#define START "\xff\xd8"
#define SCAN "\xff\xda\0\x08\1\1\0\0\x3f\0"
#define END "\xff\xd9"

/* Original and copy have compressed pixels with TEXT in them. */
static const char *found_in_pixels(const char *text)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes image;
	made original, copy;

	assert_ok(emr_buf_append(&part, START SCAN, sizeof START SCAN - 1));
	assert_ok(emr_buf_append(&part, text, strlen(text)));
	assert_ok(emr_buf_append(&part, END, 2));
	image = emr_buf_view(&part);
	made_begin(&original, MADE_EXPLICIT, JPEG);
	put_names(&original);
	made_ct_28(&original);
	put_fragments(&original, &image, 1, NULL, 0);
	made_begin(&copy, MADE_EXPLICIT, JPEG);
	made_ct_28(&copy);
	put_fragments(&copy, &image, 1, (const uint8_t[]){0}, 1);
	return checked(&original, &copy);
}

TEST(in_compressed_pixels_only_words_count_that_do_not_stand_there_by_chance)
{
	assert_string_equal(found_in_pixels("pixels of Silva."), "");
	assert_string_equal(found_in_pixels("pixels of 4711 ."), "");
	assert_string_equal(found_in_pixels("pix K7QF-0815 els"), "found-again");
	assert_string_equal(found_in_pixels("pix Klinik am Ring els"), "found-again");
}

#define PART(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

/* The original has two images: one in three fragments with a comment of odd length, one in one. */
static const char *compared(const emr_bytes *parts, size_t n, uint8_t second)
{
	static const emr_bytes images[] = {PART("\xff\xd8\xff\xfe\0\5"), PART("bye" SCAN "pi"),
		PART("x\xff\0\xff\xd9Z"), PART("\xff\xd8\xff\xe1\0\4yy" SCAN "last\xff\xd9")};
	const uint8_t offsets[] = {0, second};
	made original, copy;

	made_begin(&original, MADE_EXPLICIT, JPEG);
	put_fragments(&original, images, 4, NULL, 0);
	made_begin(&copy, MADE_EXPLICIT, JPEG);
	made_ct_28(&copy);
	put_fragments(&copy, parts, n, offsets, second == 0 ? 0 : 2);
	return checked(&original, &copy);
}

#define FIRST START SCAN "pix\xff\0" END /* of 19 bytes */
#define SECOND START SCAN "last" END

TEST(other_pixels_than_the_original_s_are_noticed)
{
	const emr_bytes same[][2] = {{PART(FIRST), PART(SECOND)}, {PART(FIRST "\0"), PART(SECOND)}};
	const emr_bytes other[][2] = {/* a comment that stayed, a byte between, a byte less, another
				       * one, none of an image, another's end */
		{PART(START "\xff\xfe\0\5"
			    "bye" SCAN "pix\xff\0" END),
			PART(SECOND)},
		{PART(START SCAN "\0pix\xff\0" END), PART(SECOND)},
		{PART(START SCAN "px\xff\0" END), PART(SECOND)},
		{PART(START SCAN "piy\xff\0" END), PART(SECOND)}, {PART(SECOND), PART(FIRST)},
		{PART(FIRST "\0\0"), PART(SECOND)}, {PART(FIRST "Z"), PART(SECOND)},
		{PART(FIRST), PART("")}, {PART("\xff\xd8\xff\xd9"), PART(SECOND)},
		{PART(FIRST), PART(START "\xff\xe1\0\4" SCAN "last" END)}};
	const emr_bytes more[] = {PART(FIRST), PART(SECOND), PART(SECOND)};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		assert_string_equal(compared(same[i], 2, (uint8_t)(8 + same[i][0].len)), "");
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_string_equal(
			compared(other[i], 2, (uint8_t)(8 + other[i][0].len)), "compression");
	assert_string_equal(compared(same[0], 1, 8 + 19), "compression");
	assert_string_equal(compared(more, 3, 8 + 19), "compression");
	/* a table of offsets that is wrong, or not there */
	assert_string_equal(compared(same[0], 2, 8 + 20), "compression");
	assert_string_equal(compared(same[0], 2, 0), "compression");
}

TEST(an_original_that_it_cannot_read_is_no_clean_one)
{
	static const uint8_t bytes[200] = {1, 2, 3};
	int in, out = made_memory(emr_bytes_of(bytes, sizeof bytes));

	for (size_t len = 0; len < sizeof bytes; len += 50) {
		in = made_memory(emr_bytes_of(bytes, len));
		assert_string_equal(
			emr_withheld_text(check_dicom(in, len, out, sizeof bytes, 0)), "damaged");
		close(in);
	}
	close(out);
}

TEST(a_word_across_the_edge_of_two_blocks_is_found)
{
	static char comment[70000];

	memset(comment, '.', sizeof comment);
	for (size_t at = 32700; at < 32790; at++) {
		made m;
		int in, out;

		memset(comment, '.', sizeof comment);
		memcpy(comment + at, "Silva^Ana Maria", 15);
		made_begin(&m, MADE_EXPLICIT, NULL);
		put_names(&m);
		in = made_memory(emr_buf_view(&m.bytes));
		emr_buf_free(&m.bytes);
		made_begin(&m, MADE_EXPLICIT, NULL);
		made_bytes(&m, 0x00204000, "UT", comment, sizeof comment);
		out = made_memory(emr_buf_view(&m.bytes));
		assert_string_equal(emr_withheld_text(check_dicom(in,
					    (uint64_t)lseek(in, 0, SEEK_END), out, m.bytes.len, 0)),
			"found-again");
		emr_buf_free(&m.bytes);
		close(in);
		close(out);
	}
}

TESTS(NULL, NULL)
