/* This file copies a CSV table: the columns that are named, and of their cells those that are
 * numbers, dates or short codes. It refuses what is no text, rows that have more or fewer cells
 * than the first, and quotes that do not end. */
#include "csv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELDS_MAX 4096 /* of a row */
#define CELL_MAX 64	/* of a cell that may stay; a longer one is empty in the copy */
#define LEFT_OUT 0xff

typedef struct csv {
	pen to;
	const persona *who;
	const protocol_look *rules;
	char separator;
	/* where in the table */
	uint8_t wanted[FIELDS_MAX]; /* index of the named column; LEFT_OUT */
	bool has_column[EMR_COLUMNS_MAX];
	unsigned marks[EMR_COLUMNS_MAX]; /* what all numbers of the column say of comma and point */
	bool is_survey;			 /* reads for these alone, and writes nothing */
	uint32_t fields, field;		 /* of the first row; of this one */
	bool is_first_row, is_quoted, was_quoted, has_any;
	char cell[CELL_MAX + 1];
	size_t cell_len; /* may be larger than the cell */
	uint32_t written_fields;
	/* the copy */
	emr_deidentified *out;
	emr_withheld why;
} csv;

emr_status csv_take_columns(const emr_column *columns, size_t count, csv_columns *out)
{
	if (count > EMR_COLUMNS_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < count; i++) {
		const char *name = columns[i].name,
			   *words = columns[i].words != NULL ? columns[i].words : "";

		if (name == NULL || name[0] == '\0' || strpbrk(name, ",;\t\"\r\n") != NULL ||
			columns[i].kind < EMR_COLUMN_NUMBER || columns[i].kind > EMR_COLUMN_CODE)
			return EMR_INVALID;
		if (words[0] != '\0' &&
			(columns[i].kind != EMR_COLUMN_CODE || words[0] != '|' ||
				strlen(words) < 3 || words[strlen(words) - 1] != '|'))
			return EMR_INVALID;
		if (strlen(name) > EMR_COLUMN_NAME_MAX || strlen(words) > EMR_COLUMN_WORDS_MAX)
			return EMR_LIMIT;
		out->list[i].kind = columns[i].kind;
		strcpy(out->list[i].name, name);
		strcpy(out->list[i].words, words);
	}
	out->count = (uint32_t)count;
	return EMR_OK;
}

/* ---- the copy ---- */

static void put_text(csv *c, const char *text, size_t len)
{
	if (!c->is_survey)
		pen_put(&c->to, text, len);
}

/* ---- cells ---- */

/* One of the codes that there may be, as they write it. */
static bool take_word(const char *words, char *text)
{
	char sought[CELL_MAX + 3];
	const char *found;
	size_t len = strlen(text);

	snprintf(sought, sizeof sought, "|%s|", text);
	found = len > 0 && strchr(text, '|') == NULL ? strcasestr(words, sought) : NULL;
	if (found != NULL)
		memcpy(text, found + 1, len);
	return found != NULL;
}

/* Of three parts or more, numbers or a month's letters, between signs. */
static bool is_day(const char *text)
{
	size_t parts = 0, len;

	for (; *text != '\0'; text += len + (text[len] != '\0')) {
		len = strcspn(text, "._%/+-");
		if (strspn(text, "0123456789") < len &&
			(len != 3 || strcspn(text, "0123456789") < 3))
			return false;
		parts += len > 0;
	}
	return parts > 2;
}

/* Numbers of persons and telephones have more than six digits, whatever stands between them; names
 * have no digit and more than a letter, initials with points are of one piece, and a month that
 * stands right behind its day has three letters. */
static bool take_code(const char *text)
{
	size_t digits = 0, all_digits = 0, letters = 0, most = 0, now;

	if ((text[0] == '+' || text[0] == '-') && text[strspn(text, "+-")] != '\0')
		return false; /* a formula */
	for (const char *at = text; *at != '\0'; at++) {
		digits = is_digit(*at) ? digits + 1 : 0;
		all_digits += digits > 0;
		letters = digits > 0 || *at == '/' ? 0 : letters + (isalpha((uint8_t)*at) != 0);
		now = letters > 0 && all_digits > 0 ? letters + 1 : letters;
		most = now > most ? now : most;
		if (digits > 4 || (!isalnum((uint8_t)*at) && strchr("._%/+-", *at) == NULL))
			return false;
	}
	return strlen(text) <= 16 && !is_day(text) && all_digits <= EMR_CODE_DIGITS_MAX &&
	       most <= (all_digits > 0 ? EMR_CODE_LETTERS_MAX : 1);
}

