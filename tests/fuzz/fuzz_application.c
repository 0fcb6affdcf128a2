/* This fuzz target reads what an organisation says of itself when it asks to be admitted: any
 * program of this user can put it into the mail. */
#include <stdlib.h>
#include <string.h>

#include "ledger/admission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_application a;

	if (emr_application_read(emr_bytes_of(data, size), &a) != EMR_OK)
		return 0;
	/* The CA stands at the very end, the name is text. */
	if (a.name[0] == '\0' || strlen(a.name) > EMR_APPLICATION_NAME_MAX ||
		a.ca_der.data + a.ca_der.len != data + size)
		abort();
	return 0;
}
