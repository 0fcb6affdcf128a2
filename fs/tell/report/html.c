/* This file writes text, names, links and numbers into the HTML report. Names of files are
 * escaped and cannot become markup, nor turn or hide the text around them. */
#include "report/html.h"

#include <string.h>

#include "keyring/card.h"
#include "kit/language.h"
#include "kit/text.h"

static void put_character(FILE *to, const unsigned char *u, size_t n)
{
	uint32_t c;
	bool is_hidden = emr_utf8_misleads(u, n, &c);

	if (c == '&')
		fputs("&amp;", to);
	else if (c == '<')
		fputs("&lt;", to);
	else if (c == '>')
		fputs("&gt;", to);
	else if (c == '"')
		fputs("&quot;", to);
	else if (c == '\'')
		fputs("&#39;", to);
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		fputs("\xef\xbf\xbd", to);
	else if (is_hidden)
		fprintf(to, "[U+%04X]", (unsigned)c);
	else
		fwrite(u, 1, n, to);
}

void emr_html_text(FILE *to, const char *text)
{
	const unsigned char *u = (const unsigned char *)text;

	while (*u != '\0') {
		size_t n = emr_utf8_len(u, 4); /* a NUL ends it before */

		if (n == 0)
			fputs("\xef\xbf\xbd", to);
		else
			put_character(to, u, n);
		u += n > 0 ? n : 1;
	}
}

void emr_html_name(FILE *to, const char *text)
{
	/* Left to right as a whole, so that the ending of a name stays at its end. */
	fputs("<bdi dir=\"ltr\">", to);
	emr_html_text(to, text);
	fputs("</bdi>", to);
}

void emr_html_href(FILE *to, const char *path)
{
	for (const unsigned char *u = (const unsigned char *)path; *u != '\0'; u++) {
		bool is_plain = (*u >= 'a' && *u <= 'z') || (*u >= 'A' && *u <= 'Z') ||
				(*u >= '0' && *u <= '9') || strchr("-._~/", *u) != NULL;

		if (is_plain)
			fputc(*u, to);
		else
			fprintf(to, "%%%02X", *u);
	}
}

void emr_html_number(FILE *to, uint64_t number)
{
	char text[EMR_TEXT_BYTES];

	emr_number_text(number, text);
	fputs(text, to);
}

void emr_html_size(FILE *to, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
	double scaled = (double)bytes;
	int unit = 0;

	while (scaled >= 999.5 && unit < 5) {
		scaled /= 1000;
		unit++;
	}
	if (unit == 0)
		emr_html_counted(to, bytes, "%s byte", "%s bytes");
	else if (scaled < 9.95)
		fprintf(to, "%u%.3s%u %s", (unsigned)(scaled * 10 + 0.5) / 10,
			emr_text_as("before decimals", "."), (unsigned)(scaled * 10 + 0.5) % 10,
			units[unit]);
	else
		fprintf(to, "%.0f %s", scaled, units[unit]);
}

void emr_html_time(FILE *to, uint64_t unix_s)
{
	char text[EMR_TEXT_BYTES];

	emr_time_text((int64_t)unix_s, text);
	fputs(text, to);
}

void emr_html_day(FILE *to, uint64_t unix_s)
{
	char text[EMR_TEXT_BYTES];
	char *space;

	emr_time_text((int64_t)unix_s, text);
	space = strrchr(text, ' ');
	if (space != NULL)
		*space = '\0';
	fputs(text, to);
}

void emr_html_date(FILE *to, const char *date)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	bool is_english = strcmp(emr_language_now(), "en") == 0;
	unsigned year, month, day = 0;
	int n = sscanf(date, "%4u-%2u-%2u", &year, &month, &day);

	if (n < 2 || month < 1 || month > 12 || !is_english) /* elsewhere as it is written */
		emr_html_text(to, date);
	else if (n == 2)
		fprintf(to, "%.3s %u", months + (month - 1) * 3, year);
	else
		fprintf(to, "%u %.3s %u", day, months + (month - 1) * 3, year);
}

void emr_html_count(FILE *to, uint64_t n, const char *one, const char *many)
{
	char text[EMR_COUNT_BYTES];

	emr_count_text(n, one, many, text);
	fputs(text, to);
}

void emr_html_counted(FILE *to, uint64_t n, const char *one, const char *many)
{
	const char *text = emr_text_of(n, one, many), *at = strstr(text, "%s");

	fprintf(to, "%.*s", (int)(at != NULL ? (size_t)(at - text) : strlen(text)), text);
	if (at == NULL)
		return;
	emr_html_number(to, n);
	fputs(at + 2, to);
}

static const emr_html_piece *piece_called(
	const emr_html_piece *pieces, const char *name, size_t len)
{
	for (; pieces->name != NULL; pieces++)
		if (strlen(pieces->name) == len && memcmp(pieces->name, name, len) == 0)
			return pieces;
	return NULL;
}

static void put_piece(FILE *to, const emr_html_piece *piece)
{
	if (piece->put_text != NULL)
		piece->put_text(to, piece->text);
	else if (piece->put_number != NULL)
		piece->put_number(to, piece->number);
	else if (piece->put != NULL)
		piece->put(to, piece->what);
}

void emr_html_say(FILE *to, const char *sentence, const emr_html_piece *pieces)
{
	while (*sentence != '\0') {
		const char *end = *sentence == '{' ? strchr(sentence, '}') : NULL;
		const emr_html_piece *piece = end != NULL ? piece_called(pieces, sentence + 1,
								    (size_t)(end - sentence - 1))
							  : NULL;

		if (piece == NULL) {
			fputc(*sentence++, to);
			continue;
		}
		put_piece(to, piece);
		sentence = end + 1;
	}
}
