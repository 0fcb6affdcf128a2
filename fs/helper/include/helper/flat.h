/* These functions read a DICOM file flatly: headers of sequences and items are headers like others,
 * so nesting costs nothing. They believe no length. The headers of files are read with them,
 * and copies are checked with them; the writer of copies shares no more with them than the bytes
 * of a block, so that no fault in reading hides something from both. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLAT_BLOCK ((size_t)128 << 10)
#define FLAT_VALUE_MAX ((size_t)32 << 10) /* of one value that is looked into */
#define FLAT_UID 66			  /* of what file meta says, with an end */
#define FLAT_OPEN 0xffffffffu		  /* a length that is not said */

/* Some of LEN bytes at AT: how many, or 0. */
typedef size_t (*flat_read_fn)(uint64_t at, uint8_t *out, size_t len);

typedef struct flat_file {
	flat_read_fn read; /* NULL: of FD */
	int fd;
	size_t ahead; /* as much is read at once, to FLAT_BLOCK; 0: all of it */
	uint64_t size, at;
	size_t len;
	uint8_t block[FLAT_BLOCK];
} flat_file;

typedef struct flat_walk {
	flat_file *f;
	uint64_t at;
	bool is_implicit, is_big;
	uint32_t unknown_depth; /* inside of a UN without length, which is implicit little endian */
	bool was_implicit, was_big;
} flat_walk;

typedef struct flat_found {
	uint32_t tag, len;
	char vr[3]; /* "": not said */
	uint64_t at;
} flat_found;

/* LEN (to FLAT_BLOCK) bytes at AT; NULL: not there. */
const uint8_t *flat_bytes(flat_file *f, uint64_t at, size_t len);
/* A number of two or four bytes, as W is written. */
uint32_t flat_u16(const flat_walk *w, const uint8_t *p);
uint32_t flat_u32(const flat_walk *w, const uint8_t *p);
/* To behind file meta, whose word for how all that follows is written is in OUT_UID; W is explicit
 * little endian until then.  False: it has none. */
bool flat_meta(flat_walk *w, flat_file *f, char out_uid[FLAT_UID]);
/* The next header: w->at is behind it.  False: the end, or nonsense, and w->at is before it. */
bool flat_next(flat_walk *w, flat_found *e);
/* To behind the value of E; false: it would lead out of the file. */
bool flat_pass(flat_walk *w, const flat_found *e);
/* From behind a header without a length to behind its delimiter. */
bool flat_pass_open(flat_walk *w);
