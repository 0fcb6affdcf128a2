/* These tests show which files are withheld as a whole, and for which reason: kinds of pictures,
 * text in them, faces, hidden graphics, compressed pixels. */
#include "emr_test.h"

#include "copy.h"
#include "deidentify_kit.h"

#define STORAGE "1.2.840.10008.5.1.4.1.1."

typedef struct picture {
	const char *class, *modality, *type, *burned, *part, *thick, *features;
	const char *conversion, *segment, *series, *model, *captured,
		*protocol; /* NULL: not said */
	uint16_t overlay_bit;
	const char *burned_vr; /* NULL: the standard's */
} picture;

static const picture ct = {.class = STORAGE "2",
	.modality = "CT",
	.type = "ORIGINAL\\PRIMARY\\AXIAL",
	.part = "CHEST",
	.thick = "5"};

static void say(made *m, uint32_t tag, const char *vr, const char *text)
{
	if (text != NULL)
		made_text(m, tag, vr, text);
}

static const char *why_with(const picture *p, const emr_deidentify_rules *rules)
{
	emr_buf out = {0};
	emr_withheld why;
	made m;

	made_begin(&m, MADE_EXPLICIT, NULL);
	say(&m, 0x00080008, "CS", p->type);
	made_text(&m, 0x00080016, "UI", p->class);
	made_text(&m, 0x00080018, "UI", "1.2.276.7.1");
	made_text(&m, 0x00080060, "CS", p->modality);
	say(&m, 0x00080064, "CS", p->conversion);
	say(&m, 0x0008103e, "LO", p->series);
	say(&m, 0x00081090, "LO", p->model);
	say(&m, 0x00180015, "CS", p->part);
	say(&m, 0x00180050, "DS", p->thick);
	say(&m, 0x00181012, "DA", p->captured);
	say(&m, 0x00181030, "LO", p->protocol);
	made_ct_20(&m);
	made_ct_28(&m);
	say(&m, 0x00280301, p->burned_vr != NULL ? p->burned_vr : "CS", p->burned);
	say(&m, 0x00280302, "CS", p->features);
	if (p->segment != NULL) {
		made_header(&m, 0x00620002, "SQ", 0xffffffff);
		made_item(&m);
		made_text(&m, 0x00620006, "ST", p->segment);
		made_item_end(&m);
		made_sequence_end(&m);
	}
	if (p->overlay_bit != 0)
		made_u16(&m, 0x60000102, p->overlay_bit);
	made_ct_pixels(&m);
	why = made_copy(&m, 'a', rules, &out);
	emr_buf_free(&out);
	emr_buf_free(&m.bytes);
	return emr_withheld_text(why);
}

static const char *why(const picture *p)
{
	return why_with(p, NULL);
}

TEST(kinds_that_show_names_or_words_are_withheld)
{
	static const char *const kinds[][3] = {
		{"7", "OT", "screenshot"},
		{"7.4", "OT", "screenshot"},
		{"6.1", "US", "photograph"},
		{"3.1", "US", "photograph"},
		{"12.1", "XA", "photograph"},
		{"12.2", "RF", "photograph"},
		{"77.1.1", "ES", "photograph"},
		{"77.1.4", "XC", "photograph"},
		{"77.1.5.1", "OP", "photograph"},
		{"77.1.6", "SM", "photograph"},
		{"104.1", "DOC", "document"},
		{"104.2", "DOC", "document"},
		{"104.3", "M3D", "document"},
		{"88.33", "SR", "report"},
		{"88.59", "KO", "report"},
		{"11.1", "PR", "presentation"},
		{"9.1.1", "ECG", "waveform"},
		{"481.3", "RTSTRUCT", "treatment"},
		{"481.5", "RTPLAN", "treatment"},
		{"481.1", "RTIMAGE", "treatment"},
		{"66", "OT", "unknown-kind"},
		{"2", "US", "photograph"}, /* the class says CT */
		{"2", "MR", "unknown-kind"},
		{"2", "", "unknown-kind"},
		{"2.99", "CT", "unknown-kind"},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char uid[65];
		picture p = ct;

		snprintf(uid, sizeof uid, STORAGE "%s", kinds[i][0]);
		p.class = uid;
		p.modality = kinds[i][1];
		assert_string_equal(why(&p), kinds[i][2]);
	}
}

