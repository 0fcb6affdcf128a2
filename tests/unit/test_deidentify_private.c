/* These tests show which private elements stay where the terms of a dataset say so: those of the
 * list, by creator, number and VR, at the top of the file; and that the checker and the readers'
 * scan take exactly those. */
#include "emr_test.h"

#include "check.h"
#include "copy.h"
#include "deidentify_kit.h"
#include "scan.h"

#define BOTH (EMR_PRIVATE_SAFE | EMR_PRIVATE_MOSAIC)

/* Whether a file has TAG, at whatever depth. */
static bool has_element(emr_bytes bytes, uint32_t tag)
{
	static flat_file file;
	syntax_pixels pixels;
	flat_walk w;
	flat_found e = {0};
	EMR_AUTO_FD fd = made_memory(bytes);
	bool has = false;

	file = (flat_file){.fd = fd, .size = bytes.len};
	assert_true(copied_begin(&w, &file, &pixels));
	while (w.at < file.size && !has) {
		assert_true(copied_step(&w, &e));
		has = e.tag == tag;
	}
	return has;
}

/* ---- which stay ---- */

/* An MR with what PUT puts between its groups 0018 and 0020. */
static void make_mr(made *m, made_syntax kind, void (*put)(made *m))
{
	made_begin(m, kind, NULL);
	made_ct_08(m);
	made_ct_18(m);
	put(m);
	made_ct_20(m);
	made_ct_28(m);
}

static void put_siemens(made *m)
{
	made_text(m, 0x00190010, "LO", "SIEMENS MR HEADER");
	made_text(m, 0x00190011, "LO", "MARKED CREATOR");
	made_text(m, 0x00191008, "CS", "IMAGE NUM 4"); /* not in the list */
	made_u16(m, 0x0019100a, 36);
	made_text(m, 0x0019100c, "IS", "1000");
	made_text(m, 0x0019100d, "CS", "DIRECTIONAL");
	made_bytes(m, 0x0019100e, "FD", "GRADIENT^DIRECTION.ABCDE", 24);
	made_text(m, 0x0019100f, "SH", "MARKED"); /* not in the list */
	made_u16(m, 0x0019110a, 36);		  /* the numbers of another creator */
	made_text(m, 0x0019110c, "IS", "1000");
}

static void put_others(made *m)
{
	made_text(m, 0x00290010, "LO", "SIEMENS CSA HEADER");
	made_text(m, 0x00291010, "OB", "MARKED");
	made_text(m, 0x00430010, "LO", "GEMS_PARM_01");
	made_text(m, 0x00431027, "SH", "0.984:1"); /* in the list, but a text */
	made_text(m, 0x00431039, "IS", "1000000800\\8\\0\\0");
	made_text(m, 0x00450010, "LO", "GEMS_HELIOS_01"); /* of which nothing is kept */
	made_text(m, 0x00451003, "FL", "MARK");
}

TEST(private_elements_stay_as_the_terms_say)
{
	static const struct {
		uint32_t tag;
		unsigned with; /* 0: never */
	} rows[] = {{0x00190010, BOTH}, {0x00190011, 0}, {0x00191008, 0},
		{0x0019100a, EMR_PRIVATE_MOSAIC}, {0x0019100c, EMR_PRIVATE_SAFE},
		{0x0019100d, EMR_PRIVATE_SAFE}, {0x0019100e, EMR_PRIVATE_SAFE}, {0x0019100f, 0},
		{0x0019110a, 0}, {0x0019110c, 0}, {0x00290010, 0}, {0x00291010, 0},
		{0x00430010, EMR_PRIVATE_SAFE}, {0x00431027, 0}, {0x00431039, EMR_PRIVATE_SAFE},
		{0x00450010, 0}, {0x00451003, 0}};

	for (int kind = MADE_EXPLICIT; kind <= MADE_BIG; kind++)
		for (unsigned with = 0; with <= BOTH; with++) {
			const emr_deidentify_rules rules = {.with_private = with};
			EMR_AUTO_BUF out = {0};
			made m;

			make_mr(&m, (made_syntax)kind, put_siemens);
			put_others(&m);
			made_ct_pixels(&m);
			assert_string_equal(
				emr_withheld_text(made_copy(&m, 'a', &rules, &out)), "");
			for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
				if (has_element(emr_buf_view(&out), rows[i].tag) !=
					((rows[i].with & with) != 0))
					fail_msg("%08x, with %u, syntax %d", rows[i].tag, with,
						kind);
			assert_false(made_has(emr_buf_view(&out), "MARK"));
			assert_true(made_has(emr_buf_view(&out), "113111") == (with != 0));
			emr_buf_free(&m.bytes);
		}
}

