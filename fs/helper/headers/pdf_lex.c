/* This file splits a PDF into its words, as far as its title and dates need it. Every step stays
 * inside the given bytes and the depth is bounded, because PDFs come from anybody. */
#include "pdf_lex.h"

#include <string.h>

#define NESTING_MAX 32

static bool is_space(uint8_t c)
{
	return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32;
}

static bool is_delimiter(uint8_t c)
{
	return c != 0 && strchr("()<>[]{}/%", c) != NULL;
}

static emr_bytes lexer_take(pdf_lexer *l, size_t n)
{
	emr_bytes taken = emr_bytes_of(l->at, n);

	l->at += n;
	l->left -= n;
	return taken;
}

static void skip_space(pdf_lexer *l)
{
	while (l->left > 0 && (is_space(*l->at) || *l->at == '%')) {
		bool is_comment = *l->at == '%';

		(void)lexer_take(l, 1);
		while (is_comment && l->left > 0 && *l->at != '\n' && *l->at != '\r')
			(void)lexer_take(l, 1);
	}
}

static size_t regular_len(const pdf_lexer *l)
{
	size_t len = 0;

	while (len < l->left && !is_space(l->at[len]) && !is_delimiter(l->at[len]))
		len++;
	return len;
}

/* Nested parentheses count, escaped ones do not. */
static pdf_token literal(pdf_lexer *l)
{
	unsigned depth = 1;

	for (size_t i = 1; i < l->left; i++) {
		uint8_t c = l->at[i];

		if (c == '\\') {
			i++;
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		if (depth == 0) {
			emr_bytes whole = lexer_take(l, i + 1);

			return (pdf_token){
				.kind = PDF_STRING, .text = emr_bytes_of(whole.data + 1, i - 1)};
		}
	}
	return (pdf_token){.kind = PDF_END};
}

static pdf_token hex(pdf_lexer *l)
{
	const uint8_t *end = memchr(l->at, '>', l->left);
	emr_bytes whole;

	if (end == NULL)
		return (pdf_token){.kind = PDF_END};
	whole = lexer_take(l, (size_t)(end - l->at) + 1);
	return (pdf_token){.kind = PDF_HEX, .text = emr_bytes_of(whole.data + 1, whole.len - 2)};
}

static pdf_token word(pdf_lexer *l)
{
	pdf_token token = {.kind = PDF_NUMBER, .text = lexer_take(l, regular_len(l))};

	if (token.text.len == 0)
		return (pdf_token){.kind = PDF_END};
	for (size_t i = 0; i < token.text.len; i++) {
		if (token.text.data[i] < '0' || token.text.data[i] > '9' || i > 17)
			token.kind = PDF_WORD;
		token.number = token.number * 10 + (uint64_t)(token.text.data[i] - '0');
	}
	return token;
}

void pdf_next(pdf_lexer *l, pdf_token *out)
{
	*out = (pdf_token){.kind = PDF_END};
	skip_space(l);
	if (l->left == 0)
		return;
	switch (*l->at) {
	case '/':
		(void)lexer_take(l, 1);
		*out = (pdf_token){.kind = PDF_NAME, .text = lexer_take(l, regular_len(l))};
		return;
	case '(':
		*out = literal(l);
		return;
	case '<':
		if (l->left > 1 && l->at[1] == '<')
			*out = (pdf_token){.kind = PDF_OPEN, .text = lexer_take(l, 2)};
		else
			*out = hex(l);
		return;
	case '[':
		*out = (pdf_token){.kind = PDF_OPEN, .text = lexer_take(l, 1)};
		return;
	case '>':
		if (l->left > 1 && l->at[1] == '>')
			*out = (pdf_token){.kind = PDF_CLOSE, .text = lexer_take(l, 2)};
		return;
	case ']':
		*out = (pdf_token){.kind = PDF_CLOSE, .text = lexer_take(l, 1)};
		return;
	}
	*out = word(l);
}

bool pdf_token_is(const pdf_token *token, pdf_kind kind, const char *text)
{
	return token->kind == kind && token->text.len == strlen(text) &&
	       memcmp(token->text.data, text, token->text.len) == 0;
}

static bool skip_nested(pdf_lexer *l)
{
	unsigned depth = 1;
	pdf_token t;

	while (depth > 0) {
		pdf_next(l, &t);
		if (t.kind == PDF_END || depth > NESTING_MAX)
			return false;
		depth += t.kind == PDF_OPEN;
		depth -= t.kind == PDF_CLOSE;
	}
	return true;
}

bool pdf_next_entry(pdf_lexer *l, pdf_token *out_key, pdf_token *out_value, bool *out_is_reference)
{
	pdf_lexer ahead;
	pdf_token generation, letter;

	*out_is_reference = false;
	pdf_next(l, out_key);
	if (out_key->kind != PDF_NAME)
		return false;
	pdf_next(l, out_value);
	if (out_value->kind == PDF_END || out_value->kind == PDF_CLOSE)
		return false;
	if (out_value->kind == PDF_OPEN)
		return skip_nested(l);
	if (out_value->kind != PDF_NUMBER)
		return true;
	ahead = *l;
	pdf_next(&ahead, &generation);
	pdf_next(&ahead, &letter);
	if (generation.kind == PDF_NUMBER && pdf_token_is(&letter, PDF_WORD, "R")) {
		*out_is_reference = true;
		*l = ahead;
	}
	return true;
}

/* ---- text strings, 7.9.2 ---- */

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The byte at *AT of a literal string, escapes resolved; -1: nothing (a continued line). */
static int literal_byte(emr_bytes s, size_t *at)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	uint8_t c = s.data[(*at)++];
	const char *known;
	int octal = 0, digits = 0;

	if (c != '\\' || *at == s.len)
		return c;
	while (digits < 3 && *at < s.len && s.data[*at] >= '0' && s.data[*at] <= '7') {
		octal = octal * 8 + (s.data[(*at)++] - '0');
		digits++;
	}
	if (digits > 0)
		return octal & 0xff;
	c = s.data[(*at)++];
	known = c != 0 ? strchr(from, c) : NULL;
	if (c == '\r' && *at < s.len && s.data[*at] == '\n')
		(*at)++;
	return c == '\r' || c == '\n' ? -1 : known != NULL ? to[known - from] : c;
}

