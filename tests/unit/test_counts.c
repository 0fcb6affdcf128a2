/* These tests are about the numbers in a dataset: figures that a participant states are taken
 * within bounds, and a table never tells of fewer than five people. */
#include "emr_test.h"

#include "share/counts.h"

#include "base/codec.h"
#include "vectors.h"

#define NOON_OF_2026_11_23 1795435200u

static emr_counts person(uint8_t number, uint8_t band, uint32_t pictures, uint32_t tables)
{
	emr_counts counts = {.who = {{number}}, .band = band};

	counts.kinds[0] = counts.modalities[0] = pictures;
	counts.kinds[1] = tables;
	return counts;
}

TEST(what_a_few_people_have_is_in_no_table)
{
	emr_counts all[9];
	emr_counts_table table;

	for (uint8_t i = 0; i < 9; i++)
		all[i] = person(i, i < 4 ? 2 : 3, 1000, i < 4 ? 7 : 0);
	emr_counts_sum(all, 4, &table);
	assert_int_equal(table.people, 0);
	assert_int_equal(table.kinds[0].people, 0);
	assert_int_equal(table.kinds[0].files, 0); /* 4,000 files of four people */
	emr_counts_sum(all, 9, &table);
	assert_int_equal(table.people, 5); /* a multiple of five: nobody sees the ninth come */
	assert_int_equal(table.bands[2], 0);
	assert_int_equal(table.bands[3], 5);
	assert_int_equal(table.kinds[0].people, 5);
	assert_int_equal(table.kinds[0].files, 9000);
	assert_int_equal(table.kinds[1].people, 0);
	assert_int_equal(table.kinds[1].files, 0);
	assert_int_equal(table.modalities[0].files, 9000);
}

TEST(five_folders_of_one_person_are_one)
{
	emr_counts all[9];
	emr_counts_table table;

	for (uint8_t i = 0; i < 9; i++)
		all[i] = person(i < 5 ? 1 : i, 2, 3, 0);
	emr_counts_sum(all, 8, &table); /* of four people */
	assert_int_equal(table.people, 0);
	assert_int_equal(table.kinds[0].files, 0);
}

TEST(a_table_that_tells_of_a_few_people_is_none)
{
	emr_counts_table table = {.people = 10, .bands = {0, 0, 10}, .kinds = {{10, 40}}}, read;
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF again = {0};

	assert_ok(emr_counts_table_encode(&table, &part));
	assert_int_equal(part.len, EMR_COUNTS_TABLE_BYTES);
	assert_ok(emr_counts_table_decode(emr_buf_view(&part), &read));
	assert_ok(emr_counts_table_encode(&read, &again));
	assert_memory_equal(again.data + 32, part.data + 32, part.len - 32);
	for (size_t at = 32; at < part.len; at++) { /* no byte of it can be another small number */
		part.data[at] ^= 1;
		assert_status(EMR_DAMAGED, emr_counts_table_decode(emr_buf_view(&part), &read));
		part.data[at] ^= 1;
	}
	for (size_t len = 0; len < part.len; len++)
		assert_status(
			EMR_DAMAGED, emr_counts_table_decode(emr_bytes_of(part.data, len), &read));
	table.kinds[0].people = 15; /* more than there are */
	emr_buf_clear(&part);
	assert_ok(emr_counts_table_encode(&table, &part));
	assert_status(EMR_DAMAGED, emr_counts_table_decode(emr_buf_view(&part), &read));
}

