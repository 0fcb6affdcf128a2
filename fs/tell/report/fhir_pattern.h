/* Which Basic Audit Log Pattern of IHE (BALP 1.1.4, FHIR R4) an entry of the log follows, and the
 * codes that the pattern wants.  It refuses to claim one for what failed, and for what is about
 * rights: the patterns are of successful acts on a patient's records. */
#pragma once

#include <jansson.h>

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

/* What observes what is proven, and the other side of every act. */
#define EMR_FHIR_LEDGER "the ledger of the network"
#define EMR_FHIR_READER "the reader's own computer"

/* ACTION: of an entry of the log.  NULL: none. */
const emr_fhir_pattern *emr_fhir_pattern_of(const char *action);
json_t *emr_fhir_code_json(const emr_fhir_code *code); /* a Coding; NULL without memory */
/* {"profile":[...]} of a resource; NULL without memory. */
json_t *emr_fhir_pattern_meta(const emr_fhir_pattern *pattern);
/* Appends the two computers to AGENTS; 0, or not. */
int emr_fhir_pattern_agents(const emr_fhir_pattern *pattern, json_t *agents);
