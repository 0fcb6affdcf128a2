/* gRPC above HTTP/2, as far as it is a function of bytes: frames of messages that are cut anywhere,
 * and what headers and trailers say about how a call ended.  It refuses compressed messages,
 * messages over a limit (before there is memory for them), and to take an answer without a status
 * for one that went well.
 *
 * Source: grpc/grpc doc/PROTOCOL-HTTP2.md. */
#pragma once

#include "base/bytes.h"
#include "gateway/fault.h"

typedef enum grpc_code {
	GRPC_MISSING = -1, /* none was sent */
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_ABORTED = 10,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
	GRPC_CODE_MAX = 16,
} grpc_code;

/* ---- Frames ---- */

#define GRPC_FRAME_HEAD 5

typedef struct grpc_frames {
	size_t max_bytes; /* of one message */
	uint8_t head[GRPC_FRAME_HEAD];
	size_t head_len;
	uint32_t message_len; /* once the head is whole */
	emr_buf message;
	uint64_t count; /* of whole messages */
} grpc_frames;

/* Not EMR_OK ends it. */
typedef emr_status (*grpc_message_fn)(void *arg, emr_bytes message);
/* EMR_UNSUPPORTED: compressed, or no frame; EMR_LIMIT: over max_bytes.  Nothing may be given to it
 * afterwards. */
emr_status grpc_frames_take(grpc_frames *frames, emr_bytes piece, grpc_message_fn take, void *arg);
/* True between two messages. */
bool grpc_frames_is_whole(const grpc_frames *frames);
void grpc_frames_free(grpc_frames *frames);
/* The head of a message of LEN bytes. */
void grpc_frame_head(uint32_t len, uint8_t out[GRPC_FRAME_HEAD]);

/* ---- How it ended ---- */

#define GRPC_TEXT_BYTES 512
#define GRPC_DETAILS_MAX 65536 /* base64 characters */
#define GRPC_DETAIL_COUNT_MAX 64

/* The contents of headers and trailers; texts are printable ASCII, with NUL. */
typedef struct grpc_said {
	int code;     /* grpc_code, or another number up to 16 */
	bool is_grpc; /* the content type */
	char message[GRPC_TEXT_BYTES];
	char detail[GRPC_TEXT_BYTES]; /* of others that were asked: "MSP at ADDRESS: message; ..."
				       */
} grpc_said;

void grpc_said_begin(grpc_said *said);
/* One header or trailer line, with or without its end of line.  A new status line ("HTTP/2 200")
 * begins again. */
void grpc_said_line(grpc_said *said, emr_bytes line);
/* Fabric's meaning of a code and its words; EMR_GATEWAY_FINE for GRPC_OK alone. */
emr_gateway_fault grpc_fault(const grpc_said *said);

/* TEXT as one line of printable characters into OUT, cut at SIZE with NUL. */
void grpc_clean(char *out, size_t size, emr_bytes text);
