/* This file has the layouts of what participants state about their folders in a dataset, and makes
 * of many such statements the table that everybody may see: without cells of a few people. */
#include "share/counts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/codec.h"

#define VERSION 1
#define KIND_SLOTS 8 /* in the bytes: two are not used */
#define SALT_BYTES 32

static const char *const band_texts[EMR_COUNTS_BANDS] = {"", "0-17", "18-39", "40-64", "65+"};
static const char *const kind_texts[EMR_COUNTS_KINDS] = {
	"dicom", "csv", "pdf", "fhir", "cda", "other"};
static const char *const modality_texts[EMR_COUNTS_MODALITIES] = {"CT", "MR", "PT", "NM", "CR",
	"DX", "MG", "IO", "US", "XA", "RF", "SEG", "RTDOSE", "ECG", "SM", "other"};

const char *emr_counts_band_text(size_t band)
{
	return band_texts[band];
}

const char *emr_counts_kind_text(size_t kind)
{
	return kind_texts[kind];
}

const char *emr_counts_modality_text(size_t modality)
{
	return modality_texts[modality];
}

/* ---- one folder ---- */

uint8_t emr_counts_band(const char *born, uint64_t now_unix_s)
{
	static const int from[EMR_COUNTS_BANDS] = {0, 0, 18, 40, 65};
	time_t now = (time_t)now_unix_s;
	int year, month, day, age;
	struct tm today;
	uint8_t band = EMR_COUNTS_BANDS - 1;

	if (strlen(born) != 10 || sscanf(born, "%4d-%2d-%2d", &year, &month, &day) != 3 ||
		gmtime_r(&now, &today) == NULL)
		return 0;
	age = today.tm_year + 1900 - year;
	age -= today.tm_mon + 1 < month || (today.tm_mon + 1 == month && today.tm_mday < day);
	if (age < 0)
		return 0;
	while (age < from[band])
		band--;
	return band;
}

/* The last where WORD is none of TEXTS. */
static size_t find_word(const char *const *texts, size_t n, const char *word)
{
	size_t i = 0;

	while (i < n - 1 && strcasecmp(texts[i], word) != 0)
		i++;
	return i;
}

static void count_one(uint32_t *count)
{
	*count += *count < EMR_COUNTS_FILES_MAX;
}

void emr_counts_add(emr_counts *counts, const char *kind, const char *modality)
{
	size_t is = find_word(kind_texts, EMR_COUNTS_KINDS, kind);

	count_one(&counts->kinds[is]);
	if (is == 0 || modality[0] != '\0')
		count_one(&counts->modalities[find_word(
			modality_texts, EMR_COUNTS_MODALITIES, modality)]);
}

bool emr_counts_say_nothing(const emr_counts *counts)
{
	uint32_t files = 0;

	for (size_t i = 0; i < EMR_COUNTS_KINDS; i++)
		files |= counts->kinds[i];
	return counts->band == 0 && files == 0;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

void emr_counts_encode(const emr_counts *counts, uint8_t out[EMR_COUNTS_PLAIN_BYTES])
{
	uint8_t *at = out + 20;

	memset(out, 0, EMR_COUNTS_PLAIN_BYTES);
	memcpy(out, counts->who.b, sizeof counts->who);
	out[16] = VERSION;
	out[17] = counts->band;
	for (size_t i = 0; i < EMR_COUNTS_KINDS; i++)
		put_u32(at + 4 * i, counts->kinds[i]);
	at += (size_t)4 * KIND_SLOTS;
	for (size_t i = 0; i < EMR_COUNTS_MODALITIES; i++)
		put_u32(at + 4 * i, counts->modalities[i]);
}

emr_status emr_counts_decode(const uint8_t plain[EMR_COUNTS_PLAIN_BYTES], emr_counts *out)
{
	emr_reader r = emr_reader_of(emr_bytes_of(plain, EMR_COUNTS_PLAIN_BYTES));
	uint64_t of_kinds = 0, of_modalities = 0;
	emr_counts counts = {.band = 0};
	bool is_version;

	emr_read_copy(&r, counts.who.b, sizeof counts.who);
	is_version = emr_read_u8(&r) == VERSION;
	counts.band = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	for (size_t i = 0; i < EMR_COUNTS_KINDS; i++) {
		counts.kinds[i] = emr_read_u32(&r);
		of_kinds += counts.kinds[i];
		r.bad = r.bad || counts.kinds[i] > EMR_COUNTS_FILES_MAX;
	}
	emr_read_zeros(&r, (size_t)4 * (KIND_SLOTS - EMR_COUNTS_KINDS));
	for (size_t i = 0; i < EMR_COUNTS_MODALITIES; i++) {
		counts.modalities[i] = emr_read_u32(&r);
		of_modalities += counts.modalities[i];
	}
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r) || !is_version || counts.band >= EMR_COUNTS_BANDS ||
		of_modalities > of_kinds)
		return EMR_DAMAGED;
	*out = counts;
	return EMR_OK;
}

/* ---- all of them ---- */

static int by_who(const void *a, const void *b)
{
	return memcmp(
		((const emr_counts *)a)->who.b, ((const emr_counts *)b)->who.b, sizeof(emr_id16));
}

static void add_cell(emr_counts_cell *cell, uint64_t files)
{
	cell->people += files > 0;
	cell->files += files;
}

