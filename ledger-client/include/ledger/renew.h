/* These functions replace the certificate of the submitting key while other threads send batches.
 * Only the handle of the ledger says which certificate is used, and never two at once. */
#pragma once

#include "ledger/ledger.h"

/* Brings BATCH, which alone names CERTIFICATE as that of KEYRING (the submitter), and no other
 * batch meanwhile: it is signed with CERTIFICATE already, what comes before it with the former,
 * what comes behind it with CERTIFICATE.  KEYRING has it when the ledger has taken the batch, and
 * the former one when it has not.  While nobody knows which of the two it is (a status of
 * emr_ledger_submit that leaves the question open), every batch asks for that first, and is not
 * sent before it is known, so that the ledger takes none for a stranger's; and a caller that renews
 * meanwhile gets the answer of the batch that is on its way.  With OUT_ANSWER NULL it is only noted
 * as one that may be on its way from before, and no ledger is asked: the next batch asks.
 * EMR_INVALID: KEYRING is not the submitter's.  EMR_DENIED: who leads to the ledger does not take
 * CERTIFICATE. */
emr_status emr_ledger_renew(emr_ledger *ledger, emr_keyring *keyring, emr_bytes certificate,
	emr_bytes batch, emr_ledger_answer *out_answer);
/* The first operation was taken, or was there. */
bool emr_ledger_answer_is_yes(const emr_ledger_answer *answer);
