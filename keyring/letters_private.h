/* These are letters in the clear, for this folder and its tests only. */
#pragma once

#include "keyring/letters.h"
#include "part_private.h"

size_t emr_writer_letter_bytes(const emr_writer_letter *letter, size_t n);
/* OUT has emr_writer_letter_bytes and is zeros.  EMR_INVALID. */
emr_status emr_writer_letter_encode(
	const emr_writer_letter *letter, const emr_epoch_key *const *keys, size_t n, uint8_t *out);
emr_status emr_writer_letter_decode(emr_bytes plain, emr_id16 domain_id,
	emr_writer_letter *out_letter, emr_epoch_key ***out_keys, size_t *out_n);
emr_status emr_request_body_encode(const emr_request_body *body, emr_buf *out);
emr_status emr_request_body_decode(emr_bytes plain, emr_request_body *out);
emr_status emr_reason_encode(const char *reason, emr_buf *out);
emr_status emr_reason_decode(emr_bytes plain, char out[EMR_REQUEST_REASON_MAX + 1]);
