/* A FHIR R4 Consent that another system made, read as what it is here: a request that the patient
 * may say yes to.  It refuses whatever a share could not keep as it is written (exceptions, limits
 * to kinds of records, groups, no end), and each refusal says why in one sentence. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "base/status.h"

#define EMR_CONSENT_BYTES_MAX ((size_t)256 << 10)
#define EMR_CONSENT_NAME_MAX 255
#define EMR_CONSENT_PATH_MAX 1023

typedef struct emr_consent {
	/* The same for the same words, however they are laid out: who sends it again asks nothing
	 * new. */
	emr_id16 request;
	char patient[EMR_CONSENT_NAME_MAX + 1]; /* values of their identifiers, never empty */
	char grantee[EMR_CONSENT_NAME_MAX + 1];
	uint64_t since_unix_s, until_unix_s;
	uint32_t purposes;		     /* bits, at least one */
	bool may_change;		     /* not only see */
	char path[EMR_CONSENT_PATH_MAX + 1]; /* of the folder or file, as it is displayed there */
	bool has_folder;		     /* and its id, where it says one */
	emr_id16 folder;
} emr_consent;

/* EMR_INVALID: *OUT_WHY is why, a static sentence in English without its full stop, marked for
 * translation.  EMR_NO_MEMORY.  NOW is in Unix seconds. */
emr_status emr_consent_read(emr_bytes file, uint64_t now, emr_consent *out, const char **out_why);
