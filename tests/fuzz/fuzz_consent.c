/* This fuzz target reads any file as a FHIR Consent. A Consent that is taken has all that a request
 * needs, and its period holds now; the same bytes are the same request. */
#include <stdlib.h>
#include <string.h>

#include "consent/consent.h"

#define NOW UINT64_C(1795000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_consent consent, again;
	const char *why = NULL;
	emr_status status = emr_consent_read(emr_bytes_of(data, size), NOW, &consent, &why);

	if (status == EMR_INVALID && why != NULL)
		return 0;
	if (status != EMR_OK || consent.patient[0] == '\0' || consent.grantee[0] == '\0' ||
		consent.path[0] == '\0' || consent.purposes == 0 || consent.until_unix_s <= NOW ||
		consent.since_unix_s >= consent.until_unix_s)
		abort();
	if (emr_consent_read(emr_bytes_of(data, size), NOW, &again, &why) != EMR_OK ||
		!emr_id16_equal(consent.request, again.request))
		abort();
	return 0;
}
