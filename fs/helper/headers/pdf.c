/* This file reads the title and the day of creation of a PDF file: from its newest information
 * dictionary, which qpdf finds. It reads no encrypted files and none over 64 MiB, and mends none
 * over 8 MiB. */
#include <qpdf/qpdf-c.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define PDF_MENDED_MAX ((size_t)8 << 20) /* a second or two */

/* Until the next call. */
static emr_bytes info_text(qpdf_data q, const char *key)
{
	qpdf_oh info = qpdf_oh_get_key(q, qpdf_get_trailer(q), "/Info");
	qpdf_oh value = qpdf_oh_is_dictionary(q, info) ? qpdf_oh_get_key(q, info, key) : info;
	const char *text = qpdf_oh_is_string(q, value) ? qpdf_oh_get_utf8_value(q, value) : "";

	return emr_bytes_of(text, strlen(text));
}

static void take_info(emr_bytes file, emr_headers *out)
{
	qpdf_data q = qpdf_init();
	enum qpdf_error_code_e code;
	bool is_read, is_encrypted;

	qpdf_silence_errors(q);
	qpdf_set_suppress_warnings(q, QPDF_TRUE);
	qpdf_set_attempt_recovery(q, file.len <= PDF_MENDED_MAX);
	is_read = (qpdf_read_memory(q, "file", (const char *)file.data, file.len, NULL) &
			  QPDF_ERRORS) == 0;
	code = is_read ? qpdf_e_success : qpdf_get_error_code(q, qpdf_get_error(q));
	is_encrypted = code == qpdf_e_password || code == qpdf_e_unsupported ||
		       (is_read && qpdf_is_encrypted(q));
	if (is_read && !is_encrypted) {
		text_sink title = text_begin(out->description);

		if (!text_put_utf8(&title, info_text(q, "/Title")))
			out->description[0] = '\0';
		date_take(info_text(q, "/CreationDate"), out->study_date);
	}
	if (qpdf_has_error(q))
		(void)qpdf_get_error(q); /* else it is said aloud */
	qpdf_cleanup(&q);
}

emr_status pdf_read(const emr_header_source *source, emr_headers *out)
{
	EMR_AUTO_FREE uint8_t *file = NULL;
	size_t got = 0;

	out->kind = EMR_HEADER_PDF;
	if (source->size > PDF_BYTES_MAX)
		return EMR_OK;
	file = malloc((size_t)source->size + 1);
	if (file == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(source->read(source->arg, 0, file, (size_t)source->size, &got));
	take_info(emr_bytes_of(file, got), out);
	return EMR_OK;
}
