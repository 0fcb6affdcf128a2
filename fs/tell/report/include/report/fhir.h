/* These functions write what happened and what is shared as FHIR R4 resources for other programs:
 * AuditEvents of the log, Consents of grants, one file each. They refuse to call an access proven
 * that is only reported: the source says who observed it. They refuse to write a Consent of what
 * the ledger does not have, and of a right to leave files, which shows nothing to anybody. */
#pragma once

#include <jansson.h>

#include "kit/message.h"

/* ---- AuditEvents (fhir_audit.c) ---- */

/* ENTRY (of emr_deeds_next) as a resource; OWNER is whose records these are.  NULL without memory.
 */
json_t *emr_fhir_audit_event(const json_t *entry, const char *owner);
/* Writes it into the directory DIR_FD as ID.json; the same entry gets the same name. */
emr_status emr_fhir_write(int dir_fd, const json_t *entry, const char *owner);

/* ---- Consents (fhir_consent.c) ---- */

/* GRANT is one of emr_share_json with emr_share_json_ids; OWNER is how its owner is called.  JSON
 * null: there is no Consent of it.  NULL without memory. */
json_t *emr_fhir_consent(const json_t *grant, const char *owner);
/* Writes it into DIR_FD as emrfs-g-GRANT.json, so that a later one of the same grant takes its
 * place; *OUT_WRITTEN is unchanged where there is none. */
emr_status emr_fhir_consent_write(
	int dir_fd, const json_t *grant, const char *owner, uint64_t *out_written);

/* ---- where both go (fhir_file.c) ---- */

/* The directory that FHIR files go into, made if it is not there; NULL: none is wanted, and *OUT_FD
 * stays. */
emr_status emr_fhir_directory(const char *dir, int *out_fd, emr_problem *out_problem);
