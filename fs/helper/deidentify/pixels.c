/* This file looks at the pixels of a DICOM file without decoding them: native pixels must be
 * exactly as long as the image says, and in compressed ones it finds comments and application
 * data, which are cut out. It refuses streams that it cannot follow from marker to marker. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "dicom.h"

#define CUTS_MAX 400000

/* ---- native pixels ---- */

typedef struct image {
	uint64_t rows, columns, samples, bits, frames;
} image;

/* False: it cannot be an image. */
static bool read_image(dicom *d, image *out)
{
	char frames[16], photometric[20], *end = frames;

	dicom_text_of(d, 0x00280008, frames, sizeof frames);
	dicom_text_of(d, 0x00280004, photometric, sizeof photometric);
	out->rows = dicom_number_of(d, 0x00280010, 0);
	out->columns = dicom_number_of(d, 0x00280011, 0);
	out->samples = dicom_number_of(d, 0x00280002, 1);
	out->bits = dicom_number_of(d, 0x00280100, 0);
	out->frames = frames[0] != '\0' ? strtoull(frames, &end, 10) : 1;
	/* What is not written as a number (IS, 12 bytes) is no part of the copy, which then has one
	 * frame. */
	if (*end != '\0' || strlen(frames) > 12)
		out->frames = 1;
	if (strcmp(photometric, "YBR_FULL_422") == 0 && out->samples == 3)
		out->samples = 2;
	return out->rows != 0 && out->columns != 0 && out->samples != 0 && out->samples <= 4 &&
	       out->frames != 0 && out->frames <= 0x7fffffff;
}

/* For all frames; false: it cannot be an image. */
static bool image_bits(dicom *d, uint32_t tag, uint64_t *out_bits)
{
	image i;

	if (!read_image(d, &i))
		return false;
	if (tag != TAG_PIXELS)
		i.bits = tag == 0x7fe00008 ? 32 : 64;
	if (i.bits != 1 && i.bits != 8 && i.bits != 16 && i.bits != 32 && i.bits != 64)
		return false;
	*out_bits = i.rows * i.columns * i.samples * i.bits; /* at most 2^40 */
	if (*out_bits > UINT64_MAX / 2 / i.frames)
		return false;
	*out_bits *= i.frames;
	return true;
}

