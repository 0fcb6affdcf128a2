/* This file looks at the pixels of a DICOM file without decoding them: native pixels must be
 * exactly as long as the image says, and bits that the image does not have are cleared; in
 * compressed ones it finds comments and application data, which are cut out. It refuses streams
 * that it cannot follow from marker to marker, and samples that are wider than the image says. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "dicom.h"

#define CUTS_MAX 400000

/* ---- native pixels ---- */

bool pixels_image(dicom *d, image *out)
{
	char frames[16], photometric[20], *end = frames;

	dicom_text_of(d, 0x00280008, frames, sizeof frames);
	dicom_text_of(d, 0x00280004, photometric, sizeof photometric);
	out->rows = dicom_number_of(d, 0x00280010, 0);
	out->columns = dicom_number_of(d, 0x00280011, 0);
	out->samples = dicom_number_of(d, 0x00280002, 1);
	out->bits = dicom_number_of(d, 0x00280100, 0);
	out->frames = frames[0] != '\0' ? strtoull(frames, &end, 10) : 1;
	/* A count that is not written as a number (IS, 12 bytes) is no part of the copy, which then
	 * has one frame. */
	if (*end != '\0' || strlen(frames) > 12)
		out->frames = 1;
	if (strcmp(photometric, "YBR_FULL_422") == 0 && out->samples == 3)
		out->samples = 2;
	out->stored = dicom_number_of(d, 0x00280101, (uint32_t)out->bits);
	out->high = dicom_number_of(d, 0x00280102, (uint32_t)out->stored - 1);
	out->is_signed = dicom_number_of(d, 0x00280103, 0) == 1;
	return out->rows != 0 && out->columns != 0 && out->samples != 0 && out->samples <= 4 &&
	       out->frames != 0 && out->frames <= 0x7fffffff && out->stored >= 1 &&
	       out->stored <= out->bits && out->high < out->bits && out->high + 1 >= out->stored;
}

static inline void clear_samples(
	const image *i, bool is_big, uint8_t *p, size_t len, const size_t bytes)
{
	const uint64_t low = i->high + 1 - i->stored, mask = UINT64_MAX >> (64 - i->stored);

	for (size_t at = 0; at + bytes <= len; at += bytes) {
		uint64_t v = 0;

		for (size_t k = 0; k < bytes; k++)
			v |= (uint64_t)p[at + (is_big ? bytes - 1 - k : k)] << (8 * k);
		v = v >> low & mask;
		if (i->is_signed && (v >> (i->stored - 1)) != 0)
			v |= ~mask;
		v <<= low;
		for (size_t k = 0; k < bytes; k++)
			p[at + (is_big ? bytes - 1 - k : k)] = (uint8_t)(v >> (8 * k));
	}
}

void pixels_clear(const image *i, bool is_big, uint8_t *p, size_t len)
{
	if (i->stored < i->bits && i->bits == 16) /* nearly all: four times as fast */
		clear_samples(i, is_big, p, len, 2);
	else if (i->stored < i->bits)
		clear_samples(i, is_big, p, len, i->bits / 8);
}

/* For all frames; false: it cannot be an image. */
static bool image_bits(image *i, uint32_t tag, uint64_t *out_bits)
{
	if (tag != TAG_PIXELS)
		i->bits = i->stored = tag == 0x7fe00008 ? 32 : 64;
	if (i->bits != 1 && i->bits != 8 && i->bits != 16 && i->bits != 32 && i->bits != 64)
		return false;
	*out_bits = i->rows * i->columns * i->samples * i->bits; /* at most 2^40 */
	if (*out_bits > UINT64_MAX / 2 / i->frames)
		return false;
	*out_bits *= i->frames;
	return true;
}

static emr_withheld look_native(const dicom *d, const element *e, image *i)
{
	uint64_t bits = 0, bytes;

	if (e->kind != ELEMENT_VALUE || !image_bits(i, e->tag, &bits))
		return EMR_WITHHELD_DAMAGED;
	/* Programs do not agree in which order these bytes stand. */
	if (d->syntax->is_big && i->stored < i->bits &&
		(i->bits > 16 || (i->bits == 16 && memcmp(e->vr, "OW", 2) != 0)))
		return EMR_WITHHELD_COMPRESSION;
	bytes = (bits + 7) / 8;
	bytes += bytes & 1;
	if (e->len > bytes)
		return EMR_WITHHELD_HIDDEN_GRAPHICS;
	return e->len == bytes ? EMR_WITHHELD_NOT : EMR_WITHHELD_DAMAGED;
}

/* ---- a stream over fragments ---- */

typedef struct stream {
	dicom *d;
	pixel_plan *plan;
	uint32_t fragment; /* from 1: 0 is the table of offsets */
	uint32_t at;	   /* in it */
	uint32_t bits;	   /* of a sample, at most */
	uint64_t seen;	   /* marker_is_plain */
	syntax_pixels codec;
	emr_withheld why;
} stream;

static const fragment *fragment_here(const stream *s)
{
	return &s->d->fragments[s->fragment];
}

