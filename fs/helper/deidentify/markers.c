/* This file has the list of segments that stay in a compressed image of a copy for research. It
 * refuses each that is not in the list, each of another form, and samples that are wider than the
 * image says: text could stand in all of them. */
#include "markers.h"

#include <string.h>

#define COMPONENTS_MAX 4 /* as many samples as an image may have */

static const struct {
	uint8_t codec, first, last;
	uint8_t rule;
	uint16_t most; /* bytes behind its length; 0: it has a form of its own below */
} markers[] = {
	{PIXELS_JPEG, 0xc0, 0xc4, MARKER_KEPT, 0},     /* SOF0 to SOF3, DHT */
	{PIXELS_JPEG, 0xda, 0xdb, MARKER_KEPT, 0},     /* SOS, DQT */
	{PIXELS_JPEG, 0xdc, 0xdd, MARKER_KEPT, 2},     /* DNL, DRI */
	{PIXELS_JPEG, 0xe0, 0xef, MARKER_CUT, 0},      /* application data */
	{PIXELS_JPEG, 0xfe, 0xfe, MARKER_CUT, 0},      /* comments */
	{PIXELS_JPEG_LS, 0xda, 0xda, MARKER_KEPT, 0},  /* SOS */
	{PIXELS_JPEG_LS, 0xdc, 0xdd, MARKER_KEPT, 4},  /* DNL, DRI */
	{PIXELS_JPEG_LS, 0xf7, 0xf8, MARKER_KEPT, 0},  /* SOF55, LSE */
	{PIXELS_JPEG_LS, 0xe0, 0xef, MARKER_CUT, 0},   /* application data */
	{PIXELS_JPEG_LS, 0xfe, 0xfe, MARKER_CUT, 0},   /* comments */
	{PIXELS_J2K, 0x50, 0x50, MARKER_KEPT, 68},     /* CAP: 4 and 32 x 2 */
	{PIXELS_J2K, 0x51, 0x52, MARKER_KEPT, 0},      /* SIZ, COD */
	{PIXELS_J2K, 0x53, 0x53, MARKER_KEPT, 41},     /* COC: 8 and 33 */
	{PIXELS_J2K, 0x5c, 0x5d, MARKER_KEPT, 197},    /* QCD, QCC: 3 and 97 x 2 */
	{PIXELS_J2K, 0x5e, 0x5e, MARKER_KEPT, 4},      /* RGN */
	{PIXELS_J2K, 0x5f, 0x5f, MARKER_KEPT, 32 * 9}, /* POC */
	{PIXELS_J2K, 0x55, 0x55, MARKER_CUT, 0},       /* TLM: where tile-parts begin */
	{PIXELS_J2K, 0x57, 0x57, MARKER_CUT, 0},       /* PLM: how long packets are */
	{PIXELS_J2K, 0x63, 0x64, MARKER_CUT, 0},       /* CRG, comments */
};

static int row_of(syntax_pixels codec, int code)
{
	for (int i = 0; i < (int)(sizeof markers / sizeof *markers); i++)
		if (markers[i].codec == codec && code >= markers[i].first &&
			code <= markers[i].last)
			return i;
	return -1;
}

marker_rule marker_rule_of(syntax_pixels codec, int code)
{
	int row = row_of(codec, code);

	return row < 0 ? MARKER_UNKNOWN : (marker_rule)markers[row].rule;
}

/* ---- what was there before: 8 places of code tables, 4 of quantisers, 3 x 4 components, codes
 * ---- */

#define SEEN_QUANTISERS 8
#define SEEN_COMPONENTS 12
#define SEEN_CODES 24
#define SEEN_WIDE (UINT64_C(1) << 63) /* samples have more bits than the image */
#define SEEN_CODE(code) (UINT64_C(1) << (SEEN_CODES + ((code)&31)))
/* Of the whole image: frames, CAP, SIZ. */
#define SEEN_OF_IMAGE                                                                              \
	(SEEN_CODE(0xc0) | SEEN_CODE(0xc1) | SEEN_CODE(0xc2) | SEEN_CODE(0xc3) | SEEN_CODE(0xf7) | \
		SEEN_CODE(0x50) | SEEN_CODE(0x51) | SEEN_WIDE)

void marker_data_begins(uint64_t *io_seen)
{
	*io_seen &= SEEN_OF_IMAGE;
}