/* By the class alone: a device that calls its picture a CT without text is not believed. */
TEST(what_the_device_says_frees_no_class)
{
	static const char *const classes[][2] = {
		{"7", "screenshot"},
		{"7.1", "screenshot"},
		{"7.2", "screenshot"},
		{"7.3", "screenshot"},
		{"7.4", "screenshot"},
		{"104.1", "document"},
		{"104.2", "document"},
		{"104.3", "document"},
		{"88.11", "report"},
		{"88.22", "report"},
		{"88.33", "report"},
		{"88.34", "report"},
		{"88.67", "report"},
		{"11.1", "presentation"},
		{"11.2", "presentation"},
		{"11.3", "presentation"},
		{"66", "unknown-kind"},
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		char uid[65];
		picture p = ct;

		snprintf(uid, sizeof uid, STORAGE "%s", classes[i][0]);
		p.class = uid;
		p.burned = "NO";
		assert_string_equal(why(&p), classes[i][1]);
	}
}

TEST(pictures_that_may_have_text_are_withheld_unless_they_say_no)
{
	picture p = ct;

	assert_string_equal(why(&p), "");
	p.burned = "YES";
	assert_string_equal(why(&p), "burned-in");
	p.burned = "perhaps";
	assert_string_equal(why(&p), "burned-in");
	p.burned_vr = "LO";
	p.burned = "YES";
	assert_string_equal(why(&p), "burned-in");
	p.burned = "NO";
	assert_string_equal(why(&p), "burned-in");
	p = ct;
	p.type = "DERIVED\\SECONDARY";
	assert_string_equal(why(&p), "burned-in");
	p.burned = "NO";
	assert_string_equal(why(&p), "");
	p.type = "DERIVED\\SECONDARY\\SCREEN SAVE";
	assert_string_equal(why(&p), "screenshot");
	p = ct;
	p.type = NULL;
	assert_string_equal(why(&p), "burned-in");
	p.type = "ORIGINAL\\by Ana"; /* would not be in the copy */
	assert_string_equal(why(&p), "burned-in");
	p = ct;
	p.class = STORAGE "1";
	p.modality = "CR";
	assert_string_equal(why(&p), "burned-in");
	p.burned = "NO";
	assert_string_equal(why(&p), "");
	p = ct;
	p.conversion = "WSD";
	assert_string_equal(why(&p), "screenshot");
}

/* Pages of text that a scanner makes are called so in what no copy has, and are withheld whatever
 * the device says of text in the picture. */
TEST(pages_of_text_are_withheld_by_what_they_are_called)
{
	static const struct {
		const char *series, *protocol, *type, *wanted;
	} rows[] = {
		{"Patient Protocol", NULL, NULL, "burned-in"},
		{"PATIENT-PROTOCOL 2", NULL, NULL, "burned-in"},
		{"Patientenprotokoll", NULL, NULL, "burned-in"},
		{"Dose Report", NULL, NULL, "burned-in"},
		{"dose_info", NULL, NULL, "burned-in"},
		{"Exam Summary", NULL, NULL, "burned-in"},
		{"AVA report", NULL, NULL, "burned-in"},
		{"Screen Save", NULL, NULL, "screenshot"},
		{NULL, "Patient Protocol", NULL, "burned-in"},
		{NULL, NULL, "ORIGINAL\\PRIMARY\\DOSE_INFO", "burned-in"},
		{NULL, NULL, "ORIGINAL\\PRIMARY\\OTHER\\CT_SOM5 PROT", "burned-in"},
		{NULL, NULL, "DERIVED\\PRIMARY\\dose info", "burned-in"},
		{NULL, NULL, "ORIGINAL\\PRIMARY\\SCREEN SAVE", "screenshot"},
		{"LOW DOSE LUNG SCREENING", "Brain protocol", NULL, ""},
		{"Thorax 3.0 B30f", "Patient", "ORIGINAL\\PRIMARY\\LOCALIZER", ""},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		picture p = ct;

		p.series = rows[i].series;
		p.protocol = rows[i].protocol;
		p.type = rows[i].type != NULL ? rows[i].type : ct.type;
		for (int says_no = 0; says_no < 2; says_no++) {
			p.burned = says_no ? "NO" : NULL;
			if (strcmp(why(&p), rows[i].wanted) != 0)
				fail_msg("row %zu: %s", i, why(&p));
		}
	}
}

