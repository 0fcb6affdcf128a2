/* Entries of the log as FHIR R4 AuditEvent resources, one file each.
 * It refuses to call an access proven that is only reported: the source says who observed it. */
#pragma once

#include <jansson.h>

#include "kit/message.h"

/* ENTRY (of emr_deeds_next) as a resource; OWNER is whose records these are.  NULL without memory.
 */
json_t *emr_fhir_audit_event(const json_t *entry, const char *owner);
/* Writes it into the directory DIR_FD as ID.json; the same entry gets the same name. */
emr_status emr_fhir_write(int dir_fd, const json_t *entry, const char *owner);
/* The directory that FHIR files go into, made if it is not there; NULL: none is wanted, and *OUT_FD
 * stays. */
emr_status emr_fhir_directory(const char *dir, int *out_fd, emr_problem *out_problem);
