/* Certificates that emrfs does not make and other authorities do: an organisation's root, those
 * below it, and people with whatever extensions a test wants.  They are made with OpenSSL alone. */
#pragma once

#include <openssl/x509.h>

#include "emr_test.h"

#include "keyring/cert.h"

/* A member that is NULL is left out; texts are as in OpenSSL's x509v3_config(5). */
typedef struct cert_wish {
	const char *handle; /* common name */
	const char *unit;   /* organisational unit */
	uint64_t from, until;
	const char *basic;    /* basicConstraints */
	const char *usage;    /* keyUsage */
	const char *purpose;  /* extendedKeyUsage */
	const char *names;    /* nameConstraints */
	const char *mail;     /* subjectAltName */
	const char *policies; /* policyConstraints */
	bool has_unknown;     /* a critical extension that nobody knows */
	const char *attrs;    /* the JSON of Fabric's attributes */
	const char *curve;    /* of an authority; NULL: P-256 */
} cert_wish;

/* An authority of that name for ten years from FROM, and somebody for one. */
cert_wish cert_authority_wish(const char *handle, uint64_t from);
cert_wish cert_person_wish(const char *handle, uint64_t from);

typedef struct cert_authority {
	EVP_PKEY *key;
	X509 *cert;
	emr_buf der;
} cert_authority;

/* By ISSUER, or by itself. */
void cert_begin(cert_authority *a, const cert_wish *wish, const cert_authority *issuer);
void cert_end(cert_authority *a);
/* For the key SPKI; appends the certificate's DER. */
void cert_certify(
	const cert_authority *issuer, const cert_wish *wish, const uint8_t *spki, emr_buf *out);