TEST(what_is_no_first_picture_needs_a_word_that_it_has_no_text)
{
	static const char *const types[] = {"ORIGINAL\\SECONDARY", "ORIGINAL\\SECONDARY\\AXIAL",
		"ORIGINAL", "ORIGINAL\\PRIMARYISH", "MIXED\\PRIMARY", "DERIVED\\PRIMARY", "", NULL};
	picture p = ct;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		p.type = types[i];
		p.burned = NULL;
		assert_string_equal(why(&p), "burned-in");
		p.burned = "NO";
		assert_string_equal(why(&p), "");
	}
	p.type = "ORIGINAL\\PRIMARY";
	p.burned = NULL;
	assert_string_equal(why(&p), "");
	p.captured = "20240119";
	assert_string_equal(why(&p), "screenshot");
	p = ct;
	p.model = "SOMATOM Definition AS+";
	assert_string_equal(why(&p), "");
	p.type = "ORIGINAL\\PRIMARY\\LOCALIZER";
	assert_string_equal(why(&p), "burned-in");
}

TEST(derived_pictures_need_a_word_of_the_terms_or_of_the_device)
{
	const emr_deidentify_rules allowed = {.with_derived = true};
	picture p = ct;

	p.type = "DERIVED\\PRIMARY\\AXIAL";
	assert_string_equal(why(&p), "burned-in");
	assert_string_equal(why_with(&p, &allowed), "");
	p.type = "DERIVED\\SECONDARY";
	assert_string_equal(why_with(&p, &allowed), "burned-in");
	p.type = "DERIVED\\PRIMARYX";
	assert_string_equal(why_with(&p, &allowed), "burned-in");
	p.type = "DERIVED\\PRIMARY";
	p.burned = "YES";
	assert_string_equal(why_with(&p, &allowed), "burned-in");
}

TEST(thin_slices_of_what_may_be_a_head_are_withheld)
{
	static const char *const heads[] = {
		"HEAD", "BRAIN", "NECK", "WHOLEBODY", "", NULL, "Kopf", "CHEST HEAD"};
	const emr_deidentify_rules allowed = {.with_faces = true};
	picture p = ct;

	p.thick = "1.0";
	assert_string_equal(why(&p), "");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		p.part = heads[i];
		p.thick = "1.0";
		assert_string_equal(why(&p), "face");
		assert_string_equal(why_with(&p, &allowed), "");
		p.thick = "3.0";
		assert_string_equal(why(&p), "");
		p.thick = NULL;
		assert_string_equal(why(&p), "face");
		p.thick = "-5";
		assert_string_equal(why(&p), "face");
	}
	p = ct;
	p.features = "YES";
	assert_string_equal(why(&p), "face");
	assert_string_equal(why_with(&p, &allowed), "");
}

TEST(graphics_in_unused_bits_are_withheld_and_words_of_segments_go)
{
	picture p = ct;

	p.overlay_bit = 12;
	assert_string_equal(why(&p), "hidden-graphics");
	p = ct;
	p.segment = "the tumour of Mrs Silva";
	assert_string_equal(why(&p), "");
}

/* ---- compressed pixels ---- */

/* A CT whose pixels are PARTS, each a fragment; the table of offsets names the first COUNT. */
static emr_withheld copy_fragments(
	const char *uid, const emr_bytes *parts, size_t n, size_t count, emr_buf *out)
{
	emr_withheld reason;
	uint32_t at = 0;
	made m;

	made_begin(&m, MADE_EXPLICIT, uid);
	made_ct_08(&m);
	made_ct_18(&m);
	made_ct_20(&m);
	made_ct_28(&m);
	made_header(&m, 0x00880200, "SQ", 0xffffffff); /* an icon, coded as the picture is */
	made_item(&m);
	made_header(&m, 0x7fe00010, "OB", 0xffffffff);
	made_bytes(&m, 0xfffee000, "", "", 0);
	made_bytes(&m, 0xfffee000, "", "\xff\xd8ICON MARKED\xff", 14);
	made_sequence_end(&m);
	made_item_end(&m);
	made_sequence_end(&m);
	made_header(&m, 0x7fe00010, "OB", 0xffffffff);
	made_header(&m, 0xfffee000, "", (uint32_t)count * 4);
	for (size_t i = 0; i < count; i++) {
		const uint8_t offset[] = {(uint8_t)at, (uint8_t)(at >> 8), 0, 0};

		assert_ok(emr_buf_append(&m.bytes, offset, 4));
		at += 8 + (uint32_t)parts[i].len;
	}
	for (size_t i = 0; i < n; i++)
		made_bytes(&m, 0xfffee000, "", parts[i].data, parts[i].len);
	made_sequence_end(&m);
	reason = made_copy(&m, 'a', NULL, out);
	assert_false(out->len > 0 && made_has(emr_buf_view(out), "ICON"));
	emr_buf_free(&m.bytes);
	return reason;
}

