/* A file that somebody calls a PDF form with a Consent in it, and its signature.  What comes out is
 * of the sizes that a caller believes, and a signature that nobody trusts is never a trusted one.
 */
#include <stdlib.h>
#include <string.h>

#include "pdf_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_BUF consent = {0};
	pdf_question question = {.size = size, .now = UINT64_C(1795000000)};
	pdf_answer taken = {0}, checked = {0};

	taken.fault = pdf_take(emr_bytes_of(data, size), &taken, &consent);
	if (taken.fault >= EMR_PDF_FAULTS || consent.len > EMR_CONSENT_BYTES_MAX ||
		taken.consent_size != consent.len || taken.signature > EMR_PDF_SIGNER_UNKNOWN)
		abort();
	question.from = taken.from;
	question.to = taken.to;
	if (taken.signature == EMR_PDF_UNSIGNED) { /* or any place */
		question.from = size > 0 ? data[0] : 0;
		question.to = size;
	}
	pdf_check(emr_bytes_of(data, size), (emr_bytes){0}, &question, &checked);
	if (checked.fault >= EMR_PDF_FAULTS || checked.signature > EMR_PDF_SIGNER_UNKNOWN ||
		memchr(checked.signer, '\0', sizeof checked.signer) == NULL)
		abort();
	return 0;
}
