/* This file reads the numbers of tables as all numbers of their column are written: a comma is a
 * decimal mark or stands between thousands, and which of both no number says alone. A number that
 * could be a thousand times as much is none. */
#include <string.h>

#include "csv.h"

/* The digits that stay of a fraction of LEN digits behind WHOLE of them, LEADING of these zeros; 0:
 * none. A small number of which hardly a digit would be left is none. */
static size_t digits_kept(const char *fraction, size_t len, size_t whole, size_t leading)
{
	size_t most = EMR_NUMBER_DIGITS_MAX - whole;

	if (len <= most)
		return len;
	return leading == whole && strspn(fraction, "0") > 2 ? 0 : most;
}

/* How a number uses its marks; of the comma, and one bit further of the point.  OPEN: "1,234". */
enum { DECIMAL = 1, THOUSANDS = 4, OPEN = 16, PLAIN = 64 };

/* 1,234,567: groups of three behind the first. */
static bool are_groups(const char *at, size_t len, char mark)
{
	size_t first = strspn(at, "0123456789");

	if (first < 1 || first > 3 || (len - first) % 4 != 0)
		return false;
	for (size_t i = first; i < len; i += 4)
		if (at[i] != mark || strspn(at + i + 1, "0123456789") < 3)
			return false;
	return true;
}

/* 0: no number. */
static unsigned spelling_of(const char *at)
{
	size_t len = strlen(at), tail = 0, last;
	unsigned which;

	if (!is_digit(at[0]) || strspn(at, "0123456789,.") != len)
		return 0;
	while (tail < len && is_digit(at[len - 1 - tail]))
		tail++;
	if (tail == len || tail == 0)
		return tail == len ? PLAIN : 0;
	last = len - 1 - tail;
	which = at[last] == '.';
	if (memchr(at, at[last], last) != NULL)
		return are_groups(at, len, at[last]) ? THOUSANDS << which : 0;
	if (memchr(at, ".,"[which], last) != NULL)
		return are_groups(at, last, ".,"[which]) ? DECIMAL << which | THOUSANDS << !which
							 : 0;
	return tail == 3 && last <= 3 && at[0] != '0' ? OPEN << which : DECIMAL << which;
}

/* The decimal mark of a number spelt so in a column of which all numbers say ALL; 0: none.  False:
 * it could be a thousand times as much.  A point is a decimal one where nothing says otherwise, but
 * not in a table with semicolons, which people write who use the comma for that. */
static bool find_mark(unsigned spelling, unsigned all, char separator, char *out)
{
	unsigned which = (spelling & (OPEN | DECIMAL) << 1) != 0, decimal, thousands;

	*out = (spelling & (DECIMAL | DECIMAL << 1)) != 0 ? ",."[which] : '\0';
	if ((spelling & (OPEN | OPEN << 1)) == 0)
		return true;
	decimal = all & (DECIMAL << which | THOUSANDS << !which);
	thousands = all & (THOUSANDS << which | DECIMAL << !which);
	if (thousands == 0 && (decimal != 0 || (which == 1 && separator != ';')))
		*out = ",."[which];
	return *out != '\0' || (thousands != 0 && decimal == 0);
}

/* Behind what a number may begin with; "=5" is a formula. */
static size_t sign_of(const char *text)
{
	const char *at = text + (text[0] == '<' || text[0] == '>');

	if (at > text && *at == '=')
		at++;
	return (size_t)(at - text) + (*at == '+' || *at == '-');
}

unsigned csv_number_spelling(const char *text)
{
	return spelling_of(text + sign_of(text));
}

/* "<5,25" is "<5.25". No instrument measures more than seven digits, and what has more is a number
 * of a person, or the last bits of a computation: neither stays. */
bool csv_take_number(char *text, unsigned all, char separator)
{
	char *at = text + sign_of(text), *to = at, decimal;
	unsigned spelling = spelling_of(at);
	size_t whole, leading, digits;

	if (spelling == 0 || !find_mark(spelling, all, separator, &decimal))
		return false;
	for (const char *from = at; *from != '\0'; from++)
		if (is_digit(*from) || *from == decimal)
			*to++ = *from == decimal ? '.' : *from;
	*to = '\0';
	whole = strspn(at, "0123456789");
	leading = strspn(at, "0");
	if (whole >= EMR_NUMBER_DIGITS_MAX)
		return false;
	at += whole;
	if (*at == '\0')
		return true;
	digits = digits_kept(at + 1, strlen(at + 1), whole, leading);
	at[1 + digits] = '\0';
	return digits > 0;
}