/* Segments of the length that their numbers say. */
#define RESTARTS "\xff\xdd\0\4\0\1"
#define SCAN "\xff\xda\0\x08\1\1\0\0\x3f\0"
#define LS_FRAME "\xff\xf7\0\x0b\x0c\0\2\0\2\1\1\x11\0"
#define J2K_SIZE                                                                                   \
	"\xff\x51\0\x29\0\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\0\0\1"   \
	"\x0b"                                                                                     \
	"\1\1"

#define JPEG "1.2.840.10008.1.2.4.50"
#define JPEG_LS "1.2.840.10008.1.2.4.80"
#define J2K "1.2.840.10008.1.2.4.90"
#define PART(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

TEST(words_in_jpeg_are_cut_out_and_offsets_follow)
{
	static const char clean[] = "\xff\xd8" RESTARTS SCAN "pix\xff\0els\xff\xd0rest\xff\xd9";
	const emr_bytes parts[] = {
		PART("\xff\xd8\xff\xfe\0\x0eMARKED by An\xff\xe1\0\x08"
		     "MARKED" RESTARTS SCAN "pix\xff\0els\xff\xd0rest\xff\xd9MARKED"),
		PART("\xff\xd8" RESTARTS SCAN "pix\xff\0els\xff\xd0rest\xff\xd9")};
	EMR_AUTO_BUF out = {0};
	const uint8_t *first, *second;

	assert_string_equal(emr_withheld_text(copy_fragments(JPEG, parts, 2, 2, &out)), "");
	assert_false(made_has(emr_buf_view(&out), "MARKED"));
	first = memmem(out.data, out.len, clean, sizeof clean - 1);
	assert_non_null(first);
	second = memmem(
		first + 1, out.len - (size_t)(first + 1 - out.data), clean, sizeof clean - 1);
	assert_non_null(second);
	/* the table of offsets stands before the first fragment's header */
	assert_memory_equal(first - 16, "\0\0\0\0", 4);
	assert_int_equal(first[-12], second - first);
}

/* Only an image's end may be padded: a byte behind a fragment would be one of the codestream. */
TEST(an_image_in_several_fragments_stays_whole)
{
	static const char clean[] = "\xff\xd8" RESTARTS "\xff\xee\0\x0e"
				    "Adobe\0\x64\0\0\0\0\1" SCAN "pixel\xff\xd9";
	static const char whole[] = "\xff\xd8" RESTARTS "\xff\xfe\0\7odd__\xff\xee\0\x0e"
				    "Adobe\0\x64\0\0\0\0\1" SCAN "pixel\xff\xd9";
	const uint8_t *bytes = (const uint8_t *)whole;
	size_t len = (sizeof whole - 1) & ~(size_t)1;
	EMR_AUTO_BUF out = {0};

	assert_int_equal(len, sizeof whole - 1);
	for (size_t first = 2; first < len; first += 2)
		for (size_t second = first; second < len; second += 2) {
			const emr_bytes parts[] = {{bytes, first}, {bytes + first, second - first},
				{bytes + second, len - second}, {bytes, len}};
			const uint8_t *at;

			assert_string_equal(
				emr_withheld_text(copy_fragments(JPEG, parts, 4, 0, &out)), "");
			at = memmem(out.data, out.len, clean, sizeof clean - 1);
			assert_non_null(at);
			assert_memory_equal(at - 16, "\0\0\0\0", 4);
			assert_int_equal(at[-12], sizeof clean + 8);
			assert_memory_equal(at + sizeof clean + 8, clean, sizeof clean - 1);
		}
}

