/* This file recognises DICOM, PDF, FHIR and other medical files by their first bytes, and takes
 * patient, date and description from their headers. What it keeps is clean text only, because
 * files come from anybody. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

/* ---- what a file is ---- */

#define SNIFF_BYTES ((size_t)512)

static size_t first_visible(emr_bytes bytes)
{
	size_t at = bytes.len >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < bytes.len &&
		(bytes.data[at] == ' ' || (bytes.data[at] >= 9 && bytes.data[at] <= 13)))
		at++;
	return at;
}

static bool has_text(emr_bytes bytes, const char *text)
{
	return bytes.len > 0 && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

static emr_status read_json(const emr_header_source *source, size_t from, emr_headers *out)
{
	EMR_AUTO_FREE uint8_t *file = NULL;
	emr_status status;
	size_t got = 0;

	if (source->size > JSON_BYTES_MAX)
		return EMR_OK;
	file = malloc((size_t)source->size + 1);
	if (file == NULL)
		return EMR_NO_MEMORY;
	status = source->read(source->arg, 0, file, (size_t)source->size, &got);
	if (status != EMR_OK || from > got)
		return status;
	if (has_text(emr_bytes_of(file, got), "\"resourceType\"") &&
		!fhir_json_read(emr_bytes_of(file + from, got - from), out))
		*out = (emr_headers){0};
	return EMR_OK;
}

/* From the first 64 KiB. */
static emr_status read_head(
	const emr_header_source *source, bool is_dicom, size_t from, emr_headers *out)
{
	EMR_AUTO_FREE uint8_t *head = malloc(HEAD_BYTES);
	emr_status status;
	size_t got = 0;

	if (head == NULL)
		return EMR_NO_MEMORY;
	status = source->read(source->arg, 0, head, HEAD_BYTES, &got);
	if (status != EMR_OK || from > got)
		return status;
	if (!is_dicom)
		return markup_read(emr_bytes_of(head + from, got - from), out);
	dicom_read(emr_bytes_of(head, got), out);
	return EMR_OK;
}

emr_status emr_headers_read(const emr_header_source *source, emr_headers *out)
{
	uint8_t start[SNIFF_BYTES];
	size_t got = 0, from;
	emr_headers found = {0};
	emr_status status = source->read(source->arg, 0, start, sizeof start, &got);
	emr_bytes bytes = emr_bytes_of(start, got);

	if (status != EMR_OK)
		return status;
	from = first_visible(bytes);
	if (got >= 132 && memcmp(start + 128, "DICM", 4) == 0)
		status = read_head(source, true, 0, &found);
	else if (has_text(bytes, "%PDF-"))
		status = pdf_read(source, &found);
	else if (from < got && start[from] == '{')
		status = read_json(source, from, &found);
	else if (from < got && start[from] == '<')
		status = read_head(source, false, from, &found);
	if (status == EMR_OK)
		*out = found;
	return status;
}

static emr_status read_memory(void *arg, uint64_t at, void *data, size_t len, size_t *out_len)
{
	const emr_bytes *file = arg;
	size_t left = at < file->len ? file->len - (size_t)at : 0;

	*out_len = len < left ? len : left;
	if (*out_len > 0)
		memcpy(data, file->data + at, *out_len);
	return EMR_OK;
}

emr_status emr_headers_read_bytes(emr_bytes file, emr_headers *out)
{
	emr_header_source source = {.read = read_memory, .arg = &file, .size = file.len};

	return emr_headers_read(&source, out);
}

/* ---- as bytes ---- */

#define FIELDS 4

static char *field_of(emr_headers *headers, int tag)
{
	return tag == 1	  ? headers->modality
	       : tag == 2 ? headers->study_date
	       : tag == 3 ? headers->description
			  : headers->organisation;
}

emr_status emr_headers_encode(const emr_headers *headers, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	emr_headers copy = *headers;

	if (headers->kind < EMR_HEADER_DICOM || headers->kind > EMR_HEADER_CDA)
		return EMR_INVALID;
	emr_write_u8(&w, 1);
	emr_write_u8(&w, (uint8_t)headers->kind);
	for (int tag = 1; tag <= FIELDS; tag++) {
		size_t len = strnlen(field_of(&copy, tag), EMR_HEADER_TEXT_MAX);

		if (len == 0)
			continue;
		emr_write_u8(&w, (uint8_t)tag);
		emr_write_u8(&w, (uint8_t)len);
		emr_write_bytes(&w, (const uint8_t *)field_of(&copy, tag), len);
	}
	return w.status;
}

/* TEXT is what collecting it again would give: sound UTF-8, no control characters, trimmed. */
static bool is_clean(emr_bytes text)
{
	char again[EMR_HEADER_TEXT_MAX + 1];
	text_sink sink = text_begin(again);

	return text_put_utf8(&sink, text) && strlen(again) == text.len &&
	       memcmp(again, text.data, text.len) == 0;
}

static bool read_field(emr_reader *r, int *last, emr_headers *out)
{
	int tag = emr_read_u8(r);
	emr_bytes text = emr_read_bytes(r, emr_read_u8(r));
	char date[EMR_HEADER_TEXT_MAX + 1];

	if (r->bad || tag <= *last || tag > FIELDS || text.len == 0 ||
		text.len > EMR_HEADER_TEXT_MAX || !is_clean(text))
		return false;
	*last = tag;
	memcpy(field_of(out, tag), text.data, text.len);
	field_of(out, tag)[text.len] = '\0';
	if (tag != 2)
		return true;
	date_take(text, date);
	return strcmp(date, out->study_date) == 0;
}

emr_status emr_headers_decode(emr_bytes bytes, emr_headers *out)
{
	emr_reader r = emr_reader_of(bytes);
	emr_headers headers = {0};
	uint8_t version = emr_read_u8(&r), kind = emr_read_u8(&r);
	int last = 0;

	if (version > 1)
		return emr_newer_format(version, 1);
	if (r.bad || version != 1 || kind < EMR_HEADER_DICOM || kind > EMR_HEADER_CDA)
		return EMR_DAMAGED;
	headers.kind = (emr_header_kind)kind;
	while (r.left > 0)
		if (!read_field(&r, &last, &headers))
			return EMR_DAMAGED;
	*out = headers;
	return EMR_OK;
}

const char *emr_header_kind_text(emr_header_kind kind)
{
	switch (kind) {
	case EMR_HEADER_NONE:
		return "";
	case EMR_HEADER_DICOM:
		return "dicom";
	case EMR_HEADER_PDF:
		return "pdf";
	case EMR_HEADER_FHIR:
		return "fhir";
	case EMR_HEADER_CDA:
		return "cda";
	}
	return "";
}
