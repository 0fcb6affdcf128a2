/* This header declares what the reader and its helper say to each other, over a socket that keeps
 * messages apart. Both are of one build, so the structure goes as it is. */
#pragma once

#include "parts.h"

#define PROTOCOL_VERSION 1u
#define PROTOCOL_ROLE "headers" /* the helper's one argument */

typedef enum protocol_kind {
	PROTOCOL_FILE = 0x454d5231, /* to the helper: a file of AT bytes, and its beginning */
	PROTOCOL_READ,		    /* from it: LEN bytes from AT, please */
	PROTOCOL_BYTES,		    /* to it: those, fewer at the end; STATUS of the source */
	PROTOCOL_FOUND,		    /* from it: STATUS, and headers as they are kept, or none */
} protocol_kind;

typedef struct protocol_message {
	uint32_t kind;
	uint32_t status; /* emr_status */
	uint64_t at;
	uint32_t len; /* of BYTES, or of what is asked for */
	uint8_t bytes[HEAD_BYTES];
} protocol_message;

static inline size_t protocol_size(uint32_t len)
{
	return offsetof(protocol_message, bytes) + len;
}