TEST(a_jpeg_that_cannot_be_followed_is_withheld)
{
	const emr_bytes wrong[] = {PART("not a jpeg at all"), PART("\xff\xd8" RESTARTS),
		PART("\xff\xd8\xff\xfe\xff\xff"
		     "ab"),
		PART("\xff\xd8" SCAN "pixels without end.."),
		PART("\xff\xd8"
		     "ab\xff\xd9")};
	EMR_AUTO_BUF out = {0};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		emr_bytes even = {wrong[i].data, wrong[i].len & ~(size_t)1};

		assert_string_equal(
			emr_withheld_text(copy_fragments(JPEG, &even, 1, 0, &out)), "damaged");
	}
	assert_string_equal(emr_withheld_text(copy_fragments(JPEG, wrong, 0, 0, &out)), "damaged");
}

TEST(words_in_jpeg_ls_are_cut_out)
{
	const emr_bytes parts[] = {
		PART("\xff\xd8\xff\xe8\0\x08MARKED\xff\xe8\0\7mrfx\1" LS_FRAME SCAN
		     "\xff\x7f_pix\xff\xd9")};
	EMR_AUTO_BUF out = {0};

	assert_string_equal(emr_withheld_text(copy_fragments(JPEG_LS, parts, 1, 0, &out)), "");
	assert_false(made_has(emr_buf_view(&out), "MARKED"));
	assert_true(made_has(emr_buf_view(&out), "mrfx\1\xff\xf7"));
	assert_true(made_has(emr_buf_view(&out), "pix\xff\xd9"));
}

TEST(words_in_jpeg_2000_are_cut_out_of_the_main_header_only)
{
	const emr_bytes main_header[] = {
		PART("\xff\x4f" J2K_SIZE "\xff\x64\0\x08MARKED"
		     "\xff\x90\0\x0a\0\0\0\0\0\x13\0\1\xff\x93pixel\xff\xd9")};
	const emr_bytes tile[] = {PART("\xff\x4f" J2K_SIZE "\xff\x90\0\x0a\0\0\0\0\0\x1d\0\1"
				       "\xff\x64\0\x08MARKED\xff\x93pixel\xff\xd9")};
	EMR_AUTO_BUF out = {0};

	assert_string_equal(emr_withheld_text(copy_fragments(J2K, main_header, 1, 0, &out)), "");
	assert_false(made_has(emr_buf_view(&out), "MARKED"));
	assert_true(made_has(emr_buf_view(&out), "pixel\xff\xd9"));
	assert_string_equal(
		emr_withheld_text(copy_fragments(J2K, tile, 1, 0, &out)), "compression");
}

#define RLE "1.2.840.10008.1.2.5"
#define TWO_SEGMENTS                                                                               \
	"\2\0\0\0\x40\0\0\0\x46\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"   \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

TEST(what_stands_behind_the_runs_of_rle_is_noticed)
{
	/* four bytes as they are, and one byte four times */
	const emr_bytes good[] = {PART(TWO_SEGMENTS "\3\1\2\3\4\0\xfdz")};
	const emr_bytes behind[] = {PART(TWO_SEGMENTS "\3\1\2\3\4\0\xfdzby Ana")};
	const emr_bytes wrong[] = {PART(TWO_SEGMENTS "\3\1\2\3\4\0\xfcz"),
		PART(TWO_SEGMENTS "\3\1\2\3\4\0"), PART(TWO_SEGMENTS "\3\1\2\3\4\0\xfezz"),
		PART("by Ana")};
	EMR_AUTO_BUF out = {0};

	assert_string_equal(emr_withheld_text(copy_fragments(RLE, good, 1, 1, &out)), "");
	assert_string_equal(
		emr_withheld_text(copy_fragments(RLE, behind, 1, 1, &out)), "hidden-graphics");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_string_not_equal(
			emr_withheld_text(copy_fragments(RLE, &wrong[i], 1, 1, &out)), "");
	assert_string_equal(emr_withheld_text(copy_fragments(RLE, wrong, 2, 1, &out)), "damaged");
}

TEST(what_is_not_looked_into_is_withheld)
{
	static const char *const uids[] = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.100",
		"1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.94", "1.2.3.4"};
	const emr_bytes parts[] = {PART("anything")};
	EMR_AUTO_BUF out = {0};

	for (size_t i = 0; i < sizeof uids / sizeof *uids; i++)
		assert_string_equal(emr_withheld_text(copy_fragments(uids[i], parts, 1, 0, &out)),
			"compression");
}

TESTS(NULL, NULL)
