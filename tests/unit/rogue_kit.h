/* A member with a changed program appends any bytes to the shared ledger file, handed in by the
 * member's own registered key, with any time and results. A failed step fails the test. */
#pragma once

#include "folk_kit.h"

/* One operation of M in a signed batch of its own, dated TIME; it need not follow anything. */
void rogue_batch(const member *m, emr_signer as, const emr_operation *operation, uint64_t time,
	emr_buf *out);
/* Puts BATCH into the ledger file as its next entry, of ledger time TIME, brought by M.  RESULTS
 * (one a item): what the entry says and what the state of the ledger then is; NULL: what the
 * contract says. */
void rogue_append(const member *m, emr_bytes batch, uint64_t time, const uint8_t *results);
/* As above, with what the contract says to a host that claims to have checked the batch's
 * signature.
 */
void rogue_append_unsigned(const member *m, emr_bytes batch, uint64_t time);
/* As rogue_append by M, but the entry says that NAMED handed the batch in. */
void rogue_append_in_name(const member *m, const member *named, emr_bytes batch, uint64_t time);