static emr_withheld look_native(dicom *d, const element *e)
{
	uint64_t bits = 0, bytes;

	if (e->kind != ELEMENT_VALUE || !image_bits(d, e->tag, &bits))
		return EMR_WITHHELD_DAMAGED;
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
	p = source_at(&s->d->in, fragment_here(s)->at + s->at, len);
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

static bool add_cut(stream *s, uint32_t index, uint32_t at, uint32_t len)
{
	pixel_plan *plan = s->plan;

	if (plan->count == CUTS_MAX ||
		emr_array_room(&plan->cuts, plan->count, &plan->room, sizeof *plan->cuts) != EMR_OK)
		return false;
	plan->cuts[plan->count++] = (cut){.fragment = index, .at = at, .len = len};
	return true;
}

/* Passes over LEN bytes, and leaves them out of the copy if CUT says so. */
static bool pass_bytes(stream *s, uint64_t len, bool is_cut)
{
	while (len > 0 && find_fragment(s)) {
		uint32_t left = fragment_here(s)->len - s->at,
			 n = len < left ? (uint32_t)len : left;

		if (is_cut && !add_cut(s, s->fragment, s->at, n)) {
			s->why = EMR_WITHHELD_TOO_COMPLEX;
			return false;
		}
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

/* Back over N bytes that were read, which may stand in the fragment before. */
static void step_back(stream *s, int n)
{
	for (; n > 0; n--) {
		while (s->at == 0)
			s->at = s->d->fragments[--s->fragment].len;
		s->at--;
	}
}

/* Behind the marker of a segment: its two bytes of length, and the rest. */
static bool pass_segment(stream *s, bool is_cut)
{
	int high = next_byte(s), low = high < 0 ? -1 : next_byte(s);
	uint64_t len;

	if (low < 0 || (high << 8 | low) < 2) {
		s->why = EMR_WITHHELD_DAMAGED;
		return false;
	}
	len = (uint64_t)(high << 8 | low);
	if (!is_cut)
		return pass_bytes(s, len - 2, false);
	step_back(s, 4);
	return pass_bytes(s, len + 2, true);
}

/* What stands behind the end of an image in its last fragment: one byte that makes it even. */
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

/* Adobe's APP14 and, in JPEG-LS, HP's APP8 say how colours were coded, and have no room for words:
 * without them a decoder gives other pixels, so they stay. */
static bool is_about_colours(stream s, int code, bool is_ls)
{
	bool is_adobe = code == 0xee;
	uint8_t p[14] = {0};

	for (int i = 0; i < (is_adobe ? 14 : 7); i++) {
		int byte = next_byte(&s);

		if (byte < 0)
			return false;
		p[i] = (uint8_t)byte;
	}
	if (is_adobe)
		return memcmp(p, "\0\16Adobe\0", 8) == 0 && p[13] <= 2;
	return code == 0xe8 && is_ls && memcmp(p, "\0\7mrfx", 6) == 0 && p[6] <= 3;
}

static bool look_jpeg(stream *s, bool is_ls)
{
	int code = next_marker(s);

	if (code != 0xd8)
		s->why = EMR_WITHHELD_DAMAGED;
	while (s->why == EMR_WITHHELD_NOT) {
		code = next_marker(s);
		while (code == 0xda) { /* start of scan */
			if (!pass_segment(s, false))
				return false;
			code = pass_coded(s, is_ls);
		}
		if (code == 0xd9)
			return pass_end(s);
		if (code < 0xc0 || (code >= 0xd0 && code <= 0xd8)) {
			s->why = EMR_WITHHELD_DAMAGED;
			return false;
		}
		if (!pass_segment(s, code == 0xfe || (code >= 0xe0 && code <= 0xef &&
							     !is_about_colours(*s, code, is_ls))))
			return false;
	}
	return false;
}

/* ---- JPEG 2000 (ITU T.800 annex A) ---- */

/* A comment inside a tile-part would change that part's own length. */
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
	length = (uint64_t)head[4] << 24 | (uint64_t)head[5] << 16 | (uint64_t)head[6] << 8 |
		 head[7];
	while ((code = next_marker(s)) != 0x93) { /* SOD */
		int high, low;

		if (code < 0 || code == 0x64 || (high = next_byte(s)) < 0 ||
			(low = next_byte(s)) < 0 || (high << 8 | low) < 2) {
			s->why = code == 0x64 ? EMR_WITHHELD_COMPRESSION : EMR_WITHHELD_DAMAGED;
			return false;
		}
		spent += 2 + (uint32_t)(high << 8 | low);
		if (!pass_bytes(s, (uint64_t)(high << 8 | low) - 2, false))
			return false;
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
		if (code == 0x90 ? !look_tile_part(s) : !pass_segment(s, code == 0x64))
			return false;
	}
	return false;
}

/* ---- RLE (PS3.5 annex G) ---- */

#define RLE_HEADER 64

/* One run after the other, to the end of a plane; what stands behind it is no part of the picture.
 */
static emr_withheld look_rle_segment(dicom *d, uint64_t at, uint64_t end, uint64_t plane)
{
	uint64_t made = 0;

	while (made < plane) {
		const uint8_t *p = at < end ? source_at(&d->in, at, 1) : NULL;
		uint32_t n;

		if (p == NULL)
			return EMR_WITHHELD_DAMAGED;
		n = p[0];
		at += n < 128 ? 2 + (uint64_t)n : n == 128 ? 1 : 2;
		made += n < 128 ? n + 1 : n == 128 ? 0 : 257 - n;
	}
	if (made > plane || at > end)
		return EMR_WITHHELD_DAMAGED;
	return end - at > 1 ? EMR_WITHHELD_HIDDEN_GRAPHICS : EMR_WITHHELD_NOT;
}

static emr_withheld look_rle_frame(dicom *d, const fragment *f, const image *i)
{
	uint32_t offsets[16];
	uint64_t segments = i->samples * i->bits / 8;
	const uint8_t *p = f->len < RLE_HEADER ? NULL : source_at(&d->in, f->at, RLE_HEADER);
	emr_withheld why = EMR_WITHHELD_NOT;

	if (p == NULL || segments > 15 || dicom_u32(d, p) != segments)
		return EMR_WITHHELD_DAMAGED;
	for (size_t s = 0; s < 15; s++)
		offsets[s] = dicom_u32(d, p + 4 + 4 * s);
	for (size_t s = 0; s < 15; s++)
		if ((s < segments ? offsets[s] < RLE_HEADER : offsets[s] != 0) ||
			(s == 0 && offsets[s] != RLE_HEADER))
			return EMR_WITHHELD_DAMAGED;
	offsets[segments] = f->len;
	for (uint64_t s = 0; s < segments && why == EMR_WITHHELD_NOT; s++) {
		if (offsets[s] > offsets[s + 1] || offsets[s + 1] > f->len)
			return EMR_WITHHELD_DAMAGED;
		why = look_rle_segment(
			d, f->at + offsets[s], f->at + offsets[s + 1], i->rows * i->columns);
	}
	return why;
}

/* Each frame is one fragment. */
static emr_withheld look_rle(dicom *d)
{
	emr_withheld why = EMR_WITHHELD_NOT;
	image i;

	if (!read_image(d, &i) || i.bits % 8 != 0 || i.bits == 0 ||
		i.frames != d->fragment_count - 1)
		return EMR_WITHHELD_DAMAGED;
	for (uint32_t f = 1; f < d->fragment_count && why == EMR_WITHHELD_NOT; f++) {
		d->fragments[f].begins_image = true;
		why = look_rle_frame(d, &d->fragments[f], &i);
	}
	return why;
}

/* ---- all of it ---- */

static emr_withheld look_compressed(dicom *d, pixel_plan *plan)
{
	stream s = {.d = d, .plan = plan, .fragment = 1};
	syntax_pixels pixels = d->syntax->pixels;
	uint64_t size = 0;
	uint32_t begin = 1;

	if (d->fragment_count < 2)
		return EMR_WITHHELD_DAMAGED;
	for (uint32_t f = 1; f < d->fragment_count; f++)
		size += 8 + (uint64_t)d->fragments[f].len;
	if (size >= DICOM_UNDEFINED) /* no table of offsets could name all images */
		return EMR_WITHHELD_TOO_COMPLEX;
	if (pixels == PIXELS_RLE)
		return look_rle(d);
	while (find_fragment(&s)) {
		if (s.at != 0) /* each image begins a fragment */
			return EMR_WITHHELD_DAMAGED;
		d->fragments[begin].begins_image = true;
		if (!(pixels == PIXELS_J2K ? look_j2k(&s)
					   : look_jpeg(&s, pixels == PIXELS_JPEG_LS)))
			return s.why;
		begin = s.fragment + 1;
	}
	return EMR_WITHHELD_NOT;
}

emr_withheld pixels_look(dicom *d, pixel_plan *out)
{
	static const uint32_t tags[] = {0x7fe00008, 0x7fe00009, TAG_PIXELS};
	const element *found = NULL;

	for (size_t i = 0; i < 3; i++) {
		uint32_t index = dicom_find(d, 0, d->count, tags[i]);

		if (index == d->count)
			continue;
		if (found != NULL)
			return EMR_WITHHELD_DAMAGED;
		found = &d->elements[index];
	}
	if (found == NULL || !dicom_row_has_vr(dicom_row(found->tag), found->vr))
		return EMR_WITHHELD_DAMAGED;
	if (d->syntax->pixels == PIXELS_NATIVE)
		return look_native(d, found);
	return found->kind == ELEMENT_FRAGMENTS ? look_compressed(d, out) : EMR_WITHHELD_DAMAGED;
}

void pixels_free(pixel_plan *plan)
{
	free(plan->cuts);
	*plan = (pixel_plan){0};
}
