/* This file turns text of files into clean, short UTF-8, without control characters, and dates
 * into one form. It refuses dates that do not exist. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "base/day.h"

text_sink text_begin(char out[EMR_HEADER_TEXT_MAX + 1])
{
	out[0] = '\0';
	return (text_sink){.text = out};
}

static size_t utf8_of(uint32_t c, char out[4])
{
	const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(len == 1 ? c : 0xf00 >> len | c);
	return len;
}

void text_put(text_sink *sink, uint32_t c)
{
	char bytes[5] = " ";
	size_t from = sink->wants_space ? 0 : 1, len;

	if (c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || c == 0x2028 || c == 0x2029) {
		sink->wants_space = sink->len > 0;
		return;
	}
	if (sink->is_full || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfeff ||
		(c & 0xfffe) == 0xfffe) /* control characters */
		return;
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	len = 1 + utf8_of(c, bytes + 1) - from;
	if (sink->len + len > EMR_HEADER_TEXT_MAX) {
		sink->is_full = true;
		return;
	}
	memcpy(sink->text + sink->len, bytes + from, len);
	sink->len += len;
	sink->text[sink->len] = '\0';
	sink->wants_space = false;
}

/* RFC 3629: shortest form, no surrogates, nothing above U+10FFFF.  Length of the character at
 * BYTES, 0 if there is none. */
static size_t decode_one(emr_bytes bytes, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = bytes.data[0];
	size_t len = first < 0x80   ? 1
		     : first < 0xc2 ? 0
		     : first < 0xe0 ? 2
		     : first < 0xf0 ? 3
		     : first < 0xf5 ? 4
				    : 0;
	uint32_t c = len == 1 ? first : first & (0xffu >> (len + 1));

	if (len == 0 || len > bytes.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes.data[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return len;
}

bool text_put_utf8(text_sink *sink, emr_bytes bytes)
{
	while (bytes.len > 0) {
		uint32_t c;
		size_t len = decode_one(bytes, &c);

		if (len == 0)
			return false;
		text_put(sink, c);
		bytes = emr_bytes_of(bytes.data + len, bytes.len - len);
	}
	return true;
}

bool text_is_utf8(emr_bytes bytes)
{
	char unused[EMR_HEADER_TEXT_MAX + 1];
	text_sink sink = text_begin(unused);

	return text_put_utf8(&sink, bytes);
}

/* ---- dates ---- */

/* N digits at *TEXT as a number, -1 when they are not there. */
static int take_digits(emr_bytes *text, size_t n)
{
	int number = 0;

	if (text->len < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return -1;
		number = number * 10 + (text->data[i] - '0');
	}
	*text = emr_bytes_of(text->data + n, text->len - n);
	return number;
}

void date_take(emr_bytes text, char out[EMR_HEADER_TEXT_MAX + 1])
{
	int parts[3], most = 9999; /* year, month, day */
	char *at = out;

	out[0] = '\0';
	while (text.len > 0 && text.data[0] == ' ')
		text = emr_bytes_of(text.data + 1, text.len - 1);
	for (int i = 0; i < 3; i++) {
		if (i > 0 && text.len > 0 && (text.data[0] == '-' || text.data[0] == '.'))
			text = emr_bytes_of(text.data + 1, text.len - 1);
		parts[i] = take_digits(&text, i == 0 ? 4 : 2);
		if (parts[i] < 1 || parts[i] > most)
			return;
		at += sprintf(at, i == 0 ? "%04d" : "-%02d", parts[i]);
		most = i == 0 ? 12 : emr_day_count(parts[0], parts[1]);
	}
}
