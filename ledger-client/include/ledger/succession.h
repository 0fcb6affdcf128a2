/* The operations by which one seed of a person is followed by another: the key itself, and the
 * domains that go with it.  They judge nothing, as those of ledger/act.h. */
#pragma once

#include "keyring/succession.h"
#include "ledger/act.h"

/* From the key OLD to that of NEXT; OUT_PART, empty, leads the new words to what was before. */
emr_status emr_act_key_rotate(const emr_keyring *next, emr_id16 net_id, emr_id32 old,
	emr_act *out_act, emr_buf *out_part);
/* DOMAIN, whose row is D_ROW, from a former seed of NEXT, which was told (emr_keyring_settle), to
 * its present one; in a batch of CARRIER.  Version and prev are those behind D_ROW, and signed. */
emr_status emr_act_hand_over(const emr_keyring *next, emr_id16 net_id, emr_id32 carrier,
	emr_id16 domain, emr_bytes d_row, emr_act *out_act);
