/* This fuzz target reads a stranger's file as a PDF form with a Consent in it, and its signature.
 * The results are of the sizes that a caller believes, and the only trusted signers are those for
 * whom the one trusted authority here has vouched: the signer of "vouched" in the corpus, and
 * nobody else can look like that signer. */
#include <stdlib.h>
#include <string.h>

#include "pdf_parts.h"

#define VOUCHED "Office (Fuzz)"

/* Its key is gone. */
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBdDCCARugAwIBAgIUBx4CqvvH6qCr8285fE/am4XrxSMwCgYIKoZIzj0EAwIw\n"
				"DzENMAsGA1UEAwwERnV6ejAgFw0yNjExMjIxMzA0MzdaGA8yMTI2MTAyOTEzMDQz\n"
				"N1owDzENMAsGA1UEAwwERnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGny\n"
				"HH9P3vLDedYWXRPjfbVC41fSCJFK859TNoodPfgQvNTyptQpr0A1WJMnA3igBUN5\n"
				"ATFlo2ZPQaNeJ3nJqLujUzBRMB0GA1UdDgQWBBQZlgHft4Llf8VQL2HELKLJULPs\n"
				"9DAfBgNVHSMEGDAWgBQZlgHft4Llf8VQL2HELKLJULPs9DAPBgNVHRMBAf8EBTAD\n"
				"AQH/MAoGCCqGSM49BAMCA0cAMEQCICO00Btuo79yPGZj8k/GW+Mw0N7hhAxoBuHS\n"
				"kx9Ayi6XAiBvAx7VViO0MD/eLCqD3dfsvJWBBNQfvLoPYfZZF6v2TA==\n"
				"-----END CERTIFICATE-----\n";

static void check(emr_bytes file, emr_bytes signers, const pdf_question *question)
{
	pdf_answer checked = {0};

	pdf_check(file, signers, question, &checked);
	if (checked.fault >= EMR_PDF_FAULTS || checked.signature >= EMR_PDF_SIGNATURES ||
		memchr(checked.signer, '\0', sizeof checked.signer) == NULL)
		abort();
	if (checked.signature > EMR_PDF_SIGNER_UNKNOWN &&
		(signers.len == 0 || strcmp(checked.signer, VOUCHED) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EMR_AUTO_BUF consent = {0};
	emr_bytes file = emr_bytes_of(data, size);
	pdf_question question = {.size = size, .now = UINT64_C(1800000000)};
	pdf_answer taken = {0};

	taken.fault = pdf_take(file, &taken, &consent);
	if (taken.fault >= EMR_PDF_FAULTS || consent.len > EMR_CONSENT_BYTES_MAX ||
		taken.consent_size != consent.len || taken.signature > EMR_PDF_SIGNER_UNKNOWN)
		abort();
	question.from = taken.from;
	question.to = taken.to;
	if (taken.signature == EMR_PDF_UNSIGNED) { /* or any place */
		question.from = size > 0 ? data[0] : 0;
		question.to = size;
	}
	check(file, (emr_bytes){0}, &question);
	check(file, emr_bytes_of(authority, sizeof authority - 1), &question);
	return 0;
}
