/* This checker compares the pixels of a copy with those of its original, image by image and byte by
 * byte. Native ones may differ in bits that are not the image's. Compressed ones may lack whole
 * segments of comments and application data, have no segment that is not in the list (markers.h),
 * and one zero byte at the end of an image; the table of offsets must name where each image begins.
 * It follows markers on its own and shares nothing with what cut the segments out. Without an
 * original the same is asked of a copy alone. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "copied.h"
#include "decode.h"

/* ---- fragments, one after the other ---- */

typedef struct run {
	flat_file *f;
	uint64_t at;	  /* of what follows in the file */
	uint64_t left;	  /* of this fragment */
	const uint8_t *p; /* what is at hand of it */
	size_t n;
	uint64_t seen;	/* of this image: marker_is_plain */
	bool is_hidden; /* bits of some image that are not its own have something */
	bool is_end;
} run;

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The next fragment; false: there is none. */
static bool next_fragment(run *r)
{
	const uint8_t *p = r->is_end ? NULL : flat_bytes(r->f, r->at, 8);

	if (p == NULL || number(p) != 0xe000fffe) {
		r->is_end = true;
		return false;
	}
	r->left = number(p + 4);
	r->at += 8;
	r->n = 0;
	return true;
}

/* Bytes of this fragment, at least one; false: its end. */
static bool fill(run *r)
{
	size_t len = r->left < FLAT_VALUE_MAX ? (size_t)r->left : FLAT_VALUE_MAX;

	if (r->n > 0)
		return true;
	r->p = len > 0 ? flat_bytes(r->f, r->at, len) : NULL;
	if (r->p == NULL)
		return false;
	r->n = len;
	return true;
}

static void take(run *r, size_t n)
{
	r->p += n;
	r->n -= n;
	r->at += n;
	r->left -= n;
}

/* LEN bytes of the original, and of the copy unless that is NULL, which must be the same. An image
 * of the copy is one fragment, one of the original may be more. */
static bool take_same(run *original, run *copy, uint64_t len)
{
	while (len > 0) {
		size_t n;

		if (!fill(original)) {
			if (original->left > 0 || !next_fragment(original))
				return false;
			continue;
		}
		if (copy != NULL && !fill(copy))
			return false;
		n = original->n < len ? original->n : (size_t)len;
		if (copy != NULL) {
			n = copy->n < n ? copy->n : n;
			if (memcmp(original->p, copy->p, n) != 0)
				return false;
			take(copy, n);
		}
		take(original, n);
		len -= n;
	}
	return true;
}

/* The next LEN bytes, over fragments, without taking them. Fewer: false. */
static bool peek(run *r, uint8_t *out, size_t len)
{
	run ahead = *r;

	r->n = 0; /* the block may hold another place afterwards */
	while (len > 0) {
		size_t n;

		if (!fill(&ahead)) {
			if (ahead.left > 0 || !next_fragment(&ahead))
				return false;
			continue;
		}
		n = ahead.n < len ? ahead.n : len;
		memcpy(out, ahead.p, n);
		take(&ahead, n);
		out += n;
		len -= n;
	}
	return true;
}

/* ---- an image ---- */

/* Coded data to the marker behind it: 0xff 0x00 and restarts are of the data, in JPEG-LS 0xff and
 * anything below 0x80. */
static bool take_coded(run *original, run *copy, bool is_ls)
{
	uint8_t code[2];
	const uint8_t *found;
	size_t n;

	for (;;) {
		while (!fill(original))
			if (original->left > 0 || !next_fragment(original))
				return false;
		found = memchr(original->p, 0xff, original->n);
		n = found == NULL ? original->n : (size_t)(found - original->p);
		if (!take_same(original, copy, n))
			return false;
		if (found == NULL)
			continue;
		if (!peek(original, code, 2))
			return false;
		if (is_ls ? code[1] >= 0x80 && code[1] != 0xff
			  : code[1] != 0 && code[1] != 0xff && (code[1] < 0xd0 || code[1] > 0xd7))
			return true;
		if (!take_same(original, copy, code[1] == 0xff ? 1 : 2))
			return false;
	}
}

