/* This file asks the helper program what a file says about itself. It gives it the file's beginning
 * and believes it nothing but clean text: a file that breaks, delays or takes over the process that
 * reads it loses its own headers and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "helper/helper.h"

#include "protocol.h"

#define FILE_MS 10000
#define FILES_MAX 1000 /* of one process */
#define AGAIN_MS 60000 /* after a helper that did not start */

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

static bool helper_tell(emr_header_reader *r, emr_bytes head, int64_t end_ms)
{
	r->message.kind = PROTOCOL_FILE;
	r->message.status = EMR_OK;
	r->message.len = (uint32_t)head.len;
	memcpy(r->message.bytes, head.data, head.len);
	return emr_helper_tell(
		&r->helper, &r->message, protocol_size(r->message.len), NULL, 0, end_ms);
}

static emr_status hear(emr_header_reader *r, int64_t end_ms)
{
	const protocol_message *m = &r->message;
	size_t size = 0;

	EMR_TRY(emr_helper_hear(&r->helper, &r->message, sizeof r->message, &size, end_ms));
	return size >= protocol_size(0) && m->len <= EMR_HEADERS_HEAD &&
			       m->kind == PROTOCOL_FOUND && size == protocol_size(m->len)
		       ? EMR_OK
		       : EMR_IO;
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

emr_status emr_header_reader_read(
	emr_header_reader *r, const uint8_t whose[16], emr_bytes head, emr_headers *out)
{
	emr_status status = EMR_IO;
	int64_t end_ms;

	if (!headers_may_be(head)) {
		*out = (emr_headers){0};
		return EMR_OK;
	}
	if (head.len > EMR_HEADERS_HEAD)
		head.len = EMR_HEADERS_HEAD;
	EMR_TRY(start(r, whose));
	r->files++;
	end_ms = emr_helper_end_ms(r->file_ms);
	if (helper_tell(r, head, end_ms))
		status = hear(r, end_ms);
	if (status == EMR_OK)
		status = helper_found(&r->message, out);
	if (status != EMR_OK)
		emr_helper_stop(&r->helper);
	return status;
}
