/* This file reads a DICOM file flatly, without its nesting, for the checkers of copies: block by
 * block, from a descriptor or from a function that has the bytes. */
#include "flat.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

/* ---- a file, block by block ---- */

static size_t read_some(const flat_file *f, uint64_t at, uint8_t *out, size_t len)
{
	ssize_t n;

	if (f->read != NULL)
		return f->read(f->arg, at, out, len);
	do
		n = pread(f->fd, out, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

static void fill_block(flat_file *f, uint64_t at)
{
	size_t most = f->ahead != 0 ? f->ahead : FLAT_BLOCK, n;

	if (most > f->size - at)
		most = (size_t)(f->size - at);
	f->at = at;
	f->len = 0;
	while (f->len < most &&
		(n = read_some(f, at + f->len, f->block + f->len, most - f->len)) > 0)
		f->len += n;
}

const uint8_t *flat_bytes(flat_file *f, uint64_t at, size_t len)
{
	if (at > f->size || len > f->size - at)
		return NULL;
	if (at < f->at || at - f->at > f->len || len > f->len - (size_t)(at - f->at)) {
		fill_block(f, at);
		if (f->len < len)
			return NULL;
	}
	return f->block + (at - f->at);
}

/* ---- walking ---- */

/* A number of two or four bytes, as W is written. */
static uint32_t u16_of(const flat_walk *w, const uint8_t *p)
{
	return w->is_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t u32_of(const flat_walk *w, const uint8_t *p)
{
	return w->is_big ? u16_of(w, p) << 16 | u16_of(w, p + 2)
			 : u16_of(w, p + 2) << 16 | u16_of(w, p);
}

static void enter_unknown(flat_walk *w, const flat_found *e)
{
	if (e->tag >> 16 == 0xfffe) {
		if (e->tag == 0xfffee0dd && w->unknown_depth > 0 && --w->unknown_depth == 0) {
			w->is_implicit = w->was_implicit;
			w->is_big = w->was_big;
		}
	} else if (e->len == FLAT_OPEN && w->unknown_depth > 0) {
		w->unknown_depth++;
	} else if (e->len == FLAT_OPEN && strcmp(e->vr, "UN") == 0 && !w->is_implicit) {
		w->was_implicit = w->is_implicit;
		w->was_big = w->is_big;
		w->is_implicit = true;
		w->is_big = false;
		w->unknown_depth = 1;
	}
}

/* The next header; what it heads is entered (sequences, items) or passed over.  False: the end, or
 * nonsense, which leaves w->at before the end. */
bool flat_step(flat_walk *w, flat_found *e)
{
	const uint8_t *p = flat_bytes(w->f, w->at, 8);
	const table_row *row;
	size_t head = 8;

	if (p == NULL)
		return false;
	*e = (flat_found){.tag = u16_of(w, p) << 16 | u16_of(w, p + 2)};
	if (w->is_implicit || e->tag >> 16 == 0xfffe) {
		row = dicom_row(e->tag);
		memcpy(e->vr, row != NULL ? row->vrs : "UN", 2);
		e->len = u32_of(w, p + 4);
	} else {
		memcpy(e->vr, p + 4, 2);
		if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", e->vr) != NULL) {
			if ((p = flat_bytes(w->f, w->at, 12)) == NULL)
				return false;
			e->len = u32_of(w, p + 8);
			head = 12;
		} else {
			e->len = u16_of(w, p + 6);
		}
	}
	e->at = w->at + head;
	enter_unknown(w, e);
	if (e->len == FLAT_OPEN || e->tag == 0xfffee000 || e->tag >> 16 == 0xfffe ||
		strcmp(e->vr, "SQ") == 0) {
		w->at = e->at;
		return true;
	}
	if (e->len > w->f->size - e->at)
		return false;
	w->at = e->at + e->len;
	return true;
}

bool flat_note_creator(flat_file *f, const flat_found *e, table_blocks *blocks)
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

const table_private *flat_private(
	const flat_walk *w, const flat_found *e, const table_blocks *blocks, unsigned with)
{
	const table_private *row = dicom_private(blocks, e->tag, with);

	return row != NULL && dicom_private_fits(row, e->len) &&
			       strcmp(e->vr, w->is_implicit ? "UN" : row->vr) == 0
		       ? row
		       : NULL;
}

/* Compressed pixels: to behind their delimiter. */
bool flat_pass_fragments(flat_walk *w)
{
	for (;;) {
		const uint8_t *p = flat_bytes(w->f, w->at, 8);
		uint32_t tag, len;

		if (p == NULL)
			return false;
		tag = u16_of(w, p) << 16 | u16_of(w, p + 2);
		len = u32_of(w, p + 4);
		if ((tag != 0xfffee000 && tag != 0xfffee0dd) || len > w->f->size - w->at - 8)
			return false;
		w->at += 8 + (uint64_t)len;
		if (tag == 0xfffee0dd)
			return true;
	}
}

/* From behind file meta, which says how all that follows is written. */
bool flat_begin(flat_walk *w, flat_file *f)
{
	const syntax *said;
	char uid[66] = "";
	flat_found e;

	*w = (flat_walk){.f = f, .at = 132};
	for (;;) {
		const uint8_t *p = flat_bytes(f, w->at, 2);

		if (p == NULL)
			return false;
		if (p[0] != 2 || p[1] != 0)
			break;
		if (!flat_step(w, &e))
			return false;
		p = e.tag == 0x00020010 && e.len < sizeof uid ? flat_bytes(f, e.at, e.len) : NULL;
		if (p != NULL)
			memcpy(uid, p, e.len);
	}
	for (size_t len = strlen(uid); len > 0 && uid[len - 1] == ' '; len--)
		uid[len - 1] = '\0';
	said = dicom_syntax(uid);
	if (said != NULL) {
		w->is_implicit = said->is_implicit;
		w->is_big = said->is_big;
		w->pixels = said->pixels;
	}
	return uid[0] != '\0';
}

/* ---- bits of samples ---- */

void flat_note_samples(flat_samples *s, const flat_walk *w, const flat_found *e)
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
		s->said[which] = p != NULL ? (uint16_t)u16_of(w, p) : 0;
		if (which == 0) /* what is not said is all of them */
			s->said[1] = s->said[0];
		if (which < 2)
			s->said[2] = (uint16_t)(s->said[1] - 1);
	}
}

bool flat_samples_ok(const flat_samples *s)
{
	return !s->is_odd && (s->said[0] % 8 == 0 || s->said[0] == 1) && s->said[0] <= 64 &&
	       s->said[1] >= 1 && s->said[1] <= s->said[0] && s->said[2] < s->said[0] &&
	       s->said[2] + 1 >= s->said[1];
}
