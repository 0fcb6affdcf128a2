/* These functions read a DICOM file flatly, for the checkers: headers of sequences and items are
 * headers like others, so nesting costs nothing. They share no code with the writer's parser, and
 * believe no length. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "markers.h"

#define FLAT_BLOCK ((size_t)128 << 10)
#define FLAT_VALUE_MAX ((size_t)32 << 10) /* of one value that is looked into */
#define FLAT_OPEN 0xffffffffu		  /* a length that is not said */

/* Some of LEN bytes at AT: how many, or 0. */
typedef size_t (*flat_read_fn)(void *arg, uint64_t at, uint8_t *out, size_t len);

typedef struct flat_file {
	flat_read_fn read; /* NULL: of FD */
	void *arg;
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
	syntax_pixels pixels;	/* what file meta says of them */
	uint32_t unknown_depth; /* inside of a UN without length, which is implicit little endian */
	bool was_implicit, was_big;
} flat_walk;

typedef struct flat_found {
	uint32_t tag, len;
	char vr[3];
	uint64_t at;
} flat_found;

struct table_blocks; /* table.h */
struct table_private;

/* LEN (to FLAT_VALUE_MAX) bytes at AT; NULL: not there. */
const uint8_t *flat_bytes(flat_file *f, uint64_t at, size_t len);
/* From behind file meta, which says how all that follows is written. */
bool flat_begin(flat_walk *w, flat_file *f);
/* The next header; what it heads is entered (sequences, items) or passed over.  False: the end, or
 * nonsense, which leaves w->at before the end. */
bool flat_step(flat_walk *w, flat_found *e);
/* Notes in BLOCKS which creator E, of an odd group, names.  False: none of the table's, or more
 * than its name. */
bool flat_note_creator(flat_file *f, const flat_found *e, struct table_blocks *blocks);
/* The row by which E, a private element of W, may stay where its terms say WITH (of emr_private);
 * NULL: it may not. */
const struct table_private *flat_private(
	const flat_walk *w, const flat_found *e, const struct table_blocks *blocks, unsigned with);
/* Compressed pixels: to behind their delimiter. */
bool flat_pass_fragments(flat_walk *w);

/* The headers at the top of a copy say this of a sample: bits in all, those of the image, the last
 * of them. Zero at first. */
typedef struct flat_samples {
	uint32_t depth;
	uint16_t said[4]; /* (0028,0100) to (0028,0103) */
	uint8_t known;	  /* as far as it was said, in their order */
	bool is_odd;	  /* one of them was said twice, or a sequence has a length */
} flat_samples;
/* Takes what E, the next of W, says of it. */
void flat_note_samples(flat_samples *s, const flat_walk *w, const flat_found *e);
/* Whether they can be believed. */
bool flat_samples_ok(const flat_samples *s);
/* The number V of a sample as a copy has it: bits that are not the image's are zero, or repeat the
 * sign above it. */
static inline uint64_t flat_sample(const flat_samples *s, uint64_t v)
{
	uint64_t top = v << (63 - s->said[2]);
	unsigned lowest = 64u - s->said[1], low = s->said[2] + 1u - s->said[1];
	bool repeats = s->said[3] == 1 && top >> 63 != 0;

	top >>= lowest;
	return (repeats ? top | ~(UINT64_MAX >> lowest) : top) << low;
}
