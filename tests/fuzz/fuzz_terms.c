/* This fuzz target reads any bytes as the terms of a dataset: they are whole, and can be shown, or
 * are refused; reading them twice gives the same. */
#include <stdlib.h>
#include <string.h>

#include "keyring/card.h"
#include "share/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_terms terms, again;
	const char *what = NULL;

	if (emr_terms_parse(emr_bytes_of(data, size), &terms, &what) != EMR_OK) {
		if (what == NULL)
			abort();
		return 0;
	}
	if (size > EMR_TERMS_FILE_MAX || terms.until_unix_s == 0 || strlen(terms.until) != 10 ||
		terms.daily_limit > EMR_TERMS_DAILY_MAX ||
		(!terms.is_deidentified &&
			(terms.without_dates || terms.with_characteristics || terms.with_faces ||
				terms.with_derived || terms.with_tiles || terms.with_private ||
				terms.with_nifti || terms.with_edf || terms.with_genomes)) ||
		strpbrk(terms.words[EMR_TERMS_DOI], "\"\\ <>%#?&") != NULL ||
		!emr_shown_name_ok(terms.purpose, strlen(terms.purpose)) ||
		!emr_shown_name_ok(terms.who, strlen(terms.who)))
		abort();
	if (emr_terms_parse(emr_bytes_of(data, size), &again, &what) != EMR_OK ||
		strcmp(terms.purpose, again.purpose) != 0 || strcmp(terms.who, again.who) != 0 ||
		terms.price != again.price || terms.until_unix_s != again.until_unix_s)
		abort();
	return 0;
}
