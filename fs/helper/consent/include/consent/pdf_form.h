/* A PDF form that carries a FHIR Consent as an attached file: the Consent, and who signed the form.
 * It refuses to take the form's visible text for anything, a signature that covers a part of the
 * file, and more than one signature or Consent. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* ISO 32000-1: embedded files (7.11.4), signatures with a ByteRange (12.8) of the kinds
 * adbe.pkcs7.detached and ETSI.CAdES.detached (PAdES).  Both are read by processes without keys
 * (helper/helper.h): one takes the form apart, another, which has not seen what that one did,
 * checks the signature. */

#define EMR_PDF_FORM_BYTES_MAX ((size_t)16 << 20)
#define EMR_PDF_SIGNERS_BYTES_MAX ((size_t)256 << 10)
#define EMR_PDF_NAME_MAX 259 /* two times 64 letters of two bytes, and brackets */

typedef enum emr_pdf_signature {
	EMR_PDF_UNSIGNED = 0,
	EMR_PDF_SIGNER_UNKNOWN = 1, /* no certificate that is trusted vouches for the name */
	EMR_PDF_SIGNER_LATE = 2,    /* one does, and is not valid any more, or not yet */
	EMR_PDF_SIGNER_TRUSTED = 3,
	EMR_PDF_SIGNATURES
} emr_pdf_signature;

/* The faults of a form. */
typedef enum emr_pdf_fault {
	EMR_PDF_FINE = 0,
	EMR_PDF_DAMAGED,
	EMR_PDF_ENCRYPTED,
	EMR_PDF_EMPTY,	      /* no Consent is attached */
	EMR_PDF_SEVERAL,      /* or more than one */
	EMR_PDF_LARGE,	      /* or a too large one */
	EMR_PDF_SIGNED_TWICE, /* more than one signature */
	EMR_PDF_SIGNED_OTHERWISE,
	EMR_PDF_SIGNED_PARTLY, /* the signature does not cover the whole file */
	EMR_PDF_CHANGED,       /* the file is not what was signed */
	EMR_PDF_FAULTS
} emr_pdf_fault;

typedef struct emr_pdf_form {
	emr_pdf_signature signature;
	char signer[EMR_PDF_NAME_MAX + 1]; /* the name in the certificate: UTF-8 without control
					      characters; "": unsigned, or it has no name, or
					      none that can be said whole */
} emr_pdf_form;

/* FILE begins as a PDF does. */
bool emr_pdf_form_is(emr_bytes file);
/* PROGRAM: the path of the helper, emr_beside("read-form").  SIGNERS: certificates (PEM) that are
 * trusted, or none.  OUT_CONSENT is appended to, and is anybody's bytes.  EMR_INVALID: *OUT_WHY is
 * why, as in consent.h.  EMR_NO_MEMORY; EMR_IO: the helper does not start. */
emr_status emr_pdf_form_read(const char *program, emr_bytes file, emr_bytes signers, uint64_t now,
	emr_pdf_form *out, emr_buf *out_consent, const char **out_why);
