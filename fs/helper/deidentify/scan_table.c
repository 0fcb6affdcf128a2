/* A reader's computer scans the copy of a table with this file: the terms name its columns, and
 * each cell must be a moved date, a short number or a code, spelt in the one way in which copies
 * are. Bytes that the writer of copies would not have written (quotes, blanks, a byte order mark,
 * another line end) are found, too. */
#include <stdio.h>
#include <string.h>

#include "headed.h"
#include "scan.h"

#define PIECE ((size_t)16 << 10)
#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

typedef struct table {
	const protocol_look *rules;
	char separator; /* 0: the first row had none so far */
	uint8_t column[EMR_COLUMNS_MAX];
	uint32_t n, at; /* columns of the first row; the one in hand */
	bool is_first_row;
	char cell[EMR_COLUMN_NAME_MAX + 2];
	size_t len;
} table;

/* ---- cells ---- */

static size_t digits_of(const char *text)
{
	return strspn(text, DIGITS);
}

static bool is_number(const char *text)
{
	size_t n, whole;

	text += strspn(text, "<>") == 1 ? (text[1] == '=' ? 2 : 1) : 0;
	text += *text == '+' || *text == '-';
	whole = digits_of(text);
	if (whole < 1 || whole >= EMR_NUMBER_DIGITS_MAX)
		return false;
	text += whole;
	if (*text == '.') {
		n = digits_of(++text);
		if (n < 1 || whole + n > EMR_NUMBER_DIGITS_MAX)
			return false;
		text += n;
	}
	return *text == '\0';
}

static uint32_t two_digits(const char *text)
{
	return (uint32_t)(10 * (text[0] - '0') + text[1] - '0');
}

/* 1994-01-26, 1994-01-26T10:15, 1994-01-26T10:15:00.5 */
static bool is_date(const protocol_look *rules, const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t len = strlen(text), whole = len < sizeof form - 1 ? len : sizeof form - 1;
	uint32_t year;

	if (rules->rules.without_dates || (len != 10 && len != 16 && len < sizeof form - 1))
		return false;
	for (size_t i = 0; i < whole; i++)
		if (form[i] == 'd' ? digits_of(text + i) == 0 : text[i] != form[i])
			return false;
	if (len > whole && (text[whole] != '.' || len > whole + 7 || len < whole + 2 ||
				   digits_of(text + whole + 1) != len - whole - 1))
		return false;
	year = 100 * two_digits(text) + two_digits(text + 2);
	return year + MOVED_YEARS <= rules->year && two_digits(text + 5) - 1 < 12 &&
	       two_digits(text + 8) - 1 < 31;
}

/* A day is parted by signs: each part is a number, or three letters of a month. */
static bool is_parted_day(const char *text)
{
	size_t parts = 0;

	while (*(text += strspn(text, "._%/+-")) != '\0') {
		const size_t digits = strspn(text, DIGITS), all = strspn(text, LETTERS DIGITS);

		if (digits != all && (all != 3 || strspn(text, LETTERS) != 3))
			return false;
		parts++;
		text += all;
	}
	return parts >= 3;
}

static bool is_any_code(const char *text)
{
	size_t len = strlen(text), all_digits = 0, letters = 0;
	size_t most = strpbrk(text, DIGITS) != NULL ? EMR_CODE_LETTERS_MAX : 1;

	if (len > 16 || strspn(text, LETTERS DIGITS "._%/+-") != len ||
		(strchr("+-", text[0]) != NULL && strspn(text, "+-") != len) || is_parted_day(text))
		return false;
	for (; *text != '\0'; text++) {
		letters += strchr(LETTERS, *text) != NULL;
		if (strchr("/" DIGITS, *text) != NULL)
			letters = 0;
		if (letters > most || digits_of(text) > 4)
			return false;
		all_digits += digits_of(text) > 0;
		if (all_digits > 0)
			most = EMR_CODE_LETTERS_MAX - 1;
	}
	return all_digits <= EMR_CODE_DIGITS_MAX;
}

