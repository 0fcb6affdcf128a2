/* This file writes what a file's headers say as the bytes that are kept with its record, and
 * reads them back. What it reads comes out as clean text only, whoever wrote the bytes. */
#include "parts.h"

#include <string.h>

#include "base/codec.h"

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