/* On to the next fragment at the end of one; false at the end of all. */
static bool find_fragment(stream *s)
{
	while (s->fragment < s->d->fragment_count && s->at == fragment_here(s)->len) {
		s->fragment++;
		s->at = 0;
	}
	return s->fragment < s->d->fragment_count;
}

/* The bytes that are here at once, at least one; NULL at the end. */
static const uint8_t *run(stream *s, size_t *out_len)
{
	size_t len;
	const uint8_t *p;

	if (!find_fragment(s))
		return NULL;
	len = fragment_here(s)->len - s->at;
	if (len > SOURCE_PIECE)
		len = SOURCE_PIECE;
	p = flat_bytes(&s->d->in, fragment_here(s)->at + s->at, len);
	*out_len = len;
	return p;
}

static int next_byte(stream *s)
{
	size_t len;
	const uint8_t *p = run(s, &len);

	if (p == NULL) {
		s->why = EMR_WITHHELD_DAMAGED;
		return -1;
	}
	s->at++;
	return p[0];
}

/* Passes over LEN bytes, and leaves them out of the copy if CUT says so. */
static bool pass_bytes(stream *s, uint64_t len, bool is_cut)
{
	pixel_plan *plan = s->plan;

	while (len > 0 && find_fragment(s)) {
		uint32_t left = fragment_here(s)->len - s->at,
			 n = len < left ? (uint32_t)len : left;

		if (is_cut && (plan->count == CUTS_MAX ||
				      emr_array_room(&plan->cuts, plan->count, &plan->room,
					      sizeof *plan->cuts) != EMR_OK)) {
			s->why = EMR_WITHHELD_TOO_COMPLEX;
			return false;
		}
		if (is_cut)
			plan->cuts[plan->count++] =
				(cut){.fragment = s->fragment, .at = s->at, .len = n};
		s->at += n;
		len -= n;
	}
	if (len > 0)
		s->why = EMR_WITHHELD_DAMAGED;
	return len == 0;
}

/* The next marker (0xff and a code), from a place where one must stand; -1: there is none. */
static int next_marker(stream *s)
{
	int code = next_byte(s) == 0xff ? next_byte(s) : -1;

	if (code < 0 || code == 0 || code == 0xff)
		s->why = EMR_WITHHELD_DAMAGED;
	return s->why == EMR_WITHHELD_NOT ? code : -1;
}

/* Behind the marker 0xff CODE of a segment: its two bytes of length, and the rest. It stays or is
 * cut out, as its kind says; how long it is with its marker, 0: there is no copy. */
static uint32_t pass_segment(stream *s, int code)
{
	static uint8_t body[0x10000];
	marker_rule rule = marker_rule_of(s->codec, code);
	int high = next_byte(s), low = high < 0 ? -1 : next_byte(s), byte;
	size_t len = low < 0 ? 0 : (size_t)(high << 8 | low);

	if (len < 2 || rule == MARKER_UNKNOWN) {
		s->why = len < 2 ? EMR_WITHHELD_DAMAGED : EMR_WITHHELD_COMPRESSION;
		return 0;
	}
	for (size_t i = 0; i < len - 2; i++) {
		if ((byte = next_byte(s)) < 0)
			return 0;
		body[i] = (uint8_t)byte;
	}
	if (rule == MARKER_KEPT &&
		!marker_is_plain(s->codec, code, body, len - 2, s->bits, &s->seen)) {
		s->why = EMR_WITHHELD_HIDDEN_GRAPHICS;
		return 0;
	}
	if (rule == MARKER_CUT && !marker_is_about_colours(s->codec, code, body, len - 2)) {
		/* Back over it; a part may stand in the fragment before. */
		for (size_t n = len + 2; n > 0; n--) {
			while (s->at == 0)
				s->at = s->d->fragments[--s->fragment].len;
			s->at--;
		}
		if (!pass_bytes(s, len + 2, true))
			return 0;
	}
	return (uint32_t)len + 2;
}

/* The bytes behind the end of an image in its last fragment: one byte that makes it even. */
static bool pass_end(stream *s)
{
	uint32_t left = fragment_here(s)->len - s->at;

	return left == 0 || pass_bytes(s, left, true);
}

/* ---- JPEG (ITU T.81 annex B) and JPEG-LS (T.87 annex C) ---- */

/* To the marker that ends coded data: in JPEG 0xff 0x00 and restarts belong to it, in JPEG-LS 0xff
 * and anything below 0x80. */
static int pass_coded(stream *s, bool is_ls)
{
	for (;;) {
		size_t len, n;
		const uint8_t *p = run(s, &len), *found;
		int code;

		if (p == NULL) {
			s->why = EMR_WITHHELD_DAMAGED;
			return -1;
		}
		found = memchr(p, 0xff, len);
		n = found == NULL ? len : (size_t)(found - p) + 1;
		s->at += (uint32_t)n;
		if (found == NULL)
			continue;
		code = next_byte(s);
		while (code == 0xff)
			code = next_byte(s);
		if (code < 0)
			return -1;
		if (is_ls ? code >= 0x80 : code != 0 && (code < 0xd0 || code > 0xd7))
			return code;
	}
}