/* Digits where PATTERN has a 0, its own sign elsewhere; digits go to OUT. */
static bool text_fits(const char *text, const char *pattern, char *out)
{
	size_t i = 0;

	for (; pattern[i] != '\0'; i++) {
		if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i])
			return false;
		if (is_digit(text[i]))
			*out++ = text[i];
	}
	*out = '\0';
	return true;
}

/* A day's beginning, middle or last second (minute): programs write it, and people, for a day
 * without a time.  CLOCK: HHMM[SS[.F]]. */
static bool is_no_time(const char *clock)
{
	size_t hour = strncmp(clock, "12", 2) == 0 ? 2 : 0;

	return clock[hour + strspn(clock + hour, "0.")] == '\0' || strcmp(clock, "2359") == 0 ||
	       strncmp(clock, "235959", 6) == 0;
}

/* Z, +01, +0100 and +01:00, behind a blank or none, as DICOM writes it. */
static bool take_zone(const char *zone, char *plain)
{
	static const char *const patterns[] = {
		"", "Z", "+00:00", "+0000", "+00", "-00:00", "-0000", "-00"};
	char digits[16];

	zone += *zone == ' ';
	for (size_t i = 0; i < 8; i++)
		if (strlen(zone) == strlen(patterns[i]) && text_fits(zone, patterns[i], digits)) {
			strcat(digits, "0000");
			if (i > 0)
				sprintf(plain + strlen(plain), "%c%.4s", i < 5 ? '+' : '-', digits);
			return true;
		}
	return false;
}

/* 2024-01-19 and 2024-01-19T13:30[:15[.25]][zone], moved; of a zone that is said, the time becomes
 * that of UTC, so that differences hold over a night of October. */
static bool take_date(const csv *c, char *text)
{
	static const char *const patterns[] = {
		"0000-00-00T00:00:00", "0000-00-00T00:00", "0000-00-00"};
	char plain[40], moved[32], last_year[12];
	size_t which = 0, len;
	bool is_day;

	if (text[0] != '\0' && strlen(text) > 10 && text[10] == ' ')
		text[10] = 'T';
	while (which < 3 && !text_fits(text, patterns[which], plain))
		which++;
	snprintf(last_year, sizeof last_year, "%04u", (unsigned)c->rules->year + 1);
	/* 9999-12-31 stands for something else. */
	if (which == 3 || c->rules->rules.without_dates || strncmp(plain, last_year, 4) > 0)
		return false;
	len = strlen(patterns[which]);
	if (which == 2) {
		if (text[len] != '\0')
			return false;
	} else {
		if (which == 0 && text[len] == '.') {
			size_t digits = strspn(text + len + 1, "0123456789");

			if (digits < 1 || digits > 6)
				return false;
			strncat(plain, text + len, digits + 1);
			len += digits + 1;
		}
		is_day = is_no_time(plain + 8);
		if (!take_zone(text + len, plain))
			return false;
		if (is_day) {
			which = 2;
			plain[8] = '\0';
		}
	}
	if (which == 2)
		value_date(c->who, plain, "", moved);
	else
		value_date_time(c->who, plain, "+0000", moved);
	if (moved[0] == '\0')
		return false;
	len = (size_t)snprintf(text, CELL_MAX + 1, "%.4s-%.2s-%.2s", moved, moved + 4, moved + 6);
	if (which < 2)
		len += (size_t)snprintf(
			text + len, CELL_MAX + 1 - len, "T%.2s:%.2s", moved + 8, moved + 10);
	if (which == 0)
		snprintf(text + len, CELL_MAX + 1 - len, ":%s", moved + 12);
	return true;
}

static bool take_cell(const csv *c, uint8_t which, char *text)
{
	uint32_t kind = c->rules->columns.list[which].kind;
	const char *words = c->rules->columns.list[which].words;

	if (kind == EMR_COLUMN_NUMBER)
		return csv_take_number(text, c->marks[which], c->separator);
	if (kind == EMR_COLUMN_DATE)
		return take_date(c, text);
	return words[0] != '\0' ? take_word(words, text) : take_code(text);
}

