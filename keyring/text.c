/* This file decides which text of strangers may be shown to people: names on cards, labels,
 * reasons. It refuses broken UTF-8, and characters that hide, turn or end the text around them. */
#include "part_private.h"

size_t emr_utf8_len(const uint8_t *text, size_t left)
{
	size_t n = text[0] < 0x80			? 1
		   : text[0] >= 0xc2 && text[0] < 0xe0	? 2
		   : (text[0] & 0xf0) == 0xe0		? 3
		   : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
							: 0;

	/* Overlong forms, surrogates and numbers beyond U+10FFFF are none. */
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return n;
}

/* The number of the character of N bytes at TEXT. */
static uint32_t code_point(const uint8_t *text, size_t n)
{
	uint32_t code = n == 1 ? text[0] : text[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		code = code << 6 | (text[i] & 0x3fu);
	return code;
}

/* Controls, line and paragraph separators, and what turns or hides the text around it (Unicode's
 * bidirectional marks, embeddings, overrides and isolates; zero-width space, word joiner, byte
 * order mark; soft hyphen, joiner of graphemes, fillers of Hangul).  The zero-width joiners stay:
 * Persian and Indic names need them. */
bool emr_utf8_misleads(const uint8_t *text, size_t len, uint32_t *out_code)
{
	uint32_t code = code_point(text, len);

	*out_code = code;
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x00ad || code == 0x034f ||
	       code == 0x061c || code == 0x115f || code == 0x1160 || code == 0x3164 ||
	       code == 0xffa0 || code == 0x200b || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
	       (code >= 0xe0000 && code <= 0xe007f);
}

bool emr_text_ok(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t code;

	for (size_t n; len > 0; at += n, len -= n) {
		n = emr_utf8_len(at, len);
		if (n == 0 || emr_utf8_misleads(at, n, &code))
			return false;
	}
	return true;
}

/* Blanks of Unicode (White_Space) that are no controls. */
static bool is_blank(uint32_t code)
{
	return code == ' ' || code == 0x00a0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x202f || code == 0x205f ||
	       code == 0x3000;
}

bool emr_text_is_trimmed(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	bool is_first = true, was_blank = false;

	for (size_t n; len > 0; at += n, len -= n, is_first = false) {
		n = emr_utf8_len(at, len);
		if (n == 0)
			return false;
		was_blank = is_blank(code_point(at, n));
		if (is_first && was_blank)
			return false;
	}
	return !was_blank;
}
