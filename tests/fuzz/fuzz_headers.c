/* A file that somebody gave: DICOM, PDF, FHIR or CDA, or what looks like one.  Whatever comes out
 * can be kept and is the same when it is read back; and bytes as the kept form. */
#include <stdlib.h>
#include <string.h>

#include "headers/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep_and_compare(const emr_headers *found)
{
	EMR_AUTO_BUF kept = {0};
	emr_headers again;

	if (emr_headers_encode(found, &kept) != EMR_OK || kept.len > EMR_HEADERS_BYTES_MAX ||
		emr_headers_decode(emr_buf_view(&kept), &again) != EMR_OK)
		abort();
	if (again.kind != found->kind || strcmp(again.modality, found->modality) != 0 ||
		strcmp(again.study_date, found->study_date) != 0 ||
		strcmp(again.description, found->description) != 0 ||
		strcmp(again.organisation, found->organisation) != 0)
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
