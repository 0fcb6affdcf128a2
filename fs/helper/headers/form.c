/* This file tells the format of a file by comparing its first bytes, and by nothing else. Most
 * files have none of these formats, and for them no helper process is started. */
#include "parts.h"

#include <string.h>

header_form headers_form(emr_bytes start, size_t *out_from)
{
	size_t from = start.len >= 3 && memcmp(start.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	if (start.len > SNIFF_BYTES)
		start.len = SNIFF_BYTES;
	while (from < start.len &&
		(start.data[from] == ' ' || (start.data[from] >= 9 && start.data[from] <= 13)))
		from++;
	*out_from = from;
	if (start.len >= 132 && memcmp(start.data + 128, "DICM", 4) == 0)
		return FORM_DICOM;
	if (start.len > 0 && memmem(start.data, start.len, "%PDF-", 5) != NULL)
		return FORM_PDF;
	if (from < start.len && start.data[from] == '{')
		return FORM_JSON;
	return FORM_NONE;
}