#define RAW_MAX ((size_t)4 * EMR_HEADER_TEXT_MAX)

static size_t raw_of(const pdf_token *string, uint8_t out[RAW_MAX])
{
	size_t at = 0, len = 0;

	while (at < string->text.len && len < RAW_MAX) {
		if (string->kind == PDF_STRING) {
			int byte = literal_byte(string->text, &at);

			if (byte >= 0)
				out[len++] = (uint8_t)byte;
			continue;
		}
		{
			int high = hex_digit(string->text.data[at++]), low = -1;

			if (high < 0)
				continue; /* white space */
			while (at < string->text.len && low < 0)
				low = hex_digit(string->text.data[at++]);
			out[len++] = (uint8_t)(high * 16 + (low < 0 ? 0 : low));
		}
	}
	return len;
}

static void put_utf16(text_sink *sink, const uint8_t *raw, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint32_t c = (uint32_t)raw[i] << 8 | raw[i + 1];

		if (c == 0x1b) { /* a language code, up to the next escape */
			for (i += 2; i + 1 < len && (raw[i] != 0 || raw[i + 1] != 0x1b);)
				i += 2;
			continue;
		}
		if (c >= 0xd800 && c < 0xdc00 && i + 3 < len && (raw[i + 2] & 0xfc) == 0xdc) {
			c = 0x10000 + ((c & 0x3ff) << 10) +
			    ((uint32_t)(raw[i + 2] & 3) << 8 | raw[i + 3]);
			i += 2;
		}
		text_put(sink, c);
	}
}

/* PDFDocEncoding is Latin-1 but for these (annex D.3). */
static uint32_t doc_encoding(uint8_t c)
{
	static const uint16_t low[] = {
		0x02d8, 0x02c7, 0x02c6, 0x02d9, 0x02dd, 0x02db, 0x02da, 0x02dc};
	static const uint16_t high[] = {0x2022, 0x2020, 0x2021, 0x2026, 0x2014, 0x2013, 0x0192,
		0x2044, 0x2039, 0x203a, 0x2212, 0x2030, 0x201e, 0x201c, 0x201d, 0x2018, 0x2019,
		0x201a, 0x2122, 0xfb01, 0xfb02, 0x0141, 0x0152, 0x0160, 0x0178, 0x017d, 0x0131,
		0x0142, 0x0153, 0x0161, 0x017e, 0xfffd, 0x20ac};

	if (c >= 0x18 && c < 0x20)
		return low[c - 0x18];
	return c >= 0x80 && c <= 0xa0 ? high[c - 0x80] : c;
}

void pdf_text(const pdf_token *string, char out[EMR_HEADER_TEXT_MAX + 1])
{
	uint8_t raw[RAW_MAX];
	text_sink sink = text_begin(out);
	size_t len;

	if (string->kind != PDF_STRING && string->kind != PDF_HEX)
		return;
	len = raw_of(string, raw);
	if (len >= 2 && raw[0] == 0xfe && raw[1] == 0xff) {
		put_utf16(&sink, raw + 2, len - 2);
	} else if (len >= 3 && memcmp(raw, "\xef\xbb\xbf", 3) == 0) {
		if (!text_put_utf8(&sink, emr_bytes_of(raw + 3, len - 3)) && len < RAW_MAX)
			out[0] = '\0';
	} else {
		for (size_t i = 0; i < len; i++)
			text_put(&sink, doc_encoding(raw[i]));
	}
}
