/* The checkers of copies read with this: where a flat file's values stand that they look into,
 * which private elements may stay, and how many bits a sample has. */
#include "copied.h"

#include <string.h>

#include "table.h"

bool copied_begin(flat_walk *w, flat_file *f, syntax_pixels *out_pixels)
{
	char uid[FLAT_UID];
	bool is_said = flat_meta(w, f, uid);
	const syntax *said = is_said ? dicom_syntax(uid) : NULL;

	*out_pixels = PIXELS_NATIVE;
	if (said != NULL) {
		w->is_implicit = said->is_implicit;
		w->is_big = said->is_big;
		*out_pixels = said->pixels;
	}
	return is_said;
}

bool copied_step(flat_walk *w, flat_found *e)
{
	uint64_t from = w->at;
	const table_row *row;

	if (!flat_next(w, e))
		return false;
	if (e->vr[0] == '\0') {
		row = dicom_row(e->tag);
		memcpy(e->vr, row != NULL ? row->vrs : "UN", 2);
	}
	if (e->len == FLAT_OPEN || e->tag >> 16 == 0xfffe || strcmp(e->vr, "SQ") == 0 ||
		flat_pass(w, e))
		return true;
	w->at = from;
	return false;
}

bool copied_note_creator(flat_file *f, const flat_found *e, table_blocks *blocks)
{
	char text[66] = "";
	size_t len = 0;
	const uint8_t *p = e->len < sizeof text ? flat_bytes(f, e->at, e->len) : NULL;

	if (p != NULL) {
		memcpy(text, p, e->len);
		len = e->len;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
		text[--len] = '\0';
	return dicom_note_creator(blocks, e->tag, e->len <= len + 1 ? text : "");
}

const table_private *copied_private(
	const flat_walk *w, const flat_found *e, const table_blocks *blocks, unsigned with)
{
	const table_private *row = dicom_private(blocks, e->tag, with);

	return row != NULL && dicom_private_fits(row, e->len) &&
			       strcmp(e->vr, w->is_implicit ? "UN" : row->vr) == 0
		       ? row
		       : NULL;
}

/* Compressed pixels: to behind their delimiter. */
bool copied_pass_fragments(flat_walk *w)
{
	for (;;) {
		const uint8_t *p = flat_bytes(w->f, w->at, 8);
		uint32_t tag, len;

		if (p == NULL)
			return false;
		tag = flat_u16(w, p) << 16 | flat_u16(w, p + 2);
		len = flat_u32(w, p + 4);
		if ((tag != 0xfffee000 && tag != 0xfffee0dd) || len > w->f->size - w->at - 8)
			return false;
		w->at += 8 + (uint64_t)len;
		if (tag == 0xfffee0dd)
			return true;
	}
}

/* ---- bits of samples ---- */

void copied_note_samples(copied_samples *s, const flat_walk *w, const flat_found *e)
{
	uint32_t which = e->tag - 0x00280100;
	const uint8_t *p;

	if (strcmp(e->vr, "SQ") == 0) {
		s->depth += e->len == FLAT_OPEN;
		s->is_odd |= e->len != FLAT_OPEN && e->len != 0;
	} else if (e->tag == 0xfffee0dd) {
		s->depth -= s->depth > 0;
	} else if (s->depth == 0 && which < 4) {
		p = strcmp(e->vr, "US") == 0 && e->len == 2 ? flat_bytes(w->f, e->at, 2) : NULL;
		s->is_odd |= p == NULL || s->known > which;
		s->known = (uint8_t)(which + 1);
		s->said[which] = p != NULL ? (uint16_t)flat_u16(w, p) : 0;
		if (which == 0) /* what is not said is all of them */
			s->said[1] = s->said[0];
		if (which < 2)
			s->said[2] = (uint16_t)(s->said[1] - 1);
	}
}

bool copied_samples_ok(const copied_samples *s)
{
	return !s->is_odd && (s->said[0] % 8 == 0 || s->said[0] == 1) && s->said[0] <= 64 &&
	       s->said[1] >= 1 && s->said[1] <= s->said[0] && s->said[2] < s->said[0] &&
	       s->said[2] + 1 >= s->said[1];
}
