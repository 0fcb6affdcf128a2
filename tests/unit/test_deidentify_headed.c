/* These tests plant names in every text of the headers of NIfTI, EDF and BDF files, in extensions
 * and annotations, and find none of them in copies, whose numbers are the original's. */
#include "headed_kit.h"

/* ---- NIfTI ---- */

static void put_number(uint8_t *at, uint64_t v, size_t bytes, bool is_big)
{
	for (size_t i = 0; i < bytes; i++)
		at[is_big ? bytes - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

static void put_real(uint8_t *at, double v, bool is_two, bool is_big)
{
	const float single = (float)v;
	uint64_t bits = 0;

	memcpy(&bits, is_two ? (const void *)&v : (const void *)&single, is_two ? 8 : 4);
	put_number(at, bits, is_two ? 8 : 4, is_big);
}

/* 2 x 2 x 3 voxels of 16 bits with an extension of 16 bytes, of MM millimetres. */
static emr_bytes nifti(uint8_t file[700], bool is_two, bool is_big, double mm)
{
	static const uint16_t texts[2][6][2] = {
		{{4, 10}, {14, 18}, {148, 80}, {228, 24}, {328, 16}, {140, 8}},
		{{240, 80}, {320, 24}, {508, 16}, {525, 15}, {525, 15}, {525, 15}}};
	const size_t wide = is_two ? 8 : 2, dims = is_two ? 16 : 40, head = is_two ? 544 : 352;
	const uint64_t sizes[] = {3, 2, 2, 3, 1, 1, 1, 1};

	memset(file, 0, 700);
	put_number(file, is_two ? 540 : 348, 4, is_big);
	memcpy(file + (is_two ? 4 : 344), is_two ? "n+2\0\r\n\x1a\n" : "n+1\0", is_two ? 8 : 4);
	for (size_t i = 0; i < 6; i++)
		memcpy(file + texts[is_two][i][0],
			"Silva^Ana 4711 and so on, born 19600229, at home",
			texts[is_two][i][1] < 48 ? texts[is_two][i][1] : 48);
	for (size_t i = 0; i < 8; i++)
		put_number(file + dims + i * wide, sizes[i], wide, is_big);
	for (size_t i = 1; i < 4; i++)
		put_real(file + (is_two ? 104 + i * 8 : 76 + i * 4), mm, is_two, is_big);
	put_number(file + (is_two ? 12 : 70), 512, 2, is_big);
	put_number(file + (is_two ? 14 : 72), 16, 2, is_big);
	put_number(file + (is_two ? 500 : 123), 10, is_two ? 4 : 1, is_big);
	if (is_two)
		put_number(file + 168, head + 16, 8, is_big);
	else
		put_real(file + 108, (double)head + 16, false, is_big);
	file[head - 4] = 1;
	memcpy(file + head, "\x10\0\0\0\6\0\0\0Silva^An", 16);
	for (size_t i = 0; i < 24; i++)
		file[head + 16 + i] = (uint8_t)(0x80 + i);
	return emr_bytes_of(file, head + 16 + 24);
}

TEST(texts_of_a_volume_are_in_no_copy)
{
	uint8_t file[700];
	EMR_AUTO_BUF copy = {0};

	for (int kind = 0; kind < 4; kind++) {
		const bool is_two = (kind & 1) != 0;
		const size_t head = is_two ? 544 : 352;
		emr_bytes whole = nifti(file, is_two, kind > 1, 3.0);

		assert_string_equal(copied(whole, false, &copy), "");
		assert_int_equal(copy.len, head + 24);
		assert_memory_equal(copy.data + head, file + head + 16, 24);
		assert_memory_equal(copy.data + (is_two ? 12 : 40), file + (is_two ? 12 : 40), 60);
		for (size_t i = 0; i < head; i++) { /* a liar's text, wherever it stands */
			const uint8_t was = copy.data[i];
			const size_t text = is_two ? 240 : 148;

			if (i >= text && i < text + 104) {
				copy.data[i] = 'S';
				assert_int_equal(scan_bytes(emr_buf_view(&copy), ALL),
					EMR_WITHHELD_FOUND_AGAIN);
			}
			copy.data[i] = was;
		}
		whole.len--;
		assert_string_equal(copied(whole, false, &copy), "damaged");
		whole = nifti(file, is_two, kind > 1, 1.0);
		assert_string_equal(copied(whole, false, &copy), "face");
		assert_string_equal(copied(whole, true, &copy), "");
		put_number(file + (is_two ? 12 : 70), 128, 2, kind > 1);
		assert_string_equal(copied(whole, true, &copy), "burned-in");
	}
}

/* ---- EDF and BDF ---- */

static const char *const labels[][2] = {{"EEG Fp1-Cz", "EEG Fp1-Cz"}, {"Silva Ana", "Signal"},
	{"SpO2", "SpO2"}, {"EDF Annotations", "EDF Annotations"}};

static void field(emr_buf *out, const char *text, size_t len)
{
	char padded[81];

	snprintf(padded, sizeof padded, "%-*s", (int)len, text);
	assert_ok(emr_buf_append(out, padded, len));
}

/* Four signals of RECORDS records: ten samples each, the notes fifteen words. */
static void edf(emr_buf *out, bool is_bdf, size_t records)
{
	static const struct {
		const char *text;
		size_t len;
	} fields[] = {{"Silva 4711", 80}, {"uV", 8}, {"-3276.8", 8}, {"3276.7", 8}, {"-32768", 8},
		{"32767", 8}, {"HP Silva 4711", 80}, {"10", 8}, {"Silva", 32}};

	emr_buf_clear(out);
	field(out,
		is_bdf ? "\xff"
			 "BIOSEMI"
		       : "0",
		8);
	field(out, "4711 F 29-FEB-1960 Ana_Silva", 80);
	field(out, "Startdate 19-JAN-2024 Silva 4711", 80);
	field(out, "19.01.2423.59.00", 16);
	field(out, "1280", 8);
	field(out, is_bdf ? "BDF+C" : "EDF+C Silva", 44);
	field(out, printed("%zu", records), 8);
	field(out, "1", 8);
	field(out, "4", 4);
	for (size_t i = 0; i < 4; i++)
		field(out, labels[i][0], 16);
	for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
		for (size_t i = 0; i < 4; i++)
			field(out, k == 7 && i == 3 ? "15" : fields[k].text, fields[k].len);
	for (size_t r = 0; r < records; r++) {
		const size_t notes = is_bdf ? 45 : 30;
		char note[46] = "+1\x14\x14\0+1\x14Silva awake\x14";

		assert_ok(emr_buf_append_zeros(out, is_bdf ? 90 : 60));
		out->data[out->len - 1] = (uint8_t)r;
		assert_ok(emr_buf_append(out, note, notes));
	}
}

TEST(names_dates_and_notes_of_a_recording_are_in_no_copy)
{
	EMR_AUTO_BUF file = {0}, copy = {0};

	for (int is_bdf = 0; is_bdf < 2; is_bdf++) {
		const size_t record = is_bdf ? 135 : 90;

		edf(&file, is_bdf, 3);
		assert_string_equal(copied(emr_buf_view(&file), false, &copy), "");
		assert_int_equal(copy.len, file.len);
		assert_memory_equal(copy.data + 8, "X X X X  ", 9);
		assert_memory_equal(copy.data + 168, "01.01.8500.00.00", 16);
		for (size_t i = 0; i < 4; i++)
			assert_memory_equal(
				copy.data + 256 + 16 * i, printed("%-16s", labels[i][1]), 16);
		for (size_t r = 0; r < 3; r++)
			assert_memory_equal(copy.data + 1280 + r * record + record / 3 * 2 - 1,
				printed("%c+1\x14\x14", (int)r), r == 0 ? 1 : 5);
		copy.data[copy.len - 5] = 'S'; /* a liar's note */
		assert_int_equal(scan_bytes(emr_buf_view(&copy), ALL), EMR_WITHHELD_FOUND_AGAIN);
		copy.data[copy.len - 5] = 0;
		copy.data[20] = 'S';
		assert_int_equal(scan_bytes(emr_buf_view(&copy), ALL), EMR_WITHHELD_FOUND_AGAIN);
		file.data[file.len - 1] = 1;
		file.len--;
		assert_string_equal(copied(emr_buf_view(&file), false, &copy), "damaged");
		edf(&file, is_bdf, 3);
		memcpy(file.data + 252, "9999", 4);
		assert_string_equal(copied(emr_buf_view(&file), false, &copy), "damaged");
		edf(&file, is_bdf, 3);
		memcpy(file.data + 256 + 4 * 104, "Silva   ", 8);
		assert_string_equal(copied(emr_buf_view(&file), false, &copy), "damaged");
	}
}

/* Its header is longer than the pieces that a scan asks for, and at most one block. */
TEST(readers_take_a_copy_of_many_signals)
{
	static const struct {
		const char *text;
		size_t len;
	} fields[] = {{"C3", 16}, {"", 80}, {"uV", 8}, {"-1", 8}, {"1", 8}, {"-2", 8}, {"2", 8},
		{"", 80}, {"1", 8}, {"", 32}};
	static const size_t counts[] = {127, 128, 511, 512};
	EMR_AUTO_BUF file = {0}, copy = {0};

	for (size_t k = 0; k < 4; k++) {
		emr_buf_clear(&file);
		field(&file, "0", 8);
		field(&file, "X", 80);
		field(&file, "X", 80);
		field(&file, "19.01.2423.59.00", 16);
		field(&file, printed("%zu", 256 * (counts[k] + 1)), 8);
		field(&file, "EDF+C", 44);
		field(&file, "1", 8);
		field(&file, "1", 8);
		field(&file, printed("%zu", counts[k]), 4);
		for (size_t i = 0; i < 10 * counts[k]; i++)
			field(&file, fields[i / counts[k]].text, fields[i / counts[k]].len);
		assert_ok(emr_buf_append_zeros(&file, 2 * counts[k]));
		assert_string_equal(
			copied(emr_buf_view(&file), false, &copy), k < 3 ? "" : "damaged");
	}
}

/* ---- packed ---- */

TEST(a_packed_volume_is_given_without_its_texts_and_the_name_of_its_file)
{
	uint8_t file[700];
	EMR_AUTO_BUF gz = {0}, copy = {0}, plain = {0};

	for (int kind = 0; kind < 8; kind++) {
		const bool is_two = (kind & 1) != 0;
		const size_t head = is_two ? 544 : 352;
		emr_bytes whole = nifti(file, is_two, (kind & 2) != 0, 3.0);

		packed(whole, 100, kind > 3, &gz);
		assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "");
		unpacked(emr_buf_view(&copy), &plain);
		assert_int_equal(plain.len, head + 24);
		assert_memory_equal(plain.data + head, file + head + 16, 24);
		gz.len -= 9;
		assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "damaged");
		/* The same bytes in gzip that has room for a name are no copy. */
		packed(emr_buf_view(&plain), 700, false, &gz);
		assert_int_equal(scan_bytes(emr_buf_view(&gz), ALL), EMR_WITHHELD_NOT_DICOM);
		packed(emr_buf_view(&plain), 700, true, &gz);
		assert_int_equal(scan_bytes(emr_buf_view(&gz), ALL), EMR_WITHHELD_NOT);
		gz.data[9] = 3;
		assert_int_equal(scan_bytes(emr_buf_view(&gz), ALL), EMR_WITHHELD_NOT_DICOM);
	}
}

/* A writer with a mistake leaves what the original's patient is called. */
TEST(the_checker_finds_words_of_the_original_in_a_copy)
{
	EMR_AUTO_BUF file = {0}, copy = {0};
	int in, out;

	edf(&file, false, 1);
	assert_string_equal(copied(emr_buf_view(&file), false, &copy), "");
	memcpy(copy.data + 272, "Silva ", 6);
	in = made_memory(emr_buf_view(&file));
	out = made_memory(emr_buf_view(&copy));
	assert_int_equal(headed_check(in, file.len, out, copy.len), EMR_WITHHELD_FOUND_AGAIN);
	close(in);
	close(out);
}

TESTS(NULL, NULL)