/* One private element, under the creator of its block; LEN 0: the text. */
typedef struct private_one {
	const char *creator_vr, *creator;
	uint32_t tag;
	const char *vr, *text;
	size_t len;
	bool stays;
} private_one;

static void put_one(made *m, const private_one *one)
{
	uint32_t creator = (one->tag & 0xffff0000) | (one->tag >> 8 & 0xff);

	if (one->creator != NULL)
		made_text(m, creator, one->creator_vr, one->creator);
	if (one->len > 0)
		made_bytes(m, one->tag, one->vr, one->text, one->len);
	else
		made_text(m, one->tag, one->vr, one->text);
}

#define SIEMENS "LO", "SIEMENS MR HEADER"

static const private_one ones[] = {
	{SIEMENS, 0x0019100a, "US", "\x24", 2, true},
	{SIEMENS, 0x0019ff0a, "US", "\x24", 2, true}, /* another block */
	{SIEMENS, 0x0019100b, "US", "\x24", 2, false},
	{"LO", "GEMS_PARM_01", 0x00191039, "IS", "1000", 0, false}, /* of another group */
	{SIEMENS, 0x0019100a, "UL", "\x24\0\0", 4, false},
	{SIEMENS, 0x0019100a, "UN", "\x24", 2, false},
	{SIEMENS, 0x0019100a, "LO", "36", 0, false},
	{SIEMENS, 0x0019100a, "US", "Silva!", 6, false}, /* three values */
	{SIEMENS, 0x0019100a, "US", "", 0, false},
	{SIEMENS, 0x0019100c, "IS", "1000", 0, true},
	{SIEMENS, 0x0019100c, "IS", "Silva", 0, false},
	{SIEMENS, 0x0019100c, "IS", "  ", 0, false},
	{SIEMENS, 0x0019100c, "IS", "10000000000000000000", 0, false},
	{SIEMENS, 0x0019100d, "CS", "ISOTROPIC", 0, true},
	{SIEMENS, 0x0019100d, "CS", "Silva", 0, false},
	{SIEMENS, 0x0019100d, "CS", "4711471", 0, false},
	{"LO", "Siemens MR Header", 0x0019100a, "US", "\x24", 2, false},
	{"LO", "SIEMENS MR HEADER BY ANA", 0x0019100a, "US", "\x24", 2, false},
	{"LO", "SIEMENS MR HEADER             ", 0x0019100a, "US", "\x24", 2, false}, /* room */
	{"SH", "SIEMENS MR HEADER", 0x0019100a, "US", "\x24", 2, false},
	{"LO", "GEMS_ACQU_01", 0x0019100a, "US", "\x24", 2, false},
	{"LO", "GEMS_ACQU_01", 0x00191024, "DS", "1.25", 0, true},
	{NULL, NULL, 0x0019100a, "US", "\x24", 2, false},
};

static emr_withheld copy_one(const private_one *one, bool in_item, emr_buf *out)
{
	const emr_deidentify_rules rules = {.with_private = BOTH};
	emr_withheld why;
	made m;

	made_begin(&m, MADE_EXPLICIT, NULL);
	made_ct_08(&m);
	made_ct_18(&m);
	if (in_item) {
		made_header(&m, 0x00189346, "SQ", 0xffffffff);
		made_item(&m);
	}
	put_one(&m, one);
	if (in_item) {
		made_item_end(&m);
		made_sequence_end(&m);
	}
	made_ct_20(&m);
	made_ct_28(&m);
	made_ct_pixels(&m);
	why = made_copy(&m, 'a', &rules, out);
	emr_buf_free(&m.bytes);
	return why;
}

