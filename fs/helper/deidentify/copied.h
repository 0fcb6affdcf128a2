/* These functions read copies, and what they were made of, for the checkers: flatly, with what the
 * standard's tables say. They share no code with the writer's parser. */
#pragma once

#include "helper/flat.h"

#include "markers.h"

struct table_blocks; /* table.h */
struct table_private;

/* From behind file meta, which says how all that follows is written, and how pixels are.  False: it
 * does not say it. */
bool copied_begin(flat_walk *w, flat_file *f, syntax_pixels *out_pixels);
/* The next header; what it heads is entered (sequences, items) or passed over.  False: the end, or
 * nonsense, which leaves w->at before the end. */
bool copied_step(flat_walk *w, flat_found *e);
/* Notes in BLOCKS which creator E, of an odd group, names.  False: none of the table's, or more
 * than its name. */
bool copied_note_creator(flat_file *f, const flat_found *e, struct table_blocks *blocks);
/* The row by which E, a private element of W, may stay where its terms say WITH (of emr_private);
 * NULL: it may not. */
const struct table_private *copied_private(
	const flat_walk *w, const flat_found *e, const struct table_blocks *blocks, unsigned with);
/* Compressed pixels: to behind their delimiter. */
bool copied_pass_fragments(flat_walk *w);

/* The headers at the top of a copy say this of a sample: bits in all, those of the image, the last
 * of them. Zero at first. */
typedef struct copied_samples {
	uint32_t depth;
	uint16_t said[4]; /* (0028,0100) to (0028,0103) */
	uint8_t known;	  /* as far as it was said, in their order */
	bool is_odd;	  /* one of them was said twice, or a sequence has a length */
} copied_samples;
/* Takes what E, the next of W, says of it. */
void copied_note_samples(copied_samples *s, const flat_walk *w, const flat_found *e);
/* Whether they can be believed. */
bool copied_samples_ok(const copied_samples *s);
/* The number V of a sample as a copy has it: bits that are not the image's are zero, or repeat the
 * sign above it. */
static inline uint64_t copied_sample(const copied_samples *s, uint64_t v)
{
	uint64_t top = v << (63 - s->said[2]);
	unsigned lowest = 64u - s->said[1], low = s->said[2] + 1u - s->said[1];
	bool repeats = s->said[3] == 1 && top >> 63 != 0;

	top >>= lowest;
	return (repeats ? top | ~(UINT64_MAX >> lowest) : top) << low;
}
