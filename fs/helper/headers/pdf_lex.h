/* Tokens of PDF syntax (ISO 32000-1, 7.2 and 7.3) inside a run of bytes.  It refuses to follow
 * anything: no reference, no stream, no filter. */
#pragma once

#include "parts.h"

typedef enum pdf_kind {
	PDF_END,    /* or something that is no token */
	PDF_NAME,   /* without its slash, escapes as they stand */
	PDF_NUMBER, /* an unsigned integer; others are PDF_WORD */
	PDF_STRING, /* literal: what is between the parentheses */
	PDF_HEX,    /* what is between < and > */
	PDF_OPEN,   /* << or [ */
	PDF_CLOSE,  /* >> or ] */
	PDF_WORD,
} pdf_kind;

typedef struct pdf_token {
	pdf_kind kind;
	emr_bytes text;
	uint64_t number;
} pdf_token;

typedef struct pdf_lexer {
	const uint8_t *at;
	size_t left;
} pdf_lexer;

static inline pdf_lexer pdf_lexer_of(emr_bytes bytes)
{
	return (pdf_lexer){.at = bytes.data, .left = bytes.len};
}
void pdf_next(pdf_lexer *lexer, pdf_token *out);
bool pdf_token_is(const pdf_token *token, pdf_kind kind, const char *text);

/* The next key and value of the dictionary that LEXER is inside of; false at its end.  Of an array
 * or dictionary as value only the PDF_OPEN is given; of a reference its object number, with
 * *OUT_IS_REFERENCE. */
bool pdf_next_entry(
	pdf_lexer *lexer, pdf_token *out_key, pdf_token *out_value, bool *out_is_reference);

/* A string's text: UTF-16BE or UTF-8 by its mark, else PDFDocEncoding.  Other kinds of token give
 * "". */
void pdf_text(const pdf_token *string, char out[EMR_HEADER_TEXT_MAX + 1]);
