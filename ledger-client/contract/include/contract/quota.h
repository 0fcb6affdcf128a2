/* How much one enrolment may bring to the ledger in a day of UTC: somebody with an invitation and
 * no key there yet, and, more, a member.  An enrolment is a name in an organisation
 * (emr_enrolment_id), so a renewed certificate has no quota of its own, nor has a computer. Letters
 * are operations that concern others (see emr_op_is_letter), and letters of invitations; bytes are
 * those of batches, private parts included, with what a transaction of Fabric may carry beside
 * them.
 *
 * It refuses what is more than that, until the day is over.  All functions are pure and
 * thread-safe. */
#pragma once

#include "contract/rows.h"

#define EMR_QUOTA_LETTERS_INVITED 20u
#define EMR_QUOTA_LETTERS 20000u
#define EMR_QUOTA_BYTES_INVITED (UINT64_C(1) << 20)
#define EMR_QUOTA_BYTES (UINT64_C(2) << 30)
/* Bytes of a member's day lie in so many rows, by the batch: those that one member signs in one
 * block of Fabric, which nobody has put in an order, seldom meet. */
#define EMR_QUOTA_PLACES 64u
/* The bytes that a transaction of Fabric may carry beside its arguments and private parts: headers,
 * certificate, padding. Each counts as so many bytes. */
#define EMR_QUOTA_BESIDE 8192u

#define EMR_ROW_QUOTA_BYTES 16 /* day, count */

/* U/account/place: PLACE below EMR_QUOTA_PLACES counts bytes, 255 letters.  ACCOUNT is an
 * enrolment. */
#define EMR_QUOTA_PLACE_LETTERS 255
void emr_key_quota(const uint8_t account[32], uint8_t place, emr_key_text *out);

/* MORE on top of what ROW (len 0: it is absent) has for the day of NOW: *OUT_FITS when that is at
 * most MOST, and then the row is OUT_ROW.  A row of the day behind counts as of today, so that
 * nobody begins two days in turns; one of another day is over.  STATE: no such row. */
EMR_CONTRACT_MUST_CHECK
emr_contract_status emr_quota_take(emr_span row, uint64_t most, uint64_t more, uint64_t now_unix_s,
	bool *out_fits, uint8_t out_row[EMR_ROW_QUOTA_BYTES]);
