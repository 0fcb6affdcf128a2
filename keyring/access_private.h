/* These are the insides of questions for keys and of their answers, for this folder and its
 * tests only. */
#pragma once

#include "keyring/access.h"
#include "part_private.h"

struct emr_request_key {
	emr_secret k;
};

/* kcom = SHA-256("emrfs/v1/mbox\0" || k). */
void emr_request_commit(const emr_secret *k, uint8_t out_kcom[32]);
/* Takes K over, also when it fails: EMR_DAMAGED when it is not the one of KCOM. */
emr_status emr_request_key_from(emr_secret *take_k, const uint8_t kcom[32], emr_request_key **out);

emr_status emr_access_body_encode(const emr_access_body *body, emr_buf *out);
emr_status emr_access_body_decode(emr_bytes plain, emr_access_body *out);
/* Takes the plaintext over, also when it fails. */
emr_status emr_answer_parse(emr_vault *take_plain, emr_answer_kind mode, emr_id32 signer,
	size_t slots, size_t given, emr_answer **out);
emr_status emr_report_encode(const emr_report_row *rows, size_t n, emr_buf *out);
emr_status emr_report_decode(emr_bytes plain, emr_report_row **out_rows, size_t *out_n);