/* ---- rows ---- */

static void name_field(csv *c, const char *name)
{
	c->wanted[c->field] = LEFT_OUT;
	for (uint32_t i = 0; i < c->rules->columns.count; i++)
		if (!c->has_column[i] && strcasecmp(c->rules->columns.list[i].name, name) == 0) {
			c->wanted[c->field] = (uint8_t)i;
			c->has_column[i] = true;
			return;
		}
}

/* Without the blanks around it: behind a comma many write one. */
static void trim_cell(csv *c)
{
	size_t first;

	while (c->cell_len > 0 && c->cell_len <= CELL_MAX &&
		strchr(" \t", c->cell[c->cell_len - 1]) != NULL)
		c->cell_len--;
	/* A longer one may not stay, and is still not empty. */
	c->cell[c->cell_len <= CELL_MAX ? c->cell_len : 0] = '\0';
	first = strspn(c->cell, " \t");
	c->cell_len -= first;
	memmove(c->cell, c->cell + first, strlen(c->cell + first) + 1);
}

/* An emptied cell counts as removed, one that is written otherwise as changed. */
static void put_cell(csv *c, uint8_t which)
{
	char before[CELL_MAX + 1];

	strcpy(before, c->cell);
	if (c->is_survey) {
		if (c->rules->columns.list[which].kind == EMR_COLUMN_NUMBER)
			c->marks[which] |= csv_number_spelling(c->cell);
	} else if (!take_cell(c, which, c->cell) || c->cell[0] == '\0') {
		c->out->elements_removed += c->cell_len > 0;
	} else {
		put_text(c, c->cell, strlen(c->cell));
		c->out->elements_changed += strcmp(before, c->cell) != 0;
		c->out->elements_kept += strcmp(before, c->cell) == 0;
	}
}

static void end_cell(csv *c)
{
	uint8_t which;

	if (c->field >= (c->is_first_row ? FIELDS_MAX : c->fields)) {
		c->why = c->is_first_row ? EMR_WITHHELD_TOO_COMPLEX : EMR_WITHHELD_DAMAGED;
		return;
	}
	trim_cell(c);
	if (c->is_first_row)
		name_field(c, c->cell);
	which = c->wanted[c->field++];
	if (which != LEFT_OUT) {
		if (c->written_fields++ > 0)
			put_text(c, &c->separator, 1);
		if (c->is_first_row)
			put_text(c, c->rules->columns.list[which].name,
				strlen(c->rules->columns.list[which].name));
		else
			put_cell(c, which);
	}
	c->cell_len = 0;
	c->was_quoted = false;
}

static void end_row(csv *c)
{
	end_cell(c);
	if (c->why != EMR_WITHHELD_NOT)
		return;
	if (c->is_first_row && c->written_fields == 0)
		c->why = c->field > 1 ? EMR_WITHHELD_NO_COLUMN : EMR_WITHHELD_NOT_DICOM;
	else if (!c->is_first_row && c->field != c->fields)
		c->why = EMR_WITHHELD_DAMAGED;
	if (c->is_first_row)
		c->fields = c->field;
	put_text(c, "\n", 1);
	c->is_first_row = c->has_any = false;
	c->field = c->written_fields = 0;
}

/* NEXT: the byte behind it; NUL at the end. */
static void take_byte(csv *c, char byte, char next)
{
	if ((uint8_t)byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n') {
		c->why = EMR_WITHHELD_NOT_DICOM;
	} else if (!c->is_quoted && byte == '\r') {
		if (next != '\n') /* 5 CR 6 are not 56 */
			c->why = EMR_WITHHELD_DAMAGED;
	} else if (c->is_quoted && byte == '"' && next != '"') {
		c->is_quoted = false;
	} else if (!c->is_quoted && byte == '"' && c->cell_len == 0 && !c->was_quoted) {
		c->is_quoted = c->was_quoted = c->has_any = true;
	} else if (!c->is_quoted && byte == c->separator) {
		c->has_any = true;
		end_cell(c);
	} else if (!c->is_quoted && byte == '\n') {
		if (c->has_any || c->fields == 1) /* else an empty line is none */
			end_row(c);
	} else if (!c->is_quoted && (byte == ' ' || byte == '\t') &&
		   (c->cell_len == 0 || c->was_quoted)) {
		return; /* around a quoted cell, or before one that is not */
	} else {
		/* A first row without a wanted column is of a text, such as JSON. */
		if (!c->is_quoted && (c->was_quoted || byte == '"'))
			c->why = c->is_first_row && c->written_fields == 0 ? EMR_WITHHELD_NOT_DICOM
									   : EMR_WITHHELD_DAMAGED;
		if (c->cell_len < CELL_MAX)
			c->cell[c->cell_len] = byte;
		c->cell_len++;
		c->has_any = true;
	}
}

