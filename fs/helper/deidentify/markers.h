/* Facts of ITU T.81 (JPEG), T.87 (JPEG-LS) and T.800 (JPEG 2000) that writer, checker and scan look
 * up: which segments of a compressed image a copy for research may have, and what may stand in
 * them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum syntax_pixels {
	PIXELS_NATIVE,
	PIXELS_RLE,
	PIXELS_JPEG,
	PIXELS_JPEG_LS,
	PIXELS_J2K
} syntax_pixels;

typedef enum marker_rule {
	MARKER_UNKNOWN, /* no image needs it, or nobody looked into it: there is no copy */
	MARKER_KEPT,	/* without it the image cannot be decoded */
	MARKER_CUT	/* it is left out */
} marker_rule;

/* Of the segment whose marker is 0xff CODE. */
marker_rule marker_rule_of(syntax_pixels codec, int code);
/* Whether BODY, what stands behind the two bytes of length of a kept segment, is as long as its
 * numbers say, so that nothing stands behind them; an image's header has samples of at most BITS
 * bits, or of more up to 16 that can be decoded (marker_is_wide).  *IO_SEEN, 0 where an image
 * begins: what was there before, as each segment and each table is there once before its data, in a
 * place that a decoder has. */
bool marker_is_plain(syntax_pixels codec, int code, const uint8_t *body, size_t len, uint32_t bits,
	uint64_t *io_seen);
/* Whether samples of the image were wider than BITS. */
bool marker_is_wide(uint64_t seen);
/* Data of the image begins, or a part of it with a header of its own: others may follow. */
void marker_data_begins(uint64_t *io_seen);
/* Adobe's APP14 and, in JPEG-LS, HP's APP8 say how colours were coded, and have no room for words:
 * without them a decoder gives other pixels, so they stay. */
bool marker_is_about_colours(syntax_pixels codec, int code, const uint8_t *body, size_t len);