TEST(a_private_element_stays_by_creator_number_vr_and_value)
{
	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
		uint32_t creator = (ones[i].tag & 0xffff0000) | (ones[i].tag >> 8 & 0xff);
		EMR_AUTO_BUF out = {0};

		assert_string_equal(emr_withheld_text(copy_one(&ones[i], false, &out)), "");
		if (has_element(emr_buf_view(&out), ones[i].tag) != ones[i].stays ||
			has_element(emr_buf_view(&out), creator) != ones[i].stays)
			fail_msg("row %zu: %08x %s", i, ones[i].tag, ones[i].vr);
		assert_string_equal(emr_withheld_text(copy_one(&ones[i], true, &out)), "");
		assert_false(has_element(emr_buf_view(&out), ones[i].tag));
		assert_false(has_element(emr_buf_view(&out), creator));
	}
}

/* ---- the checker ---- */

static const char *found(const private_one *one, const char *comment, unsigned with)
{
	made original, copy;
	emr_withheld why;
	int in, out;

	made_begin(&original, MADE_EXPLICIT, NULL);
	put_one(&original, one);
	made_ct_pixels(&original);
	made_begin(&copy, MADE_EXPLICIT, NULL);
	made_text(&copy, 0x00204000, "LT", comment);
	made_ct_28(&copy);
	made_ct_pixels(&copy);
	in = made_memory(emr_buf_view(&original.bytes));
	out = made_memory(emr_buf_view(&copy.bytes));
	why = check_dicom(in, original.bytes.len, out, copy.bytes.len, with);
	close(in);
	close(out);
	emr_buf_free(&original.bytes);
	emr_buf_free(&copy.bytes);
	return emr_withheld_text(why);
}

TEST(a_number_that_stays_is_no_word_to_look_for)
{
	private_one ge = {"LO", "GEMS_PARM_01", 0x00431039, "IS", "1000000800\\8", 0, true};

	assert_string_equal(found(&ge, "1000000800", 0), "found-again");
	assert_string_equal(found(&ge, "1000000800", EMR_PRIVATE_MOSAIC), "found-again");
	assert_string_equal(found(&ge, "1000000800", EMR_PRIVATE_SAFE), "");
	ge.text = "Silva^Ana"; /* no number: it does not stay */
	assert_string_equal(found(&ge, "Silva", EMR_PRIVATE_SAFE), "found-again");
	ge.creator = "ACME";
	ge.text = "1000000800\\8";
	assert_string_equal(found(&ge, "1000000800", EMR_PRIVATE_SAFE), "found-again");
}

/* ---- the readers' scan ---- */

static emr_withheld scan_bytes(const emr_buf *copy, unsigned with)
{
	static flat_file file;
	EMR_AUTO_FD fd = made_memory(emr_buf_view(copy));
	emr_withheld why;

	file = (flat_file){.fd = fd, .size = copy->len};
	why = scan_dicom(&file, &(protocol_look){.year = 2026, .rules.with_private = with});
	return why;
}

