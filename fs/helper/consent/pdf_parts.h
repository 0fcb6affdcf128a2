/* This header declares what the caller and its helper say to each other about a form, and the two
 * readers inside. Both are of one build, so structures go as they are. */
#pragma once

#include "consent/consent.h"
#include "consent/pdf_form.h"

#define PDF_PROTOCOL 1u
#define PDF_TAKE "take"	  /* the helper's one argument: takes a form apart */
#define PDF_CHECK "check" /* or checks its signature */

/* With two descriptors: the file; and where the Consent is written to, or the certificates. */
typedef struct pdf_question {
	uint64_t size;	       /* of the file */
	uint64_t from, to;     /* CHECK: where the signature stands, its < and > included */
	uint64_t signers_size; /* CHECK */
	uint64_t now;	       /* CHECK: in Unix seconds */
} pdf_question;

typedef struct pdf_answer {
	uint32_t fault;	    /* emr_pdf_fault */
	uint32_t signature; /* emr_pdf_signature; TAKE: unsigned, or unknown */
	uint64_t from, to;  /* TAKE, of a signed form */
	uint64_t consent_size;
	char signer[EMR_PDF_NAME_MAX + 1];
} pdf_answer;

/* FILE is followed by a zero.  OUT_CONSENT is appended to. */
emr_pdf_fault pdf_take(emr_bytes file, pdf_answer *out, emr_buf *out_consent);
void pdf_check(emr_bytes file, emr_bytes signers, const pdf_question *question, pdf_answer *out);
