/* This is the one reader of FHIR JSON: what a Consent and what the headers of a file are taken from
 * was read here. It refuses other encodings than UTF-8, other values than one object, and an object
 * that says one thing twice. It serves inside a helper and outside, and knows neither. */
#pragma once

#include <jansson.h>

#include "base/bytes.h"

typedef enum emr_fhir_fault {
	EMR_FHIR_FINE = 0,
	EMR_FHIR_EMPTY,
	EMR_FHIR_LARGE,	   /* more bytes than the caller takes */
	EMR_FHIR_ENCODING, /* UTF-16 or UTF-32 */
	EMR_FHIR_NO_JSON,  /* or JSON that is no object, or too deep, or has a member twice */
	EMR_FHIR_FAULTS
} emr_fhir_fault;

/* FILE with at most BYTES_MAX, also behind a byte order mark of UTF-8, and with any ends of lines.
 * *OUT_WHOLE is the caller's to free; untouched at a fault.  Without memory: EMR_FHIR_NO_JSON. */
emr_fhir_fault emr_fhir_read(emr_bytes file, size_t bytes_max, json_t **out_whole)
	__attribute__((warn_unused_result));
