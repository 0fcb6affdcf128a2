/* This is what the readers of rows about people share. It refuses keys of another shape. */
#pragma once

#include "replica/people.h"

/* Ids of a key that begins with LETTERS letters and "/"; SECOND may be NULL.  EMR_DAMAGED. */
emr_status replica_key_ids(
	const char *key, size_t letters, emr_id16 *out_first, emr_id16 *out_second);
/* EMR_DAMAGED for a row that cannot be. */
emr_status replica_parsed(emr_contract_status status);

static inline emr_span span_of(emr_bytes bytes)
{
	return (emr_span){.data = bytes.data, .len = bytes.len};
}
static inline emr_span view_of(const emr_buf *buf)
{
	return span_of(emr_buf_view(buf));
}
