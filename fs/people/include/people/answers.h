/* These functions answer whom the open keyring knows, in the mount or in the verb's own process.
 * They refuse to give out anything but cards and what is said of them. */
#pragma once

#include "session/answer.h"

/* The own card (`mine`: {"done":true,"card","qr","name","born","code","valid_until"}); or, as
 * {"people":[...]} with "done" in the last: whom the book has, or the one of `who`; who comes with
 * `card` (and "change": added, same, renewed, rekeyed); with `number` the safety number, noted as
 * compared, or with `drop` as not. */
emr_status emr_answer_people(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