/* ---- the table ---- */

/* Which of , ; and tab the first line has most of. */
static char find_separator(const uint8_t *p, size_t len)
{
	static const char signs[] = ",;\t";
	size_t counts[3] = {0};

	for (size_t i = 0; i < len && p[i] != '\n'; i++)
		for (size_t s = 0; s < 3; s++)
			counts[s] += p[i] == (uint8_t)signs[s];
	if (counts[1] > counts[0] && counts[1] >= counts[2])
		return ';';
	return counts[2] > counts[0] ? '\t' : ',';
}

/* Pieces overlap by a byte, which says whether a quote is followed by another. */
static void read_table(csv *c, uint64_t size, flat_file *in)
{
	uint64_t at = 0;
	bool is_escaped = false;
	const uint8_t *p = flat_bytes(in, 0, size < 4096 ? (size_t)size : 4096);

	if (p == NULL || size == 0) {
		c->why = EMR_WITHHELD_NOT_DICOM;
		return;
	}
	if (size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	c->separator = find_separator(p, size < 4096 ? (size_t)size : 4096);
	for (; at < size && c->why == EMR_WITHHELD_NOT && c->to.status == EMR_OK; at++) {
		char next;

		p = flat_bytes(in, at, size - at > 1 ? 2 : 1);
		if (p == NULL) {
			c->why = EMR_WITHHELD_DAMAGED;
			return;
		}
		next = size - at > 1 ? (char)p[1] : '\0';
		if (is_escaped) {
			is_escaped = false;
			continue;
		}
		is_escaped = c->is_quoted && p[0] == '"' && next == '"';
		take_byte(c, (char)p[0], next);
	}
}

static void read_all(csv *c, uint64_t size, flat_file *in)
{
	read_table(c, size, in);
	if (c->why == EMR_WITHHELD_NOT && c->is_quoted)
		c->why = EMR_WITHHELD_DAMAGED;
	if (c->why == EMR_WITHHELD_NOT && c->has_any)
		end_row(c);
	if (c->why == EMR_WITHHELD_NOT && c->is_first_row)
		c->why = EMR_WITHHELD_NOT_DICOM;
}

emr_status csv_copy(int in_fd, uint64_t size, int out_fd, const persona *who,
	const protocol_look *rules, emr_deidentified *out)
{
	static flat_file in;
	static csv c;
	unsigned marks[EMR_COLUMNS_MAX] = {0};

	in = (flat_file){.fd = in_fd, .size = size};
	*out = (emr_deidentified){0};
	c.why = EMR_WITHHELD_NOT;
	for (int pass = 0; pass < 2 && c.why == EMR_WITHHELD_NOT; pass++) {
		memset(&c, 0, sizeof c);
		memcpy(c.marks, marks, sizeof marks);
		c.to.fd = out_fd;
		c.who = who;
		c.rules = rules;
		c.out = out;
		c.is_first_row = true;
		c.is_survey = pass == 0;
		if (size <= EMR_TABLE_MAX_BYTES)
			read_all(&c, size, &in);
		else
			c.why = EMR_WITHHELD_LARGE_TABLE;
		memcpy(marks, c.marks, sizeof marks);
	}
	if (c.why == EMR_WITHHELD_NOT)
		pen_flush(&c.to);
	/* Readers take no larger one: a last line that had no end has got one. */
	if (c.why == EMR_WITHHELD_NOT && c.to.at > EMR_TABLE_MAX_BYTES)
		c.why = EMR_WITHHELD_LARGE_TABLE;
	if (c.why != EMR_WITHHELD_NOT)
		*out = (emr_deidentified){.withheld = c.why};
	out->form = EMR_COPY_TABLE;
	out->size = c.why == EMR_WITHHELD_NOT ? c.to.at : 0;
	return c.to.status;
}
