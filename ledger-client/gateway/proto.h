/* Protocol buffers, as far as Fabric's messages need them: one message is read into what a table
 * asks for, and written field by field.  It refuses field numbers and varints that cannot be,
 * lengths that reach over the end, groups that nest deeper than PROTO_GROUPS_MAX, and a message
 * field that stands twice (protobuf would merge the two; what is verified as bytes must be one
 * piece).  Fields that are not asked for are passed over; of a number, text or bytes the last one
 * counts, as protobuf says.
 *
 * Source: protobuf.dev, Encoding. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

#define PROTO_GROUPS_MAX 16

typedef enum proto_kind {
	PROTO_NUMBER,	/* uint64_t: varint; of an int32 or enum the low 32 bits count */
	PROTO_BYTES,	/* emr_bytes, borrowed: bytes or string */
	PROTO_MESSAGE,	/* emr_bytes, borrowed; data is NULL only when it is not there */
	PROTO_REPEATED, /* proto_list */
} proto_kind;

/* What a repeated field had, in order; more than MAX is refused with EMR_LIMIT. */
typedef struct proto_list {
	emr_bytes *items;
	size_t max;
	size_t count;
} proto_list;

typedef struct proto_want {
	uint32_t number;
	proto_kind kind;
	void *out;
} proto_want;

/* Fills what WANTS points to; what is not in MESSAGE stays as the caller has set it.  EMR_DAMAGED,
 * EMR_LIMIT; then some of it may be filled. */
emr_status proto_read(emr_bytes message, const proto_want *wants, size_t count);

/* Writes at the end of a buffer.  The first failure is kept, and later writes do nothing. */
typedef struct proto_writer {
	emr_buf *buf;
	emr_status status;
} proto_writer;

static inline proto_writer proto_writer_of(emr_buf *buf)
{
	return (proto_writer){.buf = buf, .status = EMR_OK};
}
/* Nothing when VALUE is 0. */
void proto_put_number(proto_writer *w, uint32_t number, uint64_t value);
/* Nothing when VALUE is empty. */
void proto_put_bytes(proto_writer *w, uint32_t number, emr_bytes value);
void proto_put_text(proto_writer *w, uint32_t number, const char *value);
/* Also when it is empty: a message, or one of several. */
void proto_put_message(proto_writer *w, uint32_t number, emr_bytes value);
