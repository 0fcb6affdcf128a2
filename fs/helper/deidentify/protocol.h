/* This header declares what the caller and the helper say to each other over a socket that keeps
 * messages apart. Both are of one build, so structures go as they are; VERSION and sizes tell
 * when they are not. */
#pragma once

#include "deidentify/deidentify.h"

#define PROTOCOL_VERSION 9u
#define PROTOCOL_WRITE "write" /* the helper's one argument */
#define PROTOCOL_CHECK "check"
#define PROTOCOL_SCAN "scan"
#define PROTOCOL_PIECE 32768u /* bytes that a scanner asks for at a time, at most */

typedef enum protocol_kind {
	PROTOCOL_FILE = 0x454d4432,
	PROTOCOL_RESULT,
	PROTOCOL_LOOK,
	PROTOCOL_WANT
} protocol_kind;

/* To a scanner, without a descriptor: a file that somebody else shares.  It asks for the pieces
 * that it wants, and gets each as one message of LEN bytes. */
typedef struct protocol_look {
	uint32_t kind;
	uint32_t year; /* the present one */
	uint64_t size;
	emr_deidentify_rules rules;
} protocol_look;

/* With two descriptors: the original, and the copy.  A checker gets no key. */
typedef struct protocol_file {
	protocol_look look; /* of a PROTOCOL_FILE */
	uint32_t form;	    /* emr_copy_form; these two: for the checker */
	uint64_t copy_size;
	uint8_t key[EMR_DEIDENTIFY_KEY_BYTES];
	char pseudonym[EMR_DEIDENTIFY_NAME_MAX + 1];
} protocol_file;

/* The answer. */
typedef struct protocol_result {
	uint32_t kind;
	uint32_t status; /* emr_status, about the copy's descriptor */
	emr_deidentified what;
} protocol_result;

typedef struct protocol_want {
	uint32_t kind;
	uint32_t len;
	uint64_t at;
} protocol_want;
