/* This file reads the title and the day of creation of a PDF file: from its newest information
 * dictionary, which qpdf finds, or else from an XMP packet in the first or last 64 KiB. It does not
 * read encrypted files; of those over 64 MiB it looks only for XMP, and it mends none over 8 MiB.
 */
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

/* False: it is encrypted, and nothing of it is told. */
static bool take_info(emr_bytes file, emr_headers *out)
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
	return !is_encrypted;
}

static emr_status find_xmp(emr_bytes bytes, emr_headers *out)
{
	static const char start[] = "<x:xmpmeta";
	const uint8_t *found =
		bytes.len > 0 ? memmem(bytes.data, bytes.len, start, sizeof start - 1) : NULL;

	if (found == NULL || (out->description[0] != '\0' && out->study_date[0] != '\0'))
		return EMR_OK;
	return xmp_read(emr_bytes_of(found, bytes.len - (size_t)(found - bytes.data)), out);
}

emr_status pdf_read(const emr_header_source *source, emr_headers *out)
{
	size_t want = source->size <= PDF_BYTES_MAX ? (size_t)source->size : 0, got = 0;
	EMR_AUTO_FREE uint8_t *file = malloc(want > HEAD_BYTES ? want : HEAD_BYTES);

	if (file == NULL)
		return EMR_NO_MEMORY;
	out->kind = EMR_HEADER_PDF;
	EMR_TRY(source->read(source->arg, 0, file, want, &got));
	if (want > 0 && !take_info(emr_bytes_of(file, got), out))
		return EMR_OK;
	for (int i = 0; i < 2; i++) {
		uint64_t at = i == 0 && source->size > HEAD_BYTES ? source->size - HEAD_BYTES : 0;

		EMR_TRY(source->read(source->arg, at, file, HEAD_BYTES, &got));
		EMR_TRY(find_xmp(emr_bytes_of(file, got), out));
	}
	return EMR_OK;
}
