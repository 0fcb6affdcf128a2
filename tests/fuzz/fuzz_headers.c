/* This fuzz target reads a file of a stranger: DICOM, or one that looks so.
 * Headers that come out can be kept and are the same when they are read back; and bytes as the kept
 * form. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

static void keep_and_compare(const emr_headers *found)
{
	EMR_AUTO_BUF kept = {0}, said = {0}, kept_said = {0};
	emr_headers again;

	if (emr_headers_encode(found, &kept) != EMR_OK || kept.len > EMR_HEADERS_BYTES_MAX ||
		emr_headers_decode(emr_buf_view(&kept), &again) != EMR_OK)
		abort();
	if (emr_headers_lines(found, &said) != EMR_OK ||
		emr_headers_lines(&again, &kept_said) != EMR_OK || said.len != kept_said.len ||
		memcmp(said.data, kept_said.data, said.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_headers found = {0};

	if (emr_headers_read_bytes(emr_bytes_of(data, size), &found) != EMR_OK)
		abort();
	if (found.kind != EMR_HEADER_NONE)
		keep_and_compare(&found);
	if (emr_headers_decode(emr_bytes_of(data, size), &found) == EMR_OK)
		keep_and_compare(&found);
	return 0;
}