static bool is_first(uint64_t *seen, uint64_t bit)
{
	const bool is = (*seen & bit) == 0;

	*seen |= bit;
	return is;
}

/* Of the four places from BASE on. */
static bool is_first_in(uint64_t *seen, unsigned base, unsigned place)
{
	return place <= 3 && is_first(seen, UINT64_C(1) << (base + place));
}

/* A segment that has a place is looked at with its numbers. */
static bool is_first_of_kind(uint64_t *seen, int code, const uint8_t *p)
{
	switch (code) {
	case 0xc4:
	case 0xda:
	case 0xdb:
		return true;
	case 0x53:
		return is_first_in(seen, SEEN_COMPONENTS, p[0]);
	case 0x5d:
		return is_first_in(seen, SEEN_COMPONENTS + 4, p[0]);
	case 0x5e:
		return is_first_in(seen, SEEN_COMPONENTS + 8, p[0]);
	default:
		return is_first(seen, SEEN_CODE(code));
	}
}

static bool are_code_tables(const uint8_t *p, size_t len, uint64_t *seen) /* DHT */
{
	while (len >= 17 && p[0] >> 4 <= 1 && is_first_in(seen, 4u * (p[0] >> 4), p[0] & 15u)) {
		size_t n = 17;

		for (size_t i = 1; i <= 16; i++)
			n += p[i];
		if (n > len || n > 17 + 256)
			return false;
		p += n;
		len -= n;
	}
	return len == 0;
}

static bool are_quantisers(const uint8_t *p, size_t len, uint64_t *seen) /* DQT */
{
	while (len > 0) {
		size_t n = p[0] >> 4 != 0 ? 129 : 65;

		/* A place has a table of bytes or one of words. */
		if (n > len || p[0] >> 4 > 1 || !is_first_in(seen, SEEN_QUANTISERS, p[0] & 15u))
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* Wider samples than the image's are decoded, where that can be done (decode.h). */
static bool is_precision(uint32_t precision, uint32_t bits, bool is_decoded, uint64_t *seen)
{
	if (precision > bits)
		*seen |= SEEN_WIDE;
	return precision <= bits || (is_decoded && precision <= 16);
}

bool marker_is_wide(uint64_t seen)
{
	return (seen & SEEN_WIDE) != 0;
}

static bool is_size(const uint8_t *p, size_t len, uint32_t bits, uint64_t *seen) /* SIZ */
{
	size_t components = len < 36 ? 0 : (size_t)(p[34] << 8 | p[35]);

	if (components == 0 || components > COMPONENTS_MAX || len != 36 + 3 * components)
		return false;
	for (size_t i = 0; i < components; i++)
		if (!is_precision((p[36 + 3 * i] & 0x7fu) + 1, bits, true, seen))
			return false;
	return true;
}

bool marker_is_plain(syntax_pixels codec, int code, const uint8_t *p, size_t len, uint32_t bits,
	uint64_t *io_seen)
{
	int row = row_of(codec, code);

	if (row < 0 || len == 0 || !is_first_of_kind(io_seen, code, p))
		return false;
	if (markers[row].most != 0)
		return len <= markers[row].most;
	switch (code) {
	case 0x51:
		return is_size(p, len, bits, io_seen);
	case 0x52:
		return len >= 10 && len == 10 + ((p[0] & 1) != 0 ? p[5] + 1u : 0);
	case 0xc4:
		return are_code_tables(p, len, io_seen);
	case 0xda:
		marker_data_begins(io_seen);
		return p[0] <= COMPONENTS_MAX && len == 4 + 2 * (size_t)p[0];
	case 0xdb:
		return are_quantisers(p, len, io_seen);
	case 0xf8: /* the parameters; another has a table of colours */
		return p[0] == 1 && len == 11;
	default: /* a frame */
		return len >= 6 && p[5] <= COMPONENTS_MAX && len == 6 + 3 * (size_t)p[5] &&
		       is_precision(p[0], bits, code == 0xc3 || code == 0xf7, io_seen);
	}
}

bool marker_is_about_colours(syntax_pixels codec, int code, const uint8_t *p, size_t len)
{
	if (code == 0xee)
		return len == 12 && memcmp(p, "Adobe\0", 6) == 0 && p[11] <= 2;
	return code == 0xe8 && codec == PIXELS_JPEG_LS && len == 5 && memcmp(p, "mrfx", 4) == 0 &&
	       p[4] <= 3;
}
