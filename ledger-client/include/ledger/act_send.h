/* These functions put one operation, or a few that belong together, into a batch, sign it with a
 * key of the keyring and send it. They are for what people and organisations do rarely. They refuse
 * nothing: the ledger's answer is the caller's to read. */
#pragma once

#include "base/clock.h"
#include "ledger/act.h"
#include "ledger/batch.h"
#include "ledger/ledger.h"

/* ACT as it is (version and prev set), with PART (may be empty).  *OUT_CODE: 0 applied, 1 already
 * there, else why the ledger refused it (emr_result).  CLOCK NULL = the computer's.  Errors: those
 * of batch and ledger. */
emr_status emr_act_send(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *act,
	emr_bytes part, const emr_clock *clock, uint8_t *out_code);
/* The same, signed as WHO, who is the keyring's identity there; the whole answer, for
 * emr_follow_answer. */
emr_status emr_act_send_as(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *act, emr_bytes part, const emr_clock *clock, emr_ledger_answer *out_answer);
/* The batch alone, for who sends it in another way; appends to OUT. */
emr_status emr_act_batch(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *act, emr_bytes part, const emr_clock *clock, emr_buf *out);
/* N of them in one batch: OUT_CODES[n] says of each 0, 1, or why it was refused; of a batch that
 * was refused all say why. */
emr_status emr_act_send_each(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *acts,
	const emr_bytes *parts, size_t n, const emr_clock *clock, uint8_t *out_codes,
	uint64_t *out_size);
/* N of them in one batch, with their PARTS (N; NULL = none has one), each behind its row as it is
 * now; whichever is of the same row as the one before it, and the next version, comes behind that
 * one. Of SEEN count the entry that the signer has seen and its leaf; NULL: none. *OUT_CODE: 0, or
 * why the batch, or the first that was not taken, was refused.  *OUT_SIZE: of the ledger with it,
 * for emr_follow_to.  EMR_LIMIT: more than a batch holds. */
emr_status emr_act_send_all(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *acts,
	const emr_bytes *parts, size_t n, const emr_batch_options *seen, const emr_clock *clock,
	uint8_t *out_code, uint64_t *out_size);