static bool is_cell(const table *t)
{
	const csv_columns *columns = &t->rules->columns;
	uint8_t which = t->column[t->at];
	char sought[sizeof t->cell + 2];

	if (t->cell[0] == '\0')
		return true;
	switch (columns->list[which].kind) {
	case EMR_COLUMN_NUMBER:
		return is_number(t->cell);
	case EMR_COLUMN_DATE:
		return is_date(t->rules, t->cell);
	default:
		if (columns->list[which].words[0] == '\0')
			return is_any_code(t->cell);
		snprintf(sought, sizeof sought, "|%s|", t->cell);
		return strchr(t->cell, '|') == NULL &&
		       strstr(columns->list[which].words, sought) != NULL;
	}
}

/* One that the terms name, as they spell it, and that was not there before. */
static bool is_head(table *t)
{
	const csv_columns *columns = &t->rules->columns;
	uint32_t which = 0;

	while (which < columns->count && strcmp(columns->list[which].name, t->cell) != 0)
		which++;
	if (which == columns->count || t->at == EMR_COLUMNS_MAX)
		return false;
	for (uint32_t i = 0; i < t->at; i++)
		if (t->column[i] == which)
			return false;
	t->column[t->at] = (uint8_t)which;
	return true;
}

/* ---- rows ---- */

static bool end_cell(table *t)
{
	bool is_fine;

	if (t->len >= sizeof t->cell || (!t->is_first_row && t->at >= t->n))
		return false;
	t->cell[t->len] = '\0';
	is_fine = strlen(t->cell) == t->len && (t->is_first_row ? is_head(t) : is_cell(t));
	t->at++;
	t->len = 0;
	return is_fine;
}

static bool end_row(table *t)
{
	if (!end_cell(t))
		return false;
	if (t->is_first_row)
		t->n = t->at;
	if (t->at != t->n)
		return false;
	t->is_first_row = false;
	t->at = 0;
	return true;
}

static bool take_byte(table *t, char byte)
{
	if (byte == '\n')
		return end_row(t);
	if (byte == ',' || byte == ';' || byte == '\t') {
		if (t->separator == 0 && t->is_first_row)
			t->separator = byte;
		return byte == t->separator && end_cell(t);
	}
	if (t->len < sizeof t->cell)
		t->cell[t->len++] = byte;
	return t->len < sizeof t->cell;
}

emr_withheld scan_table(flat_file *f, const protocol_look *rules)
{
	table t = {.rules = rules, .is_first_row = true};

	if (rules->columns.count == 0)
		return EMR_WITHHELD_NOT_DICOM;
	if (f->size > EMR_TABLE_MAX_BYTES)
		return EMR_WITHHELD_LARGE_TABLE;
	for (uint64_t at = 0; at < f->size;) {
		size_t len = f->size - at < PIECE ? (size_t)(f->size - at) : PIECE;
		const uint8_t *p = flat_bytes(f, at, len);

		if (p == NULL)
			return EMR_WITHHELD_DAMAGED;
		for (size_t i = 0; i < len; i++)
			if (!take_byte(&t, (char)p[i]))
				return EMR_WITHHELD_FOUND_AGAIN;
		at += len;
	}
	/* The last row has its end, too. */
	return t.is_first_row || t.at > 0 || t.len > 0 ? EMR_WITHHELD_FOUND_AGAIN
						       : EMR_WITHHELD_NOT;
}

emr_withheld scan_file(flat_file *f, const protocol_look *rules)
{
	const uint8_t *p;
	emr_withheld why = headed_scan(
		f, &(headed_rules){rules->rules.with_formats, rules->rules.with_faces, NULL});

	if (why != EMR_WITHHELD_NOT_DICOM)
		return why;
	p = f->size >= 132 ? flat_bytes(f, 0, 132) : NULL;
	/* A cell of a table may stand there, too; a copy of a picture begins with zeros. */
	if (rules->columns.count == 0 ||
		(p != NULL && p[0] == '\0' && memcmp(p + 128, "DICM", 4) == 0))
		return scan_dicom(f, rules);
	return scan_table(f, rules);
}
