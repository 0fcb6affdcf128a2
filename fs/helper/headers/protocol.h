/* This header declares what the reader and its helper say to each other, over a socket that keeps
 * messages apart. Both are of one build, so the structure goes as it is. */
#pragma once

#include "parts.h"

#define PROTOCOL_VERSION 2u
#define PROTOCOL_ROLE "headers" /* the helper's one argument */

typedef enum protocol_kind {
	PROTOCOL_FILE = 0x454d5231, /* to the helper: the beginning of a file */
	PROTOCOL_FOUND,		    /* from it: STATUS, and headers as they are kept, or none */
} protocol_kind;

typedef struct protocol_message {
	uint32_t kind;
	uint32_t status; /* emr_status */
	uint32_t len;	 /* of BYTES */
	uint8_t bytes[EMR_HEADERS_HEAD];
} protocol_message;

static inline size_t protocol_size(uint32_t len)
{
	return offsetof(protocol_message, bytes) + len;
}
