/* These functions decode one compressed image to see whether its samples have more than the bits
 * that the image says it has: there a text could stand. They keep no picture, and refuse what they
 * cannot decode whole, and images that are larger than any real one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "markers.h"

#define DECODED_BYTES_MAX ((size_t)64 << 20) /* of one coded image */

/* Bits of samples, and what was seen of them. */
typedef struct decoded {
	uint32_t stored;
	uint64_t samples_max; /* that an image of so many bytes may have */
	bool has_more;	      /* some bit above STORED is set */
	bool is_odd;	      /* the bits above it are not all like the sign */
} decoded;

/* Whether an image may have so many samples. */
static inline bool decoded_is_size(
	const decoded *d, uint64_t rows, uint64_t columns, uint64_t components)
{
	return rows <= 0xffff && columns <= 0xffff && components <= 4 &&
	       rows * columns * components <= d->samples_max;
}

/* One sample of PRECISION bits. */
static inline void decoded_take(decoded *d, uint32_t v, uint32_t precision)
{
	const uint32_t above = v >> d->stored, sign = v >> (d->stored - 1) & 1;

	d->has_more |= above != 0;
	d->is_odd |= above != (sign != 0 ? (1u << (precision - d->stored)) - 1 : 0);
}

/* Lossless JPEG (SOF3).  False: it cannot be decoded to its last sample. */
bool lossless_decode(const uint8_t *p, size_t len, decoded *to);

/* Whether all samples of the image P fit into STORED bits: those above are zero, or, of a signed
 * image, all repeat its sign.  Where one sample did this and another that, a text could be drawn.
 */
bool decoded_fits(
	syntax_pixels codec, const uint8_t *p, size_t len, uint32_t stored, bool is_signed);
