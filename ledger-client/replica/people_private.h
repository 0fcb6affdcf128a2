/* This is what the readers of rows about people share. It refuses keys of another shape. */
#pragma once

#include "replica/people.h"
#include "replica_private.h"

/* Ids of a key that begins with LETTERS letters and "/"; SECOND may be NULL.  EMR_DAMAGED. */
emr_status replica_key_ids(
	const char *key, size_t letters, emr_id16 *out_first, emr_id16 *out_second);
/* EMR_DAMAGED for a row that cannot be. */
emr_status replica_parsed(emr_contract_status status);

/* What the private part at KEY has of the certificate REF; both borrow from OUT_PART.
 * EMR_NOT_FOUND: it is not there, or of another one. */
emr_status replica_certificate_at(emr_replica *replica, const emr_part_key *key,
	const uint8_t ref[32], emr_buf *out_part, emr_bytes *out_der, emr_bytes *out_name);

static inline emr_span view_of(const emr_buf *buf)
{
	return span_of(emr_buf_view(buf));
}
