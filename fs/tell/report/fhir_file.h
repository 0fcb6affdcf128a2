/* What the FHIR R4 resources of this room have in common: codes, and one file for each.
 * It refuses to leave half a file: one that is there is replaced as a whole. */
#pragma once

#include <jansson.h>

#include "base/status.h"

#define EMR_FHIR_DCM "http://dicom.nema.org/resources/ontology/DCM"
#define EMR_FHIR_TERMS "http://terminology.hl7.org/CodeSystem/"

/* A Coding; NULL without memory. */
json_t *emr_fhir_coding(const char *system, const char *code, const char *display);
/* RESOURCE as ID.json in the directory DIR_FD, for its owner alone; sets its id. */
emr_status emr_fhir_file(int dir_fd, json_t *resource, const char *id);
