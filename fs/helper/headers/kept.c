/* This file writes what a file's headers say as the bytes that are kept with its record, and reads
 * them back. It gives out clean text only, also where an attacker wrote the bytes. */
#include "parts.h"

#include <stddef.h>
#include <string.h>

#include "base/codec.h"

static const struct {
	const char *name;
	size_t at; /* in emr_headers */
} fields[EMR_HEADER_FIELDS] = {
	{"modality", offsetof(emr_headers, modality)},
	{"study_date", offsetof(emr_headers, study_date)},
	{"description", offsetof(emr_headers, description)},
	{"organisation", offsetof(emr_headers, organisation)},
	{"patient_name", offsetof(emr_headers, patient_name)},
	{"patient_id", offsetof(emr_headers, patient_id)},
	{"study_uid", offsetof(emr_headers, study_uid)},
	{"series_uid", offsetof(emr_headers, series_uid)},
	{"instance_uid", offsetof(emr_headers, instance_uid)},
	{"class_uid", offsetof(emr_headers, class_uid)},
};

void emr_headers_leave_out_patient(emr_headers *headers)
{
	headers->patient_name[0] = headers->patient_id[0] = headers->study_uid[0] =
		headers->series_uid[0] = headers->instance_uid[0] = '\0';
}

/* TAG counts from 1. */
static const char *field_of(const emr_headers *headers, int tag)
{
	return (const char *)headers + fields[tag - 1].at;
}

emr_status emr_headers_encode(const emr_headers *headers, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (headers->kind < EMR_HEADER_DICOM || headers->kind > EMR_HEADER_FHIR)
		return EMR_INVALID;
	emr_write_u8(&w, 1);
	emr_write_u8(&w, (uint8_t)headers->kind);
	for (int tag = 1; tag <= EMR_HEADER_FIELDS; tag++) {
		size_t len = strnlen(field_of(headers, tag), EMR_HEADER_TEXT_MAX);

		if (len == 0)
			continue;
		emr_write_u8(&w, (uint8_t)tag);
		emr_write_u8(&w, (uint8_t)len);
		emr_write_bytes(&w, (const uint8_t *)field_of(headers, tag), len);
	}
	return w.status;
}

static bool read_field(emr_reader *r, int *last, emr_headers *out)
{
	int tag = emr_read_u8(r);
	emr_bytes text = emr_read_bytes(r, emr_read_u8(r));
	char again[EMR_HEADER_TEXT_MAX + 1], *field;
	text_sink sink = text_begin(again);

	/* It is what collecting it again gives: sound UTF-8, no control characters, trimmed. */
	if (r->bad || tag <= *last || tag > EMR_HEADER_FIELDS || text.len == 0 ||
		text.len > EMR_HEADER_TEXT_MAX || !text_put_utf8(&sink, text) ||
		strlen(again) != text.len || memcmp(again, text.data, text.len) != 0)
		return false;
	*last = tag;
	field = (char *)out + fields[tag - 1].at;
	memcpy(field, text.data, text.len);
	field[text.len] = '\0';
	if (tag != 2)
		return true;
	date_take(text, again);
	return strcmp(again, out->study_date) == 0;
}

emr_status emr_headers_decode(emr_bytes bytes, emr_headers *out)
{
	emr_reader r = emr_reader_of(bytes);
	emr_headers headers = {0};
	uint8_t version = emr_read_u8(&r), kind = emr_read_u8(&r);
	int last = 0;

	if (version > 1)
		return emr_newer_format(version, 1);
	if (r.bad || version != 1 || kind < EMR_HEADER_DICOM || kind > EMR_HEADER_FHIR)
		return EMR_DAMAGED;
	headers.kind = (emr_header_kind)kind;
	while (r.left > 0)
		if (!read_field(&r, &last, &headers))
			return EMR_DAMAGED;
	*out = headers;
	return EMR_OK;
}

static emr_status put_line(const char *name, const char *text, emr_buf *out)
{
	EMR_TRY(emr_buf_append(out, name, strlen(name)));
	EMR_TRY(emr_buf_append(out, "=", 1));
	EMR_TRY(emr_buf_append(out, text, strlen(text)));
	return emr_buf_append(out, "\n", 1);
}

emr_status emr_headers_lines(const emr_headers *headers, emr_buf *out)
{
	EMR_TRY(put_line("kind", emr_header_kind_text(headers->kind), out));
	for (int tag = 1; tag <= EMR_HEADER_FIELDS; tag++)
		if (field_of(headers, tag)[0] != '\0')
			EMR_TRY(put_line(fields[tag - 1].name, field_of(headers, tag), out));
	return EMR_OK;
}

const char *emr_header_kind_text(emr_header_kind kind)
{
	static const char *const texts[] = {
		[EMR_HEADER_DICOM] = "dicom", [EMR_HEADER_PDF] = "pdf", [EMR_HEADER_FHIR] = "fhir"};

	return kind >= EMR_HEADER_DICOM && kind <= EMR_HEADER_FHIR ? texts[kind] : "";
}

bool headers_may_be(emr_bytes head)
{
	return head.len >= 132 && memcmp(head.data + 128, "DICM", 4) == 0;
}
