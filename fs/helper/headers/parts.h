/* This is what the readers of the formats share: text that is cleaned while it is collected,
 * dates, and the readers themselves, which belong into a process without keys: emrfs asks for them
 * by emr_header_reader, and links none of them. */
#pragma once

#include "headers/headers.h"
#include "helper/flat.h"

#define SNIFF_BYTES ((size_t)512)
#define HEAD_BYTES ((size_t)65536)
#define JSON_BYTES_MAX ((size_t)1 << 20)
#define PDF_BYTES_MAX ((size_t)64 << 20)

typedef enum header_form { FORM_NONE, FORM_DICOM, FORM_PDF, FORM_JSON } header_form;
/* START: the first SNIFF_BYTES of a file; OUT_FROM: where its first visible character stands. */
header_form headers_form(emr_bytes start, size_t *out_from);

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

/* "20040119...", "D:2004...", "2004-01-19T...": the leading date as YYYY, YYYY-MM or YYYY-MM-DD,
 * else "". */
void date_take(emr_bytes text, char out[EMR_HEADER_TEXT_MAX + 1]);

/* EMR_OK also for a file that is nothing of this (kind NONE) or breaks its format (what was read
 * before the break). Otherwise what the source said, or EMR_NO_MEMORY. */
emr_status emr_headers_read(const emr_header_source *source, emr_headers *out);
/* The same from bytes in memory. */
emr_status emr_headers_read_bytes(emr_bytes file, emr_headers *out);

/* Each fills what it finds; OUT->kind is set. */
void dicom_read(flat_file *head, emr_headers *out); /* its first HEAD_BYTES */
emr_status pdf_read(const emr_header_source *source, emr_headers *out);
/* False: JSON of another kind. */
bool fhir_json_read(emr_bytes file, emr_headers *out);
