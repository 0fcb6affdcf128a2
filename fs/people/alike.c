/* This file says in which character a name that was typed differs from one that looks the same: a
 * blank that does not break, a letter of another alphabet, a character that does not show. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "kit/verbs.h"
#include "people_private.h"

/* The number of the character at AT, small letters for capitals; *OUT_LEN its bytes, 0 at the end.
 */
static uint32_t character_at(const char *at, size_t *out_len)
{
	const uint8_t *b = (const uint8_t *)at;
	size_t len = b[0] == '\0' ? 0 : emr_utf8_len(b, strlen(at));
	uint32_t code = len > 1 ? b[0] & (0x7fu >> len) : (uint32_t)tolower(b[0]);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (b[i] & 0x3fu);
	*out_len = len;
	return code;
}

/* A letter for each character, "?" for those beside ASCII: what is far by letters looks otherwise.
 */
static void put_letters(const char *text, char *out, size_t size)
{
	size_t len, n = 0;

	for (uint32_t code = character_at(text, &len); len > 0 && n + 1 < size;
		code = character_at(text, &len)) {
		out[n++] = code < 0x80 ? (char)code : '?';
		text += len;
	}
	out[n] = '\0';
}

static void put_number(uint32_t code, char out[16])
{
	snprintf(out, 16, code == 0 ? "-" : "U+%04X", (unsigned)code);
}

static bool are_alike(const char *typed, const char *known, char *out_what, size_t size)
{
	char one[64], other[64], a_number[16], b_number[16];
	size_t a_len, b_len;
	uint32_t a, b;

	put_letters(typed, one, sizeof one);
	put_letters(known, other, sizeof other);
	if (emr_args_far(one, other) == EMR_ARGS_FAR)
		return false;
	do {
		a = character_at(typed, &a_len);
		b = character_at(known, &b_len);
		typed += a_len;
		known += b_len;
	} while (a == b && a_len > 0);
	if (a < 0x80 && b < 0x80) /* that is seen */
		return false;
	put_number(a, a_number);
	put_number(b, b_number);
	snprintf(out_what, size, _("%s where there is %s"), a_number, b_number);
	return true;
}

void emr_person_unknown(
	const emr_book *book, const char *typed, const char *near, emr_problem *out_problem)
{
	char what[80];

	for (size_t i = 0; i < book->n; i++)
		if (are_alike(typed, book->people[i].who, what, sizeof what)) {
			emr_problem_set(out_problem, EMR_SAY_UNKNOWN_PERSON_ALIKE, "who", typed,
				"name", book->people[i].who, "what", what, NULL);
			return;
		}
	if (near[0] != '\0')
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_PERSON_NEAR, "who", typed, "names",
			near, NULL);
	else
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_PERSON, "who", typed, NULL);
}
