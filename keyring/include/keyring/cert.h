/* A small certificate authority and the owner's certificate: X.509 v3 on P-256 keys derived from
 * the seed (profile: FORMAT.md). It refuses certificates with extra bytes, other curves or hashes,
 * unknown critical extensions, and dates it was not asked about. */
#pragma once

#include "keyring/keyring.h"

#define EMR_CERT_MAX 4096 /* bytes of DER */
/* A chain: a person's certificate, and behind it those of the authorities between it and the
 * organisation's CA, each one DER after the other.  The CA itself, which everybody has, is not in
 * it. */
#define EMR_CERT_BETWEEN_MAX 2
#define EMR_CERT_CHAIN_MAX 8192
#define EMR_CERT_HANDLE_MAX 64 /* bytes of the common name */
#define EMR_CERT_MSP_MAX 64    /* bytes of the name of an MSP of Fabric: A-Z a-z 0-9 . - _ */

/* Indexes of derived P-256 keys. */
#define EMR_P256_OWNER 0
#define EMR_P256_CA 1

typedef struct emr_cert_facts {
	char handle[EMR_CERT_HANDLE_MAX + 1]; /* common name, UTF-8 */
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_id32 ref;	     /* SHA-256 of its DER */
	uint64_t not_before; /* Unix seconds */
	uint64_t not_after;
	uint64_t issuer_not_before; /* of whose certificate is behind it in the chain; 0: none is */
	uint16_t roles;		    /* bits of the ledger's roles; 0 for a CA */
	emr_id16 org;		    /* zero when the certificate names none */
	char msp[EMR_CERT_MSP_MAX + 1]; /* whose members a CA certifies in a channel; "": none */
	bool is_ca;
} emr_cert_facts;

typedef struct emr_cert_subject {
	const char *handle; /* 1..64 bytes of UTF-8 without control characters */
	uint16_t roles;
	emr_id16 org;	 /* zero: no attribute */
	const char *msp; /* of a CA; NULL: no attribute */
	uint64_t not_before;
	uint64_t not_after;
} emr_cert_subject;

/* A self-signed CA with the keyring's CA key.  Roles and org of the subject must be 0.  Appends DER
 * to OUT.  EMR_INVALID: also for what is no name of an MSP. */
emr_status emr_cert_make_ca(
	const emr_keyring *kr, const emr_cert_subject *subject, emr_buf *out_der);
/* A certificate for SPKI (DER, P-256) signed by the keyring's CA, whose certificate CA_DER is.
 * EMR_INVALID when CA_DER is not of that key or the dates lie outside it. */
emr_status emr_cert_issue(const emr_keyring *kr, emr_bytes ca_der, const emr_cert_subject *subject,
	emr_bytes spki, emr_buf *out_der);
/* Of the first certificate of CHAIN.  EMR_DAMAGED when one of them is not of our profile, or
 * something else stands there. */
emr_status emr_cert_read(emr_bytes chain, emr_cert_facts *out);
/* That CHAIN leads to the self-signed CA_DER without anything left over, to a certificate of
 * no authority, and all are in force at NOW: signatures, lengths of the path, what keys are
 * for, name constraints and other critical extensions as RFC 5280 has them.  EMR_DAMAGED,
 * EMR_BAD_SIGNATURE (another CA, or a broken signature or rule), EMR_DENIED (not yet or no longer
 * in force). */
emr_status emr_cert_verify(
	emr_bytes chain, emr_bytes ca_der, uint64_t now_unix_s, emr_cert_facts *out);

/* Whether a certificate that leads to the CA of ORG was given for emrfs there: it names ORG, or no
 * organisation and at least one role.  Whose it is, its CA says, so an authority that knows no id
 * of ours (a Fabric CA's administrator, people of a directory) may leave emr.org out; but what has
 * neither was given for something else, a peer or another program, and makes nobody a member. */
bool emr_cert_is_of(const emr_cert_facts *facts, const uint8_t org[16]);

/* Whether LEN bytes may be a common name, and whether MSP may be the name of one. */
bool emr_cert_handle_ok(const char *handle, size_t len);
bool emr_cert_msp_ok(const char *msp);
/* The name of an organisation whose authority emrfs did not make (a Fabric CA), so that its root
 * CA_DER names no MSP: the id follows from both, and a network that admits it admits no other. */
emr_id16 emr_cert_org_of(emr_bytes ca_der, emr_bytes msp);

/* The words of the attribute emr.roles, separated by blanks, in bit order; at most 128 bytes with
 * the NUL. */
#define EMR_ROLES_TEXT_MAX 128
void emr_roles_text(uint16_t roles, char out[EMR_ROLES_TEXT_MAX]);
/* EMR_INVALID for an unknown or repeated word. */
emr_status emr_roles_parse(const char *text, uint16_t *out_roles);
