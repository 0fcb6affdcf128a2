/* This file asks the helper program what a file says about itself. It gives it the bytes that it
 * asks for and believes it nothing but clean text: a file that breaks, delays or takes over the
 * process that reads it loses its own headers and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "helper/helper.h"

#include "protocol.h"

#define FILE_MS 10000
#define READS_MAX (PDF_BYTES_MAX / HEAD_BYTES + 8) /* of one file */
#define FILES_MAX 1000				   /* of one process */
#define AGAIN_MS 60000				   /* after a helper that did not start */

struct emr_header_reader {
	char *program;
	emr_helper helper;
	uint8_t whose[16]; /* files it has seen */
	unsigned files;	   /* that it was given */
	int64_t file_ms, absent_until_ms;
	protocol_message message;
};

emr_status emr_header_reader_new(const char *program, uint32_t file_ms, emr_header_reader **out)
{
	emr_header_reader *r = calloc(1, sizeof *r);

	if (r == NULL)
		return EMR_NO_MEMORY;
	r->program = strdup(program);
	if (r->program == NULL) {
		free(r);
		return EMR_NO_MEMORY;
	}
	r->helper = EMR_HELPER_NONE;
	r->file_ms = file_ms != 0 ? file_ms : FILE_MS;
	*out = r;
	return EMR_OK;
}

void emr_header_reader_free(emr_header_reader *r)
{
	if (r == NULL)
		return;
	emr_helper_stop(&r->helper);
	free(r->program);
	free(r);
}

static emr_status start(emr_header_reader *r, const uint8_t whose[16])
{
	emr_status status;

	if (r->helper.pid != 0 && r->files < FILES_MAX &&
		memcmp(r->whose, whose, sizeof r->whose) == 0)
		return EMR_OK;
	emr_helper_stop(&r->helper);
	if (emr_helper_end_ms(0) < r->absent_until_ms)
		return EMR_IO;
	r->files = 0;
	memcpy(r->whose, whose, sizeof r->whose);
	status = emr_helper_start(&r->helper, r->program, PROTOCOL_ROLE, PROTOCOL_VERSION);
	if (status != EMR_OK)
		r->absent_until_ms = emr_helper_end_ms(AGAIN_MS);
	return status == EMR_NO_MEMORY ? status : status == EMR_OK ? EMR_OK : EMR_IO;
}

static bool helper_tell(emr_header_reader *r, uint32_t kind, emr_status status, uint64_t at,
	size_t len, int64_t end_ms)
{
	r->message.kind = kind;
	r->message.status = status;
	r->message.at = at;
	r->message.len = (uint32_t)len;
	return emr_helper_tell(
		&r->helper, &r->message, protocol_size((uint32_t)len), NULL, 0, end_ms);
}

/* The next message, which is one that may come. */
static emr_status hear(emr_header_reader *r, int64_t end_ms)
{
	const protocol_message *m = &r->message;
	size_t size = 0;

	EMR_TRY(emr_helper_hear(&r->helper, &r->message, sizeof r->message, &size, end_ms));
	if (size < protocol_size(0) || m->len > HEAD_BYTES)
		return EMR_IO;
	if (m->kind == PROTOCOL_READ && size == protocol_size(0))
		return EMR_OK;
	return m->kind == PROTOCOL_FOUND && size == protocol_size(m->len) ? EMR_OK : EMR_IO;
}

/* The bytes that it asks for, until it says what it found.  OUT_SOURCE: what the source said, of
 * which the helper hears only that it failed. */
static emr_status serve(emr_header_reader *r, const emr_header_source *source, int64_t end_ms,
	emr_status *out_source)
{
	EMR_TRY(hear(r, end_ms));
	for (size_t i = 0; r->message.kind == PROTOCOL_READ; i++) {
		uint64_t at = r->message.at;
		size_t got = 0;

		if (i >= READS_MAX)
			return EMR_IO;
		*out_source = source->read(source->arg, at, r->message.bytes, r->message.len, &got);
		if (*out_source != EMR_OK)
			got = 0;
		EMR_TRY(helper_tell(r, PROTOCOL_BYTES, *out_source == EMR_OK ? EMR_OK : EMR_IO, at,
				got, end_ms)
				? hear(r, end_ms)
				: EMR_IO);
	}
	return EMR_OK;
}

/* The headers that the helper found, if they can be kept of a file. */
static emr_status helper_found(const protocol_message *m, emr_headers *out)
{
	emr_headers found = {0};

	if (m->status == EMR_NO_MEMORY)
		return EMR_NO_MEMORY;
	if (m->status != EMR_OK || (m->len > 0 && emr_headers_decode(emr_bytes_of(m->bytes, m->len),
							  &found) != EMR_OK))
		return EMR_IO;
	*out = found;
	return EMR_OK;
}

emr_status emr_header_reader_read(emr_header_reader *r, const uint8_t whose[16],
	const emr_header_source *source, emr_headers *out)
{
	emr_status status, said = EMR_OK;
	size_t got = 0, from;
	int64_t end_ms;

	EMR_TRY(source->read(source->arg, 0, r->message.bytes, SNIFF_BYTES, &got));
	if (headers_form(emr_bytes_of(r->message.bytes, got), &from) == FORM_NONE) {
		*out = (emr_headers){0};
		return EMR_OK;
	}
	if (got == SNIFF_BYTES)
		EMR_TRY(source->read(source->arg, 0, r->message.bytes, HEAD_BYTES, &got));
	EMR_TRY(start(r, whose));
	r->files++;
	end_ms = emr_helper_end_ms(r->file_ms);
	status = EMR_IO;
	if (helper_tell(r, PROTOCOL_FILE, EMR_OK, source->size, got, end_ms))
		status = serve(r, source, end_ms, &said);
	if (status == EMR_OK && said == EMR_OK)
		status = helper_found(&r->message, out);
	else if (status == EMR_OK)
		return said;
	if (status != EMR_OK)
		emr_helper_stop(&r->helper);
	return status;
}
