/* Protocol buffers, as far as Fabric's messages need them, read as Go's library reads them, which
 * Fabric's peers use: one message is read into what a table asks for, and written field by field.
 * Of a number, text or bytes that stands several times the last one counts, a message that does is
 * merged, a repeated field is continued; a field of another wire type than is asked for is as good
 * as unknown, and unknown ones are passed over. It refuses field numbers and varints that cannot
 * be, lengths that reach over the end, and groups that nest deeper than Go allows. A field that is
 * not asked for is not looked into, and no text is looked at as UTF-8: Go refuses some of that.
 *
 * Source: protobuf.dev, Encoding; google.golang.org/protobuf v1.36.6, internal/impl/decode.go and
 * encoding/protowire. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

#define PROTO_GROUPS_MAX 10001

typedef enum proto_kind {
	PROTO_NUMBER,	/* uint64_t: varint; of an int32 or enum the low 32 bits count */
	PROTO_BYTES,	/* emr_bytes, borrowed: bytes, string, or a message as it stands; data is
			 * NULL only when it is not there */
	PROTO_MESSAGE,	/* proto_inside: what is asked of a message, in as many pieces as it has */
	PROTO_REPEATED, /* proto_list */
} proto_kind;

/* The values of a repeated field, in order: the first MAX of them. A caller that must have all
 * looks at TOTAL, or asks with MAX 0 first. */
typedef struct proto_list {
	emr_bytes *items;
	size_t max;
	size_t count; /* in ITEMS */
	size_t total; /* in the message */
} proto_list;

typedef struct proto_want {
	uint32_t number;
	proto_kind kind;
	void *out;
} proto_want;

typedef struct proto_inside {
	const proto_want *wants;
	size_t count;
} proto_inside;
/* The table WANTS, an array, as what stands in a message. */
#define PROTO_INSIDE(wants) (&(proto_inside){(wants), sizeof(wants) / sizeof *(wants)})

/* Fills what WANTS points to; what is not in MESSAGE stays as the caller has set it.  EMR_DAMAGED;
 * then some of it may be filled. */
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
