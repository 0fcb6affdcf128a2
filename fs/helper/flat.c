/* This file reads a DICOM file flatly, without its nesting: block by block, from a descriptor or
 * from a function that has the bytes. */
#include "helper/flat.h"

#include <string.h>

#include "base/file.h"

/* ---- a file, block by block ---- */

/* From AT at least LEN bytes, where they are there. */
static void fill_block(flat_file *f, uint64_t at, size_t len)
{
	size_t most = f->ahead != 0 ? f->ahead : FLAT_BLOCK, n;

	if (most < len)
		most = len < FLAT_BLOCK ? len : FLAT_BLOCK;
	if (most > f->size - at)
		most = (size_t)(f->size - at);
	f->at = at;
	f->len = 0;
	if (f->read == NULL && emr_pread_all(f->fd, f->block, most, (off_t)at) == EMR_OK)
		f->len = most;
	while (f->read != NULL && f->len < most &&
		(n = f->read(at + f->len, f->block + f->len, most - f->len)) > 0)
		f->len += n;
}

const uint8_t *flat_bytes(flat_file *f, uint64_t at, size_t len)
{
	if (at > f->size || len > f->size - at)
		return NULL;
	if (at < f->at || at - f->at > f->len || len > f->len - (size_t)(at - f->at)) {
		fill_block(f, at, len);
		if (f->len < len)
			return NULL;
	}
	return f->block + (at - f->at);
}

/* ---- walking ---- */

uint32_t flat_u16(const flat_walk *w, const uint8_t *p)
{
	return w->is_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

uint32_t flat_u32(const flat_walk *w, const uint8_t *p)
{
	return w->is_big ? flat_u16(w, p) << 16 | flat_u16(w, p + 2)
			 : flat_u16(w, p + 2) << 16 | flat_u16(w, p);
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

bool flat_next(flat_walk *w, flat_found *e)
{
	const uint8_t *p = flat_bytes(w->f, w->at, 8);
	size_t head = 8;

	if (p == NULL)
		return false;
	*e = (flat_found){.tag = flat_u16(w, p) << 16 | flat_u16(w, p + 2)};
	if (w->is_implicit || e->tag >> 16 == 0xfffe) {
		e->len = flat_u32(w, p + 4);
	} else {
		memcpy(e->vr, p + 4, 2);
		if (e->vr[0] < 'A' || e->vr[0] > 'Z' || e->vr[1] < 'A' || e->vr[1] > 'Z')
			return false;
		e->len = flat_u16(w, p + 6);
		if (strstr("OB OD OF OL OV OW SQ SV UC UN UR UT UV", e->vr) != NULL) {
			head = 12;
			if ((p = flat_bytes(w->f, w->at, head)) == NULL)
				return false;
			e->len = flat_u32(w, p + 8);
		}
	}
	w->at = e->at = w->at + head;
	enter_unknown(w, e);
	return true;
}

bool flat_pass(flat_walk *w, const flat_found *e)
{
	if (e->len > w->f->size - e->at)
		return false;
	w->at = e->at + e->len;
	return true;
}

bool flat_pass_open(flat_walk *w)
{
	uint32_t depth = 1;
	flat_found e;

	while (depth > 0) {
		if (!flat_next(w, &e))
			return false;
		if (e.tag == 0xfffee00d || e.tag == 0xfffee0dd) {
			if (e.len != 0)
				return false;
			depth--;
		} else if (e.len == FLAT_OPEN) {
			depth++;
		} else if (!flat_pass(w, &e)) {
			return false;
		}
	}
	return true;
}

bool flat_meta(flat_walk *w, flat_file *f, char out_uid[FLAT_UID])
{
	flat_found e;

	memset(out_uid, 0, FLAT_UID);
	*w = (flat_walk){.f = f, .at = 132};
	for (;;) {
		const uint8_t *p = flat_bytes(f, w->at, 2);

		if (p == NULL)
			return false;
		if (p[0] != 2 || p[1] != 0)
			break;
		if (!flat_next(w, &e) || !flat_pass(w, &e))
			return false;
		p = e.tag == 0x00020010 && e.len < FLAT_UID ? flat_bytes(f, e.at, e.len) : NULL;
		if (p != NULL)
			memcpy(out_uid, p, e.len);
	}
	for (size_t len = strlen(out_uid); len > 0 && out_uid[len - 1] == ' '; len--)
		out_uid[len - 1] = '\0';
	return out_uid[0] != '\0';
}
