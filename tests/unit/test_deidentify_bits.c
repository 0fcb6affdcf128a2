/* These tests show that a copy for research has no text where a picture has room to spare: in bits
 * above or below its samples, in segments that no decoder needs, behind the numbers of a segment,
 * in tables of levels. The writer, the checker and the readers' scan each find it alone. */
#include "emr_test.h"

#include "check.h"
#include "copy.h"
#include "deidentify_kit.h"
#include "scan.h"

/* How samples of 16 bits are written: bits of the image, the last of them, whether they are signed,
 * and the four samples. */
typedef struct samples {
	uint16_t stored, high, is_signed;
	uint16_t values[4];
} samples;

static void put_image(made *m, const samples *s, const char *photometric)
{
	made_u16(m, 0x00280002, 1);
	made_text(m, 0x00280004, "CS", photometric);
	made_u16(m, 0x00280010, 2);
	made_u16(m, 0x00280011, 2);
	made_u16(m, 0x00280100, 16);
	made_u16(m, 0x00280101, s->stored);
	made_u16(m, 0x00280102, s->high);
	made_u16(m, 0x00280103, s->is_signed);
}

static void put_samples(made *m, const samples *s)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < 4; i++) {
		bytes[2 * i + (m->syntax == MADE_BIG)] = (uint8_t)s->values[i];
		bytes[2 * i + (m->syntax != MADE_BIG)] = (uint8_t)(s->values[i] >> 8);
	}
	made_bytes(m, 0x7fe00010, "OW", bytes, sizeof bytes);
}

static void make_ct(made *m, made_syntax kind, const char *uid, const samples *s)
{
	made_begin(m, kind, uid);
	made_ct_08(m);
	made_ct_18(m);
	made_ct_20(m);
	put_image(m, s, "MONOCHROME2");
}

/* The last eight bytes of a copy, as samples. */
static void last_samples(const emr_buf *copy, made_syntax kind, uint16_t out[4])
{
	const uint8_t *p = copy->data + copy->len - 8;

	for (size_t i = 0; i < 4; i++)
		out[i] = (uint16_t)(p[2 * i + (kind == MADE_BIG)] | p[2 * i + (kind != MADE_BIG)]
									    << 8);
}

static emr_withheld scan_bytes(const emr_buf *copy)
{
	static flat_file file;
	EMR_AUTO_FD fd = made_memory(emr_buf_view(copy));
	emr_withheld why;

	file = (flat_file){.fd = fd, .size = copy->len};
	why = scan_dicom(&file, &(protocol_look){.year = 2026});
	return why;
}

static emr_withheld check_bytes(const made *original, const emr_buf *copy)
{
	EMR_AUTO_FD in = made_memory(emr_buf_view(&original->bytes)),
		    out = made_memory(emr_buf_view(copy));
	emr_withheld why = check_dicom(in, original->bytes.len, out, copy->len, 0);

	return why;
}

TEST(bits_that_the_image_does_not_have_are_cleared)
{
	static const struct {
		samples original;
		uint16_t copy[4];
	} rows[] = {
		/* "Sil" in the four bits above unsigned samples */
		{{12, 11, 0, {0x5123, 0x3456, 0x6fff, 0x0000}}, {0x0123, 0x0456, 0x0fff, 0x0000}},
		/* above signed ones the sign goes on */
		{{12, 11, 1, {0x5123, 0x3956, 0xffff, 0x0800}}, {0x0123, 0xf956, 0xffff, 0xf800}},
		/* below them, where the last bit is the highest */
		{{12, 15, 0, {0x1235, 0x456f, 0xfff0, 0x000f}}, {0x1230, 0x4560, 0xfff0, 0x0000}},
		{{12, 15, 1, {0x9235, 0x456f, 0xfff0, 0x000f}}, {0x9230, 0x4560, 0xfff0, 0x0000}},
		/* on both sides */
		{{8, 11, 1, {0xa805, 0x57ff, 0x0000, 0xffff}}, {0xf800, 0x07f0, 0x0000, 0xfff0}},
		{{1, 0, 0, {0xfffe, 0xffff, 0x0001, 0x8000}}, {0, 1, 1, 0}},
		/* there are none */
		{{16, 15, 1, {0x9235, 0x456f, 0xfff0, 0x000f}}, {0x9235, 0x456f, 0xfff0, 0x000f}},
	};
	EMR_AUTO_BUF copy = {0};
	uint16_t got[4];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++) {
			const uint16_t *wanted = rows[i].copy;
			made m;

			make_ct(&m, (made_syntax)kind, NULL, &rows[i].original);
			put_samples(&m, &rows[i].original);
			assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &copy)), "");
			last_samples(&copy, (made_syntax)kind, got);
			assert_memory_equal(got, wanted, sizeof got);
			/* a client that leaves one bit, or changes a pixel */
			for (size_t bit = 0; bit < 16 && rows[i].original.stored < 16; bit++) {
				uint8_t *p = copy.data + copy.len - 8 + (kind == MADE_BIG ? 1 : 0);

				p[kind == MADE_BIG ? -(ptrdiff_t)(bit / 8)
						   : (ptrdiff_t)(bit / 8)] ^=
					(uint8_t)(1u << bit % 8);
				assert_string_equal(
					emr_withheld_text(check_bytes(&m, &copy)), "compression");
				if (bit > rows[i].original.high ||
					bit + rows[i].original.stored < rows[i].original.high + 1u)
					assert_string_equal(emr_withheld_text(scan_bytes(&copy)),
						"found-again");
				p[kind == MADE_BIG ? -(ptrdiff_t)(bit / 8)
						   : (ptrdiff_t)(bit / 8)] ^=
					(uint8_t)(1u << bit % 8);
			}
			emr_buf_free(&m.bytes);
		}
}