/* A segment that the copy may have, or, as a whole, lack. COPY: NULL when the original is one. */
static bool take_segment(run *original, run *copy, const uint8_t marker[4], const coding *c)
{
	static uint8_t theirs[2 + 0xffff], ours[sizeof theirs];
	uint64_t len = 2 + (uint64_t)(marker[2] << 8 | marker[3]);
	marker_rule rule = marker_rule_of(c->codec, marker[1]);
	bool is_fit;

	if (len < 4 || !peek(original, theirs, len))
		return false;
	is_fit = rule == MARKER_CUT
			 ? marker_is_about_colours(c->codec, marker[1], theirs + 4, len - 4)
			 : marker_is_plain(c->codec, marker[1], theirs + 4, len - 4, c->bits,
				   &original->seen);
	if (rule == MARKER_CUT && copy != NULL &&
		!(is_fit && peek(copy, ours, len) && memcmp(theirs, ours, len) == 0)) {
		copy = NULL;
		is_fit = true;
	}
	return rule != MARKER_UNKNOWN && is_fit && take_same(original, copy, len);
}

/* JPEG 2000: a tile-part says its own length; nothing is cut out of its header. */
static bool take_tile_part(run *original, run *copy, const coding *c)
{
	uint8_t head[12], marker[4];
	uint64_t len, spent = sizeof head;

	if (!peek(original, head, sizeof head))
		return false;
	marker_data_begins(&original->seen);
	len = (uint64_t)head[6] << 24 | (uint64_t)head[7] << 16 | (uint64_t)head[8] << 8 | head[9];
	if (!take_same(original, copy, sizeof head))
		return false;
	while (peek(original, marker, 4) && marker[1] != 0x93) {
		spent += 2 + (uint64_t)(marker[2] << 8 | marker[3]);
		if (marker_rule_of(c->codec, marker[1]) != MARKER_KEPT ||
			!take_segment(original, copy, marker, c))
			return false;
	}
	return len >= spent && take_same(original, copy, len - spent);
}

static bool take_codestream(run *original, run *copy, const coding *c)
{
	run *last = copy != NULL ? copy : original;
	uint8_t marker[4];

	original->seen = 0;
	if (!take_same(original, copy, 2))
		return false;
	while (peek(original, marker, 2) && marker[0] == 0xff) {
		int code = marker[1];

		if (code == 0xd9) /* what the original has behind its end is left out */
			return take_same(original, copy, 2) &&
			       (last->left == 0 ||
				       (last->left == 1 && fill(last) && last->p[0] == 0)) &&
			       take_same(original, NULL, original->left);
		if (c->codec == PIXELS_J2K && code == 0x90) {
			if (!take_tile_part(original, copy, c))
				return false;
			continue;
		}
		if (!peek(original, marker, 4) || !take_segment(original, copy, marker, c) ||
			(c->codec != PIXELS_J2K && code == 0xda &&
				!take_coded(original, copy, c->codec == PIXELS_JPEG_LS)))
			return false;
	}
	return false;
}

/* Of the image that is the next fragment of F's, at AT: its samples fit into the bits of C. */
static bool does_fit(flat_file *f, uint64_t at, uint64_t len, const coding *c)
{
	uint8_t *bytes = len <= DECODED_BYTES_MAX ? malloc((size_t)len) : NULL;
	bool is_fit = bytes != NULL;

	for (uint64_t i = 0; is_fit && i < len; i += FLAT_VALUE_MAX) {
		size_t n = len - i < FLAT_VALUE_MAX ? (size_t)(len - i) : FLAT_VALUE_MAX;
		const uint8_t *p = flat_bytes(f, at + i, n);

		is_fit = p != NULL;
		if (is_fit)
			memcpy(bytes + i, p, n);
	}
	is_fit = is_fit && decoded_fits(c->codec, bytes, (size_t)len, c->bits, c->is_signed);
	free(bytes);
	return is_fit;
}

