/* These functions count a person's points and credit for `wallet`, from the local copy of the
 * ledger: in the open folder, in an agent at work, or with a keyring that was opened for it. They
 * keep no sum, and sign nothing. */
#pragma once

#include "keyring/keyring.h"
#include "session/answer.h"

/* The account of the person: the first key of the chain. */
emr_status emr_account(const emr_session *session, emr_id32 *out_account);

/* Emits {"entries":[{at amount why tx who for_dataset}]} and {"ranking":[{who patient agent
 * hospital}]} in portions, and last
 * {"done":true,"account","points","credit","counted":{patient agent hospital}}. */
emr_answer_fn emr_answer_wallet;
