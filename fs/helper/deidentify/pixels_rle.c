/* This file looks at pixels that are coded as runs (RLE): runs must end where a plane of the image
 * does, and a byte of a plane may have no bits set that the image does not have. */
#include "dicom.h"

#define RLE_HEADER 64

/* Of the bits that a plane has of each sample. */
typedef struct plane {
	uint64_t bytes;	 /* of all samples */
	uint8_t unused;	 /* bits that are not the image's, */
	uint8_t sign;	 /* and, where those above must repeat it, the sign; else 0 */
	uint8_t repeats; /* these */
} plane;

/* Plane S counts from the highest byte of the first sample. */
static plane plane_of(const image *i, uint64_t s)
{
	const uint64_t bytes = i->bits / 8, shift = 8 * (bytes - 1 - s % bytes);
	const uint64_t used = UINT64_MAX >> (64 - i->stored) << (i->high + 1 - i->stored);
	plane p = {.bytes = i->rows * i->columns, .unused = (uint8_t) ~(used >> shift)};

	if (i->is_signed && i->high / 8 == shift / 8) {
		p.sign = (uint8_t)(1u << i->high % 8);
		p.repeats = (uint8_t)(0xfeu << i->high % 8);
	}
	return p;
}

/* One run after the other, to the end of a plane; what stands behind it is no part of the picture.
 */
static emr_withheld look_segment(dicom *d, uint64_t at, uint64_t end, const plane *of)
{
	uint64_t made = 0;

	while (made < of->bytes) {
		const uint8_t *p = at < end ? flat_bytes(&d->in, at, 1) : NULL;
		uint32_t n;

		if (p == NULL)
			return EMR_WITHHELD_DAMAGED;
		n = p[0];
		at++;
		made += n < 128 ? n + 1 : n == 128 ? 0 : 257 - n;
		for (uint32_t left = n < 128 ? n + 1 : n == 128 ? 0 : 1; left > 0; left--, at++) {
			p = at < end ? flat_bytes(&d->in, at, 1) : NULL;
			if (p == NULL)
				return EMR_WITHHELD_DAMAGED;
			if (!((p[0] & of->unused) == ((p[0] & of->sign) != 0 ? of->repeats : 0)))
				return EMR_WITHHELD_HIDDEN_GRAPHICS;
		}
	}
	if (made > of->bytes)
		return EMR_WITHHELD_DAMAGED;
	return end - at > 1 ? EMR_WITHHELD_HIDDEN_GRAPHICS : EMR_WITHHELD_NOT;
}

static emr_withheld look_frame(dicom *d, const fragment *f, const image *i)
{
	uint32_t offsets[16];
	uint64_t segments = i->samples * i->bits / 8;
	const uint8_t *p = f->len < RLE_HEADER ? NULL : flat_bytes(&d->in, f->at, RLE_HEADER);
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
		const plane of = plane_of(i, s);

		if (offsets[s] > offsets[s + 1] || offsets[s + 1] > f->len)
			return EMR_WITHHELD_DAMAGED;
		why = look_segment(d, f->at + offsets[s], f->at + offsets[s + 1], &of);
	}
	return why;
}

/* Each frame is one fragment. */
emr_withheld pixels_look_rle(dicom *d, const image *i)
{
	emr_withheld why = EMR_WITHHELD_NOT;

	if (i->bits % 8 != 0 || i->bits > 64 || i->frames != d->fragment_count - 1)
		return EMR_WITHHELD_DAMAGED;
	for (uint32_t f = 1; f < d->fragment_count && why == EMR_WITHHELD_NOT; f++) {
		d->fragments[f].begins_image = true;
		why = look_frame(d, &d->fragments[f], i);
	}
	return why;
}