TEST(headers_that_no_image_can_have_are_withheld)
{
	static const samples rows[] = {
		{17, 15, 0, {0}}, {12, 10, 0, {0}}, {12, 16, 0, {0}}, {0, 0, 0, {0}}};
	EMR_AUTO_BUF copy = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		made m;

		make_ct(&m, MADE_EXPLICIT, NULL, &rows[i]);
		put_samples(&m, &rows[i]);
		assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &copy)), "damaged");
		emr_buf_free(&m.bytes);
	}
}

/* ---- compressed pixels ---- */

#define JPEG "1.2.840.10008.1.2.4.57"
#define JPEG_LS "1.2.840.10008.1.2.4.80"
#define J2K "1.2.840.10008.1.2.4.90"
#define RLE "1.2.840.10008.1.2.5"
#define SCAN "\xff\xda\0\x08\1\1\0\0\x3f\0"
#define BODY SCAN "pixels\xff\xd9"
#define LETTERS "MARKEDMARKEDMARK"
#define QUANTISER(place) "\xff\xdb\0\x43" place LETTERS LETTERS LETTERS LETTERS
#define FRAME(code, bits) "\xff" code "\0\x0b" bits "\0\2\0\2\1\1\x11\0"
#define SIZE(bits)                                                                                 \
	"\xff\x51\0\x29\0\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0\0"     \
	"\1" bits "\1\1"
#define TILE "\xff\x90\0\x0a\0\0\0\0\0\x13\0\1\xff\x93pixel\xff\xd9"
#define PART(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

static const samples twelve = {12, 11, 0, {0}}, signed_twelve = {12, 11, 1, {0}},
		     shifted = {12, 15, 0, {0}};

/* A CT whose pixels are one fragment STREAM. */
static const char *why(const char *uid, const samples *s, emr_bytes stream, emr_buf *copy)
{
	emr_buf even = {0};
	emr_withheld reason;
	made m;

	assert_ok(emr_buf_append(&even, stream.data, stream.len));
	if ((stream.len & 1) != 0)
		assert_ok(emr_buf_append(&even, "", 1));
	make_ct(&m, MADE_EXPLICIT, uid, s);
	made_header(&m, 0x7fe00010, "OB", 0xffffffff);
	made_header(&m, 0xfffee000, "", 0);
	made_bytes(&m, 0xfffee000, "", even.data, even.len);
	made_sequence_end(&m);
	reason = made_copy(&m, 'a', NULL, copy);
	emr_buf_free(&m.bytes);
	emr_buf_free(&even);
	return emr_withheld_text(reason);
}

