/* What somebody shares, as FHIR R4 Consent resources, one file each.
 * It refuses to write one of what the ledger does not have, and of a right to leave files, which
 * shows nothing to anybody. */
#pragma once

#include <jansson.h>

#include "base/status.h"

/* GRANT is one of emr_share_json with emr_share_json_ids; OWNER is how its owner is called.  JSON
 * null: there is no Consent of it.  NULL without memory. */
json_t *emr_fhir_consent(const json_t *grant, const char *owner);
/* Writes it into DIR_FD as emrfs-g-GRANT.json, so that a later one of the same grant takes its
 * place; *OUT_WRITTEN is unchanged where there is none. */
emr_status emr_fhir_consent_write(
	int dir_fd, const json_t *grant, const char *owner, uint64_t *out_written);
