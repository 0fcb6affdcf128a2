/* This file parses FHIR JSON with jansson, which limits how deep it goes, and says what else is
 * wrong with a file before that. */
#include "helper/fhir.h"

#include <string.h>

/* A mark, or a zero beside the bracket with which an object begins. */
static bool is_wide(emr_bytes file)
{
	static const char starts[][2] = {{'\xff', '\xfe'}, {'\xfe', '\xff'}, {'{', 0}, {0, '{'}};

	for (size_t i = 0; i < sizeof starts / sizeof *starts && file.len >= 2; i++)
		if (memcmp(file.data, starts[i], 2) == 0)
			return true;
	return false;
}

emr_fhir_fault emr_fhir_read(emr_bytes file, size_t bytes_max, json_t **out_whole)
{
	size_t blanks = 0;
	json_t *whole;

	if (file.len > bytes_max)
		return EMR_FHIR_LARGE;
	if (is_wide(file))
		return EMR_FHIR_ENCODING;
	if (file.len >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0)
		file = emr_bytes_of(file.data + 3, file.len - 3);
	while (blanks < file.len && memchr(" \t\r\n", file.data[blanks], 4) != NULL)
		blanks++;
	if (blanks == file.len)
		return EMR_FHIR_EMPTY;
	whole = json_loadb((const char *)file.data, file.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(whole)) {
		json_decref(whole);
		return EMR_FHIR_NO_JSON;
	}
	*out_whole = whole;
	return EMR_FHIR_FINE;
}