TEST(statement_and_table_are_those_of_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("share.json");
	const json_t *known = vectors_get(root, "counts");
	uint8_t plain[EMR_COUNTS_PLAIN_BYTES], again[EMR_COUNTS_PLAIN_BYTES],
		bytes[EMR_COUNTS_TABLE_BYTES];
	EMR_AUTO_BUF part = {0};
	emr_counts_table table;
	emr_counts counts;

	vectors_fixed(known, "statement", plain, sizeof plain);
	assert_ok(emr_counts_decode(plain, &counts));
	assert_int_equal(counts.band, 3);
	assert_int_equal(counts.kinds[0], 1000000);
	assert_int_equal(counts.kinds[EMR_COUNTS_KINDS - 1], 7);
	assert_int_equal(counts.modalities[1], 600000);
	assert_int_equal(counts.modalities[EMR_COUNTS_MODALITIES - 1], 1);
	emr_counts_encode(&counts, again);
	assert_memory_equal(again, plain, sizeof plain);
	vectors_fixed(vectors_get(known, "table"), "bytes", bytes, sizeof bytes);
	assert_ok(emr_counts_table_decode(emr_bytes_of(bytes, sizeof bytes), &table));
	assert_int_equal(table.people, 20);
	assert_int_equal(table.bands[2], 15);
	assert_int_equal(table.kinds[0].files, 3150);
	assert_int_equal(table.modalities[1].people, 5);
	assert_ok(emr_counts_table_encode(&table, &part));
	assert_memory_equal(part.data + 32, bytes + 32, sizeof bytes - 32);
}

TEST(a_liars_figures_are_out_of_bounds_or_within_them)
{
	emr_counts counts = person(1, 4, EMR_COUNTS_FILES_MAX, 0), read;
	uint8_t plain[EMR_COUNTS_PLAIN_BYTES], again[EMR_COUNTS_PLAIN_BYTES];

	emr_counts_encode(&counts, plain);
	assert_ok(emr_counts_decode(plain, &read));
	emr_counts_encode(&read, again);
	assert_memory_equal(again, plain, sizeof plain);
	emr_counts_add(&counts, "dicom", "CT"); /* more are not counted */
	assert_int_equal(counts.kinds[0], EMR_COUNTS_FILES_MAX);
	counts.kinds[0]++;
	emr_counts_encode(&counts, plain);
	assert_status(EMR_DAMAGED, emr_counts_decode(plain, &read));
	counts = person(1, 4, 3, 0);
	counts.modalities[1] = UINT32_MAX; /* more than there are files */
	emr_counts_encode(&counts, plain);
	assert_status(EMR_DAMAGED, emr_counts_decode(plain, &read));
	counts = person(1, EMR_COUNTS_BANDS, 3, 0);
	emr_counts_encode(&counts, plain);
	assert_status(EMR_DAMAGED, emr_counts_decode(plain, &read));
	memset(plain, 0xff, sizeof plain);
	assert_status(EMR_DAMAGED, emr_counts_decode(plain, &read));
}

TEST(the_band_of_age_is_of_the_day_and_of_no_guess)
{
	static const struct {
		const char *born;
		uint8_t band;
	} rows[] = {{"2026-11-23", 1}, {"2008-11-24", 1}, {"2008-11-23", 2}, {"1986-11-24", 2},
		{"1986-11-23", 3}, {"1961-11-24", 3}, {"1961-11-23", 4}, {"1900-01-01", 4},
		{"2026-11-24", 0}, {"", 0}, {"1986", 0}, {"yesterday!", 0}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(emr_counts_band(rows[i].born, NOON_OF_2026_11_23), rows[i].band);
	assert_string_equal(emr_counts_band_text(2), "18-39");
}

TEST(a_modality_or_kind_that_is_not_known_is_among_the_others)
{
	emr_counts counts = {.band = 0};

	emr_counts_add(&counts, "dicom", "mr");
	emr_counts_add(&counts, "dicom", "Silva, Ana");
	emr_counts_add(&counts, "pdf", "");
	emr_counts_add(&counts, "Silva, Ana", "");
	assert_int_equal(counts.kinds[0], 2);
	assert_int_equal(counts.kinds[2], 1);
	assert_int_equal(counts.kinds[EMR_COUNTS_KINDS - 1], 1);
	assert_int_equal(counts.modalities[1], 1);
	assert_int_equal(counts.modalities[EMR_COUNTS_MODALITIES - 1], 1);
}

/* The difference of two tables is of whoever came between them. */
TEST(another_table_is_made_of_twice_as_many_people)
{
	emr_counts_table before = {.people = 5}, table = {.people = 15};

	assert_true(emr_counts_would_tell(&before, &table));
	assert_true(emr_counts_would_tell(&before, &before));
	table.people = 20; /* nine before, at the most */
	assert_false(emr_counts_would_tell(&before, &table));
}

TESTS(NULL, NULL)