/* Both stand at the beginning of a fragment. */
static bool is_same_image(run *original, run *copy, const coding *c)
{
	const run image = copy != NULL ? *copy : *original;
	uint8_t start[2];

	if (c->codec == PIXELS_RLE)
		return (copy == NULL || copy->left == original->left) &&
		       take_same(original, copy, original->left);
	if (!peek(original, start, 2) || start[0] != 0xff || !take_codestream(original, copy, c))
		return false;
	original->is_hidden |=
		marker_is_wide(original->seen) && !does_fit(image.f, image.at, image.left, c);
	original->n = 0; /* the block may hold another place */
	return true;
}

/* ---- all of them ---- */

emr_withheld check_pixels(flat_file *original, uint64_t original_at, flat_file *copy,
	uint64_t copy_at, const coding *c)
{
	run old = {.f = original, .at = original_at}, new = {.f = copy, .at = copy_at};
	flat_file *table = malloc(sizeof *table);
	uint64_t entries, first, i = 0;
	bool is_same = table != NULL && next_fragment(&old) && next_fragment(&new);

	if (is_same) {
		*table = (flat_file){.read = copy->read,
			.fd = copy->fd,
			.ahead = copy->ahead,
			.size = copy->size};
		entries = new.left / 4;
		first = new.at + new.left;
		old.at += old.left;
		copy_at = new.at;
		new.at = first;
		while (is_same && next_fragment(&new)) {
			const uint8_t *p =
				i < entries ? flat_bytes(table, copy_at + 4 * i, 4) : NULL;

			is_same = p != NULL &&
				  number(p) == new.at - 8 - first &&next_fragment(&old) &&
				  is_same_image(&old, original != copy ? &new : NULL, c);
			new.at += new.left;
			i++;
		}
		is_same = is_same && i == entries;
		while (is_same && next_fragment(&old)) /* nothing is left */
			is_same = old.left == 0;
	}
	free(table);
	if (!is_same)
		return EMR_WITHHELD_COMPRESSION;
	return old.is_hidden ? EMR_WITHHELD_HIDDEN_GRAPHICS : EMR_WITHHELD_NOT;
}

static inline uint64_t sample_at(const uint8_t *p, const size_t bytes, bool is_big)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[is_big ? i : bytes - 1 - i];
	return v;
}

/* N bytes of samples of BYTES bytes. */
static inline bool are_samples(const uint8_t *old, const uint8_t *new, size_t n,
	const copied_samples *s, bool is_big, const size_t bytes)
{
	const uint64_t all = UINT64_MAX >> (64 - s->said[0]);

	for (size_t i = 0; i + bytes <= n; i += bytes)
		if (sample_at(new + i, bytes, is_big) !=
			(copied_sample(s, sample_at(old + i, bytes, is_big)) & all))
			return false;
	return true;
}

bool check_native(flat_file *original, uint64_t original_at, flat_file *copy, uint64_t copy_at,
	uint32_t len, const copied_samples *s, bool is_big)
{
	for (uint32_t at = 0; at < len; at += FLAT_VALUE_MAX) {
		size_t n = len - at < FLAT_VALUE_MAX ? len - at : FLAT_VALUE_MAX;
		const uint8_t *old = flat_bytes(original, original_at + at, n);
		const uint8_t *new = flat_bytes(copy, copy_at + at, n);

		if (old == NULL || new == NULL)
			return false;
		if (s->said[1] == s->said[0] ? memcmp(old, new, n) != 0
			: s->said[0] == 16 /* nearly all, and faster so */
				? !are_samples(old, new, n, s, is_big, 2)
				: !are_samples(old, new, n, s, is_big, s->said[0] / 8))
			return false;
	}
	return true;
}
