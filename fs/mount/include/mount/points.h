/* These functions count a person's points and credit for `wallet`, from the local copy of the
 * ledger: in the open folder, in an agent at work, or with a keyring that was opened for it. They
 * keep no sum, and sign nothing. */
#pragma once

#include "keyring/keyring.h"
#include "session/answer.h"

/* One of the keys under which the person's points lie. */
typedef struct emr_account {
	emr_id32 id;
	emr_signer signer;
} emr_account;

/* The person's first key, and then every key that each folder of the person has had: emr_account,
 * ...; OUT_ACCOUNTS is the caller's. */
emr_status emr_accounts(const emr_session *session, emr_buf *out_accounts);
/* Sum of the tokens of account ID.  EMR_LIMIT: more than 2^64 - 1. */
emr_status emr_account_points(const emr_session *session, emr_id32 id, uint64_t *out_points);

/* Emits {"entries":[{at amount why tx who for_dataset}]}, {"ranking":[{who patient agent
 * hospital}]} and {"accounts":[id]} in portions, and last
 * {"done":true,"points","credit","counted":{patient agent hospital}}. */
emr_status emr_answer_wallet(emr_session *session, const emr_request *request, emr_emit_fn emit,
	void *arg, emr_problem *out_problem);