TEST(only_segments_that_a_decoder_needs_are_copied)
{
	static const struct {
		const char *uid;
		emr_bytes stream;
		const char *wanted;
	} rows[] = {
		{JPEG, PART("\xff\xd8" FRAME("\xc3", "\x0c") BODY), ""},
		{JPEG, PART("\xff\xd8\xff\xf0\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xf7\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xfd\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xde\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xdf\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\x02\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xc8\0\x08MARKED" BODY), "compression"},
		{JPEG, PART("\xff\xd8\xff\xdd\0\4\0\1" BODY), ""},
		/* behind the numbers of a segment that stays */
		{JPEG, PART("\xff\xd8\xff\xdd\0\x0a\0\1MARKED" BODY), "hidden-graphics"},
		{JPEG, PART("\xff\xd8\xff\xdb\0\x08MARKED" BODY), "hidden-graphics"},
		{JPEG, PART("\xff\xd8\xff\xc4\0\x1a\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0zMARKED" BODY),
			"hidden-graphics"},
		{JPEG, PART("\xff\xd8\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0z" BODY), ""},
		/* tables in a place that no decoder has, twice, or with more than it can use */
		{JPEG, PART("\xff\xd8\xff\xc4\0\x14\x0f\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0z" BODY),
			"hidden-graphics"},
		{JPEG, PART("\xff\xd8" QUANTISER("\0") QUANTISER("\1") BODY), ""},
		{JPEG, PART("\xff\xd8" QUANTISER("\x0f") BODY), "hidden-graphics"},
		{JPEG, PART("\xff\xd8" QUANTISER("\0") QUANTISER("\0") BODY), "hidden-graphics"},
		{JPEG, PART("\xff\xd8" FRAME("\xc0", "\x0c") FRAME("\xc0", "\x0c") BODY),
			"hidden-graphics"},
		{JPEG, PART("\xff\xd8\xff\xdd\0\4MA\xff\xdd\0\4RK" BODY), "hidden-graphics"},
		{J2K, PART("\xff\x4f" SIZE("\x0b") "\xff\x5d\0\x08\xffMARKE" TILE),
			"hidden-graphics"},
		{JPEG, PART("\xff\xd8\xff\xda\0\x0e\1\1\0\0\x3f\0MARKEDpixels\xff\xd9"),
			"hidden-graphics"},
		{JPEG_LS, PART("\xff\xd8" FRAME("\xf7", "\x0c") BODY), ""},
		{JPEG_LS, PART("\xff\xd8\xff\xf8\0\x0d\1\x0f\xff\0\3\0\7\0\x15\0\x40" BODY), ""},
		{JPEG_LS, PART("\xff\xd8\xff\xf8\0\x0b\2\1\1MARKED" BODY), "hidden-graphics"},
		{JPEG_LS, PART("\xff\xd8\xff\xf6\0\x08MARKED" BODY), "compression"},
		{J2K, PART("\xff\x4f" SIZE("\x0b") TILE), ""},
		{J2K, PART("\xff\x4f" SIZE("\x0b") "\xff\x77\0\x08MARKED" TILE), "compression"},
		{J2K, PART("\xff\x4f" SIZE("\x0b") "\xff\x52\0\x0c\0\0\0\1\0\0\4\4\0\1" TILE), ""},
		{J2K, PART("\xff\x4f" SIZE("\x0b") "\xff\x52\0\x12\0\0\0\1\0\0\4\4\0\1MARKED" TILE),
			"hidden-graphics"},
	};
	EMR_AUTO_BUF copy = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = why(rows[i].uid, &twelve, rows[i].stream, &copy);

		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("row %zu: %s", i, got);
	}
	assert_string_equal(
		why(J2K, &twelve,
			(emr_bytes)PART("\xff\x4f" SIZE("\x0b") "\xff\x55\0\x08MARKED"
								"\xff\x63\0\x08MARKED" TILE),
			&copy),
		"");
	assert_false(made_has(emr_buf_view(&copy), "MARKED"));
}

/* Such a codestream cannot be decoded, and could have more bits than the image; deidentify.py has
 * real ones. */
TEST(samples_wider_than_the_image_that_nobody_can_see_are_withheld)
{
	static const emr_bytes jpeg = PART("\xff\xd8" FRAME("\xc3", "\x10") BODY);
	static const emr_bytes jpeg_ls = PART("\xff\xd8" FRAME("\xf7", "\x10") BODY);
	static const emr_bytes j2k = PART("\xff\x4f" SIZE("\x0f") TILE);
	static const emr_bytes j2k_signed = PART("\xff\x4f" SIZE("\x8b") TILE);
	static const emr_bytes narrow = PART("\xff\xd8" FRAME("\xc3", "\x0c") BODY);
	static const emr_bytes lossy = PART("\xff\xd8" FRAME("\xc1", "\x10") BODY);
	static const samples sixteen = {16, 15, 0, {0}};
	EMR_AUTO_BUF copy = {0};

	assert_string_equal(why(JPEG, &twelve, jpeg, &copy), "hidden-graphics");
	assert_string_equal(why(JPEG, &twelve, lossy, &copy), "hidden-graphics");
	assert_string_equal(why(JPEG_LS, &twelve, jpeg_ls, &copy), "hidden-graphics");
	assert_string_equal(why(J2K, &twelve, j2k, &copy), "hidden-graphics");
	assert_string_equal(why(J2K, &signed_twelve, j2k_signed, &copy), "");
	assert_string_equal(why(JPEG, &shifted, narrow, &copy), "compression");
	assert_string_equal(why(JPEG, &sixteen, jpeg, &copy), "");
	assert_string_equal(why(JPEG_LS, &sixteen, jpeg_ls, &copy), "");
	assert_string_equal(why(J2K, &sixteen, j2k, &copy), "");
}

