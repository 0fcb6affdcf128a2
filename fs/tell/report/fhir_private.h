/* This header declares what the files that make FHIR R4 resources share: codes, one file for each
 * resource, and which Basic Audit Log Pattern of IHE (BALP 1.1.4) an entry of the log follows. It
 * refuses to leave half a file: one that is there is replaced as a whole. It refuses to claim a
 * pattern for what failed, and for what is about rights: the patterns are of successful acts on a
 * patient's records. */
#pragma once

#include <jansson.h>

#include "base/status.h"

/* ---- codes and files (fhir_file.c) ---- */

#define EMR_FHIR_DCM "http://dicom.nema.org/resources/ontology/DCM"
#define EMR_FHIR_TERMS "http://terminology.hl7.org/CodeSystem/"

/* A Coding; NULL without memory. */
json_t *emr_fhir_coding(const char *system, const char *code, const char *display);
/* RESOURCE as ID.json in the directory DIR_FD, for its owner alone; sets its id. */
emr_status emr_fhir_file(int dir_fd, json_t *resource, const char *id);

/* ---- patterns (fhir_pattern.c) ---- */

typedef struct emr_fhir_code {
	const char *system, *code, *display;
} emr_fhir_code;

typedef struct emr_fhir_pattern {
	const char *profile; /* its canonical address */
	emr_fhir_code type, subtype;
	emr_fhir_code user;	      /* who did it */
	emr_fhir_code client, server; /* the computers between which it was done */
	const char *client_called;
} emr_fhir_pattern;

/* The observers of what is proven, and the other side of every act. */
#define EMR_FHIR_LEDGER "the ledger of the network"
#define EMR_FHIR_READER "the reader's own computer"

/* ACTION: of an entry of the log.  NULL: none. */
const emr_fhir_pattern *emr_fhir_pattern_of(const char *action);
json_t *emr_fhir_code_json(const emr_fhir_code *code); /* a Coding; NULL without memory */
/* {"profile":[...]} of a resource; NULL without memory. */
json_t *emr_fhir_pattern_meta(const emr_fhir_pattern *pattern);
/* Appends the two computers to AGENTS; 0, or not. */
int emr_fhir_pattern_agents(const emr_fhir_pattern *pattern, json_t *agents);
