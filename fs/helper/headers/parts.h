/* This is what reads headers: text that is cleaned while it is collected, dates, and the reader
 * itself, which belongs into a process without keys: emrfs asks for it by emr_header_reader, and
 * does not link it. */
#pragma once

#include "headers/headers.h"

/* Collects one field: white space runs become one space, control characters are left out, the end
 * is trimmed. */
typedef struct text_sink {
	char *text; /* EMR_HEADER_TEXT_MAX + 1 bytes */
	size_t len;
	bool wants_space, is_full;
} text_sink;

text_sink text_begin(char out[EMR_HEADER_TEXT_MAX + 1]);
/* Surrogates and numbers above U+10FFFF become U+FFFD. */
void text_put(text_sink *sink, uint32_t code_point);
/* False when BYTES are no UTF-8: then nothing more was taken. */
bool text_put_utf8(text_sink *sink, emr_bytes bytes);
bool text_is_utf8(emr_bytes bytes);

/* "20040119...", "2004-01-19T...": the leading date as YYYY, YYYY-MM or YYYY-MM-DD,
 * else "". */
void date_take(emr_bytes text, char out[EMR_HEADER_TEXT_MAX + 1]);

/* The headers in the first EMR_HEADERS_HEAD of a file; of one that breaks its format what was read
 * before the break. */
emr_status emr_headers_read_bytes(emr_bytes head, emr_headers *out);
/* By its first bytes; for the others no process is started. */
bool headers_may_be(emr_bytes head);
