/* This file reads the headers of DICOM, PDF, FHIR and other medical files. It takes clean text
 * only, because files come from anybody, and it runs in a process that has nothing to lose. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

static emr_status read_json(const emr_header_source *source, size_t from, emr_headers *out)
{
	EMR_AUTO_FREE uint8_t *file = NULL;
	size_t got = 0;

	if (source->size > JSON_BYTES_MAX)
		return EMR_OK;
	file = malloc((size_t)source->size + 1);
	if (file == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(source->read(source->arg, 0, file, (size_t)source->size, &got));
	if (from > got)
		return EMR_OK;
	if (memmem(file, got, "\"resourceType\"", 14) != NULL &&
		!fhir_json_read(emr_bytes_of(file + from, got - from), out))
		*out = (emr_headers){0};
	return EMR_OK;
}

/* From the first HEAD_BYTES, for which a block has room. */
static emr_status read_dicom(const emr_header_source *source, emr_headers *out)
{
	EMR_AUTO_FREE flat_file *head = calloc(1, sizeof *head);

	if (head == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(source->read(source->arg, 0, head->block, HEAD_BYTES, &head->len));
	head->size = head->len;
	dicom_read(head, out);
	return EMR_OK;
}

emr_status emr_headers_read(const emr_header_source *source, emr_headers *out)
{
	uint8_t start[SNIFF_BYTES];
	size_t got = 0, from = 0;
	emr_headers found = {0};
	emr_status status = EMR_OK;

	EMR_TRY(source->read(source->arg, 0, start, sizeof start, &got));
	switch (headers_form(emr_bytes_of(start, got), &from)) {
	case FORM_NONE:
		break;
	case FORM_DICOM:
		status = read_dicom(source, &found);
		break;
	case FORM_PDF:
		status = pdf_read(source, &found);
		break;
	case FORM_JSON:
		status = read_json(source, from, &found);
		break;
	}
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