/* A copy by terms that say MADE, into which ONE is put before group 0020, in an item if so. */
static void make_lie(emr_buf *out, unsigned made_with, const private_one *one, bool in_item)
{
	static const uint8_t uid[] = {0x20, 0, 0x0d, 0};
	const emr_deidentify_rules rules = {.with_private = made_with};
	EMR_AUTO_BUF copy = {0};
	made m, more = {.syntax = MADE_EXPLICIT};
	uint8_t *at;

	made_ct(&m, MADE_EXPLICIT);
	assert_string_equal(emr_withheld_text(made_copy(&m, 'a', &rules, &copy)), "");
	at = memmem(copy.data, copy.len, uid, sizeof uid);
	assert_non_null(at);
	if (in_item) {
		made_header(&more, 0x00189346, "SQ", 0xffffffff);
		made_item(&more);
	}
	put_one(&more, one);
	if (in_item) {
		made_item_end(&more);
		made_sequence_end(&more);
	}
	emr_buf_clear(out);
	assert_ok(emr_buf_append(out, copy.data, (size_t)(at - copy.data)));
	assert_ok(emr_buf_append(out, more.bytes.data, more.bytes.len));
	assert_ok(emr_buf_append(out, at, copy.len - (size_t)(at - copy.data)));
	emr_buf_free(&more.bytes);
	emr_buf_free(&m.bytes);
}

TEST(the_scan_takes_what_the_terms_keep_and_nothing_else)
{
	EMR_AUTO_BUF copy = {0};

	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
		bool is_tiles = (ones[i].tag & 0xff) == 0x0a;

		for (unsigned with = 0; with <= BOTH; with++) {
			bool fits =
				ones[i].stays &&
				(with & (is_tiles ? EMR_PRIVATE_MOSAIC : EMR_PRIVATE_SAFE)) != 0;

			make_lie(&copy, with, &ones[i], false);
			if ((scan_bytes(&copy, with) == EMR_WITHHELD_NOT) != fits)
				fail_msg("row %zu: %08x %s, with %u", i, ones[i].tag, ones[i].vr,
					with);
			make_lie(&copy, with, &ones[i], true);
			assert_int_not_equal(scan_bytes(&copy, with), EMR_WITHHELD_NOT);
		}
	}
}

TEST(a_copy_with_private_elements_says_so)
{
	EMR_AUTO_BUF copy = {0};

	make_lie(&copy, 0, &ones[0], false); /* without 113111 */
	assert_int_equal(scan_bytes(&copy, BOTH), EMR_WITHHELD_FOUND_AGAIN);
	make_lie(&copy, BOTH, &ones[0], false);
	assert_int_equal(scan_bytes(&copy, BOTH), EMR_WITHHELD_NOT);
	assert_int_equal(scan_bytes(&copy, 0), EMR_WITHHELD_FOUND_AGAIN);
}

/* Also where nothing in it is by that option. */
TEST(a_copy_that_claims_an_option_of_other_terms_is_none)
{
	static const emr_deidentify_rules rules[] = {
		{.with_private = EMR_PRIVATE_SAFE}, {.with_characteristics = true}};
	EMR_AUTO_BUF copy = {0};
	made m;

	made_ct(&m, MADE_EXPLICIT);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(emr_withheld_text(made_copy(&m, 'a', &rules[i], &copy)), "");
		assert_int_equal(scan_bytes(&copy, 0), EMR_WITHHELD_FOUND_AGAIN);
	}
	assert_string_equal(emr_withheld_text(made_copy(&m, 'a', NULL, &copy)), "");
	assert_int_equal(scan_bytes(&copy, 0), EMR_WITHHELD_NOT);
	emr_buf_free(&m.bytes);
}

/* ---- the list ---- */

TEST(the_list_has_numbers_and_code_strings_only)
{
	static const table_private rows[] = {
#include "table_private.inc"
	};
	size_t tiles = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const table_private *row = &rows[i];

		assert_true((row->tag >> 16 & 1) == 1 && (row->tag >> 8 & 0xff) == 0);
		assert_true(dicom_has_vr("USSSULSLFLFDISDSCS", row->vr) && row->most > 0);
		assert_true(strlen(row->creator) > 0 && strlen(row->creator) <= 64);
		tiles += row->reason == EMR_PRIVATE_MOSAIC;
		for (size_t other = 0; other < i; other++)
			assert_false(rows[other].tag == row->tag &&
				     strcmp(rows[other].creator, row->creator) == 0);
	}
	assert_int_equal(tiles, 1);
	assert_int_equal(sizeof rows / sizeof *rows, 333);
}

TESTS(NULL, NULL)
