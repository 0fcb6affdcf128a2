/* This header declares what the parts of the client of Fabric CA share: one request, and what its
 * answer says. Nobody outside this folder but its tests includes it. */
#pragma once

#include <jansson.h>

#include "enrol/ca.h"

#define CA_ID_MAX 64
#define CA_SECRET_MAX 512

/* Every way to fail goes through here.  SAID may be NULL. */
emr_status ca_fail(emr_ca_call *call, emr_ca_fault fault, const char *said);

/* "result" of ANSWER, which came with CALL->http_status; borrowed from *OUT_ROOT, which is owned.
 * HAS_TOKEN: who asked showed a certificate, not a secret. */
emr_status ca_answer_read(emr_bytes answer, bool has_token, json_t **out_root,
	const json_t **out_result, emr_ca_call *call);
/* Base64 of PEM, as it stands in an answer: its certificates, DER after DER; EMR_DAMAGED. */
emr_status ca_answer_certificates(const json_t *base64, emr_buf *out_ders, size_t *out_count);
/* Base64 of text.  EMR_DAMAGED. */
emr_status ca_answer_base64(const json_t *base64, emr_buf *out);
/* LEAF and those of ANSWER's "CAChain", sorted into chain and root. */
emr_status ca_answer_sort(emr_bytes leaf, const json_t *ca_chain, emr_ca_certificate *out);

/* DER as PEM.  Appends; no NUL. */
emr_status ca_pem(emr_bytes der, const char *what, emr_buf *out);
/* Base64 with padding.  Appends; no NUL. */
emr_status ca_base64(emr_bytes bytes, emr_buf *out);
/* Makes the proof that KEYRING, whose certificate CHAIN is, sends BODY by METHOD to URI: the value
 * of the header "authorization", ended by NUL. */
emr_status ca_token(const emr_keyring *keyring, emr_bytes chain, const char *method,
	const char *uri, emr_bytes body, emr_buf *out);