#define TWO_PLANES                                                                                 \
	"\2\0\0\0\x40\0\0\0\x45\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

TEST(runs_with_bits_that_the_image_does_not_have_are_withheld)
{
	static const struct {
		const samples *of;
		emr_bytes stream;
		const char *wanted;
	} rows[] = {
		{&twelve, PART(TWO_PLANES "\3\1\2\3\4\3zzzz"), ""},
		{&twelve, PART(TWO_PLANES "\3\x11\2\3\4\3zzzz"), "hidden-graphics"},
		{&twelve, PART(TWO_PLANES "\3\1\2\3\x54\3zzzz"), "hidden-graphics"},
		{&signed_twelve, PART(TWO_PLANES "\3\1\xf8\xff\4\3zzzz"), ""},
		{&signed_twelve, PART(TWO_PLANES "\3\1\x08\xff\4\3zzzz"), "hidden-graphics"},
		{&signed_twelve, PART(TWO_PLANES "\3\1\x17\xff\4\3zzzz"), "hidden-graphics"},
		{&shifted, PART(TWO_PLANES "\3zzzz\3\x10\x20\x30\xf0"), ""},
		{&shifted, PART(TWO_PLANES "\3zzzz\3\x10\x21\x30\xf0"), "hidden-graphics"},
	};
	EMR_AUTO_BUF copy = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = why(RLE, rows[i].of, rows[i].stream, &copy);

		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("row %zu: %s", i, got);
	}
}

/* ---- tables of levels ---- */

/* A table that is for showing a picture only goes; a picture that needs one is withheld. */
TEST(tables_of_levels_are_in_no_copy)
{
	static const uint32_t needed[] = {0x00281201, 0x00281221, 0x00283000};
	static const char text[] = "Silva^Ana 1959..";
	EMR_AUTO_BUF copy = {0};
	made m;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		make_ct(&m, MADE_EXPLICIT, NULL, &twelve);
		made_bytes(&m, needed[i], i < 2 ? "OW" : "SQ", text, i < 2 ? 16 : 0);
		put_samples(&m, &twelve);
		assert_string_equal(
			emr_withheld_text(made_copy(&m, 'a', NULL, &copy)), "hidden-graphics");
		emr_buf_free(&m.bytes);
	}
	for (int as_numbers = 0; as_numbers < 2; as_numbers++) {
		make_ct(&m, MADE_EXPLICIT, NULL, &twelve);
		made_bytes(&m, 0x00281101, "US", "\x10\0\0\0\x10\0", 6);
		made_header(&m, 0x00283010, "SQ", 0xffffffff);
		made_item(&m);
		made_bytes(&m, 0x00283002, "US", "\x10\0\0\0\x10\0", 6);
		made_bytes(&m, 0x00283006, as_numbers ? "US" : "OW", text, 16);
		made_item_end(&m);
		made_sequence_end(&m);
		put_samples(&m, &twelve);
		assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &copy)), "");
		assert_false(made_has(emr_buf_view(&copy), "Silva"));
		assert_string_equal(made_value(emr_buf_view(&copy), 0x00281101, "US"), "none");
		emr_buf_free(&m.bytes);
	}
}

/* ---- what a lying client gives ---- */

/* The readers' scan has no original, and follows the markers of the copy itself. */
TEST(a_scan_finds_what_a_lying_client_left_in_compressed_pixels)
{
	static const emr_bytes stream = PART("\xff\xd8" FRAME(
		"\xc3", "\x0c") "\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0z" BODY);
	static const uint8_t others[] = {0xfe, 0xe1, 0xf3, 0xde, 0xdb, 0xdd};
	EMR_AUTO_BUF copy = {0};
	uint8_t *at;

	assert_string_equal(why(JPEG, &twelve, stream, &copy), "");
	assert_string_equal(emr_withheld_text(scan_bytes(&copy)), "");
	at = memmem(copy.data, copy.len, "\xff\xc4\0\x14", 4);
	assert_non_null(at);
	for (size_t i = 0; i < sizeof others; i++) {
		at[1] = others[i];
		assert_string_equal(emr_withheld_text(scan_bytes(&copy)), "found-again");
	}
	at[1] = 0xc4;
	at = memmem(copy.data, copy.len, "\xff\xc3\0\x0b\x0c", 5);
	assert_non_null(at);
	at[4] = 0x10;
	assert_string_equal(emr_withheld_text(scan_bytes(&copy)), "found-again");
}

TESTS(NULL, NULL)
