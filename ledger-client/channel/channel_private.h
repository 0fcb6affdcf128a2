/* This header has what reads the answers of a backend, for the files of this folder and the tests
 * of its limits. */
#pragma once

#include "channel/backend.h"

/* Of a status of HTTP and a body; what it says goes to CALL. */
emr_status channel_read_error(long http_status, emr_bytes body, emr_fabric_call *call);
/* EMR_DAMAGED: it is no such answer. */
emr_status channel_read_end(emr_bytes body, emr_fabric_end *out);
emr_status channel_read_log(
	emr_bytes body, emr_fabric_place *place, emr_fabric_logged_fn fn, void *arg);
emr_status channel_read_parts(
	emr_bytes body, size_t n, emr_fabric_part_fn fn, void *arg, bool *out_is_complete);
emr_status channel_read_answer(emr_bytes body, emr_buf *out);
emr_status channel_read_state(emr_bytes body, emr_fabric_state *out);
emr_status channel_read_letters(
	emr_bytes list, char from[34], emr_fabric_letter_fn fn, void *arg, size_t *n);