static bool look_jpeg(stream *s)
{
	int code = next_marker(s);

	if (code != 0xd8)
		s->why = EMR_WITHHELD_DAMAGED;
	while (s->why == EMR_WITHHELD_NOT) {
		code = next_marker(s);
		while (code == 0xda) { /* start of scan */
			if (pass_segment(s, code) == 0)
				return false;
			code = pass_coded(s, s->codec == PIXELS_JPEG_LS);
		}
		if (code == 0xd9)
			return pass_end(s);
		if (code < 0 || pass_segment(s, code) == 0)
			return false;
	}
	return false;
}

/* ---- JPEG 2000 (ITU T.800 annex A) ---- */

/* A cut in a tile-part would change that part's own length. */
static bool look_tile_part(stream *s)
{
	uint8_t head[10];
	uint64_t length;
	uint32_t spent = 12; /* marker and SOT */
	int code;

	for (int i = 0; i < 10; i++) {
		int byte = next_byte(s);

		if (byte < 0)
			return false;
		head[i] = (uint8_t)byte;
	}
	marker_data_begins(&s->seen);
	length = (uint64_t)head[4] << 24 | (uint64_t)head[5] << 16 | (uint64_t)head[6] << 8 |
		 head[7];
	while ((code = next_marker(s)) != 0x93) { /* SOD */
		uint32_t len = code < 0 ? 0 : pass_segment(s, code);

		if (len == 0)
			return false;
		if (marker_rule_of(s->codec, code) == MARKER_CUT) {
			s->why = EMR_WITHHELD_COMPRESSION;
			return false;
		}
		spent += len;
	}
	spent += 2;
	if (length < spent) { /* 0: up to the end, which nobody can find without decoding */
		s->why = length == 0 ? EMR_WITHHELD_COMPRESSION : EMR_WITHHELD_DAMAGED;
		return false;
	}
	return pass_bytes(s, length - spent, false);
}

static bool look_j2k(stream *s)
{
	int code = next_marker(s);

	if (code != 0x4f)
		s->why = EMR_WITHHELD_DAMAGED;
	while (s->why == EMR_WITHHELD_NOT) {
		code = next_marker(s);
		if (code == 0xd9)
			return pass_end(s);
		if (code < 0 || (code == 0x90 ? !look_tile_part(s) : pass_segment(s, code) == 0))
			return false;
	}
	return false;
}

/* ---- all of it ---- */

static emr_withheld look_compressed(dicom *d, const image *i, pixel_plan *plan)
{
	stream s = {.d = d,
		.plan = plan,
		.fragment = 1,
		.bits = (uint32_t)i->stored,
		.codec = d->syntax->pixels};
	uint64_t size = 0;
	uint32_t begin = 1;

	if (d->fragment_count < 2)
		return EMR_WITHHELD_DAMAGED;
	for (uint32_t f = 1; f < d->fragment_count; f++)
		size += 8 + (uint64_t)d->fragments[f].len;
	if (size >= DICOM_UNDEFINED) /* no table of offsets could name all images */
		return EMR_WITHHELD_TOO_COMPLEX;
	if (s.codec == PIXELS_RLE)
		return pixels_look_rle(d, i);
	if (i->high + 1 != i->stored) /* a decoder puts the samples at the low end */
		return EMR_WITHHELD_COMPRESSION;
	while (find_fragment(&s)) {
		if (s.at != 0) /* each image begins a fragment */
			return EMR_WITHHELD_DAMAGED;
		d->fragments[begin].begins_image = true;
		s.seen = 0;
		if (!(s.codec == PIXELS_J2K ? look_j2k(&s) : look_jpeg(&s)))
			return s.why;
		begin = s.fragment + 1;
	}
	return EMR_WITHHELD_NOT;
}

emr_withheld pixels_look(dicom *d, pixel_plan *out)
{
	static const uint32_t tags[] = {0x7fe00008, 0x7fe00009, TAG_PIXELS};
	const element *found = NULL;
	image i;

	for (size_t t = 0; t < 3; t++) {
		uint32_t index = dicom_find(d, 0, d->count, tags[t]);

		if (index == d->count)
			continue;
		if (found != NULL)
			return EMR_WITHHELD_DAMAGED;
		found = &d->elements[index];
	}
	if (found == NULL || !dicom_row_has_vr(dicom_row(found->tag), found->vr) ||
		!pixels_image(d, &i))
		return EMR_WITHHELD_DAMAGED;
	if (d->syntax->pixels == PIXELS_NATIVE)
		return look_native(d, found, &i);
	return found->kind == ELEMENT_FRAGMENTS ? look_compressed(d, &i, out)
						: EMR_WITHHELD_DAMAGED;
}

void pixels_free(pixel_plan *plan)
{
	free(plan->cuts);
	*plan = (pixel_plan){0};
}