/* Adds what N folders of one person hold. */
static void add_person(const emr_counts *all, size_t n, emr_counts_table *io)
{
	uint8_t band = 0;

	for (size_t i = 0; i < n; i++)
		band = all[i].band > band ? all[i].band : band;
	io->people++;
	io->bands[band]++;
	for (size_t k = 0; k < EMR_COUNTS_KINDS; k++) {
		uint64_t files = 0;

		for (size_t i = 0; i < n; i++)
			files += all[i].kinds[k];
		add_cell(&io->kinds[k], files);
	}
	for (size_t k = 0; k < EMR_COUNTS_MODALITIES; k++) {
		uint64_t files = 0;

		for (size_t i = 0; i < n; i++)
			files += all[i].modalities[k];
		add_cell(&io->modalities[k], files);
	}
}

static uint32_t rounded(uint32_t people)
{
	people = people < EMR_COUNTS_PEOPLE_MAX ? people : EMR_COUNTS_PEOPLE_MAX;
	return people - people % EMR_COUNTS_FLOOR;
}

static void round_cell(emr_counts_cell *cell)
{
	cell->people = rounded(cell->people);
	cell->files = cell->people == 0 ? 0 : cell->files - cell->files % EMR_COUNTS_FLOOR;
}

void emr_counts_sum(emr_counts *all, size_t n, emr_counts_table *out)
{
	*out = (emr_counts_table){.people = 0};
	if (n > 1)
		qsort(all, n, sizeof *all, by_who);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && by_who(&all[i], &all[end]) == 0;)
			end++;
		add_person(&all[i], end - i, out);
	}
	out->people = rounded(out->people);
	for (size_t i = 0; i < EMR_COUNTS_BANDS; i++)
		out->bands[i] = rounded(out->bands[i]);
	for (size_t i = 0; i < EMR_COUNTS_KINDS; i++)
		round_cell(&out->kinds[i]);
	for (size_t i = 0; i < EMR_COUNTS_MODALITIES; i++)
		round_cell(&out->modalities[i]);
}

/* ---- the table ---- */

static void write_cells(emr_writer *w, const emr_counts_cell *cells, size_t n, size_t slots)
{
	for (size_t i = 0; i < n; i++) {
		emr_write_u32(w, cells[i].people);
		emr_write_u64(w, cells[i].files);
	}
	emr_write_zeros(w, (slots - n) * 12);
}

emr_status emr_counts_table_encode(const emr_counts_table *table, emr_buf *out_part)
{
	emr_id32 salt = emr_id32_random();
	emr_writer w = emr_writer_of(out_part);
	size_t begin = out_part->len;

	emr_write_bytes(&w, salt.b, sizeof salt.b);
	emr_write_u8(&w, VERSION);
	emr_write_zeros(&w, 3);
	emr_write_u32(&w, table->people);
	for (size_t i = 0; i < EMR_COUNTS_BANDS; i++)
		emr_write_u32(&w, table->bands[i]);
	write_cells(&w, table->kinds, EMR_COUNTS_KINDS, KIND_SLOTS);
	write_cells(&w, table->modalities, EMR_COUNTS_MODALITIES, EMR_COUNTS_MODALITIES);
	emr_write_zeros(&w, EMR_COUNTS_TABLE_BYTES - (w.buf->len - begin));
	return w.status;
}

/* How many of MOST people: none of whom, or enough of them. */
static uint32_t read_people(emr_reader *r, uint32_t most)
{
	uint32_t people = emr_read_u32(r);

	r->bad = r->bad || people > most || people % EMR_COUNTS_FLOOR != 0;
	return people;
}

static void read_cells(emr_reader *r, uint32_t most, emr_counts_cell *cells, size_t n, size_t slots)
{
	for (size_t i = 0; i < n; i++) {
		emr_counts_cell *cell = &cells[i];

		cell->people = read_people(r, most);
		cell->files = emr_read_u64(r);
		r->bad = r->bad || cell->files % EMR_COUNTS_FLOOR != 0 ||
			 cell->files < cell->people ||
			 cell->files > (uint64_t)EMR_COUNTS_FILES_MAX * EMR_COUNTS_PEOPLE_MAX ||
			 (cell->people == 0 && cell->files != 0);
	}
	emr_read_zeros(r, (slots - n) * 12);
}

emr_status emr_counts_table_decode(emr_bytes part, emr_counts_table *out)
{
	emr_reader r = emr_reader_of(part);
	emr_counts_table table;
	bool is_version;

	(void)emr_read_bytes(&r, SALT_BYTES);
	is_version = emr_read_u8(&r) == VERSION;
	emr_read_zeros(&r, 3);
	table.people = read_people(&r, EMR_COUNTS_PEOPLE_MAX);
	for (size_t i = 0; i < EMR_COUNTS_BANDS; i++)
		table.bands[i] = read_people(&r, table.people);
	read_cells(&r, table.people, table.kinds, EMR_COUNTS_KINDS, KIND_SLOTS);
	read_cells(
		&r, table.people, table.modalities, EMR_COUNTS_MODALITIES, EMR_COUNTS_MODALITIES);
	emr_read_zeros(&r, r.left);
	if (part.len != EMR_COUNTS_TABLE_BYTES || !emr_reader_done(&r) || !is_version ||
		table.people == 0)
		return EMR_DAMAGED;
	*out = table;
	return EMR_OK;
}
